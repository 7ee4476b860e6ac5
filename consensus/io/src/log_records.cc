#include "log_records.h"

#include "testamur/encoding/encoding.h"
#include "testamur/storage/checksum.h"

namespace testamur::consensus::records {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 4;

std::uint32_t checksum_of(std::string_view name, ByteView value) {
  Bytes both = key(name);
  both.insert(both.end(), value.begin(), value.end());
  return storage::checksum(both);
}

Bytes with_checksum(std::string_view name, Writer value) {
  const std::uint32_t sum = checksum_of(name, value.bytes());
  return std::move(value.u32(sum)).bytes();
}

/// The value before the checksum; nothing when that does not fit.
std::optional<ByteView> without_checksum(std::string_view name, ByteView bytes) {
  if (bytes.size() < kChecksumBytes) return std::nullopt;
  const ByteView value = bytes.first(bytes.size() - kChecksumBytes);
  Reader in(bytes.last(kChecksumBytes), name);
  if (in.u32("checksum") != checksum_of(name, value)) return std::nullopt;
  return value;
}

Error damaged(std::string_view name) {
  return {ErrorCode::corrupt, "the record \"" + std::string(name) + "\" does not have its checksum"};
}

Error corrupt(const Error& error) { return {ErrorCode::corrupt, error.message}; }

}  // namespace

Bytes key(std::string_view name) { return {name.begin(), name.end()}; }

Bytes entry_key(Index index) { return std::move(Writer().raw(as_bytes(kEntries)).u64(index.value)).bytes(); }

std::optional<Index> entry_index(ByteView key) {
  Reader in(key, "key of an entry");
  const ByteView begins = in.take("kind", kEntries.size());
  const Index index{in.u64("index")};
  if (in.finish() || as_text(begins) != kEntries) return std::nullopt;
  return index;
}

Bytes encode_owner(ByteView owner) {
  Writer out;
  out.u8(kVersion).opaque16(owner);
  return with_checksum(kOwner, std::move(out));
}

Result<Bytes> decode_owner(ByteView bytes) {
  const auto value = without_checksum(kOwner, bytes);
  if (!value) return damaged(kOwner);
  Reader in(*value, "owner");
  in.u8_in("version", kVersion, kVersion);
  const ByteView owner = in.opaque16("owner");
  if (const auto error = in.finish()) return corrupt(*error);
  return Bytes(owner.begin(), owner.end());
}

Bytes encode_state(const HardState& state) {
  Writer out;
  out.u64(state.term.value).u8(state.vote ? 1 : 0).u64(state.vote.value_or(NodeId{}).value);
  return with_checksum(kState, std::move(out));
}

Result<HardState> decode_state(ByteView bytes) {
  const auto value = without_checksum(kState, bytes);
  if (!value) return damaged(kState);
  Reader in(*value, "term and vote");
  HardState state;
  state.term = Term{in.u64("term")};
  const bool voted = in.flag("voted");
  const NodeId vote{in.u64("vote")};
  if (const auto error = in.finish()) return corrupt(*error);
  if (voted) state.vote = vote;
  return state;
}

Bytes encode_claim(const Claim& claim) {
  Writer out;
  out.u64(claim.index.value).u64(claim.height).raw(claim.head);
  return with_checksum(kClaim, std::move(out));
}

Result<Claim> decode_claim(ByteView bytes) {
  const auto value = without_checksum(kClaim, bytes);
  if (!value) return damaged(kClaim);
  Reader in(*value, "claim");
  Claim claim;
  claim.index = Index{in.u64("index")};
  claim.height = in.u64("height");
  claim.head = in.fixed<32>("head");
  if (const auto error = in.finish()) return corrupt(*error);
  return claim;
}

Bytes encode_owner_record(ByteView record) {
  Writer out;
  out.raw(record);
  return with_checksum(kOwnerRecord, std::move(out));
}

Result<Bytes> decode_owner_record(ByteView bytes) {
  const auto value = without_checksum(kOwnerRecord, bytes);
  if (!value) return damaged(kOwnerRecord);
  return Bytes(value->begin(), value->end());
}

namespace {

void write_id(const EntryId& id, Writer& out) { out.u64(id.term.value).u64(id.index.value).raw(id.hash); }

EntryId read_id(Reader& in) {
  EntryId id;
  id.term = Term{in.u64("term")};
  id.index = Index{in.u64("index")};
  id.hash = in.fixed<32>("hash");
  return id;
}

}  // namespace

Bytes encode_base(const Base& base) {
  Writer out;
  write_id(base.id, out);
  out.raw(*encode(base.configuration));
  return with_checksum(kBase, std::move(out));
}

Result<Base> decode_base(ByteView bytes) {
  const auto value = without_checksum(kBase, bytes);
  if (!value) return damaged(kBase);
  Reader in(*value, "base");
  Base base;
  base.id = read_id(in);
  const ByteView members = in.take("configuration", value->size() - in.offset());
  if (const auto error = in.finish()) return corrupt(*error);
  auto configuration = decode_configuration(members);
  if (!configuration) return Error{ErrorCode::corrupt, "the record \"base\" names no configuration"};
  base.configuration = std::move(*configuration);
  return base;
}

Bytes encode_floor(const EntryId& floor) {
  Writer out;
  write_id(floor, out);
  return with_checksum(kFloor, std::move(out));
}

Result<EntryId> decode_floor(ByteView bytes) {
  const auto value = without_checksum(kFloor, bytes);
  if (!value) return damaged(kFloor);
  Reader in(*value, "floor");
  const EntryId floor = read_id(in);
  if (const auto error = in.finish()) return corrupt(*error);
  return floor;
}

Bytes encode_life(std::uint64_t life) {
  Writer out;
  out.u64(life);
  return with_checksum(kLife, std::move(out));
}

Result<std::uint64_t> decode_life(ByteView bytes) {
  const auto value = without_checksum(kLife, bytes);
  if (!value) return damaged(kLife);
  Reader in(*value, "life");
  const std::uint64_t life = in.u64("life");
  if (const auto error = in.finish()) return corrupt(*error);
  return life;
}

// An empty payload and none differ: only the entry that begins a term has none.
Bytes encode_entry(const Entry& entry) {
  constexpr std::uint8_t kNone = 0, kData = 1, kConfiguration = 2;
  Writer out;
  out.u64(entry.id.term.value).raw(entry.id.hash);
  out.u8(entry.kind == EntryKind::configuration ? kConfiguration : entry.payload ? kData : kNone);
  if (entry.payload) out.raw(*entry.payload);
  return std::move(out).bytes();
}

Result<Entry> decode_entry(Index index, ByteView bytes) {
  Reader in(bytes, "entry");
  Entry entry;
  entry.id.index = index;
  entry.id.term = Term{in.u64("term")};
  entry.id.hash = in.fixed<32>("hash");
  const std::uint8_t what = in.u8_in("kind", 0, 2);
  entry.kind = what == 2 ? EntryKind::configuration : EntryKind::data;
  if (what != 0) {
    const ByteView payload = in.take("payload", bytes.size() - in.offset());
    entry.payload = std::make_shared<const std::vector<std::uint8_t>>(payload.begin(), payload.end());
  }
  if (const auto error = in.finish()) return corrupt(*error);
  return entry;
}

}  // namespace testamur::consensus::records
