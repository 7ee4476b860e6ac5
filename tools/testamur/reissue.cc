#include "reissue.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "entry_keys.h"

namespace testamur::tool {
namespace {

using Outcome = AmendRow::Outcome;

/// The columns that name the old entry of a row, beside those that name the new document.
enum : std::size_t { kOld = kFirstMore, kOldProof, kOldFile, kRegister };

class Reissuing {
 public:
  Reissuing(const ReissueWish& wish, Signers& signers, const Reach& reach, Context& context, ReissueReport& report)
      : wish_(wish),
        issue_(wish.issue),
        in_(wish.issue.in),
        signers_(signers),
        reach_(reach),
        node_(reach.nodes),
        context_(context),
        report_(report) {
    amend_.in = in_;
    amend_.status = wish.status;
    amend_.reason = wish.reason;
    amend_.effective_at = wish.effective_at;
    amend_.timeout_ms = reach.timeout_ms;
  }

  /// Reads everything, and looks at the ledger.
  std::optional<Failure> check() {
    if (auto failure = read()) return failure;
    if (auto failure = check_amend(in_, signers_, node_, context_, reach_.timeout_ms, now_)) return failure;
    if (!signers_.empty() && issue_.prepare.empty()) {
      for (const KeyUse use : {kUseIssue, kUseAmend}) {
        if (auto failure = check_signers(now_, signers_, use, context_.clock())) return failure;
      }
    }
    if (auto failure = check_class(issue_, read_, report_.issue)) return failure;
    if (auto failure = find_numbers(issue_, read_.id, signers_, node_, reach_.policy, context_, numbers_)) {
      return failure;
    }
    report_.issued = !numbers_.empty();
    if (report_.issued) {
      if (auto failure = set_numbers(numbers_)) return failure;
    }
    return check_old();
  }

  std::optional<Failure> run(const Confirm& confirm) {
    if (auto failure = check()) return failure;
    report_.done_before = report_.issue.done_before && left() == 0;
    if (!report_.done_before) {
      if (auto failure = check_keys()) return failure;
      const bool to_ask = issue_.prepare.empty() && !signers_.empty() && (!report_.issued || left() > 0);
      if (to_ask && !confirm(report_)) return Failure{kFailed, "not_confirmed", "Nothing was done"};
    }
    const auto lock = lock_proofs(issue_.proofs);
    if (!lock) return failure_of(lock.error());
    if (auto failure = issue_class(issue_, read_, signers_, node_, reach_.policy, context_, report_.issue)) {
      return failure;
    }
    if (report_.issue.put_up) return prepare(*report_.issue.put_up);
    report_.issued = true;
    if (auto failure = read_numbers()) return failure;
    if (issue_.prepare.empty()) return amend_old();
    PutUp nothing;
    return write_statements(nothing, report_.prepared.emplace());
  }

 private:
  std::optional<Failure> read() {
    if (const auto effective = effective_time(wish_.effective_at, context_.clock()); !effective) {
      return failure_of(Error{effective.error().code, "--effective: " + effective.error().message}, kUsage);
    }
    if (issue_.csv.path.empty()) return read_pairs();
    if (auto failure = references_.read(wish_.issued, in_)) return failure;
    keys_.emplace(KeyColumns{kOld, kClassReference, kOldProof, kOldFile, kRegister}, in_, reach_.policy.ledger,
                  references_);
    issue_.csv.more.meanings = {"old", "old_proof", "old_file", "register"};
    issue_.csv.more.take = [this](CsvTable& table, std::size_t row, const auto& cells) { take(table, row, cells); };
    if (auto failure = read_class(issue_, reach_.policy.ledger, context_, read_)) return failure;
    DocumentCursor cursor = read_.documents.in_order();
    ClassDocument document;
    for (Replacing& row : report_.rows) {
      const auto more = cursor.next(document);
      if (!more) return failure_of(more.error());
      row.document = document.document;
      row.file = document.name;
      row.old.reference = document.reference;
    }
    return std::nullopt;
  }

  /// The old entry of a CSV's row.
  void take(CsvTable& table, std::size_t row, const std::vector<std::string>& cells) {
    const auto range = keys_->range_of(table, row, cells);
    if (!range) return;
    const std::size_t column = keys_->telling_column(table);
    if (range->count != 1) {
      return table.add_problem(row, column, "expected one old entry for each document, found " + format(*range));
    }
    const auto [before, is_new] = rows_by_old_.emplace(range->first.value, row);
    if (!is_new) {
      return table.add_problem(row, column,
                               "expected each old entry once, found " + std::to_string(range->first.value) +
                                   " in row " + std::to_string(before->second) + " too");
    }
    add(row, range->first);
  }

  std::optional<Failure> read_pairs() {
    if (wish_.old.size() != issue_.paths.size()) {
      return Failure{kUsage, "usage",
                     "--number: expected one for each DOCUMENT, found " + std::to_string(wish_.old.size()) + " for " +
                         std::to_string(issue_.paths.size())};
    }
    if (auto failure = read_class(issue_, reach_.policy.ledger, context_, read_)) return failure;
    if (read_.documents.count() != wish_.old.size()) {
      return Failure{kUsage, "usage", "DOCUMENT: expected files, one for each --number, found a directory"};
    }
    for (std::size_t i = 0; i < wish_.old.size(); ++i) {
      if (!rows_by_old_.emplace(wish_.old[i].value, i).second) {
        return Failure{kUsage, "usage",
                       "--number: expected each once, found " + std::to_string(wish_.old[i].value) + " again"};
      }
      add(i + 1, wish_.old[i]).file = std::filesystem::path(issue_.paths[i]).filename().string();
    }
    return hash_pairs();
  }

  std::optional<Failure> hash_pairs() {
    std::vector<BatchDocument> documents(issue_.paths.size());
    const auto unread = hash_documents(
        documents, [&](std::size_t i) { return issue_.paths[i]; }, [](std::size_t) {});
    if (!unread.empty()) return failure_of(unread.front().error);
    for (std::size_t i = 0; i < documents.size(); ++i) report_.rows[i].document = documents[i].document;
    return std::nullopt;
  }

  Replacing& add(std::size_t number, EntryNumber old) {
    Replacing& row = report_.rows.emplace_back();
    row.old.row = number;
    row.old.change = {old, 1, wish_.status, wish_.reason, *effective_time(wish_.effective_at, context_.clock()), {}};
    row.old.effective_given = wish_.effective_at.has_value();
    return row;
  }

  /// Numbers of the new documents, and by them what the old entries are superseded by.
  std::optional<Failure> set_numbers(std::span<const NumberedDocument> numbers) {
    for (Replacing& row : report_.rows) {
      const auto held = std::lower_bound(
          numbers.begin(), numbers.end(), row.document,
          [](const NumberedDocument& entry, const Hash& document) { return entry.document < document; });
      if (held == numbers.end() || held->document != row.document) {
        return Failure{kFailed, "erased", row.file + ": its entry was erased, so that nobody knows its number"};
      }
      row.number = held->number;
      const EntryNumber old = row.old.change.first;
      if (row.number == old) {
        return Failure{
            kFailed, "conflict",
            row.file + ": expected another document than that of " + format(EntryName{in_, old}) + ", found the same"};
      }
      if (wish_.status == Status::superseded) {
        row.old.change.replacement = Replacement{in_.institution, in_.name, *row.number};
      }
    }
    return std::nullopt;
  }

  std::optional<Failure> read_numbers() {
    auto index = IssuedIndex::open(report_.issue.index);
    if (!index) return failure_of(index.error());
    const auto all = index->all();
    if (!all) return failure_of(all.error());
    return set_numbers(*all);
  }

  /// Tells of all old entries that cannot become what they are to be. As long as the new documents are not issued, none may be so by
  /// now, since what replaces it would be another's.
  std::optional<Failure> check_old() {
    std::vector<AmendRow> rows = old_rows();
    std::string code;
    std::string told;
    const auto complain = [&](const AmendRow& row, std::string_view which, const std::string& message) {
      if (code.empty()) code = which;
      if (read_.table) return read_.table->add_problem(row.row, keys_->telling_column(*read_.table), message);
      told += (told.empty() ? "" : "\n  ") + message;
    };
    if (auto failure = check_rows(complain, amend_, now_.record, reach_.nodes, reach_.policy, context_, rows)) {
      return failure;
    }
    for (const AmendRow& row : rows) {
      if (report_.issued || row.outcome != Outcome::already) continue;
      complain(row, "forbidden_transition",
               "found that " + std::to_string(row.change.first.value) + " is " + std::string(name(wish_.status)) +
                   " already, and not by this command");
    }
    take_outcomes(rows);
    if (code.empty()) return std::nullopt;
    if (read_.table) return read_.table->problems();
    return Failure{kFailed, code, told + (report_.issued ? "" : "; nothing was issued")};
  }

  std::optional<Failure> check_keys() const {
    if (!signers_.empty() || !issue_.prepare.empty()) return std::nullopt;
    if (report_.issue.resumed || (report_.issued && left() == 0)) return std::nullopt;
    return Failure{kUsage, "usage", "--key: expected the keys that sign, or --prepare for others to sign"};
  }

  std::optional<Failure> ask_now() {
    Patience patience(reach_.timeout_ms);
    const auto now = retry(patience, [&] { return ask_register(node_, in_); });
    if (!now) return failure_of(now.failure);
    now_ = *now;
    return std::nullopt;
  }

  std::optional<Failure> amend_old() {
    if (left() == 0) return std::nullopt;
    if (signers_.empty()) {
      return Failure{kFailed, "not_submitted",
                     "The new documents are issued, and " + std::to_string(left()) + " old " +
                         (left() == 1 ? "entry is" : "entries are") + " not " + std::string(name(wish_.status)) +
                         " yet. Hand in the file that was signed (testamur submit); or, where others amended the "
                         "register meanwhile, run this command with --prepare again"};
    }
    if (auto failure = ask_now()) return failure;
    std::vector<AmendRow> rows = old_rows();
    const auto statements = fold_rows(amend_, reach_.policy.ledger, now_.record.events, context_.clock(), rows);
    report_.statements = statements.size();
    auto failure = record_rows(statements, signers_, node_, reach_.policy, context_, reach_.timeout_ms, rows);
    take_outcomes(rows);
    if (!failure) return std::nullopt;
    failure->message = "The new documents are issued, and of " + std::to_string(rows.size()) + " old entries " +
                       std::to_string(left()) + " are not known to be " + std::string(name(wish_.status)) +
                       " yet: run the same command again, it goes on from here. " + failure->message;
    return failure;
  }

  std::optional<Failure> prepare(PutUp& put_up) {
    Prepared& prepared = report_.prepared.emplace();
    prepared.entries = put_up.entries;
    prepared.first = put_up.first;
    auto batch = BatchFile::open(put_up.batch);
    if (!batch) return failure_of(batch.error());
    const auto numbers = tool::read_numbers(*batch, put_up.parts);
    if (!numbers) return failure_of(numbers.error());
    if (auto failure = set_numbers(*numbers)) return failure;
    return write_statements(put_up, prepared);
  }

  std::optional<Failure> write_statements(PutUp& put_up, Prepared& prepared) {
    auto amending = as_prepared(issue_.prepare, context_.clock(), [&](Time at) {
      return statements_to_sign(amend_, reach_.policy.ledger, now_.record.events, at, old_rows());
    });
    report_.statements = amending.size();
    auto& statements = put_up.statements;
    for (StatementToSign& item : amending) statements.push_back(std::move(item));
    if (statements.empty()) return std::nullopt;
    if (statements.size() > kMaxStatementsToSign) {
      return Failure{kFailed, "invalid",
                     "--prepare: expected 16 statements at most, found " + std::to_string(statements.size()) +
                         "; reissue in portions"};
    }
    return write_prepared(issue_.prepare, now_, std::move(statements), signers_, context_.clock(), prepared);
  }

  std::vector<AmendRow> old_rows() const {
    std::vector<AmendRow> out;
    out.reserve(report_.rows.size());
    for (const Replacing& row : report_.rows) out.push_back(row.old);
    return out;
  }
  void take_outcomes(std::vector<AmendRow>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) report_.rows[i].old = std::move(rows[i]);
  }
  /// Old entries that are not known to be what they are to become.
  std::size_t left() const {
    return static_cast<std::size_t>(std::count_if(report_.rows.begin(), report_.rows.end(), [](const Replacing& row) {
      return row.old.outcome == Outcome::not_done || row.old.outcome == Outcome::unknown;
    }));
  }

  const ReissueWish& wish_;
  IssueWish issue_;
  const RegisterName in_;
  AmendWish amend_;
  Signers& signers_;
  const Reach& reach_;
  NodeClient node_;
  Context& context_;
  ReissueReport& report_;
  ClassRead read_;
  IssuedReferences references_;
  std::optional<EntryKeys> keys_;
  std::unordered_map<std::uint64_t, std::size_t> rows_by_old_;
  std::vector<NumberedDocument> numbers_;
  RegisterNow now_;
};

}  // namespace

std::optional<Failure> reissue(const ReissueWish& wish, Signers& signers, const Reach& reach, const Confirm& confirm,
                               Context& context, ReissueReport& report) {
  return Reissuing(wish, signers, reach, context, report).run(confirm);
}

std::optional<Failure> check_reissue(const ReissueWish& wish, Signers& signers, const Reach& reach, Context& context,
                                     ReissueReport& report) {
  return Reissuing(wish, signers, reach, context, report).check();
}

Result<void> write_reissue_result(const ReissueWish& wish, const ReissueReport& report) {
  FileWriter file(wish.result, 0600);
  file.put(as_bytes("reference,file,old,number,proof,register,outcome,recorded\r\n"));
  std::string line;
  for (const Replacing& row : report.rows) {
    line.clear();
    put_cell(line, row.old.reference);
    line += ',';
    put_cell(line, row.file);
    line += "," + std::to_string(row.old.change.first.value) + ",";
    if (row.number) line += std::to_string(row.number->value);
    line += ',';
    if (row.number && report.issued)
      put_cell(line, proof_path(wish.issue.proofs, report.issue.issued, *row.number, row.file));
    line += "," + format(wish.issue.in) + "," + std::string(name(row.old.outcome)) + ",";
    if (row.old.recorded_at.value != 0) line += format_time(row.old.recorded_at);
    line += "\r\n";
    file.put(as_bytes(line));
  }
  return file.finish(Existing::replace);
}

}  // namespace testamur::tool
