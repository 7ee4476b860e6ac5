// Fetching the proofs of a recorded part, and checking every one before it is written.
#include <filesystem>

#include "answer.h"
#include "bundle.h"
#include "files.h"
#include "issue.h"

namespace testamur::tool {
namespace {

constexpr std::uint32_t kPage = 1000;

class Collecting {
 public:
  Collecting(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context, const IssuePart& part)
      : wish_(wish),
        node_(node),
        policy_(policy),
        context_(context),
        part_(part),
        progress_(context, "proofs", part.documents.size()) {}

  std::optional<Failure> write_files() {
    for (std::uint32_t i = 0; i < part_.documents.size(); i += kPage) {
      const auto count = std::min<std::uint32_t>(kPage, static_cast<std::uint32_t>(part_.documents.size()) - i);
      const auto write = [&](std::uint32_t index, const Proof& proof) {
        const std::string path = wish_.proofs + "/" + part_.documents[index].name + ".proof";
        if (auto made = make_directory(std::filesystem::path(path).parent_path().string()); !made) return made;
        return write_file_unsynced(path, encode(with_document(proof, index)));
      };
      if (auto failure = fetch(i, count, write)) return failure;
    }
    return std::nullopt;
  }

  std::optional<Failure> write_bundle(const std::string& path) {
    const BundleHeader header{policy_.ledger, wish_.in, wish_.listed, part_.first,
                              static_cast<std::uint32_t>(part_.documents.size())};
    BundleWriter bundle(path, header, part_.documents);
    std::optional<Proof> shared;
    for (std::uint32_t i = 0; i < header.count; ++i) {
      // What a shared proof says of this number is its status bits, which proof_for reads; the salt and path are this batch's own,
      // and hash to the root in the statement that the shared proof was checked with.
      if (shared && proof_for(*shared, number(i))) {
        progress_.advance();
        continue;
      }
      const auto take = [&](std::uint32_t index, const Proof& proof) -> Result<void> {
        shared = proof;
        bundle.add(number(index), proof);
        return {};
      };
      if (auto failure = fetch(i, 1, take)) return failure;
    }
    if (auto finished = bundle.finish(); !finished) return failure_of(finished.error());
    return std::nullopt;
  }

  std::uint64_t not_good() const { return not_good_; }

 private:
  EntryNumber number(std::uint32_t index) const { return EntryNumber{part_.first.value + index}; }

  Proof with_document(Proof proof, std::uint32_t index) const {
    proof.entry->document =
        DocumentProof{wish_.listed ? std::nullopt : std::optional(part_.documents[index].salt), part_.tree.path(index)};
    return proof;
  }

  /// Fetches the proofs of `count` documents from `index` and hands each on once it holds, beginning again where the node falters.
  std::optional<Failure> fetch(std::uint32_t index, std::uint32_t count,
                               const std::function<Result<void>(std::uint32_t, const Proof&)>& use) {
    Patience patience(wish_.timeout_ms);
    const std::uint32_t end = index + count;
    while (index < end) {
      std::optional<Failure> failure;
      bool behind = false;
      const auto take = [&](EntryNumber at, ByteView bytes) {
        if (at != number(index)) {
          failure = Failure{
              kFailed, "malformed",
              "node " + node_.address() + ": expected the proof of number " + std::to_string(number(index).value)};
          return false;
        }
        failure = check_one(index, bytes, use, behind);
        if (failure || behind) return false;
        ++index;
        progress_.advance();
        return true;
      };
      const auto got = node_.get_proofs({wish_.in, number(index)}, end - index, false, take);
      if (failure) return failure;
      if (index == end) break;
      if (!got && !got.failure.transient) return unfinished(got.failure.code, got.failure.message);
      if (patience.is_over()) {
        return unfinished(
            got ? "unavailable" : got.failure.code,
            got ? "node " + node_.address() + ": the class is not under its certified head yet" : got.failure.message);
      }
      patience.pause();
    }
    return std::nullopt;
  }

  static Failure unfinished(const std::string& code, const std::string& message) {
    return {kFailed, code,
            "The class is recorded, but not all its proofs are here (" + message +
                "). Run the same command again, it goes on from there"};
  }

  std::optional<Failure> check_one(std::uint32_t index, ByteView bytes,
                                   const std::function<Result<void>(std::uint32_t, const Proof&)>& use, bool& behind) {
    auto proof = decode_proof(bytes);
    if (!proof) return failure_of(proof.error());
    if (!proof->entry) {
      behind = true;  // the statement is certified, so a node that says "not issued" has not come so far
      return std::nullopt;
    }
    Asked asked;
    asked.document = part_.documents[index].document;
    asked.expected = wish_.in;
    asked.now = context_.clock();
    const Answer answer = check(encode(with_document(*proof, index)), policy_, asked);
    const bool numbered = answer.finding.number == number(index);
    if (!is_answer(answer.verdict) || !answer.finding.document_checked || !numbered) {
      return Failure{kFailed, std::string(name(answer.verdict)),
                     "node " + node_.address() + ": the proof of number " + std::to_string(number(index).value) +
                         " does not hold. " + headline(answer)};
    }
    if (answer.verdict != Verdict::good) ++not_good_;
    if (auto used = use(index, *proof); !used) return failure_of(used.error());
    return std::nullopt;
  }

  const IssueWish& wish_;
  NodeClient& node_;
  const Policy& policy_;
  Context& context_;
  const IssuePart& part_;
  Progress progress_;
  std::uint64_t not_good_ = 0;
};

}  // namespace

std::optional<Failure> collect_proofs(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context,
                                      const IssuePart& part, const std::string& bundle, std::uint64_t& not_good) {
  Collecting collecting(wish, node, policy, context, part);
  auto failure = bundle.empty() ? collecting.write_files() : collecting.write_bundle(wish.proofs + "/" + bundle);
  not_good += collecting.not_good();
  return failure;
}

}  // namespace testamur::tool
