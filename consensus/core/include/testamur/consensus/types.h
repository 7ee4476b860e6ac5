// The words of the consensus: terms, indexes, nodes, entries. The payload is bytes; nothing here knows what they mean.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace testamur::consensus {

template <class Tag>
struct Number {
  std::uint64_t value = 0;

  constexpr Number() = default;
  constexpr explicit Number(std::uint64_t v) : value(v) {}
  constexpr auto operator<=>(const Number&) const = default;
};

using Term = Number<struct TermTag>;
/// Position in the log, from 1; 0 is before the first entry.
using Index = Number<struct IndexTag>;
using NodeId = Number<struct NodeIdTag>;

constexpr Index next(Index index) { return Index{index.value + 1}; }
constexpr Index previous(Index index) { return Index{index.value - 1}; }

using Digest = std::array<std::uint8_t, 32>;
using Payload = std::shared_ptr<const std::vector<std::uint8_t>>;

/// Names an entry, and by its hash everything before it.
struct EntryId {
  Term term;
  Index index;
  Digest hash{};
  bool operator==(const EntryId&) const = default;
};

enum class EntryKind : std::uint8_t {
  data,           ///< the owner's payload; without one: the entry by which a new leader begins its term
  configuration,  ///< who the members are from here on (configuration.h)
};

/// An entry of the log. Its hash covers term, index, the hash of the entry before, the kind and the payload.
struct Entry {
  EntryId id;
  Digest previous{};
  Payload payload;
  EntryKind kind = EntryKind::data;

  /// Whether it holds something of the owner's.
  bool is_owners() const { return kind == EntryKind::data && payload != nullptr; }
};

/// Makes the hash of an entry from all of it but `id.hash`.
using EntryHash = std::function<Digest(const Entry&)>;

inline std::size_t size_of(const Payload& payload) { return payload ? payload->size() : 0; }

/// Raft thesis 3.6.1: the log with the later last entry is more up-to-date; term first, then index.
inline bool up_to_date(const EntryId& candidate, const EntryId& mine) {
  return candidate.term != mine.term ? candidate.term > mine.term : candidate.index >= mine.index;
}

}  // namespace testamur::consensus
