// Tables on a terminal.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace testamur::tool {

using Row = std::vector<std::string>;

/// Columns side by side, each as wide as its widest cell.
void print_table(std::ostream& out, const std::vector<Row>& rows);

/// Words of a node, which may say anything: short, without control characters, and a dash for none.
std::string cell(std::string_view words);

}  // namespace testamur::tool
