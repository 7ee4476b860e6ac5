// CSV as RFC 4180 has it and spreadsheets write it, read strictly: UTF-8 with or without a byte order mark, lines that end in LF or
// CRLF, cells separated by commas or semicolons, of which the first line shows which.
#pragma once

#include <string>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::tool {

class CsvReader {
 public:
  /// The text outlives the reader.
  explicit CsvReader(std::string_view text);

  /// The next row's cells; false: there are no more. Errors (malformed) name the row, and nothing can be read after one.
  Result<bool> next(std::vector<std::string>& cells);
  /// Of the row read last, as spreadsheets count: the first is 1, and a line break in a quoted cell begins no row.
  std::size_t row() const { return row_; }
  char separator() const { return separator_; }

 private:
  Result<std::string> quoted_cell(std::size_t column);
  Result<std::string> plain_cell(std::size_t column);
  bool at_line_end() const;
  Error expected(std::size_t column, std::string_view what) const;

  std::string_view rest_;
  char separator_ = ',';
  std::size_t row_ = 0;
};

}  // namespace testamur::tool
