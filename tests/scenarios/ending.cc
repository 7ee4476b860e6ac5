// How every story ends: all is well again, and a write goes through.
#include <algorithm>

#include "cluster.h"
#include "describe.h"

namespace testamur::consensus::scenarios {
namespace {

// In election timeouts. A first election may collide, and a leader that was refused waits four before it campaigns again.
constexpr unsigned kBound = 30;
// A term that a liar raised is over when its followers have waited for it; then everything goes on.
constexpr unsigned kProposeEvery = 2;

}  // namespace

bool Cluster::is_level(const std::string& payload) const {
  std::optional<std::vector<std::string>> first;
  const Configuration& members = newest_configuration();
  if (members.is_joint()) return false;
  for (const NodeId id : members.members()) {
    const Node& each = node(id);
    if (!each.core && each.disk.is_damaged()) continue;
    if (!is_up(id) || !each.to_apply.empty()) return false;
    // Learners are told of certified heads by their owner; they count none.
    const std::uint64_t height = each.applied == Index{} ? 0 : heights_.at(each.applied);
    if (members.is_voter(id) && each.agreed.height != height) return false;
    const auto all = committed(id);
    if (std::find(all.begin(), all.end(), payload) == all.end()) return false;
    if (!first) first = all;
    if (all != *first) return false;
  }
  return first.has_value();
}

void Cluster::propose_at_leader(const std::string& payload) {
  for (const auto& [id, each] : nodes_) {
    if (is_up(id) && each.core->role() == Role::leader) propose(id, {payload});
  }
}

/// Nodes that lost their disks get the lives they have now, one after another.
void Cluster::take_back_at_leader() {
  for (const auto& [id, each] : nodes_) {
    if (!is_up(id) || each.core->role() != Role::leader) continue;
    const Configuration& members = each.core->configuration();
    for (const auto& [other, lost] : nodes_) {
      if (!members.is_member(other) || lost.life == members.life_of(other)) continue;
      const bool rises = members.is_voter(other) || members.rising.contains(other);
      change(id, {{Change::Kind::learner, other, rises, lost.life}});
      break;
    }
  }
}

void Cluster::end() {
  ending_ = true;
  network_.heal_all();
  for (auto& [id, each] : nodes_) {
    if (each.failed) crash(id, 0);
    each.stalled = each.applying_held = each.certifying_held = each.installing_held = false;
    each.check->refused.clear();
    if (each.core) {
      each.core->certified(each.core->committed());
      settle(each);
    } else {
      restart(id);
    }
  }
  const std::string payload = "the-end";
  for (unsigned waited = 0; waited < kBound; ++waited) {
    // A proposal may be lost with its leader; then another is made.
    if (waited % kProposeEvery == 1) propose_at_leader(payload);
    take_back_at_leader();
    pass(setup_.limits.election_ticks);
    check();
    if (is_level(payload)) return;
  }
  throw Violation("no fresh write was committed and agreed everywhere within " + std::to_string(kBound) +
                  " election timeouts after all was well again: " + standing());
}

}  // namespace testamur::consensus::scenarios
