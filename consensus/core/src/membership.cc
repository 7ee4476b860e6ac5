// Who takes part: changes through the log, learners that rise, and leadership that is handed on.
#include <algorithm>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

/// Adds an entry of this leader's term.
void Core::append(EntryKind kind, Payload payload) {
  const EntryId last = log_.last();
  Entry entry{{state_.term, next(last.index), {}}, last.hash, std::move(payload), kind};
  entry.id.hash = options_.hash(entry);
  log_.append(std::move(entry));
}

/// A configuration holds from its entry on, committed or not; one that is truncated takes the one before with it back.
void Core::append_configuration(Changed changed) {
  append(EntryKind::configuration, encode(changed.configuration));
  configurations_.emplace(log_.last().index, std::move(changed.configuration));
  watch_members(changed.fresh);
  // A new voter has not had its time to be heard.
  for (const NodeId node : changed.fresh) {
    if (const auto added = std::get<Leader>(role_).followers.find(node);
        added != std::get<Leader>(role_).followers.end())
      added->second.active = true;
  }
  for (auto& [peer, progress] : std::get<Leader>(role_).followers) replicate(peer, progress);
  // Fewer voters may need fewer announcements.
  advance_commit();
}

void Core::forget_configurations(Index from) {
  configurations_.erase(configurations_.lower_bound(from), configurations_.end());
}

/// A leader knows of each member how far it is, and of nobody else. Of a new one it knows nothing.
void Core::watch_members(const std::set<NodeId>& fresh) {
  std::set<NodeId> others = configuration().members();
  others.erase(options_.self);
  keep_members(std::get<Leader>(role_).followers, others, fresh, [&] {
    Progress progress;
    progress.next = next(log_.last().index);
    return progress;
  });
}

ChangeAnswer Core::change(std::span<const Change> changes) {
  const auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr) return {ChangeResult::not_leader, "this node does not lead"};
  if (leading->transfer) return {ChangeResult::transferring, "leadership is being handed on"};
  // Before an entry of its own term is committed, a leader may not know of a change that is (Ongaro, raft-dev 2015).
  if (committed_ < leading->first_of_term) return {ChangeResult::not_ready, "no entry of this term is committed yet"};
  if (is_changing()) return {ChangeResult::under_way, "another change is under way"};
  Changed changed = change_simply(configuration(), changes, options_.quorum);
  // A quorum of another size is a change of voters too: nobody takes it but through a joint configuration.
  const bool same_voters = changed.error.empty() && changed.configuration.voters == configuration().voters;
  if (!same_voters) changed = enter_joint(configuration(), /*auto_leave=*/true, changes, options_.quorum);
  if (!changed.error.empty()) return {ChangeResult::invalid, changed.error};
  if (changed.configuration == configuration()) return {ChangeResult::nothing, "it is so already"};
  if (!changed.configuration.voters.nodes.contains(options_.self))
    return {ChangeResult::leader, "it would take the vote of the leader"};
  if (options_.objects) {
    if (std::string why = options_.objects(changed.configuration); !why.empty())
      return {ChangeResult::invalid, std::move(why)};
  }
  if (!same_voters && !quorum_would_hear(changed.configuration))
    return {ChangeResult::quorum, "of the voters after it, too few are heard to decide anything"};
  append_configuration(std::move(changed));
  return {ChangeResult::accepted, {}};
}

/// Whether the voters that are heard now suffice after a change. Who never answered is not: it has its time to, as a learner.
bool Core::quorum_would_hear(const Configuration& configuration) const {
  std::set<NodeId> heard = {options_.self};
  for (const auto& [peer, progress] : std::get<Leader>(role_).followers) {
    if (progress.answered && progress.is_heard()) heard.insert(peer);
  }
  return is_quorum(configuration, heard);
}

/// Whether these may decide, whoever says so: those that the log began with, or others of whom it takes a quorum. With fewer a liar that
/// leads could decide with the few that it has; and it could ask for more than there will ever be.
bool Core::are_voters(const Voters& voters) const {
  return voters == options_.configuration.voters || voters.threshold == options_.quorum(voters.nodes.size());
}

/// Whether a configuration may stand in the log after our newest. With other voters it has to suit the owner, too.
bool Core::may_follow_ours(const Configuration& next) const {
  if (!may_follow(configuration(), next)) return false;
  return next.voters == configuration().voters || may_be_taken(next);
}

bool Core::may_be_taken(const Configuration& other) const {
  return are_voters(other.voters) && (!options_.objects || options_.objects(other).empty());
}

/// What a leader does once more is committed: it leaves a joint configuration; and, where it is no voter any more, it goes.
void Core::after_commit() {
  if (!std::holds_alternative<Leader>(role_) || configurations_.rbegin()->first > committed_) return;
  if (committed_ < std::get<Leader>(role_).first_of_term) return;
  if (configuration().is_joint()) {
    if (configuration().auto_leave) append_configuration(leave_joint(configuration()));
  } else if (!configuration().is_voter(options_.self)) {
    give_way();
  }
}

/// Steps down, and lets the one whose log is the longest go ahead at once.
void Core::give_way() {
  const auto successor = best_successor();
  if (successor) send(*successor, CampaignNow{});
  become_follower(state_.term, std::nullopt);
}

/// Makes a voter of a learner that is level: a request of entries away, or less.
void Core::raise_learners() {
  const Leader& leading = std::get<Leader>(role_);
  if (configuration().rising.empty() || is_changing()) return;
  for (const NodeId learner : configuration().rising) {
    const auto at = leading.followers.find(learner);
    if (at == leading.followers.end()) continue;
    const Progress& progress = at->second;
    const bool level = progress.state == PeerProgress::State::replicate && progress.active && !progress.refused &&
                       progress.match.value + options_.max_append_entries >= log_.last().index.value;
    if (!level) continue;
    const Change rise{Change::Kind::voter, learner};
    if (change(std::span(&rise, 1)).result == ChangeResult::accepted) return;
  }
}

std::optional<NodeId> Core::best_successor() const {
  std::optional<NodeId> best;
  Index reached;
  for (const auto& [peer, progress] : std::get<Leader>(role_).followers) {
    const bool may = configuration().voters.nodes.contains(peer) && progress.is_heard();
    if (may && (!best || progress.match > reached)) {
      best = peer;
      reached = progress.match;
    }
  }
  return best;
}

TransferResult Core::transfer(std::optional<NodeId> to) {
  auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr) return TransferResult::not_leader;
  if (to == options_.self) return TransferResult::already;
  if (!to) to = best_successor();
  if (!to || !configuration().voters.nodes.contains(*to)) return TransferResult::no_voter;
  Progress& progress = leading->followers.at(*to);
  if (!progress.is_heard()) return TransferResult::no_voter;
  leading->transfer = Transfer{*to};
  hand_over_when_level(*to, progress);
  return TransferResult::accepted;
}

void Core::hand_over_when_level(NodeId peer, const Progress& progress) {
  Leader& leading = std::get<Leader>(role_);
  if (!leading.transfer || leading.transfer->to != peer || leading.transfer->told) return;
  if (progress.match < log_.last().index) return;
  leading.transfer->told = true;
  send(peer, CampaignNow{});
}

void Core::tick_transfer(Leader& leading) {
  if (leading.transfer && ++leading.transfer->ticks >= options_.election_ticks) leading.transfer.reset();
}

std::optional<NodeId> Core::transferee() const {
  const auto* leading = std::get_if<Leader>(&role_);
  return leading != nullptr && leading->transfer ? std::optional(leading->transfer->to) : std::nullopt;
}

void Core::on(const Message& message, const CampaignNow&) {
  // From the leader of this term only: anybody else would disturb.
  const bool from_leader = leader_ == message.from || (!leader_ && configuration().is_voter(message.from));
  if (role() == Role::leader || !from_leader || !is_electable() || disk_hangs()) return;
  campaign(/*transferred=*/true);
}

std::vector<PeerProgress> Core::progress() const {
  std::vector<PeerProgress> all;
  const auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr) return all;
  for (const auto& [peer, progress] : leading->followers) {
    all.push_back({peer, progress.match, progress.next, progress.state, progress.is_heard(), progress.refused});
  }
  return all;
}

}  // namespace testamur::consensus
