#include "csv.h"

#include "testamur/ledger/alphabet.h"

namespace testamur::tool {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf8 = "UTF-8 text, as spreadsheets save it under the name \"CSV UTF-8\"";

/// Whichever of the two stands more often outside quotes in the first line; a comma when neither does.
char separator_of(std::string_view text) {
  std::size_t commas = 0;
  std::size_t semicolons = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas += c == ',' ? 1 : 0;
    semicolons += c == ';' ? 1 : 0;
  }
  return semicolons > commas ? ';' : ',';
}

}  // namespace

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  separator_ = separator_of(rest_);
}

Error CsvReader::expected(std::size_t column, std::string_view what) const {
  return {ErrorCode::malformed,
          "row " + std::to_string(row_) + ", column " + std::to_string(column) + ": expected " + std::string(what)};
}

bool CsvReader::at_line_end() const { return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n"); }

Result<std::string> CsvReader::quoted_cell(std::size_t column) {
  std::string cell;
  rest_.remove_prefix(1);
  for (;;) {
    const std::size_t quote = rest_.find('"');
    if (quote == rest_.npos) return expected(column, "a quote that ends the cell");
    cell += rest_.substr(0, quote);
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) break;
    cell += '"';  // two stand for one
    rest_.remove_prefix(1);
  }
  if (!at_line_end() && rest_.front() != separator_) {
    return expected(column, "nothing between the quote that ends the cell and the separator");
  }
  return cell;
}

Result<std::string> CsvReader::plain_cell(std::size_t column) {
  const char ends[] = {separator_, '\n', '\r', '"', '\0'};
  const std::size_t end = std::min(rest_.find_first_of(std::string_view(ends, sizeof ends)), rest_.size());
  std::string cell(rest_.substr(0, end));
  rest_.remove_prefix(end);
  if (rest_.starts_with('"')) return expected(column, "quotes around the whole cell, and doubled inside");
  if (at_line_end() || rest_.front() == separator_) return cell;
  const bool is_return = rest_.front() == '\r';
  return expected(column, is_return ? "lines that end with LF or CR LF, found CR alone" : kUtf8);
}

Result<bool> CsvReader::next(std::vector<std::string>& cells) {
  cells.clear();
  // Blank lines at the end are what editors leave; elsewhere they are rows that lack cells.
  if (rest_.find_first_not_of("\r\n") == rest_.npos) return false;
  ++row_;
  for (;;) {
    auto cell = rest_.starts_with('"') ? quoted_cell(cells.size() + 1) : plain_cell(cells.size() + 1);
    if (!cell) return cell.error();
    if (!is_utf8(*cell) || cell->find('\0') != cell->npos) return expected(cells.size() + 1, kUtf8);
    cells.push_back(std::move(*cell));
    if (at_line_end()) break;
    rest_.remove_prefix(1);
  }
  if (rest_.starts_with('\r')) rest_.remove_prefix(1);
  if (!rest_.empty()) rest_.remove_prefix(1);
  return true;
}

}  // namespace testamur::tool
