// Making a ledger from what a snapshot brings, and comparing it with the certified head.
#pragma once

#include "registry.h"
#include "snapshot_format.h"
#include "testamur/ledger/genesis.h"

namespace testamur::store {

/// What arrived is not what the certified head is of.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Works on a store that holds the entries of a snapshot. Each step may be done again from the start. Steps throw Refused, or
/// storage::StorageFault.
///
/// Everything that is kept by version is written as of the snapshot's block. Which older versions there were only the older blocks can tell:
/// see fill.cc.
class SnapshotDerivation {
 public:
  SnapshotDerivation(storage::KeyValueStore& store, const SnapshotManifest& manifest, const Genesis& genesis)
      : store_(store), manifest_(manifest), genesis_(genesis) {}

  /// The log's upper tiles, up to its root. From here on the leaf hashes are known to be right.
  void make_log();
  /// The registry's tiles and names, up to its root. From here on the records are known to be right.
  void make_records();
  /// Known after make_records(), by record index.
  const std::map<RecordIndex, RegisterRecord>& registers() const { return registers_; }
  /// From the issue statements: each register's batches, and the listed ones' trees and places.
  void make_batches();
  /// From the events: each register's tree of them, where they are found, and the statuses.
  void make_events();
  /// The head, with what belongs to its block and to genesis: the store is a ledger then.
  void make_head(ByteView genesis_bytes);

 private:
  struct Growing {
    AppendEdge batches;
    std::uint64_t issued = 0;
  };
  void put(BlockWrites& writes);
  void add_issue(LeafIndex leaf, const Statement& statement, std::map<RecordIndex, Growing>& growing,
                 BlockWrites& writes);
  void add_listed(LeafIndex leaf, RecordIndex index, const IssueBody& issue, BlockWrites& writes);
  void check_events(RecordIndex index, const RegisterRecord& record);
  void make_statuses(RecordIndex index, const RegisterRecord& record);

  std::uint64_t size() const { return manifest_.certified.checkpoint.size; }
  Height height() const { return manifest_.block.height; }

  storage::KeyValueStore& store_;
  const SnapshotManifest& manifest_;
  const Genesis& genesis_;
  std::map<RecordIndex, RegisterRecord> registers_;
  std::map<std::string, RecordIndex, std::less<>> named_;
};

}  // namespace testamur::store
