#include "issue.h"

#include <algorithm>

#include "earlier_classes.h"
#include "files.h"
#include "signers.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

/// What the proofs of the parts are called: bundles, or a file each where this is empty.
struct ProofNames {
  std::string bundle;
  std::size_t parts = 1;

  /// An only part's bundle has no number.
  std::string bundle_of(std::size_t part) const {
    if (bundle.empty()) return "";
    return bundle + (parts == 1 ? "" : "-" + std::to_string(part + 1)) + ".bundle";
  }
};

/// "class.bundle", unless an earlier class here has it.
Result<ProofNames> choose_names(const Pending& pending, std::size_t documents, std::size_t parts) {
  if (documents <= kMaxSingleProofs) return ProofNames{"", parts};
  const auto taken = pending.other_bundles();
  if (!taken) return taken.error();
  ProofNames names{"class", parts};
  const auto is_taken = [&](const std::string& name) { return name == "class.bundle" || name == "class-1.bundle"; };
  if (std::any_of(taken->begin(), taken->end(), is_taken)) names.bundle += "-" + pending.id();
  return names;
}

/// Proofs that are there already are the sign of a class that was issued: issuing it again would make new entries.
std::optional<Failure> check_not_issued(const IssueWish& wish, const Batch& batch, const ProofNames& names) {
  const auto refuse = [](const std::string& path) {
    return Failure{kFailed, "conflict",
                   path + ": expected no such file, found one, of what was issued under this name before; it is not " +
                       "overwritten. Give another directory with --proofs"};
  };
  if (!names.bundle.empty()) {
    const std::string path = wish.proofs + "/" + names.bundle_of(0);
    return exists(path) ? std::optional(refuse(path)) : std::nullopt;
  }
  for (const BatchDocument& document : batch.documents) {
    const std::string path = wish.proofs + "/" + document.name + ".proof";
    if (exists(path)) return refuse(path);
  }
  return std::nullopt;
}

/// What would make this class, which is not pending, one that must not be issued here.
std::optional<Failure> check_new(const IssueWish& wish, const Pending& pending, const Batch& batch,
                                 const ProofNames& names) {
  if (const auto others = pending.others(); !others.empty()) {
    return Failure{kFailed, "conflict",
                   others.front() +
                       ": expected no other class under way here. Finish it first: run its command again with "
                       "the same documents. Or give another directory with --proofs"};
  }
  if (!wish.again) {
    if (auto failure = check_not_issued_earlier(pending, batch.documents)) return failure;
  }
  return check_not_issued(wish, batch, names);
}

/// The batch that is pending for these documents, or a new one, which is on disk before anything is sent.
std::optional<Failure> settle_batch(const IssueWish& wish, const Pending& pending, Batch& batch,
                                    const ProofNames& names, bool& resumed) {
  resumed = pending.is_there();
  if (resumed) {
    const Hash id = batch_id(batch);
    batch.documents = {};  // a million names need not be in memory twice
    auto held = pending.load();
    if (!held) return failure_of(held.error());
    if (batch_id(*held) != id) {
      return Failure{kFailed, "corrupt", "the pending batch in " + wish.proofs + " is not of these documents"};
    }
    batch = std::move(*held);
    return std::nullopt;
  }
  if (auto failure = check_new(wish, pending, batch, names)) return failure;
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
  if (!batch.listed) commitments = {};
  return {index, documents, std::move(commitments), std::move(tree), {}};
}

std::size_t part_size(const IssueWish& wish) { return wish.listed ? kMaxListedBatch : kMaxBatch; }
std::size_t parts_of(const IssueWish& wish, const Batch& batch) {
  return (batch.documents.size() + part_size(wish) - 1) / part_size(wish);
}

/// What came of each row of the CSV, where that is asked for.
std::optional<Failure> write_result(const IssueWish& wish, const Pending& pending, const ClassRows& rows,
                                    const Issued& issued) {
  if (wish.csv.result.empty()) return std::nullopt;
  auto index = IssuedIndex::open(pending.index_path());
  if (!index) return failure_of(index.error());
  const auto proof_of = [&](EntryNumber number, std::string_view file) {
    return proof_path(wish.proofs, issued, number, file);
  };
  if (auto written = write_class_result(wish.csv.result, wish.in, rows, *index, proof_of); !written) {
    return failure_of(written.error());
  }
  return std::nullopt;
}

std::optional<Failure> check_register(const IssueWish& wish, Signers& signers, NodeClient& node, Context& context) {
  Patience patience(wish.timeout_ms);
  const auto now = retry(patience, [&] { return ask_register(node, wish.in); });
  if (!now) return failure_of(now.failure);
  if (auto failure = signers.read()) return failure;
  return check_signers(*now, signers, kUseIssue, context.clock());
}

bool by_document(const NumberedDocument& a, const NumberedDocument& b) { return a.document < b.document; }

}  // namespace

std::string proof_path(const std::string& proofs, const Issued& issued, EntryNumber number, std::string_view file) {
  for (const Issued::Part& part : issued.parts) {
    const bool within = part.first <= number && number.value - part.first.value < part.count;
    if (within && !part.bundle.empty()) return proofs + "/" + part.bundle;
  }
  return proofs + "/" + std::string(file) + ".proof";
}

std::optional<Failure> read_class(const IssueWish& wish, const Hash& ledger, Context& context, ClassRead& read) {
  read.batch = {ledger, wish.in, wish.listed, {}};
  Progress progress(context, "reading", 0);
  const auto count = [&](std::size_t total) { progress.advance(1, total); };
  if (!wish.csv.path.empty()) {
    CsvClass csv;
    if (auto failure = read_class_csv(wish.csv, wish.paths, count, csv)) return failure;
    read.batch.documents = std::move(csv.documents);
    read.table = std::move(csv.table);
    if (!wish.csv.result.empty() || wish.csv.more.take) read.rows = std::move(csv.rows);
    return std::nullopt;
  }
  auto documents = read_documents(wish.paths, wish.proofs, count);
  if (!documents) return failure_of(documents.error());
  read.hidden = documents->hidden;
  read.batch.documents = std::move(documents->documents);
  return std::nullopt;
}

std::optional<Failure> check_class(const IssueWish& wish, const ClassRead& read, IssueReport& report) {
  const Pending pending(wish.proofs, batch_id(read.batch));
  const auto before = pending.issued();
  if (!before) return failure_of(before.error());
  report.hidden = read.hidden;
  report.checked = read.batch.documents.size();
  report.resumed = pending.is_there();
  report.done_before = *before && !report.resumed;
  if (report.done_before || report.resumed) return std::nullopt;
  const auto names = choose_names(pending, read.batch.documents.size(), parts_of(wish, read.batch));
  if (!names) return failure_of(names.error());
  return check_new(wish, pending, read.batch, *names);
}

std::optional<Failure> check_issue(const IssueWish& wish, Signers& signers, NodeClient* node, const Policy& policy,
                                   Context& context, IssueReport& report) {
  ClassRead read;
  if (auto failure = read_class(wish, policy.ledger, context, read)) return failure;
  if (auto failure = check_class(wish, read, report)) return failure;
  return node == nullptr ? std::nullopt : check_register(wish, signers, *node, context);
}

std::optional<Failure> find_numbers(const IssueWish& wish, const Batch& batch, Signers& signers, NodeClient& node,
                                    const Policy& policy, Context& context, std::vector<NumberedDocument>& numbers) {
  numbers.clear();
  const Pending pending(wish.proofs, batch_id(batch));
  if (!pending.is_there()) {
    const auto before = pending.issued();
    if (!before) return failure_of(before.error());
    if (!*before) return std::nullopt;
    auto index = IssuedIndex::open(pending.index_path());
    if (!index) return failure_of(index.error());
    auto all = index->all();
    if (!all) return failure_of(all.error());
    numbers = std::move(*all);
    return std::nullopt;
  }
  const auto held = pending.load();
  if (!held) return failure_of(held.error());
  for (std::size_t i = 0; i < parts_of(wish, *held); ++i) {
    IssuePart part = make_part(*held, i, part_size(wish));
    bool found = false;
    if (auto failure = find_part(wish, node, policy, *held, pending, signers, context, part, found)) return failure;
    if (!found) {
      numbers.clear();
      return std::nullopt;
    }
    for (std::size_t at = 0; at < part.documents.size(); ++at) {
      numbers.push_back({part.documents[at].document, EntryNumber{part.first.value + at}});
    }
  }
  std::sort(numbers.begin(), numbers.end(), by_document);
  return std::nullopt;
}

std::optional<Failure> issue(const IssueWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, IssueReport& report) {
  const auto lock = lock_proofs(wish.proofs);
  if (!lock) return failure_of(lock.error());
  ClassRead read;
  if (auto failure = read_class(wish, policy.ledger, context, read)) return failure;
  if (auto failure = issue_class(wish, std::move(read), signers, node, policy, context, report)) return failure;
  if (!report.put_up) return std::nullopt;
  PutUp& put_up = *report.put_up;
  Prepared& prepared = report.prepared.emplace();
  prepared.entries = put_up.entries;
  prepared.first = put_up.first;
  if (put_up.statements.empty()) return std::nullopt;
  return write_prepared(wish.prepare, put_up.now, std::move(put_up.statements), signers, context.clock(), prepared);
}

std::optional<Failure> issue_class(const IssueWish& wish, ClassRead read, Signers& signers, NodeClient& node,
                                   const Policy& policy, Context& context, IssueReport& report) {
  Batch& batch = read.batch;
  report.hidden = read.hidden;
  const std::size_t parts = parts_of(wish, batch);
  const Pending pending(wish.proofs, batch_id(batch));
  const auto before = pending.issued();
  if (!before) return failure_of(before.error());
  report.index = pending.index_path();
  if (*before && !pending.is_there()) {
    report.issued = **before;
    report.done_before = true;
    return write_result(wish, pending, read.rows, report.issued);
  }
  const auto names = choose_names(pending, batch.documents.size(), parts);
  if (!names) return failure_of(names.error());
  if (auto failure = settle_batch(wish, pending, batch, *names, report.resumed)) return failure;
  if (!wish.prepare.empty()) {
    PutUp& put_up = report.put_up.emplace();
    auto failure = prepare_class(
        wish, node, policy, batch, pending, signers, context, parts,
        [&](std::size_t part) { return make_part(batch, part, part_size(wish)); }, put_up);
    std::sort(put_up.numbers.begin(), put_up.numbers.end(), by_document);
    return failure;
  }
  for (std::size_t i = 0; i < parts; ++i) {
    IssuePart part = make_part(batch, i, part_size(wish));
    if (auto failure = record_part(wish, node, policy, batch, pending, signers, context, part)) return failure;
    const std::string bundle = names->bundle_of(i);
    if (auto failure = collect_proofs(wish, node, policy, context, part, bundle, report.not_good)) return failure;
    report.issued.parts.push_back({part.first, static_cast<std::uint32_t>(part.documents.size()), bundle});
  }
  // The proofs hold the salts from here on: they are on disk before the batch goes.
  if (auto synced = sync_file_system(wish.proofs); !synced) return failure_of(synced.error());
  if (auto finished = pending.finish(batch, report.issued); !finished) return failure_of(finished.error());
  return write_result(wish, pending, read.rows, report.issued);
}

Result<DirectoryLock> lock_proofs(const std::string& directory) {
  // Proofs hold salts: a new directory is its owner's alone.
  if (auto made = make_directory(directory, 0700); !made) return made.error();
  // Two runs of one command would each have salts of its own, and one's would be lost.
  return DirectoryLock::take(directory);
}

}  // namespace testamur::tool
