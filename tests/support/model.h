// The ledger as a registrar would keep it on paper: plain lists, every tree hashed from its leaves each time, nothing clever.
// What the store says is held against it.
#pragma once

#include <map>

#include "world.h"

namespace testamur::test {

class Model {
 public:
  explicit Model(const World& world);

  /// Judges by the same words as the rules do, entry by entry, for statements whose form and signatures are good.
  Acceptance judge(const Statement& statement) const;
  void accept(const Statement& statement, const Bytes& signed_statement, Time block_time);
  /// Ends the block; its record must be what the store's is.
  BlockRecord end_block(Time time);

  const RegisterRecord& record(const std::string& key) const { return registers_.at(key).record; }
  std::vector<std::string> register_keys() const;
  Status status(const std::string& key, std::uint64_t number) const { return registers_.at(key).statuses[number]; }
  /// As of a block of the past.
  Status status_at(const std::string& key, std::uint64_t number, Height height) const;
  const RegisterRecord& record_at(const std::string& key, Height height) const;
  Hash root() const;
  Hash root_at(std::uint64_t size) const;
  Hash leaf_hash(std::uint64_t index) const { return leaves_[index]; }
  std::uint64_t size() const { return leaves_.size(); }
  Height height() const { return blocks_.back().height; }
  const BlockRecord& block(Height height) const { return blocks_[height.value]; }
  void rollback(Height height);

 private:
  struct DatedChange {
    Height height;
    Change change;
  };
  struct Register {
    std::uint32_t index = 0;
    RegisterRecord record;
    std::vector<Status> statuses;
    std::vector<Hash> batches;  // leaf hashes
    std::vector<Hash> events;
    std::vector<DatedChange> changes;
    std::map<Height, RegisterRecord> versions;
  };
  Register& find(const Statement& statement);
  void refresh(Register& reg);

  Hash ledger_;
  std::map<std::string, Register> registers_;
  std::vector<Hash> registry_;  // leaf hashes of all records
  std::vector<Hash> leaves_;
  std::vector<BlockRecord> blocks_;
  std::uint64_t block_start_ = 0;
};

}  // namespace testamur::test
