// A file system that can lose its power: what was not synced is then dropped at random, write by write; files and renames
// whose directory was not synced are undone from the newest back; a file written in place is as it was after one of its writes.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <memory>

namespace testamur::test {

class PowerLossFileSystem;

class PowerLossEnv {
 public:
  PowerLossEnv();
  ~PowerLossEnv();

  rocksdb::Env* env() const { return env_.get(); }
  /// From now on nothing reaches the disk; every call that would write fails.
  void cut_power();
  /// The same, after so many more appends, writes and syncs, RocksDB's in the background among them.
  void cut_power_after(std::uint64_t operations);
  /// The same, after so many of this thread: for a test that must go the same way each time.
  void cut_power_after_own(std::uint64_t operations);
  /// The next sync of a file fails, and what it should have written is gone: its pages count as clean, and whoever syncs again is
  /// told that all is well (Rebello and others, ATC 2020).
  void fail_next_sync();
  /// With the store closed: makes the disk what a power loss may have left of it, and gives the power back.
  void drop_unsynced(std::uint64_t seed);
  // Seeds from which it draws that none, or all, of the writes to a file are kept.
  static constexpr std::uint64_t kLoseAll = 6;
  static constexpr std::uint64_t kKeepAll = 4;

 private:
  std::shared_ptr<PowerLossFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace testamur::test
