#include "testamur/node/log_keeper.h"

namespace testamur::node {

void LogKeeper::add(const consensus::Entry& entry) {
  const std::size_t bytes = consensus::size_of(entry.payload);
  held_.push_back({entry.id.index, bytes});
  bytes_ += bytes;
}

bool LogKeeper::exceeds(std::size_t times) const {
  return held_.size() > times * keep_.entries || bytes_ > times * keep_.bytes;
}

void LogKeeper::drop_first() {
  bytes_ -= held_.front().bytes;
  held_.pop_front();
}

std::optional<consensus::Index> LogKeeper::cut(consensus::Index certified) {
  if (!exceeds(2)) return std::nullopt;
  std::optional<consensus::Index> to;
  while (exceeds(1) && held_.front().index <= certified) {
    to = held_.front().index;
    drop_first();
  }
  return to;
}

void LogKeeper::begins_after(consensus::Index index) {
  while (!held_.empty() && held_.front().index <= index) drop_first();
}

}  // namespace testamur::node
