// The only source of chance in a simulation: small, fast, and the same everywhere.
#pragma once

#include <cstdint>

namespace testamur::consensus::simulation {

/// SplitMix64 (Steele, Lea, Flood 2014): scatters the bits of a number.
constexpr std::uint64_t scatter(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Of what a core draws, a story tells the rest by this, which all numbers up to 16 divide, and the products of some: cores draw ticks.
constexpr std::uint64_t kDrawnFrom = 720720;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(scatter(seed)) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    return scatter(state_);
  }
  /// From 0 to below the limit; 0 for a limit of 0.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
  /// Draws nothing where it never happens.
  bool happens(unsigned per_mille) { return per_mille > 0 && below(1000) < per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace testamur::consensus::simulation
