// Secrets in memory: bytes that are wiped when they go, also those that a growing or moved container leaves behind.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace testamur::identity {

/// Overwrites memory in a way that no compiler leaves out.
void wipe(void* data, std::size_t size);

template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class Other>
  WipingAllocator(const WipingAllocator<Other>&) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* data, std::size_t count) {
    wipe(data, count * sizeof(T));
    std::allocator<T>().deallocate(data, count);
  }
  bool operator==(const WipingAllocator&) const = default;
};

/// The bytes as they are typed or stand in a file; no end of line, no zero at the end.
using Passphrase = std::vector<char, WipingAllocator<char>>;

/// OpenSSL's own programs read 1023 bytes at most.
inline constexpr std::size_t kMaxPassphrase = 1000;

}  // namespace testamur::identity
