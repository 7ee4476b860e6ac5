// What goes over the wire of a snapshot, and what both ends know of its sections. A chunk is
//   struct { uint8 section; uint64 major; uint64 minor; } Place;
//   struct { Place place; opaque value<0..2^24-1>; } Entry;
//   struct { opaque ledger[32]; uint64 height; Place after; uint8 last; Entry entries[..]; uint32 checksum; /* CRC-32 of all before */ } Chunk;
#pragma once

#include "append_tree.h"
#include "keys.h"
#include "testamur/store/snapshot.h"

namespace testamur::store {

/// The sections in their order. Major and minor number of an entry's place, and its value:
enum SnapshotSection : std::uint8_t {
  kLogTiles = 1,     ///< tile of band 0, 0: the hashes in it, as far as they lie under the checkpoint
  kRecords = 2,      ///< index, 0: the record as of the block
  kIssues = 3,       ///< leaf index, 0: the leaf of an issue statement
  kListedTiles = 4,  ///< leaf index of its statement, tile of band 0: the commitments in it
  kEvents = 5,       ///< record index of the register, sequence: the event
};
inline constexpr std::uint8_t kLastSection = kEvents;

struct SnapshotEntry {
  SnapshotPlace place;
  Bytes value;
};
inline constexpr std::size_t kEntryOverhead = kSnapshotPlaceBytes + 3;

/// Entries of one section, in order.
struct SnapshotChunk {
  Hash ledger{};
  Height height;
  SnapshotPlace after;  ///< the place of the entry before the first
  bool last = false;
  std::vector<SnapshotEntry> entries;
};

Bytes encode(const SnapshotChunk& chunk);
/// Errors: malformed. Looks at the checksum first.
Result<SnapshotChunk> decode_snapshot_chunk(ByteView bytes);

constexpr std::uint64_t tiles_of(std::uint64_t size) { return size / kTileWidth + (size % kTileWidth != 0 ? 1 : 0); }
/// How many hashes tile `index` of band 0 holds in a tree of this size.
constexpr std::uint64_t hashes_in_tile(std::uint64_t index, std::uint64_t size) {
  return std::min<std::uint64_t>(kTileWidth, size - index * kTileWidth);
}

/// The statement in a leaf, when it is one that issues.
std::optional<Statement> issue_in(ByteView leaf);

}  // namespace testamur::store
