#include "refresh.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "batch_tree.h"
#include "bundle.h"
#include "files.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

Status status_of(const FreshProof& fresh) { return chunk_status(fresh.proof.entry->chunk, fresh.proof.number); }

/// A file keeps the rights it has.
unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777u : 0600u;
}

class Refreshing {
 public:
  Refreshing(const Policy& policy, FreshProofs& node, Context& context, RefreshReport& report)
      : policy_(policy), node_(node), context_(context), report_(report) {}

  void run(const std::vector<std::string>& files) {
    Progress progress(context_, "refreshing", files.size());
    for (const std::string& path : files) {
      RefreshReport::File file{path, {}, {}, Verdict::good, 1};
      file.failure = is_bundle(path) ? refresh_bundle(file) : refresh_file(file);
      if (file.failure) ++report_.failed;
      report_.files.push_back(std::move(file));
      progress.advance();
    }
  }

 private:
  std::optional<Failure> check_ledger(const std::string& path, const Hash& ledger) const {
    if (ledger == policy_.ledger) return std::nullopt;
    return Failure{kFailed, "wrong_ledger", path + ": expected a proof of the policy's ledger, " + policy_.origin};
  }

  std::optional<Failure> refresh_file(RefreshReport::File& file) {
    const auto bytes = read_file(file.path, kMaxProofBytes);
    if (!bytes) return failure_of(bytes.error());
    const auto held = decode_proof(*bytes);
    if (!held) return Failure{kFailed, "malformed_proof", file.path + ": " + held.error().message};
    if (auto failure = check_ledger(file.path, held->ledger)) return failure;
    FreshWish wish{{{held->record.institution, held->record.name}, held->number}, {}, {}, {}, held->size};
    if (held->entry) {
      wish.tie = held->entry->document;
      wish.statement = held->entry->statement;
    }
    FreshProof fresh;
    if (auto failure = node_.fetch(wish, context_.clock(), fresh)) return failure;
    // Through a link the file is replaced, not the link.
    std::error_code error;
    const fs::path real = fs::canonical(file.path, error);
    const std::string target = error ? file.path : real.string();
    if (auto written = write_file(target, encode(fresh.proof), Existing::replace, mode_of(target)); !written) {
      return failure_of(written.error());
    }
    file.entry = wish.entry;
    file.verdict = fresh.answer.verdict;
    ++report_.by_status[static_cast<std::size_t>(status_of(fresh))];
    return std::nullopt;
  }

  std::optional<Failure> refresh_bundle(RefreshReport::File& file) {
    const auto bundle = read_bundle(file.path);
    if (!bundle) return failure_of(bundle.error());
    if (auto failure = check_ledger(file.path, bundle->header.ledger)) return failure;
    std::array<std::uint64_t, 4> by_status{};
    std::uint64_t erased = 0;
    BundleWriter writer(file.path, bundle->header, bundle->documents);
    auto failure = fetch_bundle(*bundle, writer, by_status, erased);
    if (!failure) {
      if (auto finished = writer.finish(); !finished) failure = failure_of(finished.error());
    }
    if (failure) {
      std::error_code ignored;
      fs::remove(file.path + ".partial", ignored);
      return failure;
    }
    file.entries = bundle->documents.size();
    for (std::size_t i = 0; i < by_status.size(); ++i) report_.by_status[i] += by_status[i];
    report_.erased += erased;
    return std::nullopt;
  }

  /// Fetches one proof for each chunk, and one for each entry that the proof before it does not serve.
  std::optional<Failure> fetch_bundle(const Bundle& bundle, BundleWriter& writer,
                                      std::array<std::uint64_t, 4>& by_status, std::uint64_t& erased) {
    const BundleHeader& header = bundle.header;
    std::vector<Hash> commitments;
    commitments.reserve(bundle.documents.size());
    for (const BatchDocument& entry : bundle.documents) commitments.push_back(commitment_of(entry, header.listed));
    const BatchTree tree(commitments);
    Progress progress(context_, "entries", header.count);
    std::optional<Proof> shared;
    for (std::uint32_t i = 0; i < header.count; ++i) {
      const BatchDocument& entry = bundle.documents[i];
      progress.advance();
      if (entry.is_erased()) {
        ++erased;
        continue;
      }
      if (shared && serves(*shared, bundle.number(i))) {
        ++by_status[static_cast<std::size_t>(Status::good)];
        continue;
      }
      const auto held = proof_in(bundle, i);
      if (!held) return failure_of(held.error());
      FreshWish wish{{header.in, bundle.number(i)}, entry.document, {}, held->entry->statement, held->size};
      wish.tie = document_proof(entry, header.listed, tree.path(i));
      FreshProof fresh;
      if (auto failure = node_.fetch(wish, context_.clock(), fresh)) return failure;
      ++by_status[static_cast<std::size_t>(status_of(fresh))];
      fresh.proof.entry->document.reset();
      writer.add(bundle.number(i), fresh.proof);
      shared = std::move(fresh.proof);
    }
    return std::nullopt;
  }

  const Policy& policy_;
  FreshProofs& node_;
  Context& context_;
  RefreshReport& report_;
};

}  // namespace

Result<std::vector<std::string>> list_proofs(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    fs::recursive_directory_iterator it(path, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      const std::string ending = it->path().extension().string();
      if (it->is_regular_file(ignored) && (ending == ".proof" || ending == ".bundle")) {
        out.push_back(it->path().string());
      }
    }
    if (error) return Error{ErrorCode::storage, path + ": reading the directory failed: " + error.message()};
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) return Error{ErrorCode::not_found, paths.front() + ": expected proofs or bundles, found none"};
  return out;
}

void refresh(const std::vector<std::string>& files, const Policy& policy, FreshProofs& node, Context& context,
             RefreshReport& report) {
  Refreshing(policy, node, context, report).run(files);
}

}  // namespace testamur::tool
