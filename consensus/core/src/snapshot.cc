// The log's beginning moves: what is safe in the owner's state is dropped, and a node that lacks what was dropped goes on from a
// snapshot.
#include <algorithm>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

void Core::compact(Index index) {
  index = std::min({index, handed_out_, log_.synced().index});
  if (index <= log_.base().index) return;
  // The members as of the new base; a change in the dropped part is part of them.
  Configuration configuration = configuration_at(index);
  configurations_.erase(configurations_.begin(), configurations_.upper_bound(index));
  configurations_.emplace(index, std::move(configuration));
  log_.drop_to(index);
}

void Core::on(const Message& message, const Behind& behind) {
  if (!may_lead(message)) return;
  if (role() != Role::follower || leader_ != message.from) become_follower(state_.term, message.from);
  ticks_ = 0;
  // We may have got further since.
  if (behind.base.index <= committed_) {
    if (const auto last = log_.at(std::min(committed_, log_.synced().index)))
      send_resting(message.from, AppendResponse{AppendOutcome::accepted, *last});
    return;
  }
  output_.behind = message.from;
}

/// The claim of ours, if any, that a certified head contradicts: of its height with another head, or of a greater height though made
/// earlier in the log.
std::optional<Claim> Core::contradicted_by(const Claim& certified) const {
  auto own = newest_claim_;
  if (const auto at = own_heads_.find(certified.height); at != own_heads_.end()) own = at->second;
  if (!own) return std::nullopt;
  const bool differs = own->height == certified.height && own->head != certified.head;
  const bool is_out_of_order = own->height > certified.height && own->index < certified.index;
  return differs || is_out_of_order ? own : std::nullopt;
}

bool Core::install(const Snapshot& snapshot) {
  if (!what_is_wrong(snapshot.configuration).empty() || !may_be_taken(snapshot.configuration)) return false;
  if (snapshot.last.term > state_.term) return false;  // who gave it is in that term, and so are we
  const auto mine = log_.at(snapshot.last.index);
  const bool is_committed = snapshot.last.index <= committed_;
  const bool other_entry = is_committed && mine && *mine != snapshot.last;
  const auto other_head = contradicted_by(snapshot.claim);
  // What was counted as committed is given up for a certified head only, and both stories are kept.
  const NodeId from = leader_.value_or(NodeId{});
  if (other_entry) report("a certified head against a committed entry", from, *mine, snapshot.last);
  if (other_head) {
    const auto name = [](const Claim& claim) { return EntryId{{}, claim.index, claim.head}; };
    report("a certified head against one of ours", from, name(*other_head), name(snapshot.claim));
  }
  if (is_committed && !other_entry) return false;
  // The same entries, and another head of them: somebody derives wrongly, and no other log mends that.
  if (mine == snapshot.last && other_head) return false;
  const bool contradicts = other_entry || other_head;
  // What it leads on with is not what was certified.
  if (role() == Role::leader && contradicts) become_follower(state_.term, std::nullopt);
  if (role() == Role::leader) return false;
  if (mine == snapshot.last && snapshot.last.index <= log_.synced().index) {
    // What follows was acknowledged, and stays.
    log_.drop_to(snapshot.last.index);
    configurations_.erase(configurations_.begin(), configurations_.upper_bound(snapshot.last.index));
  } else {
    if (options_.check != nullptr) options_.check->truncated(log_.first());
    log_.begin_after(snapshot.last);
    // What was counted was on the chain that goes; the voters announce again with every heartbeat.
    durable_.begin_term(state_.term);
    configurations_.clear();
    // What was to be acknowledged goes with the log.
    std::erase_if(held_, [](const Held& held) { return std::holds_alternative<AppendResponse>(held.message.body); });
  }
  configurations_.insert_or_assign(snapshot.last.index, snapshot.configuration);
  committed_ = handed_out_ = applied_ = snapshot.last.index;
  certified_ = contradicts ? snapshot.last.index : std::max(certified_, snapshot.last.index);
  for (std::deque<Index>* counted : {&unapplied_, &uncertified_})
    std::erase_if(*counted, [&](Index index) { return contradicts || index <= snapshot.last.index; });
  if (contradicts) {
    own_heads_.clear();
    claims_under_way_.clear();
    newest_claim_.reset();
    promised_ = Index{};
  }
  if (!newest_claim_ || newest_claim_->height < snapshot.claim.height) {
    own_heads_[snapshot.claim.height] = snapshot.claim;
    newest_claim_ = unwritten_claim_ = snapshot.claim;
  }
  agreed_height_ = contradicts ? snapshot.claim.height : std::max(agreed_height_, snapshot.claim.height);
  take_back();
  durable_.synced(options_.self, log_);
  // The answer names what was installed, so that the leader goes on from there and sends it no second time.
  if (leader_) send_resting(*leader_, AppendResponse{AppendOutcome::accepted, log_.base()});
  return true;
}

}  // namespace testamur::consensus
