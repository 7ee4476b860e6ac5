#include "links.h"

#include <algorithm>

namespace testamur::consensus::simulation {

void Links::change(const Faults& faults, std::uint64_t now_ms, Random& random) {
  if (cut_until_ms_ > 0 && now_ms >= cut_until_ms_) {
    for (Link& each : links_) each.cut = false;
    cut_until_ms_ = 0;
  }
  if (random.happens(faults.cut_per_mille)) {
    cut_until_ms_ = now_ms + 300 + random.below(8000);
    cut_some(random.below(2) == 0, random);
  }
  if (random.happens(faults.clog_per_mille)) {
    const std::size_t from = random.below(nodes_), to = random.below(nodes_);
    const std::uint64_t takes_ms = 200 + random.below(4000);
    // At times all that comes to a node.
    for (std::size_t each = 0; each < nodes_; ++each)
      if (each == from || takes_ms % 4 == 0) link(each, to).clogged_until_ms = now_ms + takes_ms;
  }
}

void Links::cut_some(bool one_way, Random& random) {
  if (random.below(2) == 0) {
    // Two sides.
    const std::uint64_t side = random.next();
    for (std::size_t from = 0; from < nodes_; ++from) {
      for (std::size_t to = 0; to < nodes_; ++to) {
        const bool away = (side >> from & 1) == 1 && (side >> to & 1) == 0;
        const bool back = (side >> from & 1) == 0 && (side >> to & 1) == 1;
        if (away || (back && !one_way)) link(from, to).cut = true;
      }
    }
    return;
  }
  for (std::size_t from = 0; from < nodes_; ++from) {
    for (std::size_t to = 0; to < nodes_; ++to) {
      if (from == to || random.below(3) != 0) continue;
      link(from, to).cut = true;
      if (!one_way) link(to, from).cut = true;
    }
  }
}

std::vector<std::size_t> Links::cut_half(std::size_t node, Random& random) {
  const bool away = random.below(2) == 0;
  const bool all = random.below(2) == 0;
  const std::uint64_t drawn = random.next();
  const std::size_t one = drawn % nodes_;
  // Or some: each with an even chance, beside the one.
  const std::uint64_t some = drawn >> 32 & 1 ? drawn >> 33 : 0;
  std::vector<std::size_t> cut;
  for (std::size_t other = 0; other < nodes_; ++other) {
    if (other == node || !(all || other == one || (some >> other & 1) == 1)) continue;
    (away ? link(node, other) : link(other, node)).cut = true;
    cut.push_back(other);
  }
  return all ? std::vector<std::size_t>() : cut;
}

void Links::heal() {
  for (Link& each : links_) each = Link{};
  cut_until_ms_ = 0;
}

void Links::send(std::size_t from, std::size_t to, const Faults& faults, std::uint64_t now_ms, Random& random,
                 std::vector<std::uint64_t>& arrivals) {
  arrivals.clear();
  Link& way = link(from, to);
  if (way.cut || random.happens(faults.lose_per_mille)) return;
  for (unsigned copies = random.happens(faults.double_per_mille) ? 2 : 1; copies > 0; --copies) {
    std::uint64_t at = std::max(now_ms + 1 + random.below(faults.max_delay_ms), way.clogged_until_ms);
    if (random.happens(faults.reorder_per_mille)) {
      at += random.below(400);
    } else {
      at = way.last_arrival_ms = std::max(at, way.last_arrival_ms);
    }
    arrivals.push_back(at);
  }
}

}  // namespace testamur::consensus::simulation
