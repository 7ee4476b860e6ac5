#include "amend_csv.h"

#include <algorithm>
#include <numeric>

#include "files.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

constexpr std::size_t kMaxRows = 1u << 20;

class ReadingRows {
 public:
  ReadingRows(CsvTable& table, EntryKeys& keys, const AmendWish& wish, Time now, std::vector<AmendRow>& rows)
      : table_(table), keys_(keys), wish_(wish), now_(now), rows_(rows) {}

  std::optional<Failure> run() {
    if (auto failure = table_.open()) return failure;
    if (!keys_.can_name(table_)) {
      return table_.bad_header(
          "a column named \"number\" or \"proof\", or \"reference\" with --issued; if it has another name here, give "
          "--map number=NAME, --map proof=NAME or --map reference=NAME");
    }
    auto failure = table_.each_row(kMaxRows, [&](std::size_t row, const auto& cells) { take(row, cells); });
    if (failure) return failure;
    check_doubles();
    return table_.problems();
  }

 private:
  using Cells = std::vector<std::string>;

  std::string cell(const Cells& cells, AmendColumn column) const {
    return table_.has(column) ? cells[table_.column(column)] : "";
  }

  /// Nothing where it is wrong, which is a problem of the table by then.
  template <class T>
  std::optional<T> good(std::size_t row, AmendColumn column, const Result<T>& read) {
    if (read) return *read;
    table_.add_problem(row, table_.column(column), read.error().message);
    return std::nullopt;
  }

  std::optional<Time> effective_of(std::size_t row, const std::string& text) {
    if (text.empty()) return *effective_time(wish_.effective_at, now_);
    const auto wanted = good(row, kEffectiveColumn, parse_time(text));
    if (!wanted) return std::nullopt;
    return good(row, kEffectiveColumn, effective_time(wanted, now_));
  }

  /// Whether what replaces the row's entries could be set, from its cell or the wish.
  bool set_replacement(std::size_t row, const std::string& text, Change& change) {
    const auto complain = [&](const std::string& message) {
      table_.add_problem(row, table_.column(kByColumn), message);
      return false;
    };
    if (text.empty() && !wish_.replacement) return true;
    if (wish_.status != Status::superseded) {
      return complain("expected an empty cell, since only \"supersede\" names an entry that holds instead");
    }
    std::optional<EntryName> by = wish_.replacement;
    if (!text.empty()) by = good(row, kByColumn, parse_entry(text));
    if (!by) return false;
    const auto set = replace_by(change, wish_.in, *by);
    return set ? true : complain(set.error().message);
  }

  void take(std::size_t row, const Cells& cells) {
    const auto range = keys_.range_of(table_, row, cells);
    const std::string reason_text = cell(cells, kReasonColumn);
    const std::string effective_text = cell(cells, kEffectiveColumn);
    const auto reason =
        reason_text.empty() ? std::optional(wish_.reason) : good(row, kReasonColumn, parse_reason(reason_text));
    const auto effective = effective_of(row, effective_text);
    AmendRow out;
    out.row = row;
    out.reference = cell(cells, kReferenceColumn);
    out.effective_given = !effective_text.empty() || wish_.effective_at;
    out.change = {range.value_or(NumberRange{}).first,
                  range.value_or(NumberRange{}).count,
                  wish_.status,
                  reason.value_or(0),
                  effective.value_or(Time{}),
                  {}};
    if (!set_replacement(row, cell(cells, kByColumn), out.change) || !range || !reason || !effective) return;
    rows_.push_back(std::move(out));
  }

  void check_doubles() {
    std::vector<std::uint32_t> order(rows_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return rows_[a].change.first < rows_[b].change.first; });
    const AmendRow* furthest = nullptr;  // that reaches furthest of those before
    for (const std::uint32_t i : order) {
      const AmendRow& row = rows_[i];
      if (furthest != nullptr && furthest->change.covers(row.change.first)) {
        const auto [first, again] = std::minmax(furthest->row, row.row);
        table_.add_problem(again, keys_.telling_column(table_),
                           "expected each number once, found " + std::to_string(row.change.first.value) + " in row " +
                               std::to_string(first) + " too");
      }
      const auto end = [](const AmendRow& of) { return of.change.first.value + of.change.count; };
      if (furthest == nullptr || end(*furthest) < end(row)) furthest = &row;
    }
  }

  CsvTable& table_;
  EntryKeys& keys_;
  const AmendWish& wish_;
  Time now_;
  std::vector<AmendRow>& rows_;
};

}  // namespace

CsvTable amend_table(const std::string& path) {
  return {path, {"number", "reference", "proof", "file", "register", "reason", "effective", "by"}};
}

EntryKeys amend_keys(const RegisterName& in, const Hash& ledger, const IssuedReferences& references) {
  return {{kNumberColumn, kReferenceColumn, kProofColumn, kFileColumn, kRegisterColumn}, in, ledger, references};
}

std::string_view name(AmendRow::Outcome outcome) {
  switch (outcome) {
    case AmendRow::Outcome::not_done: return "not_done";
    case AmendRow::Outcome::done: return "done";
    case AmendRow::Outcome::already: return "already";
    case AmendRow::Outcome::unknown: return "unknown";
  }
  return "unknown";
}

std::optional<Failure> read_amend_csv(CsvTable& table, EntryKeys& keys, const AmendWish& wish, Time now,
                                      std::vector<AmendRow>& rows) {
  const auto effective = effective_time(wish.effective_at, now);
  if (!effective) return failure_of(Error{effective.error().code, "--effective: " + effective.error().message}, kUsage);
  return ReadingRows(table, keys, wish, now, rows).run();
}

bool has_references(const std::vector<AmendRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const AmendRow& row) { return !row.reference.empty(); });
}

Result<void> write_amend_result(const std::string& path, const std::vector<AmendRow>& rows) {
  FileWriter file(path, 0600);
  const bool referenced = has_references(rows);
  file.put(
      as_bytes("number,reason,effective,by,outcome,recorded" + std::string(referenced ? ",reference" : "") + "\r\n"));
  std::string line;
  for (const AmendRow& row : rows) {
    const Change& change = row.change;
    line = format(NumberRange{change.first, change.count}) + "," + std::string(reason_name(change.reason)) + ",";
    // What took effect at once has no time of its own where it was not done, so that it can be run again.
    const bool timed = row.effective_given || row.outcome == AmendRow::Outcome::done;
    if (timed) line += format_time(change.effective_at);
    line += ',';
    if (const auto& by = change.replacement) {
      line += format(EntryName{{by->institution, by->register_name}, by->number});
    }
    line += "," + std::string(name(row.outcome)) + ",";
    if (row.recorded_at.value != 0) line += format_time(row.recorded_at);
    if (referenced) {
      line += ',';
      put_cell(line, row.reference);
    }
    line += "\r\n";
    file.put(as_bytes(line));
  }
  return file.finish(Existing::replace);
}

}  // namespace testamur::tool
