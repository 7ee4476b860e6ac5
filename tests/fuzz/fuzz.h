// What the fuzzers of decoders share: what decodes must encode to the very bytes it came from.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void round_trip(const Result<T>& decoded, ByteView bytes) {
  if (!decoded) {
    require(!decoded.error().message.empty());
    return;
  }
  const auto again = encode(*decoded);
  require(again.size() == bytes.size() && std::equal(bytes.begin(), bytes.end(), again.begin(), [](auto a, auto b) {
            return static_cast<std::uint8_t>(a) == static_cast<std::uint8_t>(b);
          }));
}

}  // namespace testamur::fuzz
