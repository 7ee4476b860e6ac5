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

bool has_committed_in_its_term(const Core& core) {
  const auto newest = core.log().at(core.committed());
  return newest && newest->term == core.term();
}

}  // namespace

void Invariants::check(const Core& core, const Output& output, std::uint64_t life, const Disks& on_disk, Seen& seen) {
  const Stored& own = *on_disk.at(core.self());
  check_leader(core);
  if (core.role() == Role::leader && own.state != core.state())
    throw Violation(text(core.self()) + " leads by a vote of its own that is not on disk");
  for (const Message& message : output.messages) {
    check_said(message, own);
    check_life(message, core, life);
  }
  for (const Entry& entry : output.committed) committed(core, entry, on_disk);
  check_committed(core, seen.committed.index);
  if (seen.committed.index > core.log().base().index && core.log().at(seen.committed.index) != seen.committed)
    throw Violation(text(core.self()) + " dropped what it had committed");
  check_announced(core, output);
  seen.committed = core.log().at(core.committed()).value_or(EntryId{});
  if (core.configuration_index() != seen.configuration) check_configuration(core);
  seen.configuration = core.configuration_index();
}

void Invariants::check_leader(const Core& core) {
  if (core.role() != Role::leader) return;
  const auto [known, is_new] = leaders_.emplace(core.term(), core.self());
  if (known->second != core.self()) {
    throw Violation("two leaders of " + text(core.term()) + ": " + text(known->second) + " and " + text(core.self()));
  }
  if (!core.is_changing() && has_committed_in_its_term(core) && !core.configuration().is_voter(core.self()))
    throw Violation(text(core.self()) + " leads " + to_string(core.configuration()) + ", which is committed");
  // The newest that counts, and by the chain of hashes all before it.
  const auto later = committed_in_.lower_bound(core.term());
  if (!is_new || liars_ || later == committed_in_.begin()) return;
  const Index newest = std::prev(later)->second;
  if (core.log().at(newest) != committed_[newest.value - 1]) {
    throw Violation("leader completeness: " + text(core.self()) + " leads " + text(core.term()) +
                    " without committed " + text(newest));
  }
}

void Invariants::check_accepts(const Core& core) {
  if (!has_committed_in_its_term(core))
    throw Violation(text(core.self()) + " takes what it is asked for before it has committed an entry of its term");
}

void Invariants::check_change(const Core& leader, const Voters& before, const std::set<NodeId>& heard) {
  const Configuration& after = leader.configuration();
  if (!after.voters.nodes.contains(leader.self()))
    throw Violation(text(leader.self()) + " takes a change that takes its own vote: " + to_string(after));
  if (after.voters != before && !is_quorum(after, heard))
    throw Violation(text(leader.self()) + " takes voters of whom it hears too few: " + to_string(after));
}

void Invariants::check_uncertified(const Core& leader, std::uint64_t heads, Index applied, std::size_t most) {
  std::uint64_t unapplied = 0;
  for (Index at = next(std::max(applied, leader.log().base().index)); at <= leader.committed(); at = next(at))
    if (leader.log().entry(at).is_owners()) ++unapplied;
  if (heads + unapplied > most)
    throw Violation(text(leader.self()) + " takes proposals, and " + std::to_string(heads) +
                    " heads are not certified, and " + std::to_string(unapplied) + " payloads not applied");
}

void Invariants::check_announced(const Core& core, const Output& output) {
  const auto known = announced_.find(core.self());
  if (known != announced_.end() && known->second.term == core.term() && known->second.index > core.log().base().index &&
      core.log().at(known->second.index) != known->second) {
    throw Violation(text(core.self()) + " dropped " + text(known->second.index) +
                    ", which it had announced as durable in this term");
  }
  for (const Message& message : output.messages) {
    if (const auto* durable = std::get_if<Durable>(&message.body); durable != nullptr && message.term == core.term())
      announced_[core.self()] = durable->last;
  }
}

void Invariants::check_read(NodeId node, Index answer, Index told) {
  if (answer >= told) return;
  throw Violation("a stale read: " + text(node) + " sees what is up to " + text(answer) + ", and " + text(told) +
                  " was told as committed before");
}

void Invariants::check_vote(NodeId node, const HardState& on_disk) {
  HardState& before = promised_[node];
  if (on_disk.term < before.term) throw Violation("the term of " + text(node) + " falls to " + text(on_disk.term));
  if (on_disk.term == before.term && before.vote && before.vote != on_disk.vote)
    throw Violation("two votes of " + text(node) + " in " + text(on_disk.term));
  before = on_disk;
}

void Invariants::committed(const Core& core, const Entry& entry, const Disks& on_disk) {
  const NodeId node = core.self();
  const std::uint64_t place = entry.id.index.value - 1;
  if (liars_) {
    if (place >= committed_.size()) committed_.push_back(entry.id);
    if (entry.is_owners() && place + 1 == committed_.size()) ++committed_payloads_;
    return;
  }
  if (place < committed_.size()) {
    if (committed_[place] != entry.id)
      throw Violation("state machine safety: " + text(node) + " at " + text(entry.id.index));
    return;
  }
  if (place > committed_.size()) throw Violation(text(node) + " commits " + text(entry.id.index) + " after a gap");
  committed_.push_back(entry.id);
  committed_in_[core.term()] = entry.id.index;
  if (entry.is_owners()) ++committed_payloads_;
  const Configuration& members = core.configuration();
  std::set<NodeId> durable = harmed_;
  for (const auto& [other, disk] : on_disk) {
    if (is_on(*disk, entry.id)) durable.insert(other);
  }
  if (!is_quorum(members, durable)) {
    throw Violation("committed " + text(entry.id.index) + " is durable on " + std::to_string(durable.size()) +
                    " only; " + to_string(members));
  }
  if (entry.kind != EntryKind::configuration) return;
  const auto configuration = decode_configuration(*entry.payload);
  if (configuration_ && !may_follow(*configuration_, *configuration))
    throw Violation("committed " + to_string(*configuration) + " after " + to_string(*configuration_));
  configuration_ = *configuration;
  ++configurations_;
}

void Invariants::check_committed(const Core& core, Index last_seen) {
  if (core.committed() < last_seen)
    throw Violation("commit of " + text(core.self()) + " moved back from " + text(last_seen));
  if (liars_) return;
  // The newest of those that it has committed; the chain of hashes holds the rest.
  const Index known = std::min(core.committed(), newest_committed());
  if (known == Index{} || known < core.log().base().index) return;
  if (core.log().at(known) != committed_[known.value - 1])
    throw Violation(text(core.self()) + " dropped committed " + text(known));
}

void Invariants::check_configuration(const Core& core) {
  const Index newest = core.configuration_index();
  if (newest <= core.log().base().index) return;
  const Configuration& before = core.configuration_at(previous(newest));
  if (!may_follow(before, core.configuration())) {
    throw Violation(text(core.self()) + " takes " + to_string(core.configuration()) + " after " + to_string(before));
  }
  unsigned uncommitted = 0;
  for (Index at = next(std::max(newest_committed(), core.log().base().index)); at <= newest; at = next(at))
    if (core.log().entry(at).kind == EntryKind::configuration) ++uncommitted;
  if (uncommitted > 1) throw Violation(text(core.self()) + " holds two configurations that nobody has committed");
}

void Invariants::check_said(const Message& message, const Stored& on_disk) {
  const auto require = [&](bool holds, const std::string& what, const EntryId& id = {}) {
    if (holds) return;
    const std::string which = id == EntryId{} ? "" : " up to " + text(id.index) + " of " + text(id.term);
    throw Violation(text(message.from) + " said " + what + which + " before it was on disk, which ends at " +
                    text(Index{on_disk.base.id.index.value + on_disk.entries.size()}) + " and begins after " +
                    text(on_disk.base.id.index));
  };
  const auto& [state, claim] = std::tie(on_disk.state, on_disk.claim);
  const bool voted_for_itself = state.term == message.term && state.vote == message.from;
  if (const auto* durable = std::get_if<Durable>(&message.body))
    require(is_on(on_disk, durable->last), "durable", durable->last);
  if (const auto* append = std::get_if<AppendResponse>(&message.body)) {
    if (acknowledges(append->outcome)) require(is_on(on_disk, append->at), "accepted", append->at);
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

void Invariants::check_life(const Message& message, const Core& core, std::uint64_t life) {
  if (life == core.configuration().life_of(core.self())) return;
  const auto* vote = std::get_if<VoteResponse>(&message.body);
  const bool promises = (vote != nullptr && vote->granted) || std::holds_alternative<VoteRequest>(message.body) ||
                        std::holds_alternative<Durable>(message.body) || std::holds_alternative<Derived>(message.body);
  if (promises && message.term == core.term())
    throw Violation(text(message.from) + " promises in a life that its configuration does not name");
}

void Invariants::check_one_head(std::map<std::uint64_t, Digest>& heads, NodeId node, const Claim& claim,
                                const char* did) {
  const auto [known, is_new] = heads.emplace(claim.height, claim.head);
  if (known->second != claim.head)
    throw Violation(text(node) + " " + did + " another head of height " + std::to_string(claim.height));
}

void Invariants::check_derived(NodeId node, const Claim& claim) {
  if (!liars_) check_one_head(derived_, node, claim, "derived");
}

void Invariants::check_agreed(NodeId node, const Claim& claim) { check_one_head(agreed_, node, claim, "would cosign"); }

void Invariants::check_certified(NodeId node, const Claim& claim) {
  check_one_head(certified_, node, claim, "takes as certified");
  check_one_head(agreed_, node, claim, "takes as certified");
}

}  // namespace testamur::consensus::simulation
