// What of the history is not here: after a snapshot, until the older blocks are filled in behind it.
//
// The state as of a block is here up to `filled`, and from `snapshot` on. What lies between answers not_here, and so does a
// leaf that is missing under the snapshot's block.
#pragma once

#include "keys.h"
#include "testamur/storage/key_value.h"

namespace testamur::store {

struct Gap {
  Height filled;           ///< the newest block of those that follow one another from genesis
  Height snapshot;         ///< the block that the snapshot was of
  std::uint64_t size = 0;  ///< leaves in the log up to that block

  bool hides(Height height) const { return height > filled && height < snapshot; }
};

Bytes encode(const Gap& gap);
std::optional<Gap> read_gap(const storage::View& view);

/// Throws storage::StorageFault, not_here, where the state as of this block is in the gap.
void require_here(const storage::View& view, Height height);
void require_here(const std::optional<Gap>& gap, Height height);
/// For a value of this leaf that was found missing: throws not_here where it is to be filled in, and returns where it is not.
void excuse_missing(const storage::View& view, LeafIndex leaf);

}  // namespace testamur::store
