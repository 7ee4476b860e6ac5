// Elections: pre-vote (Raft thesis 9.6), votes, and the check that a leader still has its quorum (thesis 6.2).
#include <algorithm>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

/// A wait shorter than a timeout, for one who has reason to think that nobody leads: longer than a leader that lives takes to be heard,
/// and drawn, so that rivals part. Wrong or right, nobody who hears a leader is drawn in: the pre-vote asks first.
void Core::campaign_soon() {
  const unsigned least = 2 * options_.heartbeat_ticks;
  const unsigned span = options_.election_ticks > least ? options_.election_ticks - least : 1;
  ticks_ = 0;
  timeout_ticks_ = least + static_cast<unsigned>(options_.random() % span);
}

/// The leader has died, or its connection has; in this case its next heartbeat makes it the leader here again.
void Core::disconnected(NodeId peer) {
  if (role() != Role::follower || leader_ != peer) return;
  leader_.reset();
  campaign_soon();
}

/// Enough others said no; or one did, and with the silence of the leader that is gone it may stay open for ever. The next try need not
/// wait for a whole timeout. The first is near; the later are ever further apart, until rivals part.
void Core::try_again_soon() {
  constexpr unsigned kFurthest = 4;
  const unsigned span = half_timeout() * std::clamp(tries_, 1u, kFurthest);
  ticks_ = 0;
  timeout_ticks_ = 1 + static_cast<unsigned>(options_.random() % span);
}

void Core::lose_election() {
  become_follower(state_.term, std::nullopt);
  try_again_soon();
}

void Core::pre_campaign() {
  leader_.reset();
  reset_election_timer();
  ++tries_;
  PreCandidate candidacy;
  candidacy.campaign = ++campaigns_;
  candidacy.votes[options_.self] = true;
  const bool alone = count_votes(configuration(), candidacy.votes) == VoteResult::won;
  role_ = std::move(candidacy);
  if (alone) return campaign();
  send_to_voters(PreVoteRequest{campaigns_, log_.last()});
}

/// A new term, and a vote for oneself, which counts once it is on disk; the requests leave with it.
void Core::campaign(bool transferred) {
  set_state({Term{state_.term.value + 1}, options_.self});
  role_ = Candidate{};
  leader_.reset();
  reset_election_timer();
  for (const NodeId voter : configuration().all_voters()) {
    if (voter != options_.self) send_resting(voter, VoteRequest{log_.last(), transferred});
  }
}

void Core::count_own_vote() {
  auto* candidacy = std::get_if<Candidate>(&role_);
  if (candidacy == nullptr || state_unwritten_ || persisted_ < state_sequence_) return;
  candidacy->votes[options_.self] = true;
  if (count_votes(configuration(), candidacy->votes) == VoteResult::won) become_leader();
}

void Core::become_leader() {
  role_ = Leader{};
  leader_ = options_.self;
  tries_ = 0;
  ticks_ = 0;
  watch_members({});
  std::get<Leader>(role_).first_of_term = next(log_.last().index);
  // An entry of its own term: with it everything before is committed too (Raft 5.4.2).
  append(EntryKind::data, nullptr);
  for (auto& [peer, progress] : std::get<Leader>(role_).followers) replicate(peer, progress);
}

/// Who asks to be elected: a voter; and one that the newest configuration leaves out, while that is not committed: it may be the
/// only one that holds it (Raft thesis 4.2.2). Never one whose log or memory has a hole.
bool Core::is_electable() const {
  if (!may_vote() || freshness() != log_.last()) return false;
  for (auto at = configurations_.rbegin(); at != configurations_.rend(); ++at) {
    if (at->second.is_voter(options_.self)) return true;
    if (at->first <= committed_) return false;
  }
  return false;
}

/// Whether the one who asks for a vote may: a voter here, or perhaps by a configuration that is in its log and not yet in ours.
bool Core::candidate_counts(NodeId candidate, const EntryId& last) const {
  return configuration().is_voter(candidate) || (up_to_date(last, log_.last()) && last != log_.last());
}

/// Whether a committed configuration left out a node that was a member before. It gets no vote here until this node hears of it as a
/// member again: one that was evicted for lying would else go on lying.
bool Core::was_removed(NodeId node) const {
  if (configuration_at(committed_).is_member(node) || configuration().is_member(node)) return false;
  return options_.configuration.is_member(node) ||
         std::any_of(configurations_.begin(), configurations_.end(),
                     [&](const auto& at) { return at.first <= committed_ && at.second.is_member(node); });
}

/// A voter said what its log ends with, in whatever term.
void Core::heard_end(NodeId from, const EntryId& last) {
  if (!configuration().is_voter(from)) return;
  EntryId& furthest = furthest_[from];
  if (up_to_date(last, furthest)) furthest = last;
}

/// Whether more of the voters than may lie have said that they hold what we lack.
bool Core::is_left_behind() const {
  const Voters& voters = configuration().voters;
  const auto ahead = std::count_if(furthest_.begin(), furthest_.end(), [&](const auto& at) {
    return voters.nodes.contains(at.first) && !up_to_date(log_.last(), at.second);
  });
  return static_cast<std::size_t>(ahead) > most_liars(voters.nodes.size());
}

/// One of those who may be members said that more than we hold is durable there, in its term. That is no word of a member's, and changes
/// nothing else.
void Core::heard_announcement(const Message& message) {
  const auto* durable = std::get_if<Durable>(&message.body);
  if (durable == nullptr || durable->last.term != message.term || up_to_date(log_.last(), durable->last)) return;
  if (!options_.known.contains(message.from)) return;
  Announced& newest = announced_[message.from];
  if (newest.term < message.term) newest = {message.term, {}};
  if (newest.term == message.term) newest.index = std::max(newest.index, durable->last.index);
}

/// Whether more of those who may be members than may lie take part in the sender's term, ahead of us: then somebody honest follows a leader
/// there. Most of the voters that we know may have gone since.
bool Core::is_followed(const Message& message) const {
  const auto there = std::count_if(announced_.begin(), announced_.end(),
                                   [&](const auto& at) { return at.second.term == message.term; });
  return static_cast<std::size_t>(there) > most_liars(options_.known.size());
}

/// Whether a node that is no member here may be one by a configuration that we lack.
bool Core::may_be_newer(const Message& message) const {
  if (!options_.known.contains(message.from)) return false;
  // A leader that the newest configuration leaves out hands on leadership when that is committed.
  if (std::holds_alternative<CampaignNow>(message.body)) return leader_ == message.from && message.term == state_.term;
  // One that was removed may have been taken in again. It is voted for while voters that we know have more than we have; it is followed
  // in a term in which they say so, since then they follow it.
  const bool removed = was_removed(message.from);
  const auto may_ask = [&](const EntryId& last) {
    return candidate_counts(message.from, last) && (!removed || is_left_behind());
  };
  if (const auto* request = std::get_if<PreVoteRequest>(&message.body)) return may_ask(request->last);
  if (const auto* request = std::get_if<VoteRequest>(&message.body)) return may_ask(request->last);
  const bool voters_follow = message.term == state_.term && durable_.is_left_behind(configuration().voters);
  if (removed && !voters_follow && !is_followed(message)) return false;
  const bool leads = std::holds_alternative<AppendRequest>(message.body) ||
                     std::holds_alternative<Heartbeat>(message.body) || std::holds_alternative<Behind>(message.body);
  return leads && message.term > log_.last().term;
}

void Core::on(const Message& message, const PreVoteRequest& request) {
  heard_end(message.from, request.last);
  // Granted to a log as up-to-date as ours, when we hear no leader ourselves. It promises nothing, and resets nothing.
  const bool granted = message.term >= state_.term && up_to_date(request.last, freshness()) && !hears_leader() &&
                       role() != Role::leader && may_vote() && candidate_counts(message.from, request.last);
  send_resting(message.from, PreVoteResponse{request.campaign, granted});
}

void Core::on(const Message& message, const PreVoteResponse& response) {
  auto* candidacy = std::get_if<PreCandidate>(&role_);
  // An answer to an earlier campaign counts for none: what it saw is over.
  if (candidacy == nullptr || response.campaign != candidacy->campaign) return;
  candidacy->votes[message.from] = response.granted;
  switch (count_votes(configuration(), candidacy->votes)) {
    case VoteResult::won: return campaign();
    case VoteResult::lost: return lose_election();
    case VoteResult::pending:
      if (!response.granted) try_again_soon();
      return;
  }
}

void Core::on(const Message& message, const VoteRequest& request) {
  heard_vote(message.from, /*for_itself=*/true);
  heard_end(message.from, request.last);
  const bool free = !state_.vote || *state_.vote == message.from;
  // A node that counts as a learner here may be a voter by a configuration that it has not got yet: it votes all the same.
  const bool granted = free && !leader_ && up_to_date(request.last, freshness()) && may_vote() &&
                       candidate_counts(message.from, request.last);
  if (granted) {
    set_state({state_.term, message.from});
    reset_election_timer();
  }
  send_resting(message.from, VoteResponse{granted});
}

void Core::on(const Message& message, const VoteResponse& response) {
  if (response.granted) heard_vote(message.from, /*for_itself=*/false);
  auto* candidacy = std::get_if<Candidate>(&role_);
  if (candidacy == nullptr) return;
  candidacy->votes.try_emplace(message.from, response.granted);
  switch (count_votes(configuration(), candidacy->votes)) {
    case VoteResult::won:
      // Our own vote is among them only when it is on disk; count_own_vote() comes back when it is.
      if (candidacy->votes.contains(options_.self)) become_leader();
      return;
    case VoteResult::lost: return lose_election();
    case VoteResult::pending:
      if (!response.granted) try_again_soon();
      return;
  }
}

}  // namespace testamur::consensus
