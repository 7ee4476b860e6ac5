// When the consensus log is cut. What is certified and safe in the ledger leaves it; some stays, so that a node that was away for a
// moment gets entries and not a snapshot.
#pragma once

#include <deque>
#include <optional>

#include "testamur/consensus/types.h"

namespace testamur::node {

class LogKeeper {
 public:
  /// The log is cut to `entries` and `bytes` of payloads, once it has twice as many of either.
  struct Keep {
    std::size_t entries = 8192;
    std::size_t bytes = 64u << 20;
  };
  explicit LogKeeper(Keep keep) : keep_(keep) {}

  /// In order: what the log held at the start, then what is committed.
  void add(const consensus::Entry& entry);
  /// Everything up to `certified` may go; where the log is long, up to where it should. Nothing: it is short.
  std::optional<consensus::Index> cut(consensus::Index certified);
  /// The log begins after this index: what is before is not here any more.
  void begins_after(consensus::Index index);

 private:
  struct Held {
    consensus::Index index;
    std::size_t bytes;
  };
  bool exceeds(std::size_t times) const;
  void drop_first();

  const Keep keep_;
  std::deque<Held> held_;
  std::size_t bytes_ = 0;
};

}  // namespace testamur::node
