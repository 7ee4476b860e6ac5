// Room for what waits: so many things, of so many bytes together. Whoever enters holds a place until it lets go of it.
#pragma once

#include <atomic>
#include <memory>

namespace testamur::node {

/// From any thread. Outlives the places in it.
class Room {
 public:
  using Place = std::shared_ptr<const void>;

  Room(std::size_t most, std::size_t most_bytes) : most_(most), most_bytes_(most_bytes) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// Null when there is none.
  Place enter(std::size_t bytes = 0) {
    const bool fits = count_.fetch_add(1) < most_;
    const bool bytes_fit = bytes_.fetch_add(bytes) + bytes <= most_bytes_;
    Place place(this, [this, bytes](const void*) {
      --count_;
      bytes_ -= bytes;
    });
    return fits && bytes_fit ? place : nullptr;
  }

 private:
  const std::size_t most_;
  const std::size_t most_bytes_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace testamur::node
