#include "snapshot_format.h"

#include "state.h"
#include "testamur/storage/checksum.h"

namespace testamur::store {
namespace {

constexpr std::size_t kMaxPath = 64;
constexpr std::uint8_t kStatementLeaf = 1;

void write(Writer& writer, const SnapshotPlace& place) { writer.u8(place.section).u64(place.major).u64(place.minor); }

SnapshotPlace read_place(Reader& reader) {
  SnapshotPlace place;
  place.section = reader.u8_in("section", 0, kLastSection);
  place.major = reader.u64("major");
  place.minor = reader.u64("minor");
  return place;
}

}  // namespace

Bytes encode(const SnapshotPlace& place) {
  Writer writer;
  write(writer, place);
  return std::move(writer).bytes();
}

Result<SnapshotPlace> decode_snapshot_place(ByteView bytes) {
  Reader reader(bytes, "snapshot_place");
  const SnapshotPlace place = read_place(reader);
  if (const auto error = reader.finish()) return *error;
  return place;
}

Bytes encode(const SnapshotManifest& manifest) {
  Writer writer;
  writer.u64(manifest.payload.value).opaque16(as_bytes(manifest.certified.checkpoint.origin));
  writer.opaque24(encode(StoredCertified{manifest.block.height, manifest.certified}));
  write(writer, manifest.block);
  writer.u8(static_cast<std::uint8_t>(manifest.block_path.size()));
  for (const Hash& hash : manifest.block_path) writer.raw(hash);
  return std::move(writer).bytes();
}

Result<SnapshotManifest> decode_snapshot_manifest(ByteView bytes) {
  if (bytes.size() > kMaxManifestBytes) {
    return Error{ErrorCode::malformed, "snapshot_manifest: expected at most " + std::to_string(kMaxManifestBytes) +
                                           " bytes, found " + std::to_string(bytes.size())};
  }
  Reader reader(bytes, "snapshot_manifest");
  SnapshotManifest manifest;
  manifest.payload = LogIndex{reader.u64("payload")};
  const std::string origin(as_text(reader.opaque16("origin")));
  auto certified = decode_certified(reader.opaque24("certified"), origin);
  manifest.block = read_block_record(reader);
  manifest.block_path.resize(reader.u8_in("block_path", 0, kMaxPath));
  for (Hash& hash : manifest.block_path) hash = reader.hash("block_path");
  if (certified)
    reader.expect(certified->height == manifest.block.height, "block", "the height of the certified block");
  if (const auto error = reader.finish()) return *error;
  if (!certified) return certified.error();
  manifest.certified = std::move(certified->certified);
  return manifest;
}

Bytes encode(const SnapshotChunk& chunk) {
  Writer writer;
  writer.raw(chunk.ledger).u64(chunk.height.value);
  write(writer, chunk.after);
  writer.u8(chunk.last ? 1 : 0);
  for (const SnapshotEntry& entry : chunk.entries) {
    write(writer, entry.place);
    writer.opaque24(entry.value);
  }
  writer.u32(storage::checksum(writer.bytes()));
  return std::move(writer).bytes();
}

Result<SnapshotPlace> end_of_snapshot_chunk(ByteView bytes) {
  const auto chunk = decode_snapshot_chunk(bytes);
  if (!chunk) return chunk.error();
  return chunk->entries.empty() ? chunk->after : chunk->entries.back().place;
}

Result<SnapshotChunk> decode_snapshot_chunk(ByteView bytes) {
  constexpr std::size_t sum_bytes = sizeof(std::uint32_t);
  if (bytes.size() < sum_bytes || bytes.size() > kMaxSnapshotChunkBytes) {
    return Error{ErrorCode::malformed, "snapshot_chunk: expected up to " + std::to_string(kMaxSnapshotChunkBytes) +
                                           " bytes, found " + std::to_string(bytes.size())};
  }
  const ByteView body = bytes.first(bytes.size() - sum_bytes);
  Reader sum(bytes.last(sum_bytes), "snapshot_chunk");
  if (sum.u32("checksum") != storage::checksum(body)) {
    return Error{ErrorCode::malformed, "snapshot_chunk: expected its checksum, found another: damaged on its way"};
  }
  Reader reader(body, "snapshot_chunk");
  SnapshotChunk chunk;
  chunk.ledger = reader.hash("ledger");
  chunk.height = Height{reader.u64("height")};
  chunk.after = read_place(reader);
  chunk.last = reader.flag("last");
  while (reader.ok() && !reader.at_end()) {
    const SnapshotPlace place = read_place(reader);
    const ByteView value = reader.opaque24("value");
    chunk.entries.push_back({place, Bytes(value.begin(), value.end())});
  }
  if (const auto error = reader.finish()) return *error;
  return chunk;
}

std::optional<Statement> issue_in(ByteView leaf) {
  if (leaf.empty() || leaf[0] != kStatementLeaf) return std::nullopt;
  const auto decoded = decode_statement_leaf(leaf);
  if (!decoded) return std::nullopt;
  auto statement = decode_statement(decoded->statement.statement);
  if (!statement || !std::holds_alternative<IssueBody>(statement->body)) return std::nullopt;
  return std::move(*statement);
}

}  // namespace testamur::store
