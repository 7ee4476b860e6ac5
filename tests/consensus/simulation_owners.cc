// What the owners of the nodes do: cosign, certify, hand on snapshots, take back a node that lost its disk.
#include <bit>

#include "simulation.h"

namespace testamur::consensus::simulation {

/// The promise to cosign nothing else of this height goes to disk first.
void Cluster::agree(Node& node, const Claim& claim) {
  if (!node.liar) invariants_.check_agreed(node.id, claim);
  const Block* block = node.owner.block_at(claim.height);
  if (block != nullptr && block->claim != claim) throw Violation("agreed on another head than the state has");
  const auto promise = node.owner.to_cosign(claim, node.promised);
  if (!promise) return;
  node.queued.push_back({std::nullopt, promise, false});
  start_writing(node);
}

void Cluster::tell_owners(Node& node) {
  Letter letter{node.id, {}, node.owner.newest_cosigned(), node.owner.certified(), 0};
  if (node.life != node.core->configuration().life_of(node.id)) letter.life = node.life;
  for (const Node& other : nodes_) {
    letter.to = other.id;
    if (other.id != node.id) send(letter);
  }
}

void Cluster::receive(const Letter& letter) {
  Node& node = this->node(letter.to);
  if (letter.life != 0) rejoin(node, letter.from, letter.life);
  if (letter.cosigned) {
    if (node.liar) {
      if (const auto double_signed = node.liar->cosign(*letter.cosigned))
        send(Letter{node.id, letter.from, double_signed, std::nullopt, 0});
    }
    if (const auto certified = node.owner.gather(letter.from, *letter.cosigned, first_.voters.threshold))
      certify(node, *certified);
  }
  if (!letter.certified) return;
  const Block* mine = node.owner.block_at(letter.certified->block.claim.height);
  if (mine == nullptr) return;  // not there yet; it is said again
  if (mine->claim != letter.certified->block.claim) {
    if (setup_.liars == 0) throw Violation("a certified head that this node derived otherwise");
    // What it counted was a lie's; it keeps the evidence, and goes on from what is certified.
    if (letter.certified->block.claim.height > node.owner.certified_height()) fetch(node, letter.from);
    return;
  }
  if (letter.certified->block.claim.height > node.owner.certified_height()) certify(node, *letter.certified);
}

void Cluster::certify(Node& node, const Certified& certified) {
  if (static_cast<std::size_t>(std::popcount(certified.signers)) < first_.voters.threshold)
    throw Violation("certified by too few");
  invariants_.check_certified(node.id, certified.block.claim);
  node.owner.certify(certified);
  if (story_) story_->step("certify", node.id, " " + std::to_string(certified.block.claim.index.value));
  node.core->certified(certified.block.claim.index);
  handle(node);
}

void Cluster::fetch(Node& node, NodeId from) {
  if (node.fetching || node.installing) return;
  node.fetching = true;
  node.fetches_from = from;
  node.staged.reset();
  at(now_ms_ + 20 + random_.below(2000), Event::Kind::fetched, node);
}

/// The state at the newest certified head, where its log still says who the members were there.
std::optional<Content> Cluster::content_of(Node& source) {
  if (!source.core || now_ms_ < source.paused_until_ms || !source.owner.certified()) return std::nullopt;
  const Certified& certified = *source.owner.certified();
  const Index index = certified.block.claim.index;
  if (index < source.core->log().base().index) return std::nullopt;
  return Content{{certified.block.entry, source.core->configuration_at(index), certified.block.claim}, certified};
}

/// A snapshot comes in two steps: it is on disk, whole; then the consensus goes on from it.
void Cluster::fetched(Node& node) {
  if (!node.staged) {
    Node& source = this->node(node.fetches_from);
    if (!links_.is_cut(place(source), place(node))) node.staged = content_of(source);
    if (!node.staged) {
      node.fetching = false;
      return;
    }
    invariants_.check_derived(node.id, node.staged->snapshot.claim);
    invariants_.check_certified(node.id, node.staged->snapshot.claim);
    return at(now_ms_ + 1 + random_.below(500), Event::Kind::fetched, node);
  }
  node.fetching = false;
  const auto mine = node.core->log().at(node.staged->snapshot.last.index);
  const bool contradicts = mine && *mine != node.staged->snapshot.last;
  if (story_) story_->step("install", node.id, " " + std::to_string(node.staged->snapshot.last.index.value));
  if (!node.core->install(node.staged->snapshot)) return;
  ++counts_.snapshots;
  // A state that was ahead of a damaged log stays.
  if (contradicts) node.seen = {};
  if (contradicts || node.owner.applied() < node.staged->snapshot.last.index) node.owner.install(*node.staged);
  node.to_apply.clear();
  node.installing = true;
  handle(node);
}

/// What a leader does when a member says that it lost its disk: it is a learner from now on, and rises again.
void Cluster::rejoin(Node& leader, NodeId from, std::uint64_t life) {
  const Configuration& members = leader.core->configuration();
  if (leader.core->role() != Role::leader || members.life_of(from) == life || !members.is_member(from)) return;
  const bool rises = members.is_voter(from) || members.rising.contains(from) || first_.is_voter(from);
  const Change change{Change::Kind::learner, from, rises, life};
  if (story_) story_->change(leader.id, std::span(&change, 1));
  leader.core->change(std::span(&change, 1));
  handle(leader);
}

std::string Cluster::objects(const Configuration& configuration) const {
  return configuration.voters.nodes.size() < first_.voters.threshold ? "too few to certify" : "";
}

}  // namespace testamur::consensus::simulation
