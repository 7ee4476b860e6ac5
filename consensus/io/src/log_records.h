// The records of the log store: their keys, and their bytes.
//
//   "owner"             version 1, whose log this is
//   "state"             term and vote, one record: they are never seen apart
//   "claim"             what was claimed last
//   "base"              the entry that the log's first one follows, and the members there; none: the beginning
//   "floor"             where the log ended before it was found damaged; none, or index 0: it is whole
//   "life"              which life of its node this is, where that lost an earlier log
//   "record"            the owner's own
//   "e" index(8 bytes)  an entry; big-endian, so that the order of the keys is that of the log
//
// All but entries end in a checksum over key and value, so that one damaged where the database's own checksums do not look, or
// lying under another's key, is found. Entries need none: their hashes, checked when the log is loaded, cover them.
#pragma once

#include "testamur/consensus/core.h"
#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::consensus::records {

inline constexpr std::string_view kOwner = "owner";
inline constexpr std::string_view kState = "state";
inline constexpr std::string_view kClaim = "claim";
inline constexpr std::string_view kOwnerRecord = "record";
inline constexpr std::string_view kBase = "base";
inline constexpr std::string_view kFloor = "floor";
inline constexpr std::string_view kLife = "life";
inline constexpr std::string_view kEntries = "e";  ///< begins the keys of entries, and of nothing else

Bytes key(std::string_view name);
Bytes entry_key(Index index);
/// Nothing for bytes that are no entry's key.
std::optional<Index> entry_index(ByteView key);

Bytes encode_owner(ByteView owner);
Bytes encode_state(const HardState& state);
Bytes encode_claim(const Claim& claim);
Bytes encode_owner_record(ByteView record);
Bytes encode_base(const Base& base);
Bytes encode_floor(const EntryId& floor);
Bytes encode_life(std::uint64_t life);
Bytes encode_entry(const Entry& entry);

// Errors: corrupt, naming the record and what was expected of it.
Result<Bytes> decode_owner(ByteView bytes);
Result<HardState> decode_state(ByteView bytes);
Result<Claim> decode_claim(ByteView bytes);
Result<Bytes> decode_owner_record(ByteView bytes);
Result<Base> decode_base(ByteView bytes);
Result<EntryId> decode_floor(ByteView bytes);
Result<std::uint64_t> decode_life(ByteView bytes);
/// Without the hash of the entry before, which is not stored twice.
Result<Entry> decode_entry(Index index, ByteView bytes);

}  // namespace testamur::consensus::records
