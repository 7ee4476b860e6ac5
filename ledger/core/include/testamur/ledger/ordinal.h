// Numbers that must not be mixed up: each kind of count and position is a type of its own.
#pragma once

#include <compare>
#include <cstdint>

namespace testamur {

template <class Tag>
struct Ordinal {
  std::uint64_t value = 0;

  constexpr Ordinal() = default;
  constexpr explicit Ordinal(std::uint64_t v) : value(v) {}
  constexpr auto operator<=>(const Ordinal&) const = default;
};

/// Milliseconds since the Unix epoch, UTC.
using Time = Ordinal<struct TimeTag>;
/// Position of a leaf in the log, from 0.
using LeafIndex = Ordinal<struct LeafIndexTag>;
/// Number of an entry in its register, from 0.
using EntryNumber = Ordinal<struct EntryNumberTag>;
/// Position of a block, 0 for genesis.
using Height = Ordinal<struct HeightTag>;
/// Position of an event in its register, from 0.
using EventSequence = Ordinal<struct EventSequenceTag>;

}  // namespace testamur
