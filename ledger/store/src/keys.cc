#include "keys.h"

#include "testamur/encoding/encoding.h"

namespace testamur::store::keys {
namespace {

enum Kind : std::uint8_t {
  kHead = 'A',
  kGenesis = 'G',
  kCertified = 'K',
  kLeaf = 'L',
  kLogTile = 'l',
  kBlock = 'H',
  kBlockTime = 't',
  kRecord = 'R',
  kRegistryTile = 'r',
  kRecordName = 'n',
  kBatch = 'B',
  kBatchTile = 'b',
  kEvent = 'E',
  kEventTile = 'e',
  kEventRange = 'v',
  kStatusTile = 's',
  kListedTile = 'C',
  kCommitment = 'c',
  kUndo = 'U',
  kSnapshot = 'S',
  kGap = 'F',
  kVersionKept = 'f',
};

Writer key(Kind kind) {
  Writer writer;
  writer.u8(kind);
  return writer;
}

Bytes one(Kind kind) { return key(kind).bytes(); }

}  // namespace

Bytes head() { return one(kHead); }
Bytes genesis() { return one(kGenesis); }
Bytes certified() { return one(kCertified); }
Bytes leaf(LeafIndex index) { return key(kLeaf).u64(index.value).bytes(); }
Bytes block(Height height) { return key(kBlock).u64(height.value).bytes(); }
Bytes block_time(Time time) { return key(kBlockTime).time(time).bytes(); }
Bytes record(RecordIndex index, Height version) { return key(kRecord).u32(index).u64(version.value).bytes(); }
Bytes record_name(std::string_view name) { return key(kRecordName).raw(as_bytes(name)).bytes(); }
Bytes batch(RecordIndex record, EntryNumber first) { return key(kBatch).u32(record).u64(first.value).bytes(); }
Bytes event(RecordIndex record, EventSequence sequence) { return key(kEvent).u32(record).u64(sequence.value).bytes(); }
Bytes event_range(RecordIndex record, unsigned level, std::uint64_t index, EventSequence sequence) {
  return key(kEventRange).u32(record).u8(static_cast<std::uint8_t>(level)).u64(index).u64(sequence.value).bytes();
}
Bytes commitment_prefix(const Hash& commitment) { return key(kCommitment).raw(commitment).bytes(); }
Bytes commitment(const Hash& commitment, RecordIndex record, EntryNumber number) {
  return key(kCommitment).raw(commitment).u32(record).u64(number.value).bytes();
}
Bytes undo(Height height) { return key(kUndo).u64(height.value).bytes(); }

Bytes snapshot() { return one(kSnapshot); }
Bytes gap() { return one(kGap); }
Bytes version_kept(ByteView versioned) { return key(kVersionKept).raw(versioned).bytes(); }
Bytes record_versions() { return one(kRecord); }
Bytes status_versions() { return one(kStatusTile); }
Bytes leaves() { return one(kLeaf); }
Bytes listed_trees() { return one(kListedTile); }

Bytes log_tree() { return one(kLogTile); }
Bytes batches_tree(RecordIndex record) { return key(kBatchTile).u32(record).bytes(); }
Bytes events_tree(RecordIndex record) { return key(kEventTile).u32(record).bytes(); }
Bytes listed_tree(LeafIndex statement) { return key(kListedTile).u64(statement.value).bytes(); }
Bytes registry_tree() { return one(kRegistryTile); }
Bytes status_tree(RecordIndex record) { return key(kStatusTile).u32(record).bytes(); }
Bytes tile(const Bytes& tree, unsigned band, std::uint64_t index) {
  Writer writer;
  writer.raw(tree).u8(static_cast<std::uint8_t>(band)).u64(index);
  return std::move(writer).bytes();
}

}  // namespace testamur::store::keys
