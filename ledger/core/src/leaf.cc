#include "testamur/ledger/leaf.h"

namespace testamur {
namespace {

constexpr std::uint8_t kStatementLeaf = 1;
constexpr std::uint8_t kBlockRecordLeaf = 2;

}  // namespace

Bytes statement_leaf(Time recorded_at, ByteView signed_statement) {
  Writer writer;
  writer.u8(kStatementLeaf).time(recorded_at).raw(signed_statement);
  return std::move(writer).bytes();
}

Bytes encode(const StatementLeaf& leaf) { return statement_leaf(leaf.recorded_at, encode(leaf.statement)); }

Result<StatementLeaf> decode_statement_leaf(ByteView bytes) {
  Reader reader(bytes, "statement_leaf");
  reader.u8_in("leaf_type", kStatementLeaf, kStatementLeaf);
  const Time recorded_at = reader.time("recorded_at");
  reader.expect(bytes.size() <= kMaxLeafBytes, "statement", "a leaf of 65535 bytes at most");
  if (!reader.ok()) return *reader.finish();
  auto statement = decode_signed_statement(bytes.subspan(reader.offset()));
  if (!statement) return statement.error();
  return StatementLeaf{recorded_at, std::move(*statement)};
}

void write(Writer& writer, const BlockRecord& record) {
  writer.u8(kBlockRecordLeaf).u64(record.height.value).time(record.time).u64(record.first_leaf.value);
  writer.raw(record.previous).u32(record.registry_size).raw(record.registry_root).raw(record.consortium);
}

BlockRecord read_block_record(Reader& reader) {
  BlockRecord record;
  reader.u8_in("leaf_type", kBlockRecordLeaf, kBlockRecordLeaf);
  record.height = Height{reader.u64("height")};
  record.time = reader.time("time");
  record.first_leaf = LeafIndex{reader.u64("first_leaf")};
  record.previous = reader.hash("previous");
  record.registry_size = reader.u32("registry_size");
  record.registry_root = reader.hash("registry_root");
  record.consortium = reader.hash("consortium");
  return record;
}

void write(Writer& writer, const Event& event) {
  writer.u64(event.sequence.value).u64(event.leaf_index.value).time(event.recorded_at);
  write(writer, event.change);
}

Event read_event(Reader& reader) {
  Event event;
  event.sequence = EventSequence{reader.u64("sequence")};
  event.leaf_index = LeafIndex{reader.u64("leaf_index")};
  event.recorded_at = reader.time("recorded_at");
  event.change = read_change(reader);
  return event;
}

Bytes encode(const BlockRecord& record) {
  Writer writer;
  write(writer, record);
  return std::move(writer).bytes();
}

Bytes encode(const Event& event) {
  Writer writer;
  write(writer, event);
  return std::move(writer).bytes();
}

Bytes encode(const BatchEntry& entry) {
  Writer writer;
  writer.u64(entry.leaf_index.value).u64(entry.first.value).u32(entry.count).raw(entry.batch_root);
  return std::move(writer).bytes();
}

Result<BlockRecord> decode_block_record(ByteView bytes) {
  Reader reader(bytes, "block_record");
  BlockRecord record = read_block_record(reader);
  if (auto error = reader.finish()) return *error;
  return record;
}

Result<Event> decode_event(ByteView bytes) {
  Reader reader(bytes, "event");
  Event event = read_event(reader);
  if (auto error = reader.finish()) return *error;
  return event;
}

Result<BatchEntry> decode_batch_entry(ByteView bytes) {
  Reader reader(bytes, "batch_entry");
  BatchEntry entry;
  entry.leaf_index = LeafIndex{reader.u64("leaf_index")};
  entry.first = EntryNumber{reader.u64("first")};
  entry.count = reader.u32("count");
  entry.batch_root = reader.hash("batch_root");
  if (auto error = reader.finish()) return *error;
  return entry;
}

}  // namespace testamur
