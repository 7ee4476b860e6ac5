// Elections: pre-vote (Raft thesis 9.6), votes, and the check that a leader still has its quorum (thesis 6.2).
#include <algorithm>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

void Core::pre_campaign() {
  leader_.reset();
  reset_election_timer();
  PreCandidate candidacy;
  candidacy.campaign = ++campaigns_;
  candidacy.votes[options_.self] = true;
  const bool alone = count_votes(options_.configuration, candidacy.votes) == VoteResult::won;
  role_ = std::move(candidacy);
  if (alone) return campaign();
  send_to_voters(PreVoteRequest{campaigns_, log_.last()});
}

/// A new term, and a vote for oneself, which counts once it is on disk; the requests leave with it.
void Core::campaign() {
  set_state({Term{state_.term.value + 1}, options_.self});
  role_ = Candidate{};
  leader_.reset();
  reset_election_timer();
  for (const NodeId voter : options_.configuration.voters) {
    if (voter != options_.self) send_resting(voter, VoteRequest{log_.last()});
  }
}

void Core::count_own_vote() {
  auto* candidacy = std::get_if<Candidate>(&role_);
  if (candidacy == nullptr || state_unwritten_ || persisted_ < state_sequence_) return;
  candidacy->votes[options_.self] = true;
  if (count_votes(options_.configuration, candidacy->votes) == VoteResult::won) become_leader();
}

void Core::become_leader() {
  Leader leading;
  for (const NodeId voter : options_.configuration.voters) {
    if (voter != options_.self) leading.followers[voter].next = next(log_.last().index);
  }
  for (const NodeId learner : options_.configuration.learners)
    leading.followers[learner].next = next(log_.last().index);
  leading.first_of_term = next(log_.last().index);
  role_ = std::move(leading);
  leader_ = options_.self;
  ticks_ = 0;
  // An entry of its own term: with it everything before is committed too (Raft 5.4.2).
  const EntryId last = log_.last();
  const Digest hash = options_.hash(state_.term, next(last.index), last.hash, nullptr);
  log_.append({{state_.term, next(last.index), hash}, last.hash, nullptr});
  for (auto& [peer, progress] : std::get<Leader>(role_).followers) replicate(peer, progress);
}

void Core::on(const Message& message, const PreVoteRequest& request) {
  // Granted to a log as up-to-date as ours, when we hear no leader ourselves. It promises nothing, and resets nothing.
  const bool granted = message.term >= state_.term && up_to_date(request.last, log_.last()) && !hears_leader() &&
                       role() != Role::leader && options_.configuration.is_voter(options_.self);
  send_resting(message.from, PreVoteResponse{request.campaign, granted});
}

void Core::on(const Message& message, const PreVoteResponse& response) {
  auto* candidacy = std::get_if<PreCandidate>(&role_);
  // An answer to an earlier campaign counts for none: what it saw is over.
  if (candidacy == nullptr || response.campaign != candidacy->campaign) return;
  candidacy->votes[message.from] = response.granted;
  switch (count_votes(options_.configuration, candidacy->votes)) {
    case VoteResult::won: return campaign();
    case VoteResult::lost: return become_follower(state_.term, std::nullopt);
    case VoteResult::pending: return;
  }
}

void Core::on(const Message& message, const VoteRequest& request) {
  const bool free = !state_.vote || *state_.vote == message.from;
  const bool granted = free && !leader_ && up_to_date(request.last, log_.last()) &&
                       options_.configuration.is_voter(options_.self) && options_.configuration.is_voter(message.from);
  if (granted) {
    set_state({state_.term, message.from});
    reset_election_timer();
  }
  send_resting(message.from, VoteResponse{granted});
}

void Core::on(const Message& message, const VoteResponse& response) {
  auto* candidacy = std::get_if<Candidate>(&role_);
  if (candidacy == nullptr) return;
  candidacy->votes.try_emplace(message.from, response.granted);
  switch (count_votes(options_.configuration, candidacy->votes)) {
    case VoteResult::won:
      // Our own vote is among them only when it is on disk; count_own_vote() comes back when it is.
      if (candidacy->votes.contains(options_.self)) become_leader();
      return;
    case VoteResult::lost: return become_follower(state_.term, std::nullopt);
    case VoteResult::pending: return;
  }
}

}  // namespace testamur::consensus
