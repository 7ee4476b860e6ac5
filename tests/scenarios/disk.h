// The disk of a story's node: a log store, and beside it what that store has promised to hold.
//
// Either the log store of the simulations, in memory, or the one in RocksDB, in a directory of its own on a file system that can
// lose its power. Whenever a node starts, what is loaded is held against what was promised: the writes that returned, and of one
// that failed, or during which the power went, all or nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "simulated_log_store.h"

namespace testamur::consensus::scenarios {

class Disk {
 public:
  enum class Kind { simulated, real };
  Disk(NodeId owner, Kind kind);
  ~Disk();

  /// Opens the store and loads it; of a damaged one, what is before the damage. Errors are the store's. Throws Violation when it
  /// holds another thing than was promised.
  Result<Stored> start(const EntryHash& hash);
  /// Errors are the store's. Throws Violation when the store takes a write that it must refuse.
  Result<void> write(std::span<const Write> writes);
  void close();
  void lose_power();

  /// The next write fails; of a simulated disk, with its bytes kept or lost.
  void fail_next_write(bool kept);
  /// A real disk's next write fails after so many more appends, writes and syncs of files.
  void fail_after(std::uint64_t operations);
  /// The store must be closed. A simulated disk's only.
  void damage(Index index, simulation::SimulatedDisk::Damage damage, Index other) {
    promised_.damage(index, damage, other);
  }
  /// Another disk, with nothing on it, takes its place. A simulated disk's only.
  void erase() { promised_ = {}; }
  /// Changes a bit of a stored entry behind the back of the database, whose store must be closed. A real disk's only.
  void damage_entry(Index index);
  /// Cuts the newest entries' last bytes off the write-ahead log. A real disk's only; the store must be closed.
  void tear(std::uint64_t bytes);

  /// What is there after a loss of power now.
  const Stored& stored() const { return promised_.stored(); }
  /// Something of it was damaged: a store that refuses to open does right, and one that gives what is before the damage.
  bool is_damaged() const { return damaged_; }
  bool is_real() const { return real_ != nullptr; }

 private:
  struct Real;
  Result<Stored> load(const EntryHash& hash);
  void take_salvaged(const Stored& loaded, const EntryHash& hash);
  void put_together(const EntryHash& hash);
  std::unique_ptr<LogStore> open_promised();

  std::vector<std::uint8_t> owner_;
  simulation::SimulatedDisk promised_;
  std::unique_ptr<LogStore> promised_store_;
  std::vector<Write> perhaps_;  // failed, or the power went
  bool damaged_ = false;
  std::unique_ptr<Real> real_;
};

/// Term, vote, last entry and claim, for a message.
std::string summary(const Stored& stored);

}  // namespace testamur::consensus::scenarios
