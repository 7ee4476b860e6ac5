#include "csv_table.h"

#include <algorithm>

#include "files.h"

namespace testamur::tool {
namespace {

constexpr std::size_t kMaxCsvBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxProblems = 20;

/// The file's text as it is asked for.
CsvReader::More pieces_of(FileReader file) {
  struct Reading {
    FileReader file;
    std::size_t bytes = 0;
  };
  return [reading = std::make_shared<Reading>(Reading{std::move(file)})](std::string& text) -> Result<bool> {
    constexpr std::size_t piece = 64 << 10;
    const std::size_t before = text.size();
    text.resize(before + piece);
    const auto got = reading->file.read({reinterpret_cast<std::uint8_t*>(text.data()) + before, piece});
    text.resize(before + (got ? *got : 0));
    if (!got) return got.error();
    reading->bytes += *got;
    if (reading->bytes <= kMaxCsvBytes) return *got > 0;
    return Error{ErrorCode::malformed, "expected at most " + std::to_string(kMaxCsvBytes) + " bytes"};
  };
}

std::string joined(const std::vector<std::string>& texts, const std::string& after, const std::string& between) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : between) + text + after;
  return out;
}

}  // namespace

std::string in_quotes(std::string_view text) { return "\"" + std::string(text.substr(0, 100)) + "\""; }

void put_cell(std::string& line, std::string_view text) {
  if (text.find_first_of(",;\"\r\n") == text.npos) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) line += c == '"' ? std::string("\"\"") : std::string(1, c);
  line += '"';
}

CsvTable::CsvTable(std::string path, std::vector<std::string> meanings)
    : path_(std::move(path)),
      meanings_(std::move(meanings)),
      names_(meanings_),
      mapped_(meanings_.size(), false),
      columns_(meanings_.size(), kNone) {}

std::optional<Failure> CsvTable::map(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const auto meaning = std::find(meanings_.begin(), meanings_.end(), text.substr(0, equals));
    if (equals == text.npos || equals + 1 == text.size() || meaning == meanings_.end()) {
      return Failure{kUsage, "usage",
                     "--map: expected " + joined(meanings_, "=NAME", " or ") + ", found " + in_quotes(text)};
    }
    const auto which = static_cast<std::size_t>(meaning - meanings_.begin());
    names_[which] = text.substr(equals + 1);
    mapped_[which] = true;
  }
  return std::nullopt;
}

Failure CsvTable::bad_header(const std::string& expected) const {
  std::string found;
  for (const std::string& name : header_) found += (found.empty() ? "" : ", ") + in_quotes(name);
  return {kFailed, "invalid", path_ + ": row 1: expected " + expected + "; found " + found};
}

Failure CsvTable::unreadable(const Error& error) const {
  // What the file system says names the file by itself.
  const bool of_the_text = error.code == ErrorCode::malformed;
  return of_the_text ? Failure{kFailed, "malformed", path_ + ": " + error.message} : failure_of(error);
}

std::optional<Failure> CsvTable::open() {
  auto file = FileReader::open(path_);
  if (!file) return failure_of(file.error());
  reader_ = std::make_unique<CsvReader>(pieces_of(std::move(*file)));
  const auto read = reader_->next(header_);
  if (!read) return unreadable(read.error());
  if (!*read) return Failure{kFailed, "invalid", path_ + ": expected a first row that names the columns"};
  for (std::size_t i = 0; i < header_.size(); ++i) {
    const auto named = std::find(names_.begin(), names_.end(), header_[i]);
    if (named == names_.end()) continue;
    std::size_t& column = columns_[static_cast<std::size_t>(named - names_.begin())];
    if (column != kNone) return bad_header("one column named " + in_quotes(header_[i]));
    column = i;
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (mapped_[i] && columns_[i] == kNone) return bad_header("a column named " + in_quotes(names_[i]));
  }
  return std::nullopt;
}

std::optional<Failure> CsvTable::each_row(std::size_t most, const TakeRow& take) {
  const auto reader = std::move(reader_);
  std::vector<std::string> cells;
  std::size_t rows = 0;
  for (;;) {
    const auto read = reader->next(cells);
    if (!read) return unreadable(read.error());
    if (!*read) break;
    if (++rows > most) {
      return Failure{kFailed, "invalid", path_ + ": expected " + std::to_string(most) + " rows at most"};
    }
    if (cells.size() == header_.size()) {
      take(reader->row(), cells);
    } else {
      add_problem(reader->row(), kNone,
                  "expected " + std::to_string(header_.size()) + " cells as in the first row, found " +
                      std::to_string(cells.size()));
    }
  }
  if (rows > 0) return std::nullopt;
  return Failure{kFailed, "not_found", path_ + ": expected one row at least below the first, found none"};
}

void CsvTable::add_problem(std::size_t row, std::size_t column, std::string message) {
  ++problem_count_;
  problems_.push_back({row, column, std::move(message)});
  if (problems_.size() >= 100 * kMaxProblems) trim();
}

void CsvTable::trim() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.row, a.column) < std::pair(b.row, b.column);
  });
  if (problems_.size() > kMaxProblems) problems_.resize(kMaxProblems);
}

std::optional<Failure> CsvTable::problems() {
  if (problem_count_ == 0) return std::nullopt;
  trim();
  std::string message = path_ + ": " + std::to_string(problem_count_) +
                        (problem_count_ == 1 ? " problem" : " problems") + "; nothing was sent";
  for (const Problem& problem : problems_) {
    message += "\n  row " + std::to_string(problem.row);
    if (problem.column < header_.size()) {
      message += ", column " + std::to_string(problem.column + 1) + " " + in_quotes(header_[problem.column]);
    }
    message += ": " + problem.message;
  }
  if (problem_count_ > problems_.size()) {
    message += "\n  and " + std::to_string(problem_count_ - problems_.size()) + " more";
  }
  return Failure{kFailed, "invalid", message};
}

}  // namespace testamur::tool
