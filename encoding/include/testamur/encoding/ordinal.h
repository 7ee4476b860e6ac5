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

}  // namespace testamur
