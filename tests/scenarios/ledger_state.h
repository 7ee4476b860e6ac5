// What committed entries come to at a node: a ledger in RocksDB (ledger/store), on a file system that can lose its power. Each payload
// makes a block, so that a payload left out, or applied twice, makes another head.
#pragma once

#include <memory>

#include "testamur/consensus/core.h"

namespace testamur::consensus::scenarios {

class LedgerState {
 public:
  LedgerState();
  ~LedgerState();

  /// Opens the ledger, or begins it. Throws Violation where it cannot be opened.
  void open();
  /// The entry must follow the newest applied. False: the disk failed, and nothing more is applied.
  bool apply(const Entry& entry);
  Index applied() const;
  Digest head() const;

  /// The power goes after so many more appends, writes and syncs of files, all of which are kept.
  void fail_after(std::uint64_t operations);
  /// What was not synced is gone; or kept, where the power went by itself.
  void lose_power();

 private:
  struct Disk;
  std::unique_ptr<Disk> disk_;
  bool failed_ = false;
};

}  // namespace testamur::consensus::scenarios
