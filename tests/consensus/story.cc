#include "story.h"

#include <array>

namespace testamur::consensus::simulation {
namespace {

// In the order of Body.
constexpr std::array<const char*, std::variant_size_v<Body>> kKinds = {
    "pre-vote-request", "pre-vote-response", "vote-request",       "vote-response", "append",
    "append-response",  "heartbeat",         "heartbeat-response", "durable",       "derived",
    "campaign-now",     "read-request",      "read-response",      "behind"};

std::string text(NodeId node) { return std::to_string(node.value); }
std::string text(const EntryId& id) { return std::to_string(id.term.value) + ":" + std::to_string(id.index.value); }

std::string details(const Body& body) {
  if (const auto* request = std::get_if<AppendRequest>(&body))
    return ", " + std::to_string(request->entries.size()) + " entries after " + text(request->previous);
  if (const auto* answer = std::get_if<AppendResponse>(&body)) {
    constexpr std::array<const char*, 4> outcomes = {"accepted", "conflict", "refused", "stale"};
    return std::string(", ") + outcomes[static_cast<std::size_t>(answer->outcome)] + " " + text(answer->at);
  }
  if (const auto* asked = std::get_if<PreVoteRequest>(&body)) return ", last " + text(asked->last);
  if (const auto* asked = std::get_if<VoteRequest>(&body)) return ", last " + text(asked->last);
  if (const auto* vote = std::get_if<PreVoteResponse>(&body)) return vote->granted ? ", granted" : ", refused";
  if (const auto* vote = std::get_if<VoteResponse>(&body)) return vote->granted ? ", granted" : ", refused";
  if (const auto* durable = std::get_if<Durable>(&body)) return ", " + text(durable->last);
  if (const auto* derived = std::get_if<Derived>(&body)) return ", height " + std::to_string(derived->claim.height);
  if (const auto* behind = std::get_if<Behind>(&body)) return ", " + text(behind->base);
  return {};
}

}  // namespace

void Story::begin(std::size_t voters, std::size_t nodes) {
  std::string members = "nodes";
  std::string spares = "spare";
  for (std::size_t node = 1; node <= nodes; ++node) (node <= voters ? members : spares) += " " + std::to_string(node);
  line(members);
  if (nodes > voters) line(spares);
}

void Story::step(const std::string& what, NodeId node, const std::string& how) { line(what + " " + text(node) + how); }

void Story::deliver(const Message& message) {
  line("deliver " + text(message.from) + " -> " + text(message.to) + " " + kKinds[message.body.index()] +
       " first  # term " + std::to_string(message.term.value) + details(message.body));
}

void Story::change(NodeId leader, std::span<const Change> changes) {
  std::string line = "change " + text(leader);
  for (const Change& change : changes) {
    switch (change.kind) {
      case Change::Kind::voter: line += " voter "; break;
      case Change::Kind::learner: line += change.rising ? " rising " : " learner "; break;
      case Change::Kind::remove: line += " remove "; break;
      case Change::Kind::update: continue;
    }
    line += text(change.node);
  }
  this->line(line);
}

void Story::stand(const Core& core) {
  constexpr std::array<const char*, 4> roles = {"follower", "pre-candidate", "candidate", "leader"};
  std::string stand = "node " + text(core.self()) + ": " + roles[static_cast<std::size_t>(core.role())] + " of term " +
                      std::to_string(core.term().value) + ", log " + text(core.log().base()) + " to " +
                      text(core.log().last()) + ", synced " + text(core.log().synced()) + ", committed " +
                      std::to_string(core.committed().value) + ", " + to_string(core.configuration());
  std::string& before = stands_[core.self()];
  if (stand == before) return;
  note("  " + stand);
  before = std::move(stand);
}

}  // namespace testamur::consensus::simulation
