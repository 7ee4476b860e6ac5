// What a story may say step by step of what otherwise happens by itself; the simulation tells its stories so. What could not have
// come to pass is refused, so that a story from which lines were taken does not fail for another reason than the one it told of.
#include "cluster.h"
#include "describe.h"

namespace testamur::consensus::scenarios {
namespace {

std::string at(Index index) { return "index " + std::to_string(index.value); }

}  // namespace

void Cluster::apply(NodeId id, std::uint64_t entries, bool silently) {
  running(id);
  Node& applying = node(id);
  if (applying.to_apply.size() < entries) {
    throw NotPossible("expected " + std::to_string(entries) + " entries to apply, found " +
                      std::to_string(applying.to_apply.size()));
  }
  const Index last = applying.to_apply[entries - 1].id.index;
  if (silently && last > applying.applied) throw NotPossible(describe(id) + " has not applied " + at(last) + " before");
  for (; entries > 0; --entries) apply_one(applying, silently);
  settle(applying);
}

void Cluster::certify(NodeId id, Index index) {
  running(id);
  if (index > newest_agreed_) throw NotPossible("no quorum has derived what came of " + at(index));
  newest_certified_ = std::max(newest_certified_, index);
  node(id).certified = std::max(node(id).certified, index);
  running(id).certified(index);
  settle(node(id));
}

void Cluster::install(NodeId id, Index index) {
  running(id);
  if (index > newest_certified_) throw NotPossible("what came of " + at(index) + " is not certified");
  Configuration configuration = setup_.configuration();
  for (const auto& [place, entry] : history_) {
    if (place <= index && entry.kind == EntryKind::configuration)
      configuration = decode_configuration(*entry.payload).value();
  }
  install_at(node(id), index, configuration);
  settle(node(id));
}

void Cluster::hear(const Message& message) {
  running(message.to);
  liars_.insert(message.from);
  step(node(message.to), message);
}

void Cluster::derive(NodeId id, const std::vector<Claim>& claims, Index applied) {
  const Index last = std::max(applied, claims.empty() ? Index{} : claims.back().index);
  if (last > running(id).committed()) throw NotPossible(describe(id) + " has not committed " + at(last));
  for (const Claim& claim : claims) running(id).derived(claim);
  running(id).applied(last);
  settle(node(id));
}

void Cluster::certify(NodeId id, const Claim& claim) {
  running(id);
  invariants_.check_certified(id, claim);
  node(id).certified = std::max(node(id).certified, claim.index);
  running(id).certified(claim.index);
  settle(node(id));
}

void Cluster::install(NodeId id, const EntryId& last, const Claim& claim) {
  const auto mine = running(id).log().at(last.index);
  invariants_.check_certified(id, claim);
  if (!running(id).install({last, setup_.configuration(), claim})) return;
  if (mine && *mine != last) {
    node(id).seen = {};
    node(id).heard.replaced();
    invariants_.replaced(id);
  }
  settle(node(id));
}

void Cluster::restart_with(NodeId id, Index applied, Index certified) {
  Node& starting = node(id);
  if (setup_.has_liars() && !starting.core) return start(starting, applied, certified);
  if (starting.core) throw NotPossible(describe(id) + " is up already");
  const Stored& stored = starting.disk.stored();
  if (applied > starting.applied) throw NotPossible(describe(id) + " has not applied " + at(applied));
  if (applied < stored.base.id.index) throw NotPossible("the log begins after what its state lacks");
  if (certified > newest_certified_) throw NotPossible("what came of " + at(certified) + " is not certified");
  starting.certified = certified;
  start(starting, applied, certified);
}

void Cluster::damage(NodeId id, Index index, simulation::SimulatedDisk::Damage damage, Index other) {
  Node& damaged = node(id);
  if (damaged.core) throw NotPossible("only the disk of a node that is down is damaged");
  const auto is_there = [&](Index place) {
    const Stored& stored = damaged.disk.stored();
    return place > stored.base.id.index && place.value - stored.base.id.index.value <= stored.entries.size();
  };
  if (!is_there(index) || (other != Index{} && !is_there(other))) throw NotPossible("no such entry is stored");
  if (!may_be_harmed(id, conditions(), invariants_, setup_.configuration()))
    throw NotPossible("the others could not mend " + describe(id));
  damaged.harmed = true;
  invariants_.harmed(id);
  damaged.disk.damage(index, damage, other);
}

void Cluster::erase(NodeId id, std::uint64_t life) {
  Node& lost = node(id);
  if (lost.core) throw NotPossible("only the disk of a node that is down is lost");
  // A disk that is damaged already may be lost as well.
  if (!lost.harmed && !may_be_harmed(id, conditions(), invariants_, setup_.configuration()))
    throw NotPossible("the others could not mend " + describe(id));
  lost.disk.erase();
  lost.life = life;
  lost.applied = lost.certified = {};
  lost.harmed = true;
  invariants_.lost(id);
  invariants_.harmed(id);
}

simulation::Conditions Cluster::conditions() const {
  simulation::Conditions all;
  for (const auto& [id, each] : nodes_) all[id] = {each.core.get(), &each.disk.stored(), each.harmed, each.life};
  return all;
}

/// Its damage, or the life that it lost.
void Cluster::see_whether_mended(Node& node) {
  node.harmed = node.disk.stored().floor.has_value() || node.life != node.core->configuration().life_of(node.id);
  if (!node.harmed) invariants_.mended(node.id);
}

std::string Cluster::what_is_not_level() const {
  const Core* leader = nullptr;
  for (const auto& [id, each] : nodes_) {
    if (!is_up(id) || each.core->role() != Role::leader) continue;
    if (leader == nullptr || each.core->term() > leader->term()) leader = each.core.get();
  }
  if (leader == nullptr) return "nobody leads";
  const Configuration& members = leader->configuration();
  // One that holds a liar's entry may refuse the leader's until there is another term.
  if (setup_.has_liars()) return {};
  if (leader->is_changing()) return "a change is under way: " + text_of(members);
  if (!members.rising.empty()) return "a learner has not risen: " + text_of(members);
  for (const NodeId id : members.members()) {
    const Node& member = node(id);
    if (!is_up(id)) return describe(id) + " is down";
    if (member.core->committed() != leader->committed()) return describe(id) + " has not committed what the leader has";
    if (member.life != members.life_of(id)) return describe(id) + " is not back in its new life";
  }
  return {};
}

}  // namespace testamur::consensus::scenarios
