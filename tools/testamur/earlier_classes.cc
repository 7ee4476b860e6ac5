#include "earlier_classes.h"

#include <algorithm>

namespace testamur::tool {

std::optional<Failure> check_not_issued_earlier(const Pending& pending, ClassDocuments& documents) {
  constexpr std::size_t most_told = 20;
  const std::vector<std::string> indexes = pending.other_indexes();
  if (indexes.empty()) return std::nullopt;
  std::vector<std::string> found;
  std::size_t count = 0;
  for (const std::string& path : indexes) {
    auto index = IssuedIndex::open(path);
    if (!index) return failure_of(index.error());
    DocumentCursor cursor = documents.by_hash();
    for (ClassDocument document;;) {
      const auto more = cursor.next(document);
      if (!more) return failure_of(more.error());
      if (!*more) break;
      const auto number = index->find(document.document);
      if (!number) return failure_of(number.error());
      if (!*number) continue;
      ++count;
      found.push_back(document.name + " is " + format(EntryName{index->in(), **number}));
      if (found.size() < 100 * most_told) continue;
      std::sort(found.begin(), found.end());
      found.resize(most_told);
    }
  }
  if (count == 0) return std::nullopt;
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), most_told));
  std::string message =
      "expected documents that no earlier class here holds, found " + std::to_string(count) +
      " that were issued; nothing was sent. To issue them again, as entries of their own, give --again:";
  for (const std::string& line : found) message += "\n  " + line;
  if (count > found.size()) message += "\n  and " + std::to_string(count - found.size()) + " more";
  return Failure{kFailed, "issued_before", message};
}

}  // namespace testamur::tool
