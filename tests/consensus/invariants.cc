#include "invariants.h"

namespace testamur::consensus::simulation {
namespace {

std::string text(NodeId node) { return "node " + std::to_string(node.value); }
std::string text(Index index) { return "index " + std::to_string(index.value); }
std::string text(Term term) { return "term " + std::to_string(term.value); }

bool is_on(const Stored& disk, const EntryId& id) {
  if (id.index <= disk.base.id.index) return id.index < disk.base.id.index || id == disk.base.id || id == EntryId{};
  const std::uint64_t place = id.index.value - disk.base.id.index.value - 1;
  return place < disk.entries.size() && disk.entries[place].id == id;
}

}  // namespace

void Invariants::check_leader(const Core& core) {
  if (core.role() != Role::leader) return;
  const auto [known, is_new] = leaders_.emplace(core.term(), core.self());
  if (known->second != core.self()) {
    throw Violation("two leaders of " + text(core.term()) + ": " + text(known->second) + " and " + text(core.self()));
  }
  if (!is_new) return;
  for (const auto& [index, id] : committed_) {
    if (index >= core.log().base().index && core.log().at(index) != id) {
      throw Violation("leader completeness: " + text(core.self()) + " leads " + text(core.term()) +
                      " without committed " + text(index));
    }
  }
}

void Invariants::check_vote(NodeId node, const HardState& on_disk) {
  if (!on_disk.vote) return;
  const auto [known, is_new] = votes_.emplace(std::pair(node, on_disk.term), *on_disk.vote);
  if (known->second != *on_disk.vote) throw Violation("two votes of " + text(node) + " in " + text(on_disk.term));
}

void Invariants::committed(NodeId node, const Entry& entry, const Configuration& members,
                           const std::map<NodeId, const Stored*>& on_disk) {
  const auto [known, is_new] = committed_.emplace(entry.id.index, entry.id);
  if (known->second != entry.id) throw Violation("state machine safety: " + text(node) + " at " + text(entry.id.index));
  if (!is_new) return;
  if (entry.is_owners()) ++committed_payloads_;
  std::set<NodeId> durable;
  for (const auto& [other, disk] : on_disk) {
    if (is_on(*disk, entry.id)) durable.insert(other);
  }
  if (!is_quorum(members, durable)) {
    throw Violation("committed " + text(entry.id.index) + " is durable on " + std::to_string(durable.size()) + " only");
  }
}

void Invariants::check_committed(const Core& core, Index last_seen) {
  if (core.committed() < last_seen)
    throw Violation("commit of " + text(core.self()) + " moved back from " + text(last_seen));
  for (auto known = committed_.rbegin(); known != committed_.rend(); ++known) {
    if (known->first > core.committed()) continue;
    if (known->first >= core.log().base().index && core.log().at(known->first) != known->second) {
      throw Violation(text(core.self()) + " dropped committed " + text(known->first));
    }
    break;  // the chain of hashes holds the rest
  }
}

void Invariants::check_said(const Message& message, const Stored& on_disk) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw Violation(text(message.from) + " said " + what + " before it was on disk");
  };
  const auto& [state, claim] = std::tie(on_disk.state, on_disk.claim);
  const bool voted_for_itself = state.term == message.term && state.vote == message.from;
  if (const auto* durable = std::get_if<Durable>(&message.body)) require(is_on(on_disk, durable->last), "durable");
  if (const auto* append = std::get_if<AppendResponse>(&message.body)) {
    if (append->outcome == AppendOutcome::accepted) require(is_on(on_disk, append->at), "accepted");
    require(state.term >= message.term, "a term");
  }
  if (const auto* vote = std::get_if<VoteResponse>(&message.body); vote != nullptr && vote->granted) {
    require(state.term == message.term && state.vote == message.to, "a vote");
  }
  if (std::holds_alternative<VoteRequest>(message.body)) require(voted_for_itself, "a candidacy");
  if (std::holds_alternative<HeartbeatResponse>(message.body)) require(state.term >= message.term, "a term");
  if (const auto* derived = std::get_if<Derived>(&message.body)) {
    require(claim && claim->height >= derived->claim.height, "derived");
  }
}

void Invariants::check_derived(NodeId node, const Claim& claim) {
  const auto [known, is_new] = derived_.emplace(claim.height, claim.head);
  if (known->second != claim.head)
    throw Violation(text(node) + " derived another head of " + std::to_string(claim.height));
}

void Invariants::check_agreed(NodeId node, const Claim& claim) {
  const auto [known, is_new] = agreed_.emplace(claim.height, claim.head);
  if (known->second != claim.head) {
    throw Violation(text(node) + " would cosign another head of height " + std::to_string(claim.height));
  }
}

}  // namespace testamur::consensus::simulation
