// The leaves of the log, and of a register's two trees (FORMATS 3 and 4).
#pragma once

#include "testamur/ledger/statement.h"

namespace testamur {

/// No leaf is longer: a statement whose leaf would be is refused as malformed.
inline constexpr std::size_t kMaxLeafBytes = 65535;

/// An accepted statement, with the time of its block.
struct StatementLeaf {
  Time recorded_at;
  SignedStatement statement;
};

/// The last leaf under every checkpoint: what the block made of the registry.
struct BlockRecord {
  Height height;
  Time time;
  LeafIndex first_leaf;  ///< the block's first leaf
  Hash previous{};       ///< leaf hash of the block record before; the ledger's id in block 0
  std::uint32_t registry_size = 0;
  Hash registry_root{};
  Hash consortium{};  ///< leaf hash of record 0
  bool operator==(const BlockRecord&) const = default;
};

/// A leaf of a register's batches.
struct BatchEntry {
  LeafIndex leaf_index;  ///< of the issue statement, in the log
  EntryNumber first;
  std::uint32_t count = 0;
  Hash batch_root{};
  bool operator==(const BatchEntry&) const = default;
};

/// A leaf of a register's events: one change of one amend statement.
struct Event {
  EventSequence sequence;
  LeafIndex leaf_index;  ///< of the amend statement, in the log
  Time recorded_at;
  Change change;
  bool operator==(const Event&) const = default;
};

Bytes encode(const StatementLeaf& leaf);
/// The leaf of a signed statement that is already in bytes.
Bytes statement_leaf(Time recorded_at, ByteView signed_statement);
Result<StatementLeaf> decode_statement_leaf(ByteView bytes);

Bytes encode(const BlockRecord& record);
Result<BlockRecord> decode_block_record(ByteView bytes);
void write(Writer& writer, const BlockRecord& record);
BlockRecord read_block_record(Reader& reader);

Bytes encode(const BatchEntry& entry);
Result<BatchEntry> decode_batch_entry(ByteView bytes);

Bytes encode(const Event& event);
Result<Event> decode_event(ByteView bytes);
void write(Writer& writer, const Event& event);
Event read_event(Reader& reader);

/// 128 entries to a status chunk, two bits each, first number in the two most significant bits of byte 0.
inline constexpr std::uint64_t kChunkEntries = 128;
using Chunk = std::array<std::uint8_t, 32>;

constexpr std::uint64_t chunk_count(std::uint64_t issued) {
  return issued / kChunkEntries + (issued % kChunkEntries != 0 ? 1 : 0);
}
constexpr Status chunk_status(const Chunk& chunk, EntryNumber number) {
  const std::uint64_t position = number.value % kChunkEntries;
  return static_cast<Status>(chunk[position / 4] >> (6 - 2 * (position % 4)) & 3);
}
constexpr void set_chunk_status(Chunk& chunk, EntryNumber number, Status status) {
  const std::uint64_t position = number.value % kChunkEntries;
  const auto shift = static_cast<unsigned>(6 - 2 * (position % 4));
  auto& byte = chunk[position / 4];
  byte = static_cast<std::uint8_t>((byte & ~(3u << shift)) | static_cast<unsigned>(status) << shift);
}

}  // namespace testamur
