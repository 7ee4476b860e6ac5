// A log store in memory, for simulations: the same face and the same refusals as the one in RocksDB (one suite of tests runs on both),
// on a disk that loses power when it is told to.
//
// The disk outlives the stores opened on it. When the power goes, the store that is open is dead: it refuses everything, and
// another is opened on what the disk holds.
#pragma once

#include "testamur/consensus/log_store.h"

namespace testamur::consensus::simulation {

class SimulatedDisk {
 public:
  const Stored& stored() const { return stored_; }

  /// Nothing of the write under way is kept that write() did not return for.
  void lose_power();
  /// The next write fails, as a sync does that comes back with an error: what it wrote may be there afterwards or not.
  enum class Afterwards { there, not_there };
  void fail_next_write(Afterwards afterwards) { next_write_ = afterwards; }
  /// Of a stored entry: it is another, or the entry at `other` was written in its place, or it is not there. The store must be
  /// closed.
  enum class Damage { changed, misdirected, gone };
  void damage(Index index, Damage damage, Index other = {});
  /// It holds this instead. The store must be closed.
  void replace(Stored stored) { stored_ = std::move(stored); }

 private:
  friend class SimulatedLogStore;
  friend Result<std::unique_ptr<LogStore>> open_simulated_log_store(SimulatedDisk&, std::span<const std::uint8_t>);

  Stored stored_;
  std::optional<std::vector<std::uint8_t>> owner_;
  std::optional<Afterwards> next_write_;
  std::uint64_t lives_ = 0;  // how often a store was opened or the power went
  bool open_ = false;
};

/// The disk must outlive the store.
Result<std::unique_ptr<LogStore>> open_simulated_log_store(SimulatedDisk& disk, std::span<const std::uint8_t> owner);

}  // namespace testamur::consensus::simulation
