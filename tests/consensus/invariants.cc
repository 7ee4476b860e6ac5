#include "invariants.h"

namespace testamur::consensus::simulation {
namespace {

std::string text(NodeId node) { return "node " + std::to_string(node.value); }
std::string text(Index index) { return "index " + std::to_string(index.value); }
std::string text(Term term) { return "term " + std::to_string(term.value); }

}  // namespace

void Invariants::check_leader(const Core& core) {
  if (core.role() != Role::leader) return;
  const auto [known, is_new] = leaders_.emplace(core.term(), core.self());
  if (known->second != core.self()) {
    throw Violation("two leaders of " + text(core.term()) + ": " + text(known->second) + " and " + text(core.self()));
  }
  if (!is_new) return;
  for (const auto& [index, id] : committed_) {
    if (core.log().at(index) != id) {
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

void Invariants::committed(NodeId node, const Entry& entry, const std::map<NodeId, std::vector<Entry>*>& on_disk) {
  const auto [known, is_new] = committed_.emplace(entry.id.index, entry.id);
  if (known->second != entry.id) throw Violation("state machine safety: " + text(node) + " at " + text(entry.id.index));
  if (!is_new) return;
  if (entry.payload) ++committed_payloads_;
  std::size_t durable = 0;
  for (const auto& [other, log] : on_disk) {
    const std::uint64_t place = entry.id.index.value - 1;
    if (place < log->size() && (*log)[place].id == entry.id) ++durable;
  }
  if (durable < configuration_.threshold) {
    throw Violation("committed " + text(entry.id.index) + " is durable on " + std::to_string(durable) + " only");
  }
}

void Invariants::check_committed(const Core& core, Index last_seen) {
  if (core.committed() < last_seen)
    throw Violation("commit of " + text(core.self()) + " moved back from " + text(last_seen));
  for (auto known = committed_.rbegin(); known != committed_.rend(); ++known) {
    if (known->first > core.committed()) continue;
    if (core.log().at(known->first) != known->second) {
      throw Violation(text(core.self()) + " dropped committed " + text(known->first));
    }
    break;  // the chain of hashes holds the rest
  }
}

void Invariants::check_agreed(NodeId node, const Claim& claim) {
  const auto [known, is_new] = agreed_.emplace(claim.height, claim.head);
  if (known->second != claim.head) {
    throw Violation(text(node) + " would cosign another head of height " + std::to_string(claim.height));
  }
}

}  // namespace testamur::consensus::simulation
