// What is going to happen in a simulation, and when.
#pragma once

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace testamur::consensus::simulation {

struct Event {
  enum class Kind : std::uint8_t { world, tick, deliver, written, fetched };
  std::uint64_t at_ms = 0;
  std::uint64_t order = 0;  ///< among those of one moment
  Kind kind = Kind::world;
  std::uint32_t node = 0;         ///< its place
  std::uint64_t incarnation = 0;  ///< of the node: what was meant for an earlier one is void
  std::uint32_t packet = 0;
};

/// Earliest first; those of one moment in the order in which they were added.
class Events {
 public:
  void add(Event event) {
    event.order = next_order_++;
    queue_.push(event);
  }
  bool empty() const { return queue_.empty(); }
  std::uint64_t next_ms() const { return queue_.top().at_ms; }
  Event take() {
    const Event event = queue_.top();
    queue_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::pair(a.at_ms, a.order) > std::pair(b.at_ms, b.order);
    }
  };
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  std::uint64_t next_order_ = 0;
};

/// Things in flight, by number; a number is used again once its thing was taken.
template <class T>
class Pool {
 public:
  std::uint32_t put(T thing) {
    if (free_.empty()) {
      things_.push_back(std::move(thing));
      return static_cast<std::uint32_t>(things_.size() - 1);
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    things_[number] = std::move(thing);
    return number;
  }
  T take(std::uint32_t number) {
    free_.push_back(number);
    return std::move(things_[number]);
  }

 private:
  std::vector<T> things_;
  std::vector<std::uint32_t> free_;
};

}  // namespace testamur::consensus::simulation
