// The links of a simulated network: what becomes of a message, and when it arrives.
#pragma once

#include <vector>

#include "faults.h"

namespace testamur::consensus::simulation {

class Links {
 public:
  explicit Links(std::size_t nodes) : nodes_(nodes), links_(nodes * nodes) {}

  /// Cuts and clogs at random, and ends them.
  void change(const Faults& faults, std::uint64_t now_ms, Random& random);
  void heal();
  /// Cuts one direction of one or some links of a node, and says to whom, or of all its links.
  std::vector<std::size_t> cut_half(std::size_t node, Random& random);
  void cut(std::size_t from, std::size_t to) { link(from, to).cut = true; }
  /// It keeps everything back until then.
  void clog(std::size_t from, std::size_t to, std::uint64_t until_ms) { link(from, to).clogged_until_ms = until_ms; }
  bool is_cut(std::size_t from, std::size_t to) const { return link(from, to).cut; }
  /// When the copies of a message sent now arrive; none where it is lost.
  void send(std::size_t from, std::size_t to, const Faults& faults, std::uint64_t now_ms, Random& random,
            std::vector<std::uint64_t>& arrivals);

 private:
  struct Link {
    bool cut = false;
    std::uint64_t clogged_until_ms = 0;
    std::uint64_t last_arrival_ms = 0;
  };
  Link& link(std::size_t from, std::size_t to) { return links_[from * nodes_ + to]; }
  const Link& link(std::size_t from, std::size_t to) const { return links_[from * nodes_ + to]; }
  void cut_some(bool one_way, Random& random);

  std::size_t nodes_;
  std::vector<Link> links_;
  std::uint64_t cut_until_ms_ = 0;
};

}  // namespace testamur::consensus::simulation
