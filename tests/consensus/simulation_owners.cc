// What the owners of the nodes do: cosign, certify, hand on snapshots, take back a node that lost its disk.
#include <algorithm>

#include "simulation.h"

namespace testamur::consensus::simulation {

/// The promise to cosign nothing else of this height goes to disk first.
void Cluster::agree(Node& node, const Claim& claim) {
  if (!node.liar) invariants_.check_agreed(node.id, claim);
  const Owner& owner = node.owner;
  if (claim.height < owner.certified_height() || claim.height > owner.height()) return;
  if (owner.stored_head(claim.height) != claim) throw OwnersViolation("agreed on another head than the state has");
  const auto& promised = node.promised;
  if (promised && (claim.height < promised->height || (claim.height == promised->height && claim != *promised))) return;
  node.queued.push_back({std::nullopt, claim, false});
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
    if (node.liar && !this->node(letter.from).liar) {
      for (const Claim& signed_too : node.liar->cosign(*letter.cosigned))
        send(Letter{node.id, letter.from, signed_too, std::nullopt, 0});
    }
    const bool is_news = letter.cosigned->height > node.owner.certified_height();
    if (const auto certified = node.owner.gather(letter.from, *letter.cosigned, first_.voters.threshold))
      certify(node, *certified);
    if (is_news && !node.liar) see_who_signed_twice(node, letter);
  }
  if (!letter.certified) return;
  const Claim* mine = node.owner.head_of(letter.certified->claim.height);
  if (mine == nullptr) return;  // not there yet; it is said again. Or older
  if (*mine != letter.certified->claim) {
    if (setup_.liars == 0) throw OwnersViolation("a certified head that this node derived otherwise");
    // What it counted was a lie's; it keeps the evidence, and goes on from what is certified.
    if (letter.certified->claim.height > node.owner.certified_height()) fetch(node, letter.from);
    return;
  }
  if (letter.certified->claim.height > node.owner.certified_height()) certify(node, *letter.certified);
}

void Cluster::see_who_signed_twice(Node& node, const Letter& letter) {
  node.heard.hear_cosignature(letter.from, *letter.cosigned);
  for (const NodeId voter : node.owner.signed_twice()) {
    if (!this->node(voter).liar) throw OwnersViolation("evidence against an honest node: two cosignatures");
    node.heard.reports(kTwoCosignatures, voter);
  }
  node.heard.check_named(node.id);
}

void Cluster::certify(Node& node, const Certified& certified) {
  invariants_.check_certified(node.id, certified.claim);
  node.owner.certify(certified);
  if (story_) story_->certify(node.id, certified.claim);
  node.core->certified(certified.claim.index);
  handle(node);
}

void Cluster::fetch(Node& node, NodeId from) {
  if (node.fetching || node.installing) return;
  node.fetching = true;
  node.fetches_from = from;
  node.staged.reset();
  at(now_ms_ + 20 + random_.below(2000), Event::Kind::fetched, node);
}

/// The state at the newest certified head, where its log still says what the entry and who the members were there.
std::optional<Content> Cluster::content_of(Node& source) {
  if (!source.core || now_ms_ < source.paused_until_ms || !source.owner.certified()) return std::nullopt;
  const Claim& claim = source.owner.certified()->claim;
  const auto last = source.core->log().at(claim.index);  // a damaged log may end before it
  if (!last) return std::nullopt;
  Content content = source.owner.send_snapshot();
  if (content.snapshot.claim != claim) throw OwnersViolation("a snapshot of another head than the certified one");
  content.snapshot.last = *last;
  content.snapshot.configuration = source.core->configuration_at(claim.index);
  if (!source.liar) books_.sent(source.id, content);
  return content;
}

/// Whether more than may lie say that a certified block is at this place in the log: they are asked as node/src/snapshots.cc does, in no
/// time. (Where nobody lies the giver is enough: unlike a consortium's, this cluster may come to have a single voter.)
bool Cluster::is_vouched_for(const Node& node, const Snapshot& snapshot) const {
  if (setup_.liars == 0) return true;
  const auto says_so = [&](const Node& other) {
    const std::size_t here = place(node), there = place(other);
    if (here == there || !other.core || now_ms_ < other.paused_until_ms) return false;
    if (links_.is_cut(here, there) || links_.is_cut(there, here)) return false;
    if (other.liar) return true;
    const Claim& claim = snapshot.claim;
    return other.owner.certified_height() >= claim.height && other.owner.stored_head(claim.height) == claim &&
           other.core->log().at(snapshot.last.index) == snapshot.last &&
           other.core->configuration_at(snapshot.last.index) == snapshot.configuration;
  };
  const auto vouch = std::count_if(nodes_.begin(), nodes_.end(), says_so);
  return static_cast<std::size_t>(vouch) > most_liars(nodes_.size());
}

/// A snapshot comes in two steps: it is on disk, whole; then the consensus goes on from it.
void Cluster::fetched(Node& node) {
  if (!node.staged) {
    Node& source = this->node(node.fetches_from);
    if (!links_.is_cut(place(source), place(node))) node.staged = content_of(source);
    if (node.staged && source.liar) source.liar->misplace(node.staged->snapshot, node.id);
    const bool is_older = node.staged && node.staged->snapshot.claim.height < node.owner.certified_height();
    if (!node.staged || is_older || !is_vouched_for(node, node.staged->snapshot)) {
      node.staged.reset();
      node.fetching = false;
      return;
    }
    invariants_.check_derived(node.id, node.staged->snapshot.claim);
    invariants_.check_certified(node.id, node.staged->snapshot.claim);
    return at(now_ms_ + 1 + random_.below(500), Event::Kind::fetched, node);
  }
  node.fetching = false;
  const auto mine = node.core->log().at(node.staged->snapshot.last.index);
  const Claim& certified = node.staged->snapshot.claim;
  const bool other_head =
      certified.height <= node.owner.height() && node.owner.stored_head(certified.height) != certified;
  const bool contradicts = other_head || (mine && *mine != node.staged->snapshot.last);
  if (story_) story_->install(node.id, node.staged->snapshot);
  if (!node.core->install(node.staged->snapshot)) return;
  ++counts_.snapshots;
  // A state that was ahead of a damaged log stays.
  if (contradicts) {
    node.seen = {};
    node.heard.replaced();
    invariants_.replaced(node.id);
  }
  if (contradicts || node.owner.applied() < node.staged->snapshot.last.index) {
    node.owner.install(*node.staged);
    node.heard.owner_began_anew();
  } else {
    node.owner.reopen();  // the node begins again
  }
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

void Cluster::note_applied(const Node& node, const Entry& entry, const AppliedEntry& applied) {
  const bool is_kept = setup_.liars == 0 && entry.is_owners();
  static const Statements none;
  if (!node.liar)
    books_.applied(node.id, entry, applied, is_kept ? writes_[number_of(entry.payload) & ~kLate].statements : none);
  if (!is_kept) return;
  Asking& write = writes_[number_of(entry.payload) & ~kLate];
  // What was told before this was proposed comes before it.
  if (entry.id.index <= write.told_before) throw OwnersViolation("a write comes before one that was told before it");
  if (write.placed != Index{} && write.placed != entry.id.index) throw OwnersViolation("a write is in the list twice");
  if (write.placed == Index{} && !applied.done->made_block) ++counts_.blockless;
  write.placed = entry.id.index;
}

/// Clocks differ by less than five seconds.
Time Cluster::clock(const Node& node) const {
  return Time{test::kCreated.value + now_ms_ + scatter(setup_.seed ^ node.id.value) % 5000};
}

bool Cluster::Check::accept(Index, const Payload& payload, NodeId) {
  constexpr std::uint64_t most_ahead_ms = 60'000;
  const auto block = decode_payload(block_in(payload));
  const bool refuses = !block || block->time.value > test::kCreated.value + cluster_.now_ms_ + most_ahead_ms ||
                       cluster_.all_refuse_ || cluster_.random_.happens(cluster_.faults_.refuse_per_mille);
  if (refuses && cluster_.story_) cluster_.story_->refused(node_, payload);
  return !refuses;
}

/// A block as a leader proposes it (DESIGN), of at most two statements; some are handed in again.
Payload Cluster::draw_payload(Node& node) {
  Asking write{told_, {}, {}};
  const Time after{std::max(node.owner.ledger().head().time, node.proposed).value + 1};
  node.proposed = std::max(clock(node), after);
  testamur::Payload block{node.proposed, {}};
  // A time that does not rise, which no honest leader proposes.
  const bool late = !healed_ && random_.below(64) == 0;
  if (late) block.time = node.owner.ledger().head().time;
  for (std::uint64_t count = random_.below(2) == 0 ? 0 : 1 + random_.below(2); count > 0; --count) {
    const bool again = !handed_in_.empty() && random_.below(16) == 0;
    write.statements.push_back(again ? handed_in_[random_.below(handed_in_.size())]
                                     : registrars_.draw(random_, node.owner.ledger(), write.statements));
    if (random_.below(4) == 0) handed_in_.push_back(write.statements.back());
    block.submissions.push_back(write.statements.back()->submission());
  }
  const Payload payload = payload_of(writes_.size() | (late ? kLate : 0), block);
  writes_.push_back(std::move(write));
  return payload;
}

std::string Cluster::objects(const Configuration& configuration) const {
  return configuration.voters.nodes.size() < first_.voters.threshold ? "too few to certify" : "";
}

}  // namespace testamur::consensus::simulation
