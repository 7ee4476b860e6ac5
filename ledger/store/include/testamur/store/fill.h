// Filling in what is older than a snapshot, so that in the end the store holds the very bytes of one that replayed from the start.
//
// Why upwards, by replaying: only the blocks themselves tell which versions of records and trees there were, and a version follows
// from the one before. So each block is replayed on top of genesis and the older blocks that are here already, straight into the store: the
// leaves go in where they were missing, the versions where a reader of the snapshot's block or a later one does not look. The leaf
// hashes came with the snapshot and are known to be right; so every leaf is checked by its hash before anything else, no signature need
// be checked again, and what is replayed must come to the block record's registry root. Block by block the gap closes from below; questions about
// a block that is here are answered at once, and those about the rest answer not_here: could not check.
//
// A snapshot's versioned entries stand at its own block, whenever they were really written. The last step takes those away that
// the replayed block did not write itself: by then the true versions lie below them, and hash to the same root.
#pragma once

#include "testamur/store/history.h"

namespace testamur::store {

/// The blocks that are not here, or not all of them: `first` up to the snapshot's own.
struct HistoryGap {
  Height first;
  Height last;
  bool operator==(const HistoryGap&) const = default;
};
/// Nothing when all blocks are here.
Result<std::optional<HistoryGap>> history_gap(const storage::KeyValueStore& store);

/// A block as a node that has it hands it on: History::block_payload() and History::block_leaves(). No hash vouches for the payload's
/// place in the log of the consensus; it is held between its neighbours'.
struct OlderBlock {
  LogIndex payload;
  BlockLeaves leaves;
};

/// Fills the gap of one store. It writes, so it belongs to the thread that owns the store's Ledger, between whose blocks it may
/// work at any time; nothing of it concerns what the Ledger keeps in memory. Each step is one write, and is gone on with after a restart.
class HistoryFill {
 public:
  /// Errors: not_found when there is nothing to fill.
  static Result<std::unique_ptr<HistoryFill>> open(std::shared_ptr<storage::KeyValueStore> store);
  ~HistoryFill();

  /// The block that take() wants; nothing when all are here, and only close() is left.
  std::optional<Height> next() const;

  /// Takes the next block. Errors: conflict (the leaves of another place); invalid (not this block: ask another node). Then nothing has
  /// happened. storage, corrupt: as of a Ledger.
  Result<void> take(const OlderBlock& block);

  /// Looks through so many entries for those that the snapshot left in the wrong version; says whether the end was reached. Then
  /// there is nothing left to fill. Errors: conflict (blocks are missing still), storage, corrupt.
  Result<bool> close(std::size_t entries = 10'000);

 private:
  class Impl;
  explicit HistoryFill(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::store
