// The KeyValueStore in memory, for simulations: the same face and the same promises as the one in RocksDB that is not synced (one
// suite of tests runs on both), with a loss of power whenever it is told to.
//
// What a loss of power takes is as there: writes since the last flush, the newest first, each whole or not at all.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "testamur/storage/key_value.h"

namespace testamur::test {

class MemoryStore final : public storage::KeyValueStore {
 public:
  MemoryStore() = default;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  std::unique_ptr<storage::View> view() const override;
  void write(const storage::WriteSet& writes) override;
  void flush() override;

  /// Another disk with the same on it, all of it flushed.
  std::unique_ptr<MemoryStore> copy() const;
  /// Writes that a loss of power may take.
  std::size_t unflushed() const { return changed_.size(); }
  /// The power goes, and of these writes so many stay, the oldest ones. No view may be open.
  void lose_power(std::size_t kept);

 private:
  class MemoryView;
  using Value = std::optional<Bytes>;  // nothing: deleted
  struct Version {
    std::uint64_t write;  // the number of the write that made it
    Value value;
  };
  // Of each key the versions that a view or a loss of power may ask for, the oldest first.
  using Versions = std::vector<Version>;
  struct Less {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const;
  };
  using Entries = std::map<Bytes, Versions, Less>;

  static const Bytes* value_at(const Versions& versions, std::uint64_t write);
  std::uint64_t oldest_needed() const;
  void prune(Entries::iterator entry);

  Entries entries_;
  mutable std::multiset<std::uint64_t> views_;  // the newest write that each sees
  std::uint64_t last_write_ = 0;
  std::deque<std::vector<Entries::iterator>> changed_;  // by the writes since the last flush
};

}  // namespace testamur::test
