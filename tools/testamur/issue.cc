#include "issue.h"

#include <algorithm>

#include "files.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

Result<Batch> read_batch(const IssueWish& wish, const Hash& ledger, Context& context, std::uint64_t& hidden) {
  Progress progress(context, "reading", 0);
  auto read = read_documents(wish.paths, wish.proofs, [&] { progress.advance(); });
  if (!read) return read.error();
  hidden = read->hidden;
  return Batch{ledger, wish.in, wish.listed, std::move(read->documents)};
}

/// Where the part's proofs go; empty: to a file each. An only part's bundle has no number.
std::string bundle_name(std::size_t documents, std::size_t part, std::size_t parts) {
  if (documents <= kMaxSingleProofs) return "";
  return "class" + (parts == 1 ? "" : "-" + std::to_string(part + 1)) + ".bundle";
}

/// Proofs that are there already are the sign of a class that was issued: issuing it again would make new entries.
std::optional<Failure> check_not_issued(const IssueWish& wish, const Batch& batch, std::size_t parts) {
  const auto refuse = [](const std::string& path) {
    return Failure{kFailed, "conflict",
                   path + ": expected no proofs of this class, found one: it was issued already. To issue " +
                       "other documents, give another directory with --proofs"};
  };
  if (batch.documents.size() > kMaxSingleProofs) {
    const std::string path = wish.proofs + "/" + bundle_name(batch.documents.size(), 0, parts);
    return exists(path) ? std::optional(refuse(path)) : std::nullopt;
  }
  for (const BatchDocument& document : batch.documents) {
    const std::string path = wish.proofs + "/" + document.name + ".proof";
    if (exists(path)) return refuse(path);
  }
  return std::nullopt;
}

/// The batch that is pending for these documents, or a new one, which is on disk before anything is sent.
std::optional<Failure> settle_batch(const IssueWish& wish, const Pending& pending, Batch& batch, std::size_t parts,
                                    bool& resumed) {
  resumed = pending.is_there();
  if (resumed) {
    auto held = pending.load();
    if (!held) return failure_of(held.error());
    if (batch_id(*held) != batch_id(batch)) {
      return Failure{kFailed, "corrupt", "the pending batch in " + wish.proofs + " is not of these documents"};
    }
    batch = std::move(*held);
    return std::nullopt;
  }
  if (const auto others = pending.others(); !others.empty()) {
    return Failure{kFailed, "conflict",
                   others.front() +
                       ": expected no other class under way here. Finish it first: run its command again with "
                       "the same documents. Or give another directory with --proofs"};
  }
  if (auto refused = check_not_issued(wish, batch, parts)) return refused;
  if (!wish.listed) add_salts(batch);
  if (!wish.keep_order) shuffle(batch);
  if (auto stored = pending.store(batch); !stored) return failure_of(stored.error());
  return std::nullopt;
}

IssuePart make_part(const Batch& batch, std::size_t index, std::size_t most) {
  const std::size_t first = index * most;
  const auto documents = std::span(batch.documents).subspan(first, std::min(most, batch.documents.size() - first));
  std::vector<Hash> commitments;
  commitments.reserve(documents.size());
  for (const BatchDocument& document : documents) commitments.push_back(commitment_of(document, batch.listed));
  BatchTree tree(commitments);
  return {index, documents, std::move(commitments), std::move(tree), {}};
}

}  // namespace

std::optional<Failure> issue(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context,
                             IssueReport& report) {
  // Proofs hold salts: a new directory is its owner's alone.
  if (auto made = make_directory(wish.proofs, 0700); !made) return failure_of(made.error());
  auto batch = read_batch(wish, policy.ledger, context, report.hidden);
  if (!batch) return failure_of(batch.error());
  const std::size_t most = wish.listed ? kMaxListedBatch : kMaxBatch;
  const std::size_t parts = (batch->documents.size() + most - 1) / most;
  const Pending pending(wish.proofs, batch_id(*batch));
  const auto before = pending.issued();
  if (!before) return failure_of(before.error());
  if (*before && !pending.is_there()) {
    report.issued = **before;
    report.done_before = true;
    return std::nullopt;
  }
  if (auto failure = settle_batch(wish, pending, *batch, parts, report.resumed)) return failure;
  for (std::size_t i = 0; i < parts; ++i) {
    IssuePart part = make_part(*batch, i, most);
    if (auto failure = record_part(wish, node, policy, *batch, pending, context, part)) return failure;
    const std::string bundle = bundle_name(batch->documents.size(), i, parts);
    if (auto failure = collect_proofs(wish, node, policy, context, part, bundle, report.not_good)) return failure;
    report.issued.parts.push_back({part.first, static_cast<std::uint32_t>(part.documents.size()), bundle});
  }
  // The proofs hold the salts from here on: they are on disk before the batch goes.
  if (auto synced = sync_file_system(wish.proofs); !synced) return failure_of(synced.error());
  if (auto finished = pending.finish(wish.in, report.issued); !finished) return failure_of(finished.error());
  return std::nullopt;
}

}  // namespace testamur::tool
