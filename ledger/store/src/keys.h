// The keys of the store. The first byte says what kind of entry it is; numbers are big-endian, so that keys sort as numbers do.
//
// Entries whose key ends in a height are kept by version: the state as of a block is the last version up to its height.
#pragma once

#include "testamur/ledger/leaf.h"

namespace testamur::store {

using RecordIndex = std::uint32_t;

namespace keys {

Bytes head();                 ///< where the ledger stands: Head
Bytes genesis();              ///< the bytes of genesis
Bytes certified();            ///< the newest certified checkpoint, with its height
Bytes leaf(LeafIndex index);  ///< leaf data
Bytes block(Height height);   ///< leaf index of its block record, and index of its payload
Bytes block_time(Time time);  ///< height of the block of that time
Bytes record(RecordIndex index, Height version);
Bytes record_name(std::string_view name);            ///< "institution" or "institution/register": index of the record
Bytes batch(RecordIndex record, EntryNumber first);  ///< index and BatchEntry
Bytes event(RecordIndex record, EventSequence sequence);  ///< Event
/// Events by the numbers they touch: the range of a change as complete binary ranges of 2^level numbers.
Bytes event_range(RecordIndex record, unsigned level, std::uint64_t index, EventSequence sequence);
Bytes commitment(const Hash& commitment, RecordIndex record, EntryNumber number);  ///< listed commitments
Bytes commitment_prefix(const Hash& commitment);
Bytes undo(Height height);
Bytes snapshot();                        ///< how far a snapshot has arrived, in a store that is not a ledger yet
Bytes gap();                             ///< which history is not here yet: Gap
Bytes version_kept(ByteView versioned);  ///< a versioned key of the snapshot's block that stays once the gap is filled

// Prefixes of all entries of a kind.
Bytes leaves();
Bytes record_versions();
Bytes status_versions();
Bytes listed_trees();

// Prefixes of trees: their tiles' keys follow with (band, index) and, where kept by version, the height.
Bytes log_tree();
Bytes batches_tree(RecordIndex record);
Bytes events_tree(RecordIndex record);
Bytes listed_tree(LeafIndex statement);
Bytes registry_tree();
Bytes status_tree(RecordIndex record);
Bytes tile(const Bytes& tree, unsigned band, std::uint64_t index);

}  // namespace keys

}  // namespace testamur::store
