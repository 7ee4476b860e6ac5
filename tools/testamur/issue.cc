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
Result<ProofNames> choose_names(const Pending& pending, std::uint64_t documents, bool listed) {
  const std::size_t parts = parts_of(listed, documents);
  if (documents <= kMaxSingleProofs) return ProofNames{"", parts};
  const auto taken = pending.other_bundles();
  if (!taken) return taken.error();
  ProofNames names{"class", parts};
  const auto is_taken = [&](const std::string& name) { return name == "class.bundle" || name == "class-1.bundle"; };
  if (std::any_of(taken->begin(), taken->end(), is_taken)) names.bundle += "-" + pending.id();
  return names;
}

/// Proofs that are there already are the sign of a class that was issued: issuing it again would make new entries.
std::optional<Failure> check_not_issued(const IssueWish& wish, ClassDocuments& documents, const ProofNames& names) {
  const auto refuse = [](const std::string& path) {
    return Failure{kFailed, "conflict",
                   path + ": expected no such file, found one, of what was issued under this name before; it is not " +
                       "overwritten. Give another directory with --proofs"};
  };
  if (!names.bundle.empty()) {
    const std::string path = wish.proofs + "/" + names.bundle_of(0);
    return exists(path) ? std::optional(refuse(path)) : std::nullopt;
  }
  DocumentCursor cursor = documents.in_order();
  for (ClassDocument document;;) {
    const auto more = cursor.next(document);
    if (!more) return failure_of(more.error());
    if (!*more) return std::nullopt;
    const std::string path = wish.proofs + "/" + document.name + ".proof";
    if (exists(path)) return refuse(path);
  }
}

/// What would make this class, which is not pending, one that must not be issued here.
std::optional<Failure> check_new(const IssueWish& wish, const Pending& pending, ClassDocuments& documents,
                                 const ProofNames& names) {
  if (const auto others = pending.others(); !others.empty()) {
    return Failure{kFailed, "conflict",
                   others.front() +
                       ": expected no other class under way here. Finish it first: run its command again with "
                       "the same documents. Or give another directory with --proofs"};
  }
  if (!wish.again) {
    if (auto failure = check_not_issued_earlier(pending, documents)) return failure;
  }
  return check_not_issued(wish, documents, names);
}

/// That the batch that is pending is of these documents.
std::optional<Failure> check_pending(const IssueWish& wish, const Pending& pending, const ClassRead& read) {
  auto held = pending.load();
  if (!held) return failure_of(held.error());
  ClassDocuments documents(read.documents.directory());
  for (std::uint32_t i = 0; i < held->count(); ++i) {
    const auto document = held->next();
    if (!document) return failure_of(document.error());
    documents.put({document->document, i, 0, document->name, {}});
  }
  if (auto sorted = documents.sort([](const auto&, const auto&) {}); !sorted) return failure_of(sorted.error());
  const auto id = batch_id(held->head(), documents);
  if (!id) return failure_of(id.error());
  if (*id == read.id) return std::nullopt;
  return Failure{kFailed, "corrupt", "the pending batch in " + wish.proofs + " is not of these documents"};
}

/// The batch that is pending for these documents, or a new one, is on disk before anything is sent.
std::optional<Failure> settle_batch(const IssueWish& wish, const Pending& pending, ClassRead& read,
                                    const ProofNames& names, bool& resumed) {
  resumed = pending.is_there();
  if (resumed) return check_pending(wish, pending, read);
  if (auto failure = check_new(wish, pending, read.documents, names)) return failure;
  const auto count = static_cast<std::uint32_t>(read.documents.count());
  const auto put_all = [&](const PutDocument& put) {
    return make_batch(read.documents, wish.listed, wish.keep_order, put);
  };
  if (auto stored = pending.store(read.head, count, put_all); !stored) return failure_of(stored.error());
  return std::nullopt;
}

std::uint32_t part_size(bool listed) { return static_cast<std::uint32_t>(listed ? kMaxListedBatch : kMaxBatch); }

/// What came of each row of the CSV, where that is asked for.
std::optional<Failure> write_result(const IssueWish& wish, const Pending& pending, ClassRead& read,
                                    const Issued& issued) {
  if (wish.csv.result.empty()) return std::nullopt;
  auto index = IssuedIndex::open(pending.index_path());
  if (!index) return failure_of(index.error());
  const auto proof_of = [&](EntryNumber number, std::string_view file) {
    return proof_path(wish.proofs, issued, number, file);
  };
  if (auto written = write_class_result(wish.csv.result, wish.in, read.documents, *index, proof_of); !written) {
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

/// Each part onto the ledger, and its proofs into the directory.
std::optional<Failure> issue_parts(const IssueWish& wish, BatchFile& batch, const Pending& pending,
                                   const ProofNames& names, Signers& signers, NodeClient& node, const Policy& policy,
                                   Context& context, IssueReport& report) {
  const BatchHead& head = batch.head();
  for (std::size_t i = 0; i < names.parts; ++i) {
    auto part = next_part(batch, i);
    if (!part) return failure_of(part.error());
    const BatchFile::Place after = batch.place();
    if (auto failure = record_part(wish, node, policy, head, pending, signers, context, *part)) return failure;
    const std::string bundle = names.bundle_of(i);
    if (auto failure = collect_proofs(wish, node, policy, context, *part, bundle, report.not_good)) return failure;
    report.issued.parts.push_back({part->first, part->documents.size(), bundle});
    if (auto gone = batch.go_to(after); !gone) return failure_of(gone.error());
  }
  return std::nullopt;
}

}  // namespace

std::size_t parts_of(bool listed, std::uint64_t documents) {
  return static_cast<std::size_t>((documents + part_size(listed) - 1) / part_size(listed));
}

Result<IssuePart> next_part(BatchFile& batch, std::size_t index) {
  auto documents =
      BatchPart::read(batch, std::min(batch.count() - batch.place().index, part_size(batch.head().listed)));
  if (!documents) return documents.error();
  IssuePart out{index, std::move(*documents), {}, {}};
  if (!batch.head().listed) return out;
  auto commitments = out.documents.commitments();
  if (!commitments) return commitments.error();
  out.commitments = std::move(*commitments);
  return out;
}

std::string proof_path(const std::string& proofs, const Issued& issued, EntryNumber number, std::string_view file) {
  for (const Issued::Part& part : issued.parts) {
    const bool within = part.first <= number && number.value - part.first.value < part.count;
    if (within && !part.bundle.empty()) return proofs + "/" + part.bundle;
  }
  return proofs + "/" + std::string(file) + ".proof";
}

std::optional<Failure> read_class(const IssueWish& wish, const Hash& ledger, Context& context, ClassRead& read) {
  read.head = {ledger, wish.in, wish.listed};
  Progress progress(context, "reading", 0);
  const auto count = [&](std::size_t total) { progress.advance(1, total); };
  if (wish.csv.path.empty()) {
    auto documents = read_documents(wish.paths, wish.proofs, wish.proofs, count);
    if (!documents) return failure_of(documents.error());
    read.hidden = documents->hidden;
    read.documents = std::move(documents->documents);
  } else {
    CsvClass csv;
    if (auto failure = read_class_csv(wish.csv, wish.paths, wish.proofs, count, csv)) return failure;
    read.documents = std::move(csv.documents);
    read.table = std::move(csv.table);
  }
  const auto id = batch_id(read.head, read.documents);
  if (!id) return failure_of(id.error());
  read.id = *id;
  return std::nullopt;
}

std::optional<Failure> check_class(const IssueWish& wish, ClassRead& read, IssueReport& report) {
  const Pending pending(wish.proofs, read.id);
  const auto before = pending.issued();
  if (!before) return failure_of(before.error());
  report.hidden = read.hidden;
  report.checked = read.documents.count();
  report.resumed = pending.is_there();
  report.done_before = *before && !report.resumed;
  if (report.done_before || report.resumed) return std::nullopt;
  const auto names = choose_names(pending, read.documents.count(), wish.listed);
  if (!names) return failure_of(names.error());
  return check_new(wish, pending, read.documents, *names);
}

std::optional<Failure> check_issue(const IssueWish& wish, Signers& signers, NodeClient* node, const Policy& policy,
                                   Context& context, IssueReport& report) {
  ClassRead read;
  if (auto failure = read_class(wish, policy.ledger, context, read)) return failure;
  if (auto failure = check_class(wish, read, report)) return failure;
  return node == nullptr ? std::nullopt : check_register(wish, signers, *node, context);
}

Result<std::vector<NumberedDocument>> read_numbers(BatchFile& batch, std::span<const Issued::Part> parts) {
  std::vector<NumberedDocument> out;
  out.reserve(batch.count());
  auto read = each_numbered(batch, parts, [&](const NumberedDocument& document) { out.push_back(document); });
  if (!read) return read.error();
  std::sort(out.begin(), out.end(),
            [](const NumberedDocument& a, const NumberedDocument& b) { return a.document < b.document; });
  return out;
}

std::optional<Failure> find_numbers(const IssueWish& wish, const Hash& batch_id, Signers& signers, NodeClient& node,
                                    const Policy& policy, Context& context, std::vector<NumberedDocument>& numbers) {
  numbers.clear();
  const Pending pending(wish.proofs, batch_id);
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
  auto held = pending.load();
  if (!held) return failure_of(held.error());
  const BatchHead& head = held->head();
  std::vector<Issued::Part> parts;
  for (std::size_t i = 0; i < parts_of(head.listed, held->count()); ++i) {
    auto part = next_part(*held, i);
    if (!part) return failure_of(part.error());
    bool found = false;
    if (auto failure = find_part(wish, node, policy, head, pending, signers, context, *part, found)) return failure;
    if (!found) return std::nullopt;
    parts.push_back({part->first, part->documents.size(), ""});
  }
  auto all = read_numbers(*held, parts);
  if (!all) return failure_of(all.error());
  numbers = std::move(*all);
  return std::nullopt;
}

std::optional<Failure> issue(const IssueWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, IssueReport& report) {
  const auto lock = lock_proofs(wish.proofs);
  if (!lock) return failure_of(lock.error());
  ClassRead read;
  if (auto failure = read_class(wish, policy.ledger, context, read)) return failure;
  if (auto failure = issue_class(wish, read, signers, node, policy, context, report)) return failure;
  if (!report.put_up) return std::nullopt;
  PutUp& put_up = *report.put_up;
  Prepared& prepared = report.prepared.emplace();
  prepared.entries = put_up.entries;
  prepared.first = put_up.first;
  if (put_up.statements.empty()) return std::nullopt;
  return write_prepared(wish.prepare, put_up.now, std::move(put_up.statements), signers, context.clock(), prepared);
}

std::optional<Failure> issue_class(const IssueWish& wish, ClassRead& read, Signers& signers, NodeClient& node,
                                   const Policy& policy, Context& context, IssueReport& report) {
  report.hidden = read.hidden;
  const Pending pending(wish.proofs, read.id);
  const auto before = pending.issued();
  if (!before) return failure_of(before.error());
  report.index = pending.index_path();
  if (*before && !pending.is_there()) {
    report.issued = **before;
    report.done_before = true;
    return write_result(wish, pending, read, report.issued);
  }
  const auto names = choose_names(pending, read.documents.count(), wish.listed);
  if (!names) return failure_of(names.error());
  if (auto failure = settle_batch(wish, pending, read, *names, report.resumed)) return failure;
  auto batch = pending.load();
  if (!batch) return failure_of(batch.error());
  if (!wish.prepare.empty()) {
    PutUp& put_up = report.put_up.emplace();
    put_up.batch = pending.batch_path();
    return prepare_class(wish, node, policy, *batch, pending, signers, context, put_up);
  }
  if (auto failure = issue_parts(wish, *batch, pending, *names, signers, node, policy, context, report)) return failure;
  // The proofs hold the salts from here on: they are on disk before the batch goes.
  if (auto synced = sync_file_system(wish.proofs); !synced) return failure_of(synced.error());
  if (auto finished = pending.finish(report.issued); !finished) return failure_of(finished.error());
  return write_result(wish, pending, read, report.issued);
}

Result<DirectoryLock> lock_proofs(const std::string& directory) {
  // Proofs hold salts: a new directory is its owner's alone.
  if (auto made = make_directory(directory, 0700); !made) return made.error();
  // Two runs of one command would each have salts of its own, and one's would be lost.
  return DirectoryLock::take(directory);
}

}  // namespace testamur::tool
