#include "testamur/consensus/durable.h"

#include <algorithm>

namespace testamur::consensus {

void DurableCount::begin_term(Term term) {
  term_ = term;
  reached_.clear();
  ahead_.clear();
}

DurableCount::Heard DurableCount::announce(NodeId voter, const EntryId& last, const Log& log) {
  if (last.index > log.synced().index) {
    // It may be on our chain once we are there. Old ones are worth more: the newest comes again with every heartbeat.
    auto& kept = ahead_[voter];
    if (kept.size() < kMaxKept && (kept.empty() || kept.back().index < last.index)) kept.push_back(last);
    return Heard::kept;
  }
  if (!log.holds(last)) {
    const auto mine = log.at(last.index);
    return mine && mine->term == last.term ? Heard::contradicts : Heard::kept;
  }
  auto& reached = reached_[voter];
  reached = std::max(reached, last.index);
  return Heard::counted;
}

void DurableCount::synced(NodeId self, const Log& log) {
  const EntryId own = log.synced();
  // A voter announces only while its last synced entry is of its current term; what counts is what is synced now.
  if (own.term == term_) {
    reached_[self] = own.index;
  } else {
    reached_.erase(self);
  }
  for (auto& [voter, kept] : ahead_) {
    while (!kept.empty() && kept.front().index <= own.index) {
      if (log.holds(kept.front())) {
        auto& reached = reached_[voter];
        reached = std::max(reached, kept.front().index);
      }
      kept.pop_front();
    }
  }
}

bool DurableCount::is_left_behind(const Voters& voters) const {
  const auto ahead = std::count_if(ahead_.begin(), ahead_.end(), [&](const auto& kept) {
    return voters.nodes.contains(kept.first) && !kept.second.empty();
  });
  return static_cast<std::size_t>(ahead) > most_liars(voters.nodes.size());
}

Index DurableCount::will_count(const Configuration& configuration, NodeId self, bool votes) const {
  std::map<NodeId, Index> announced = reached_;
  for (const auto& [voter, kept] : ahead_) {
    if (!kept.empty()) announced[voter] = std::max(announced[voter], kept.back().index);
  }
  announced.erase(self);
  if (votes) announced[self] = Index{~std::uint64_t{0}};
  return quorum_index(configuration, announced).value_or(Index{});
}

std::optional<Index> DurableCount::committed(const Configuration& configuration, NodeId self, bool votes) const {
  const auto own = reached_.find(self);
  if (own == reached_.end()) return std::nullopt;
  std::map<NodeId, Index> reached = reached_;
  if (!votes) reached.erase(self);
  const auto index = quorum_index(configuration, reached);
  if (!index) return std::nullopt;
  return std::min(*index, own->second);
}

}  // namespace testamur::consensus
