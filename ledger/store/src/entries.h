// The entries that statements leave behind in a register: made by applying a block, and again from a snapshot.
#pragma once

#include "append_tree.h"
#include "keys.h"

namespace testamur::store {

/// Writes batch `number` of a register; returns its leaf hash.
Hash add_batch(RecordIndex record, std::uint64_t number, const BatchEntry& entry, BlockWrites& writes);

/// Writes an event of a register, and where it is found by the numbers that it touches; returns its leaf hash.
Hash add_event(RecordIndex record, const Event& event, BlockWrites& writes);

/// Keeps a listed batch: its commitments and tree, and where each commitment is found.
void write_listed(std::span<const Hash> commitments, LeafIndex leaf, RecordIndex record, EntryNumber first,
                  BlockWrites& writes);

}  // namespace testamur::store
