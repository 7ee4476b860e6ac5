#include "entry_keys.h"

#include <algorithm>

#include "bundle.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

constexpr std::size_t kMaxRows = 8u << 20;

}  // namespace

std::optional<Failure> IssuedReferences::read(const std::vector<std::string>& paths, const RegisterName& in) {
  for (const std::string& path : paths) {
    if (auto failure = read_one(path, in)) return failure;
  }
  given_ = !paths.empty();
  return std::nullopt;
}

std::optional<Failure> IssuedReferences::read_one(const std::string& path, const RegisterName& in) {
  enum : std::size_t { reference, number, in_register, old };
  CsvTable table(path, {"reference", "number", "register", "old"});
  if (auto failure = table.open()) return failure;
  if (!table.has(reference) || !table.has(number) || !table.has(in_register)) {
    return table.bad_header(
        "the columns \"reference\", \"number\" and \"register\", as \"testamur issue --result\" writes them");
  }
  auto failure = table.each_row(kMaxRows, [&](std::size_t row, const std::vector<std::string>& cells) {
    const std::string& number_text = cells[table.column(number)];
    // Without a number it is not issued, or erased.
    if (cells[table.column(in_register)] != format(in) || number_text.empty()) return;
    const auto read = from_decimal(number_text);
    if (!read)
      return table.add_problem(row, table.column(number), "expected a number, found " + in_quotes(number_text));
    numbers_[cells[table.column(reference)]].push_back(EntryNumber{*read});
    if (!table.has(old)) return;
    if (const auto replaced = from_decimal(cells[table.column(old)])) replaced_[*replaced] = true;
  });
  return failure ? failure : table.problems();
}

Result<EntryNumber> IssuedReferences::find(const std::string& reference) const {
  const auto held = numbers_.find(reference);
  if (held == numbers_.end() || reference.empty()) {
    return Error{ErrorCode::not_found,
                 "expected a reference that --issued names in this register, found " + in_quotes(reference)};
  }
  std::vector<EntryNumber> numbers = held->second;
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::erase_if(numbers, [&](EntryNumber number) { return replaced_.contains(number.value); });
  if (numbers.size() == 1) return numbers.front();
  std::string found;
  for (const EntryNumber number : numbers) found += (found.empty() ? "" : ", ") + std::to_string(number.value);
  return Error{ErrorCode::conflict, "expected one entry of the reference " + in_quotes(reference) + ", found " +
                                        (found.empty() ? "none that was not replaced" : found) +
                                        "; name it by its number"};
}

struct EntryKeys::Cells {
  std::string number;
  std::string reference;
  std::string proof;
  std::string file;
  std::string in_register;
};

bool EntryKeys::can_name(const CsvTable& table) const {
  const auto has = [&](std::size_t meaning) { return meaning != CsvTable::kNone && table.has(meaning); };
  return has(columns_.number) || has(columns_.proof) || (has(columns_.reference) && references_.given());
}

std::size_t EntryKeys::telling_column(const CsvTable& table) const {
  for (const std::size_t meaning : {columns_.number, columns_.reference, columns_.proof}) {
    const bool tells = meaning != columns_.reference || references_.given();
    if (meaning != CsvTable::kNone && table.has(meaning) && tells) return table.column(meaning);
  }
  return CsvTable::kNone;
}

std::optional<NumberRange> EntryKeys::range_of(CsvTable& table, std::size_t row,
                                               const std::vector<std::string>& cells) {
  const auto cell = [&](std::size_t meaning) {
    return meaning != CsvTable::kNone && table.has(meaning) ? cells[table.column(meaning)] : "";
  };
  const Cells held{cell(columns_.number), cell(columns_.reference), cell(columns_.proof), cell(columns_.file),
                   cell(columns_.in_register)};
  const auto complain = [&](std::size_t column, const std::string& message) {
    table.add_problem(row, column, message);
    return std::nullopt;
  };
  if (!held.in_register.empty() && held.in_register != format(in_)) {
    return complain(table.column(columns_.in_register),
                    "expected an entry of " + format(in_) + ", found one of " + held.in_register);
  }
  if (!held.number.empty()) return by_number(table, row, held);
  if (!held.reference.empty() && references_.given()) {
    const auto number = references_.find(held.reference);
    if (!number) return complain(table.column(columns_.reference), number.error().message);
    return NumberRange{*number, 1};
  }
  if (!held.proof.empty()) {
    const auto number = number_of_proof(held.proof, held.file);
    if (!number) return complain(table.column(columns_.proof), number.error().message);
    return NumberRange{*number, 1};
  }
  const std::size_t column = telling_column(table);
  const bool number = columns_.number != CsvTable::kNone && column == table.column(columns_.number);
  return complain(column,
                  std::string(number ? "expected a number" : "expected what names an entry") + ", found an empty cell");
}

std::optional<NumberRange> EntryKeys::by_number(CsvTable& table, std::size_t row, const Cells& cells) const {
  const std::size_t column = table.column(columns_.number);
  const auto range = parse_range(cells.number);
  if (!range) {
    table.add_problem(row, column, range.error().message);
    return std::nullopt;
  }
  if (range->count > kMaxBatch) {
    table.add_problem(row, column, "expected 1048576 entries at most, found " + cells.number);
    return std::nullopt;
  }
  // Where both are said, one of them may be a slip.
  if (references_.given() && !cells.reference.empty()) {
    const auto number = references_.find(cells.reference);
    if (!number || *number != range->first || range->count != 1) {
      table.add_problem(row, column,
                        number ? "expected the number of " + in_quotes(cells.reference) + ", which is " +
                                     std::to_string(number->value) + ", found " + cells.number
                               : number.error().message);
      return std::nullopt;
    }
  }
  return *range;
}

std::optional<Error> EntryKeys::check_source(const std::string& path, const Hash& ledger,
                                             const RegisterName& in) const {
  if (ledger != ledger_) {
    return Error{ErrorCode::invalid, "expected a proof of the policy's ledger, found " + in_quotes(path)};
  }
  if (in == in_) return std::nullopt;
  return Error{ErrorCode::invalid,
               "expected a proof of " + format(in_) + ", found " + in_quotes(path) + " of " + format(in)};
}

Result<EntryNumber> EntryKeys::number_of_proof(const std::string& path, const std::string& file) {
  if (is_bundle(path)) return number_in_bundle(path, file);
  const auto bytes = read_file(path, kMaxProofBytes);
  if (!bytes) return bytes.error();
  const auto proof = decode_proof(*bytes);
  if (!proof) {
    return Error{ErrorCode::malformed, "expected the proof of one entry, or a bundle, found " + in_quotes(path)};
  }
  if (auto wrong = check_source(path, proof->ledger, {proof->record.institution, proof->record.name})) return *wrong;
  return proof->number;
}

Result<EntryNumber> EntryKeys::number_in_bundle(const std::string& path, const std::string& file) {
  if (file.empty()) {
    return Error{ErrorCode::invalid, "expected the document's name in the column \"file\", since " + in_quotes(path) +
                                         " is a bundle of many"};
  }
  auto at = bundles_.find(path);
  if (at == bundles_.end()) {
    const auto bundle = read_bundle(path);
    if (!bundle) return bundle.error();
    if (auto wrong = check_source(path, bundle->header.ledger, bundle->header.in)) return *wrong;
    at = bundles_.emplace(path, std::unordered_map<std::string, EntryNumber>()).first;
    for (std::size_t i = 0; i < bundle->documents.size(); ++i) {
      if (!bundle->documents[i].is_erased()) at->second.emplace(bundle->documents[i].name, bundle->number(i));
    }
  }
  const auto number = at->second.find(file);
  if (number != at->second.end()) return number->second;
  return Error{ErrorCode::not_found, "expected a bundle that holds " + in_quotes(file) + ", found " + in_quotes(path)};
}

}  // namespace testamur::tool
