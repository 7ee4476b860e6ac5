#include "describe.h"

#include <utility>

namespace testamur::consensus {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string what_follows(const EntryId& after, const std::vector<Entry>& entries) {
  std::string out = " after " + describe(after);
  for (const Entry& entry : entries) out += " " + std::to_string(entry.id.term.value) + ":" + text_of(entry);
  return out;
}

std::string_view yes_or_no(bool granted) { return granted ? " granted" : " refused"; }

/// What a message says beside its kind and term.
std::string said(const Body& body) {
  return std::visit(
      Overloaded{
          [](const PreVoteRequest& m) { return " last " + describe(m.last); },
          [](const PreVoteResponse& m) { return std::string(yes_or_no(m.granted)); },
          [](const VoteRequest& m) { return " last " + describe(m.last); },
          [](const VoteResponse& m) { return std::string(yes_or_no(m.granted)); },
          [](const AppendRequest& m) { return what_follows(m.previous, m.entries); },
          [](const AppendResponse& m) { return " " + std::string(name_of(m.outcome)) + " " + describe(m.at); },
          [](const Heartbeat& m) { return " round " + std::to_string(m.round); },
          [](const HeartbeatResponse& m) { return " round " + std::to_string(m.round); },
          [](const Durable& m) { return " " + describe(m.last); },
          [](const Derived& m) { return " height " + std::to_string(m.claim.height); },
          [](const CampaignNow&) { return std::string(); },
          [](const ReadRequest&) { return std::string(); },
          [](const ReadResponse& m) { return m.index ? " " + std::to_string(m.index->value) : " unknown"; },
          [](const Behind& m) { return " " + describe(m.base); },
          [](const Lacking& m) { return " after " + describe(m.after); },
          [](const Found& m) { return what_follows(m.after, m.entries); },
      },
      body);
}

}  // namespace

// In the order of Body.
const std::vector<std::string_view>& message_kinds() {
  static const std::vector<std::string_view> kinds = {"pre-vote-request", "pre-vote-response",
                                                      "vote-request",     "vote-response",
                                                      "append",           "append-response",
                                                      "heartbeat",        "heartbeat-response",
                                                      "durable",          "derived",
                                                      "campaign-now",     "read-request",
                                                      "read-response",    "behind",
                                                      "lacking",          "found"};
  static_assert(std::variant_size_v<Body> == 16, "each kind of message has its word");
  return kinds;
}

std::string_view kind_of(const Message& message) { return message_kinds()[message.body.index()]; }

std::string_view name_of(Role role) {
  switch (role) {
    case Role::follower: return "follower";
    case Role::pre_candidate: return "pre-candidate";
    case Role::candidate: return "candidate";
    case Role::leader: return "leader";
  }
  return "?";
}

std::string_view name_of(ProposeResult result) {
  switch (result) {
    case ProposeResult::accepted: return "accepted";
    case ProposeResult::not_leader: return "not-leader";
    case ProposeResult::not_ready: return "not-ready";
    case ProposeResult::too_many: return "too-many";
    case ProposeResult::too_uncertified: return "too-uncertified";
    case ProposeResult::transferring: return "transferring";
  }
  return "?";
}

std::string_view name_of(ChangeResult result) {
  switch (result) {
    case ChangeResult::accepted: return "accepted";
    case ChangeResult::not_leader: return "not-leader";
    case ChangeResult::not_ready: return "not-ready";
    case ChangeResult::under_way: return "under-way";
    case ChangeResult::transferring: return "transferring";
    case ChangeResult::nothing: return "nothing";
    case ChangeResult::leader: return "leader";
    case ChangeResult::quorum: return "quorum";
    case ChangeResult::invalid: return "invalid";
  }
  return "?";
}

std::string text_of(const Configuration& configuration) {
  const auto list = [](const std::set<NodeId>& nodes) {
    std::vector<std::string> names;
    for (const NodeId node : nodes) names.push_back(std::to_string(node.value));
    return join(names, ",");
  };
  std::string out = "[" + list(configuration.voters.nodes);
  if (configuration.is_joint()) out += "|" + list(configuration.outgoing.nodes);
  if (!configuration.learners.empty()) out += "+" + list(configuration.learners);
  return out + "]";
}

std::string text_of(const Entry& entry) {
  if (entry.kind == EntryKind::configuration) return text_of(decode_configuration(*entry.payload).value());
  return entry.payload ? std::string(entry.payload->begin(), entry.payload->end()) : "*";
}

std::string_view name_of(AppendOutcome outcome) {
  switch (outcome) {
    case AppendOutcome::accepted: return "accepted";
    case AppendOutcome::conflict: return "conflict";
    case AppendOutcome::refused: return "refused";
    case AppendOutcome::stale: return "stale";
    case AppendOutcome::full: return "full";
  }
  return "?";
}

std::string describe(const EntryId& id) { return std::to_string(id.term.value) + ":" + std::to_string(id.index.value); }
std::string describe(NodeId node) { return "node " + std::to_string(node.value); }

std::string describe(const Message& message) {
  return std::to_string(message.from.value) + " -> " + std::to_string(message.to.value) + " " +
         std::string(kind_of(message)) + " term " + std::to_string(message.term.value) + said(message.body);
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

}  // namespace testamur::consensus
