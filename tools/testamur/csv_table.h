// A CSV whose first row names its columns, of which some mean something to a command: each by a name of its own, or by the one that
// --map gives it. What is wrong with its rows is gathered, and told together.
#pragma once

#include <functional>
#include <memory>

#include "csv.h"
#include "failure.h"

namespace testamur::tool {

std::string in_quotes(std::string_view text);
/// As a cell of a CSV, quoted where it must be.
void put_cell(std::string& line, std::string_view text);

class CsvTable {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  /// Columns are named by their places in `meanings` from here on.
  CsvTable(std::string path, std::vector<std::string> meanings);

  /// "file=Dokument": how the columns are named here.
  std::optional<Failure> map(const std::vector<std::string>& texts);
  /// Opens the file and reads its first row, in which every column that was mapped must be.
  std::optional<Failure> open();

  bool has(std::size_t meaning) const { return columns_[meaning] != kNone; }
  /// Where the column is, kNone where it is not.
  std::size_t column(std::size_t meaning) const { return columns_[meaning]; }
  const std::string& name(std::size_t meaning) const { return names_[meaning]; }
  const std::string& path() const { return path_; }
  Failure bad_header(const std::string& expected) const;

  /// Every row that has all its cells, `most` at most and one at least; once.
  using TakeRow = std::function<void(std::size_t row, const std::vector<std::string>& cells)>;
  std::optional<Failure> each_row(std::size_t most, const TakeRow& take);

  /// `column` kNone: the whole row.
  void add_problem(std::size_t row, std::size_t column, std::string message);
  /// The first twenty by row and column, and how many there are; nothing where there are none.
  std::optional<Failure> problems();

 private:
  struct Problem {
    std::size_t row = 0;
    std::size_t column = 0;
    std::string message;
  };
  void trim();
  Failure unreadable(const Error& error) const;

  std::string path_;
  std::vector<std::string> meanings_;
  std::vector<std::string> names_;
  std::vector<bool> mapped_;
  std::vector<std::size_t> columns_;
  std::unique_ptr<CsvReader> reader_;  ///< between opening and the last row
  std::vector<std::string> header_;
  std::vector<Problem> problems_;
  std::size_t problem_count_ = 0;
};

}  // namespace testamur::tool
