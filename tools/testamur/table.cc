#include "table.h"

#include <algorithm>
#include <ostream>

#include "client.h"

namespace testamur::tool {

void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out << (i == 0 ? "" : "  ");
      out << row[i]
          << std::string(i + 1 < row.size() && widths[i] > row[i].size() ? widths[i] - row[i].size() : 0, ' ');
    }
    out << "\n";
  }
}

std::string cell(std::string_view words) {
  const std::string out = shown(words.substr(0, 64));
  return out.empty() ? "-" : out;
}

}  // namespace testamur::tool
