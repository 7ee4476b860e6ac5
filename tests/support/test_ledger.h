// A ledger of a World on a real RocksDB in a directory of its own, with a clock and a log index that move by themselves.
#pragma once

#include <memory>

#include "scratch.h"
#include "testamur/storage/rocks.h"
#include "testamur/store/history.h"
#include "testamur/store/ledger.h"
#include "world.h"

namespace testamur::test {

/// A submission with the bytes it views.
struct Handed {
  Bytes signed_statement;
  std::vector<Hash> listed;

  Submission view() const { return {signed_statement, std::span<const Hash>(listed)}; }
};

class TestLedger {
 public:
  explicit TestLedger(World world = World{}, storage::RocksOptions options = {});
  /// In a directory of the caller's: made anew, or opened where a ledger is there.
  TestLedger(World world, std::string directory, storage::RocksOptions options = {});

  const World& world() const { return world_; }
  store::Ledger& ledger() { return *ledger_; }
  const std::shared_ptr<storage::KeyValueStore>& store() const { return store_; }
  const std::string& directory() const { return directory_; }
  Time now() const { return now_; }

  /// Closes and opens the same store again.
  void reopen();
  void close();
  /// Applies one block, `step_ms` after the last.
  store::Applied apply(const std::vector<Handed>& handed, std::uint64_t step_ms = 1000);
  /// Applies a block of one statement, which must be accepted.
  LeafIndex accept(const Handed& handed);
  /// Issues a class in a block of its own, at the register's next number; which must be accepted.
  LeafIndex issue(unsigned institution, std::string_view name, const Class& entries);
  /// Amends in a block of its own; must be accepted.
  LeafIndex amend(unsigned institution, std::string_view name, std::vector<Change> changes);

  RegisterRecord record(unsigned institution, std::string_view name);
  /// Certifies the head `after_ms` after its block, and says so to the store.
  CertifiedCheckpoint certify(std::uint64_t after_ms = 1000);
  std::unique_ptr<store::History> history() const;

 private:
  World world_;
  storage::RocksOptions options_;
  std::optional<ScratchDirectory> scratch_;
  std::string directory_;
  std::shared_ptr<storage::KeyValueStore> store_;
  std::unique_ptr<store::Ledger> ledger_;
  Time now_ = kCreated;
};

}  // namespace testamur::test
