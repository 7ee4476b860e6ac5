// CSV as RFC 4180 has it and spreadsheets write it, read strictly: UTF-8 with or without a byte order mark, lines that end in LF or
// CRLF, cells separated by commas or semicolons, of which the first line shows which.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::tool {

class CsvReader {
 public:
  /// Appends the next piece of the text; false: there are no more. Errors: those of the file that it is.
  using More = std::function<Result<bool>(std::string& text)>;
  explicit CsvReader(More more) : more_(std::move(more)) {}
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// The next row's cells; false: there are no more. Errors (malformed) name the row, and nothing can be read after one.
  Result<bool> next(std::vector<std::string>& cells);
  /// Of the row read last, as spreadsheets count: the first is 1, and a line break in a quoted cell begins no row.
  std::size_t row() const { return row_; }

 private:
  Result<std::string> quoted_cell(std::size_t column);
  Result<std::string> plain_cell(std::size_t column);
  bool at_line_end() const;
  Error expected(std::size_t column, std::string_view what) const;

  Result<void> begin();
  Result<void> hold_row();
  Result<bool> hold_more();

  More more_;
  bool at_end_ = false;    ///< of the text; what is held is all that is left
  std::string held_;       ///< a row at least, and what came with it
  std::string_view rest_;  ///< of what is held
  bool begun_ = false;
  char separator_ = ',';
  std::size_t row_ = 0;
};

}  // namespace testamur::tool
