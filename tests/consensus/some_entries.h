// Entries that follow one another, under a hash that is cheap.
#pragma once

#include <string_view>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

inline Digest some_hash(const Entry& entry) {
  const auto& [id, before, payload, kind] = entry;
  Digest out{};
  std::uint64_t mixed =
      id.term.value * 31 + id.index.value * 7 + size_of(payload) + static_cast<std::uint64_t>(kind) * 977;
  for (const std::uint8_t byte : before) mixed = mixed * 131 + byte;
  if (payload) {
    for (const std::uint8_t byte : *payload) mixed = mixed * 137 + byte + 1;
  }
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(mixed >> (8 * i));
  return out;
}

/// An entry that may follow `before`.
inline Entry following(const EntryId& before, Term term, Payload payload, EntryKind kind = EntryKind::data) {
  Entry entry{{term, next(before.index), {}}, before.hash, std::move(payload), kind};
  entry.id.hash = some_hash(entry);
  return entry;
}

inline Payload payload(std::string_view text) {
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}

}  // namespace testamur::consensus
