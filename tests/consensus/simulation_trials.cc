// What must work once all is well: one of these, drawn by the seed. None of it is a matter of safety; a cluster that fails in it costs
// its operators their sleep.
#include <algorithm>

#include "simulation.h"

namespace testamur::consensus::simulation {
namespace {

enum class Trial { stay, deaf, stall, hang, transfer, refuse, uncertified };
constexpr std::uint64_t kTrials = 7;
constexpr unsigned kStepMs = 50;
constexpr unsigned kShortStepMs = 5;
constexpr unsigned kMaxDrivenMs = 1'000;  // what a handful of messages and writes take, with room

}  // namespace

/// A follower may tick so much faster than its leader that by its clock the leader's word is late.
bool Cluster::clocks_agree() const {
  unsigned slowest = 0, fastest = ~0u;
  for (const Node& node : nodes_) {
    slowest = std::max(slowest, node.tick_ms);
    fastest = std::min(fastest, node.tick_ms);
  }
  return (setup_.election_ticks - 1) * fastest > slowest + 4 * faults_.max_delay_ms;
}

void Cluster::try_out() {
  if (setup_.liars > 0) return;
  if (now_ms_ < settled_at_ms_) run(static_cast<unsigned>(settled_at_ms_ - now_ms_) + kMaxDrivenMs);
  Core* const leading = leader();
  if (leading == nullptr || leading->is_changing() || !clocks_agree()) return;
  if (half_cut_.contains(leading->self())) return;  // it may have to go
  try_one(node(leading->self()));
  if (Core* const last = leader(); last != nullptr && half_cut_.empty()) read_when_deposed(node(last->self()));
}

void Cluster::try_one(Node& leads) {
  const Configuration& members = leads.core->configuration();
  auto trial = static_cast<Trial>(more_.below(kTrials));
  const bool is_alone = members.voters.nodes.size() == 1;
  const bool can_spare = most_voters_impaired(members, first_) > 0;
  const bool needs_spare = trial == Trial::hang || trial == Trial::deaf;
  if (!half_cut_.empty() || is_alone || (needs_spare && !can_spare)) trial = Trial::stay;
  switch (trial) {
    case Trial::stay: return stays_leader(leads, 8 * timeout_ms(leads), /*proposes=*/true);
    case Trial::deaf: return bear_one_who_hears_nothing(leads);
    case Trial::stall: return bear_a_stall(leads);
    case Trial::hang: return leave_a_disk_that_hangs(leads);
    case Trial::transfer: return hand_on(leads);
    case Trial::refuse: return leave_who_is_refused(leads);
    case Trial::uncertified: return stop_at_the_uncertified(leads);
  }
}

unsigned Cluster::timeout_ms(const Node& node) const { return setup_.election_ticks * node.tick_ms; }

/// Nobody asks for another leader.
void Cluster::stays_leader(Node& leads, unsigned milliseconds, bool proposes) {
  const Term term = leads.core->term();
  for (unsigned waited = 0; waited < milliseconds; waited += kStepMs) {
    if (proposes && waited % 500 == 0) propose(leads, 1);
    run(kStepMs);
    if (leads.core->role() == Role::leader && leads.core->term() == term) continue;
    if (story_) story_->expect_leader(leads.id, term);
    throw Violation("an election while all is well: node " + std::to_string(leads.id.value) + " led term " +
                    std::to_string(term.value));
  }
}

/// A voter whose log is as long as any hears its leader no more, and the others do.
void Cluster::bear_one_who_hears_nothing(Node& leads) {
  const NodeId deaf{1 + more_.below(nodes_.size())};
  if (deaf != leads.id) links_.cut(place(leads), place(node(deaf)));
  stays_leader(leads, 8 * timeout_ms(leads), /*proposes=*/false);
}

/// Disks that hang for two election timeouts, the leader's, another's or all, are no reason for an election.
void Cluster::bear_a_stall(Node& leads) {
  const std::uint64_t which = more_.below(3);
  const NodeId other{1 + more_.below(nodes_.size())};
  const unsigned takes_ms = 2 * timeout_ms(leads);
  for (Node& node : nodes_) {
    const bool stalls = which == 0 ? node.id == leads.id : which == 1 ? node.id == other : true;
    if (stalls) node.stalled_until_ms = now_ms_ + takes_ms;
  }
  stays_leader(leads, takes_ms, /*proposes=*/true);
}

void Cluster::expect_to_go(Node& leads, unsigned within_ms, const char* although) {
  const Term term = leads.core->term();
  for (unsigned waited = 0; waited < within_ms; waited += kStepMs) {
    run(kStepMs);
    if (leads.core->role() != Role::leader || leads.core->term() != term) return;
  }
  if (story_) story_->expect_role(leads.id, Role::follower);
  throw Violation("node " + std::to_string(leads.id.value) + " leads on, although " + although);
}

/// Four election timeouts are borne; after a fifth, by its check of the quorum, it goes.
void Cluster::leave_a_disk_that_hangs(Node& leads) {
  const unsigned bound_ms = 6 * timeout_ms(leads) + kMaxDrivenMs;
  leads.stalled_until_ms = now_ms_ + bound_ms;
  if (propose(leads, 1)) expect_to_go(leads, bound_ms, "its disk hangs");
}

/// Asks the leader to hand on to one whose log is level; no node, where there is none that it would take.
NodeId Cluster::ask_to_hand_on(Node& leads) {
  std::vector<NodeId> others;
  for (const PeerProgress& peer : leads.core->progress()) {
    const bool is_level = peer.active && peer.match == leads.core->log().last().index;
    if (is_level && leads.core->configuration().is_voter(peer.peer)) others.push_back(peer.peer);
  }
  if (others.empty()) return {};
  const NodeId to = others[more_.below(others.size())];
  if (leads.core->transfer(to) != TransferResult::accepted) return {};
  if (story_) story_->step("transfer", leads.id, " to " + std::to_string(to.value));
  handle(leads);
  return to;
}

bool Cluster::comes_to_lead(const Node& node) {
  for (unsigned waited = 0; waited < kMaxDrivenMs && node.core->role() != Role::leader; waited += kShortStepMs)
    run(kShortStepMs);
  return node.core->role() == Role::leader;
}

void Cluster::hand_on(Node& leads) {
  const NodeId to = ask_to_hand_on(leads);
  if (to == NodeId{} || comes_to_lead(node(to))) return;
  if (story_) story_->expect_role(to, Role::leader);
  throw Violation("node " + std::to_string(to.value) + " was to lead and does not");
}

/// The one that leads no more does not know it: all that comes to it is late, and the first of it are answers from before. A read that
/// it is asked for now must wait for answers to what it says now. That it is not stale is checked with each answer.
void Cluster::read_when_deposed(Node& leads) {
  run(2 * leads.tick_ms);  // it hears how far the others are
  // By then its check of the quorum would tell it.
  const std::uint64_t until_ms = now_ms_ + timeout_ms(leads) - leads.tick_ms;
  for (const Node& other : nodes_) links_.clog(place(other), place(leads), until_ms);
  run(leads.tick_ms + kShortStepMs);  // a heartbeat is answered
  const NodeId to = ask_to_hand_on(leads);
  if (to == NodeId{} || !comes_to_lead(node(to))) return;
  for (const Index before = told_; told_ == before && now_ms_ < until_ms;) run(1);
  if (now_ms_ < until_ms && leads.core->role() == Role::leader) read(leads);
  run(kMaxDrivenMs);
}

/// A check of the quorum sees who is willing; the one after that, who was heard and is.
void Cluster::leave_who_is_refused(Node& leads) {
  all_refuse_ = true;
  if (propose(leads, 1)) expect_to_go(leads, 3 * timeout_ms(leads) + kMaxDrivenMs, "nobody takes its payloads");
  all_refuse_ = false;
}

/// Nobody hears of a cosignature: that proposals stop is checked with each.
void Cluster::stop_at_the_uncertified(Node& leads) {
  letters_are_lost_ = true;
  constexpr std::size_t kAtOnce = 8;
  for (std::size_t most = setup_.max_uncertified / kAtOnce + 4; most > 0 && propose(leads, kAtOnce); --most)
    run(kStepMs);
  letters_are_lost_ = false;
}

}  // namespace testamur::consensus::simulation
