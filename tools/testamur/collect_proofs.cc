// Fetching the proofs of a recorded part, and checking every one before it is written.
#include <algorithm>
#include <filesystem>

#include "answer.h"
#include "bundle.h"
#include "checked_signatures.h"
#include "files.h"
#include "issue.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

constexpr std::uint32_t kPage = 1000;

class Collecting {
 public:
  Collecting(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context, IssuePart& part)
      : wish_(wish),
        node_(node),
        policy_(policy),
        context_(context),
        part_(part),
        progress_(context, "proofs", part.documents.size()) {}

  std::optional<Failure> write_files() {
    for (std::uint32_t i = 0; i < size(); i += kPage) {
      const auto write = [&](std::uint32_t index, const Proof& proof) -> Result<bool> {
        const auto document = part_.documents.document(index);
        if (!document) return document.error();
        const std::string path = wish_.proofs + "/" + (*document)->name + ".proof";
        if (auto made = make_directory(std::filesystem::path(path).parent_path().string()); !made) return made.error();
        const auto whole = with_document(proof, index);
        if (!whole) return whole.error();
        if (auto written = write_file_unsynced(path, encode(*whole)); !written) return written.error();
        progress_.advance();
        return true;
      };
      Range range{i, std::min(size() - i, kPage), 1};
      if (auto failure = fetch(range, write)) return failure;
    }
    return std::nullopt;
  }

  /// One proof a status chunk is asked for, in one stream. Where it does not serve the whole chunk, the rest of the chunk is asked for
  /// singly, and the stream begins again after it.
  std::optional<Failure> write_bundle(const std::string& path) {
    const BundleHeader header{policy_.ledger, wish_.in, wish_.listed, part_.first, size()};
    BundleWriter bundle(path, header, part_.documents.has_erased());
    for (std::uint32_t i = 0; i < size(); ++i) {
      const auto document = part_.documents.document(i);
      if (!document) return failure_of(document.error());
      bundle.add(**document);
    }
    std::uint32_t done = 0;  // documents before this one are served
    while (done < size()) {
      // A class may begin inside a chunk: then its first proof goes by itself.
      const bool at_edge = number(done).value % kChunkEntries == 0;
      const std::uint32_t chunks = (size() - done + kChunk - 1) / kChunk;
      Range range{done, at_edge ? chunks : 1, kChunk};
      const auto take = [&](std::uint32_t index, const Proof& proof) -> Result<bool> {
        bundle.add(number(index), proof);
        done = served_to(proof, index);
        progress_.advance(done - index);
        return done == chunk_end(index);
      };
      if (auto failure = fetch(range, take)) return failure;
      if (done < size() && number(done).value % kChunkEntries != 0) {
        if (auto failure = add_singly(bundle, done)) return failure;
      }
    }
    if (auto finished = bundle.finish(); !finished) return failure_of(finished.error());
    return std::nullopt;
  }

  std::uint64_t not_good() const { return not_good_; }

 private:
  static constexpr auto kChunk = static_cast<std::uint32_t>(kChunkEntries);

  /// Documents `first`, `first` + `step`, ...: `count` of them.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t step = 1;
  };
  /// Does something with a proof that holds, and says whether to go on.
  using UseProof = std::function<Result<bool>(std::uint32_t index, const Proof& proof)>;

  std::uint32_t size() const { return part_.documents.size(); }
  EntryNumber number(std::uint32_t index) const { return EntryNumber{part_.first.value + index}; }
  /// The document after the last one whose number is in the same chunk.
  std::uint32_t chunk_end(std::uint32_t index) const {
    const std::uint64_t left = kChunkEntries - number(index).value % kChunkEntries;
    return index + static_cast<std::uint32_t>(std::min<std::uint64_t>(left, size() - index));
  }
  /// The first document after `index` that this proof, of `index`, does not serve. What a shared proof says of another number is
  /// its status bits, which `serves` reads; the salt and path are this batch's own, and hash to the root in the statement that
  /// the shared proof was checked with.
  std::uint32_t served_to(const Proof& proof, std::uint32_t index) const {
    const std::uint32_t end = chunk_end(index);
    for (++index; index < end && serves(proof, number(index));) ++index;
    return index;
  }

  /// The rest of a chunk that one proof does not serve, as few proofs as do.
  std::optional<Failure> add_singly(BundleWriter& bundle, std::uint32_t& done) {
    const auto take = [&](std::uint32_t index, const Proof& proof) -> Result<bool> {
      if (index < done) return true;  // the one before serves it
      bundle.add(number(index), proof);
      done = served_to(proof, index);
      progress_.advance(done - index);
      return true;
    };
    return fetch({done, chunk_end(done) - done, 1}, take);
  }

  Result<Proof> with_document(Proof proof, std::uint32_t index) {
    auto path = part_.documents.path(index);
    if (!path) return path.error();
    const auto document = part_.documents.document(index);
    if (!document) return document.error();
    proof.entry->document = document_proof(**document, wish_.listed, std::move(*path));
    return proof;
  }

  /// Fetches the range's proofs and hands each on once it holds, beginning again where the node falters, until all are there or
  /// `use` says that it is enough.
  std::optional<Failure> fetch(Range range, const UseProof& use) {
    Patience patience(wish_.timeout_ms);
    while (range.count > 0) {
      std::optional<Failure> failure;
      Step step = Step::next;
      const auto take = [&](EntryNumber at, ByteView bytes) {
        if (at != number(range.first)) {
          failure = Failure{kFailed, "malformed",
                            "node " + node_.address() + ": expected the proof of number " +
                                std::to_string(number(range.first).value)};
          return false;
        }
        failure = check_one(range.first, bytes, use, step);
        if (failure || step == Step::behind) return false;
        range.first += range.step;
        --range.count;
        patience = Patience(wish_.timeout_ms);
        return step == Step::next;
      };
      const auto got = node_.get_proofs({wish_.in, number(range.first)}, range.count, false, take, {}, range.step);
      if (failure) return failure;
      if (range.count == 0 || step == Step::enough) break;
      if (!got && !got.failure.transient) return unfinished(got.failure.code, got.failure.message);
      if (patience.is_over()) {
        return unfinished(
            got ? "unavailable" : got.failure.code,
            got ? "node " + node_.address() + ": the class is not under its certified head yet" : got.failure.message);
      }
      if (got) node_.turn();  // it is behind, or ended early; another may not be
      patience.pause();
    }
    return std::nullopt;
  }

  static Failure unfinished(const std::string& code, const std::string& message) {
    return {kFailed, code,
            "The class is recorded, but not all its proofs are here (" + message +
                "). Run the same command again, it goes on from there"};
  }

  enum class Step { next, enough, behind };

  std::optional<Failure> check_one(std::uint32_t index, ByteView bytes, const UseProof& use, Step& step) {
    auto proof = decode_proof(bytes);
    if (!proof) return failure_of(proof.error());
    if (!proof->entry) {
      step = Step::behind;  // the statement is certified, so a node that says "not issued" has not come so far
      return std::nullopt;
    }
    Asked asked;
    const auto document = part_.documents.document(index);
    if (!document) return failure_of(document.error());
    asked.document = (*document)->document;
    asked.expected = wish_.in;
    asked.now = context_.clock();
    const auto whole = with_document(*proof, index);
    if (!whole) return failure_of(whole.error());
    const Answer answer = check(encode(*whole), policy_, asked, std::ref(signatures_));
    const bool numbered = answer.finding.number == number(index);
    if (!is_answer(answer.verdict) || !answer.finding.document_checked || !numbered) {
      return Failure{kFailed, std::string(name(answer.verdict)),
                     "node " + node_.address() + ": the proof of number " + std::to_string(number(index).value) +
                         " does not hold. " + headline(answer)};
    }
    if (answer.verdict != Verdict::good) ++not_good_;
    const auto used = use(index, *proof);
    if (!used) return failure_of(used.error());
    step = *used ? Step::next : Step::enough;
    return std::nullopt;
  }

  const IssueWish& wish_;
  NodeClient& node_;
  const Policy& policy_;
  Context& context_;
  IssuePart& part_;
  Progress progress_;
  CheckedSignatures signatures_;
  std::uint64_t not_good_ = 0;
};

}  // namespace

std::optional<Failure> collect_proofs(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context,
                                      IssuePart& part, const std::string& bundle, std::uint64_t& not_good) {
  Collecting collecting(wish, node, policy, context, part);
  auto failure = bundle.empty() ? collecting.write_files() : collecting.write_bundle(wish.proofs + "/" + bundle);
  not_good += collecting.not_good();
  return failure;
}

}  // namespace testamur::tool
