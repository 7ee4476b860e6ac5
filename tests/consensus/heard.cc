#include "heard.h"

#include <algorithm>
#include <array>

#include "entries.h"
#include "invariants.h"

namespace testamur::consensus::simulation {
namespace {

constexpr std::size_t kMaxRemembered = 64;  // as a node does, of each peer

constexpr std::string_view kUnchained = "an entry that does not follow the one before";
constexpr std::string_view kTwoHeads = "two heads of one height";
constexpr std::string_view kTwoStories = "two stories in one term";
constexpr std::string_view kAgainstCommitted = "an entry against a committed one";
constexpr std::string_view kAnotherDurable = "another durable entry of one index and term";
constexpr std::string_view kTwoVotes = "two votes in one term";
constexpr std::string_view kTwoLeaders = "two leaders of one term";

/// In these words.
std::set<std::string_view> words_for(Caught kind) {
  switch (kind) {
    case Caught::heads: return {kTwoHeads};
    case Caught::entries: return {kTwoStories, kAgainstCommitted};
    case Caught::durable: return {kAnotherDurable, kTwoStories};
    case Caught::votes: return {kTwoVotes, kTwoLeaders};
    case Caught::leading: return {kTwoLeaders};
    case Caught::unchained: return {kUnchained};
    case Caught::cosigned: return {kTwoCosignatures};
  }
  return {};
}

bool leads(const Body& body) {
  return std::holds_alternative<AppendRequest>(body) || std::holds_alternative<Heartbeat>(body) ||
         std::holds_alternative<Behind>(body);
}

}  // namespace

std::string_view name_of(Caught kind) {
  constexpr std::array<std::string_view, kKindsOfCaught> names = {
      "two heads",       "two entries",     "two durable entries",
      "two votes",       "a second leader", "an entry that does not follow",
      "two cosignatures"};
  return names[static_cast<std::size_t>(kind)];
}

bool may_name_the_honest(std::string_view what) {
  return what != kTwoHeads && what != kTwoVotes && what != kTwoLeaders && what != kTwoCosignatures &&
         what != kUnchained;
}

void Heard::restarted() {
  term_ = {};
  took_.clear();
  durable_.clear();
  voted_for_this_.clear();
  voted_for_themselves_.clear();
  derived_.clear();
  cosigned_.clear();
  campaign_ = 0;
  pre_votes_.clear();
}

template <class Key>
void Heard::hold(Caught kind, NodeId from, std::map<NodeId, std::map<Key, Digest>>& known, Key at,
                 const Digest& digest) {
  auto& of_this = known[from];
  const auto [first, is_new] = of_this.emplace(at, digest);
  if (!is_new && first->second != digest) caught_.emplace(kind, from);
  if (of_this.size() > kMaxRemembered) of_this.erase(of_this.begin());
}

void Heard::hear(const Before& before, const Core& core, const Message& message) {
  if (core.term() != term_) {
    term_ = core.term();
    took_.clear();
    durable_.clear();
    voted_for_this_.clear();
    voted_for_themselves_.clear();
  }
  if (const auto* pre_vote = std::get_if<PreVoteResponse>(&message.body))
    return hear_pre_vote(before, core, message.from, *pre_vote);
  if (message.term != core.term() || !core.configuration().is_voter(message.from)) return;
  if (const auto* derived = std::get_if<Derived>(&message.body))
    hold(Caught::heads, message.from, derived_, derived->claim.height, derived->claim.head);
  if (const auto* durable = std::get_if<Durable>(&message.body); durable != nullptr && durable->last.term == term_)
    hold(Caught::durable, message.from, durable_, durable->last.index, durable->last.hash);
  if (leads(message.body)) hear_leader(before, core, message);
  hear_vote(message);
}

void Heard::hear_leader(const Before& before, const Core& core, const Message& message) {
  if (before.role == Role::leader && before.term == message.term) caught_.emplace(Caught::leading, message.from);
  if (const auto* request = std::get_if<AppendRequest>(&message.body)) hear_entries(core, message.from, *request);
}

/// Its first story is what the node took of it; the second it need not take.
void Heard::hear_entries(const Core& core, NodeId from, const AppendRequest& request) {
  if (request.previous.index < core.log().base().index) return;
  const auto contradicts = [&](const EntryId& id) {
    const auto known = took_.find({from, id.index});
    if (known != took_.end() && id.term == term_ && known->second != id.hash) caught_.emplace(Caught::entries, from);
  };
  contradicts(request.previous);
  // What does not follow what the node has is not looked at further.
  if (!core.log().holds(request.previous)) return;
  const EntryId* last = &request.previous;
  for (const Entry& entry : request.entries) {
    if (entry.previous != last->hash || entry.id.index != next(last->index) || entry.id.hash != hash_entry(entry)) {
      caught_.emplace(Caught::unchained, from);
      return;
    }
    last = &entry.id;
    if (!core.log().holds(entry.id)) {
      contradicts(entry.id);
      return;
    }
    if (entry.id.term == term_) took_.emplace(std::pair(from, entry.id.index), entry.id.hash);
  }
}

/// Who asks for votes, or leads, has voted for itself.
void Heard::hear_vote(const Message& message) {
  const auto* vote = std::get_if<VoteResponse>(&message.body);
  if (vote != nullptr && vote->granted) voted_for_this_.insert(message.from);
  if (std::holds_alternative<VoteRequest>(message.body) || leads(message.body))
    voted_for_themselves_.insert(message.from);
  if (voted_for_this_.contains(message.from) && voted_for_themselves_.contains(message.from))
    caught_.emplace(Caught::votes, message.from);
}

void Heard::hear_cosignature(NodeId from, const Claim& claim) {
  hold(Caught::cosigned, from, cosigned_, claim.height, claim.head);
}

void Heard::campaigns(std::uint64_t campaign) {
  if (campaign == campaign_) return;
  campaign_ = campaign;
  pre_votes_.clear();
}

/// A new term begins with pre-votes of one campaign: what an earlier one saw is over.
void Heard::hear_pre_vote(const Before& before, const Core& core, NodeId from, const PreVoteResponse& response) {
  if (response.campaign == campaign_) pre_votes_[from] = response.granted;
  if (before.role != Role::pre_candidate || core.role() != Role::candidate) return;
  std::map<NodeId, bool> votes = pre_votes_;
  votes[core.self()] = true;
  if (count_votes(core.configuration(), votes) != VoteResult::won)
    throw Violation("node " + std::to_string(core.self().value) + " campaigns without a quorum's pre-votes of now");
}

void Heard::check_named(NodeId node) const {
  for (const auto& [kind, liar] : caught_) {
    const auto words = words_for(kind);
    const bool named = std::any_of(words.begin(), words.end(), [&, who = liar](auto word) {
      return named_.contains({word, who});
    });
    if (named) continue;
    throw Violation("node " + std::to_string(node.value) + " has no evidence against node " +
                    std::to_string(liar.value) + ", which told it " + std::string(name_of(kind)));
  }
}

}  // namespace testamur::consensus::simulation
