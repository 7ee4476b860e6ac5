// Replication: requests bounded in entries, bytes and number; answers; heartbeats that rest on nothing.
#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "testamur/consensus/core.h"

namespace testamur::consensus {
namespace {

/// A leader whose disk has not answered for so many election timeouts makes way for another.
constexpr unsigned kMaxTimeoutsWriting = 4;
/// What arrives on a slow link in an election timeout. A request that is still on its way is not to be sent once more.
constexpr std::size_t kBytesATimeout = 1u << 20;
/// Between two heartbeats. One that says by turns that it has entries and that it has not would else be sent them without end.
constexpr unsigned kMaxFalls = 16;

}  // namespace

void Core::tick_leader() {
  Leader& leading = std::get<Leader>(role_);
  if (++leading.ticks_to_check >= options_.election_ticks) {
    leading.ticks_to_check = 0;
    // A leader that a quorum no longer answers, or whose entries a quorum refuses, is none.
    if (!quorum_active()) return become_follower(state_.term, std::nullopt);
    if (disk_hangs()) return give_way();
    if (quorum_refuses()) {
      output_.refused_by_quorum = true;
      no_campaign_ticks_ = 4 * options_.election_ticks;
      return become_follower(state_.term, std::nullopt);
    }
  }
  for (auto& [peer, progress] : leading.followers) {
    if (progress.in_flight.empty()) continue;
    // All that was in flight may be lost: without this the window would stay full for ever.
    const std::size_t timeouts = 1 + progress.in_flight.front().bytes / kBytesATimeout;
    if (++progress.ticks_silent >= timeouts * options_.election_ticks) restart_from_match(peer, progress);
  }
  tick_transfer(leading);
  if (++leading.ticks_to_heartbeat >= options_.heartbeat_ticks) {
    leading.ticks_to_heartbeat = 0;
    raise_learners();
    heartbeat();
  }
}

void Core::heartbeat() {
  Leader& leading = std::get<Leader>(role_);
  if (!leading.reads.empty()) leading.round = std::max(leading.round, leading.reads.back().round);
  for (auto& [peer, progress] : leading.followers) {
    progress.falls = 0;
    send(peer, Heartbeat{leading.round});
    if (progress.is_asked_again()) {
      restart_from_match(peer, progress);
    } else if (progress.state == PeerProgress::State::snapshot) {
      send(peer, Behind{log_.base()});
    } else {
      replicate(peer, progress);
    }
  }
}

bool Core::quorum_active() {
  std::set<NodeId> active = {options_.self};
  for (auto& [peer, progress] : std::get<Leader>(role_).followers) {
    if (progress.active) active.insert(peer);
    progress.was_active = std::exchange(progress.active, false);
  }
  return is_quorum(configuration(), active);
}

bool Core::disk_hangs() const { return ticks_writing_ > kMaxTimeoutsWriting * options_.election_ticks; }

bool Core::quorum_refuses() const {
  std::set<NodeId> willing = {options_.self};
  for (const auto& [peer, progress] : std::get<Leader>(role_).followers) {
    // One that is not heard is not willing: with it the others may be too few.
    if (!progress.refused && progress.was_active) willing.insert(peer);
  }
  return !is_quorum(configuration(), willing);
}

void Core::reconnected(NodeId peer) {
  auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr || !leading->followers.contains(peer)) return;
  restart_from_match(peer, leading->followers.at(peer));
}

void Core::Progress::probe_from(Index index) {
  state = PeerProgress::State::probe;
  in_flight.clear();
  bytes_in_flight = 0;
  next = index;
}

void Core::restart_from_match(NodeId peer, Progress& progress) {
  progress.probe_from(next(progress.match));
  progress.ticks_silent = 0;
  replicate(peer, progress);
}

/// What follows an index in the log, as much as goes into one message.
std::vector<Entry> Core::entries_after(Index after, std::size_t most) const {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  for (Index index = next(after); index <= log_.last().index && entries.size() < most; index = next(index)) {
    const Entry& entry = log_.entry(index);
    bytes += size_of(entry.payload);
    if (bytes > options_.max_append_bytes && !entries.empty()) break;
    entries.push_back(entry);
  }
  return entries;
}

/// Sends what the follower lacks, as far as its window goes. While probing: one request with one entry, then wait.
void Core::replicate(NodeId peer, Progress& progress) {
  while (progress.state != PeerProgress::State::snapshot) {
    const bool probing = progress.is_probing();
    const std::size_t window = probing ? 1 : options_.max_in_flight;
    const std::size_t most = probing ? 1 : options_.max_append_entries;
    const bool has_news = progress.next <= log_.last().index;
    if (progress.in_flight.size() >= window || progress.bytes_in_flight >= options_.max_in_flight_bytes) return;
    if (!has_news && (!probing || progress.match == log_.last().index)) return;
    const auto before = log_.at(previous(progress.next));
    if (!before) {
      // What it lacks is gone from this log. It is told again with each heartbeat, until it has what begins the log.
      progress.probe_from(progress.next);
      progress.state = PeerProgress::State::snapshot;
      return send(peer, Behind{log_.base()});
    }
    AppendRequest request{*before, entries_after(before->index, most)};
    std::size_t bytes = 0;
    for (const Entry& entry : request.entries) bytes += size_of(entry.payload);
    const Index last{before->index.value + request.entries.size()};
    progress.in_flight.push_back({last, bytes});
    progress.bytes_in_flight += bytes;
    if (!probing) progress.next = next(last);
    send(peer, std::move(request));
  }
}

void Core::matched(NodeId peer, Progress& progress, const EntryId& at) {
  if (at.index > progress.match) {
    progress.match = at.index;
    progress.ticks_silent = 0;
    progress.refused = progress.full = false;
  }
  while (!progress.in_flight.empty() && progress.in_flight.front().last <= progress.match) {
    progress.bytes_in_flight -= progress.in_flight.front().bytes;
    progress.in_flight.pop_front();
  }
  const bool installed = progress.state == PeerProgress::State::snapshot && progress.match >= log_.base().index;
  // One that takes no more is sent no more than what asks it, however often it says what it has.
  const bool agree = progress.is_probing() && !progress.is_asked_again() && progress.match >= previous(progress.next);
  if (installed || agree) {
    progress.probe_from(next(progress.match));
    progress.state = PeerProgress::State::replicate;
  }
  progress.next = std::max(progress.next, next(progress.match));
  hand_over_when_level(peer, progress);
}

AppendResponse Core::find_conflict(const EntryId& previous_entry) const {
  // The largest index at which the logs may agree: no later than asked, and of no later term.
  Index index = std::min(previous_entry.index, log_.last().index);
  // What is committed agrees with every honest leader's log.
  while (index > committed_ && log_.at(index)->term > previous_entry.term) index = previous(index);
  if (index == previous_entry.index && index > committed_) index = previous(index);
  return {AppendOutcome::conflict, log_.at(std::max(index, previous(log_.first()))).value_or(EntryId{})};
}

/// Whether the entries after one, up to another, are more than may be held.
bool Core::is_too_much(Index after, Index last, const Bound& bound) const {
  if (last <= after) return false;
  return last.value - after.value >= bound.entries || log_.bytes_between(after, last) >= bound.bytes;
}

/// One who does not hear the others counts nothing, and one whose owner is slow applies little: with all that is written elsewhere its
/// log would grow without end. No cluster that could go on waits here: what an older term left, under a new leader's first entry, has
/// an end and is taken, so that all who are up announce something of this term; and of these whoever is furthest behind has room, since
/// all others announced more.
bool Core::has_room_for(const Entry& entry) const {
  if (is_too_much(applied_, committed_, options_.max_held)) return false;
  if (entry.id.term != state_.term) return true;
  const Index last = log_.last().index;
  const Index counted = std::max(committed_, log_.last_before(state_.term));
  const auto is_room_after = [&](Index index) {
    return !is_too_much(std::max(counted, index), last, options_.max_held);
  };
  if (is_room_after(counted) || is_room_after(durable_.will_count(configuration(), options_.self, votes())))
    return true;
  // By the members of long ago, who may announce nothing any more, it may never count; then what is newer is to be taken as well.
  return is_room_after(surely_held()) && !is_too_much(counted, last, options_.max_left_behind);
}

/// The furthest of this term that more of those who may be members have announced than may lie.
Index Core::surely_held() const {
  std::vector<Index> held;
  for (const auto& [node, announced] : announced_) {
    if (announced.term == state_.term) held.push_back(announced.index);
  }
  return vouched_for(std::move(held), most_liars(options_.known.size()));
}

AppendResponse Core::accept_entries(const Message& message, const AppendRequest& request) {
  // What is below our first entry was committed, and is on disk: the leader has it too.
  if (request.previous.index < log_.base().index) return {AppendOutcome::accepted, log_.base()};
  if (!log_.holds(request.previous)) {
    const auto mine = log_.at(request.previous.index);
    if (mine && mine->term == state_.term && request.previous.term == state_.term)
      report("two stories in one term", message.from, *mine, request.previous);
    return find_conflict(request.previous);
  }
  EntryId last = request.previous;
  for (const Entry& entry : request.entries) {
    const Index index = next(last.index);
    const bool chained = entry.id.index == index && entry.previous == last.hash && entry.id.term >= last.term &&
                         entry.id.term <= message.term && entry.id.hash == options_.hash(entry);
    if (!chained) {
      report("an entry that does not follow the one before", message.from, last, entry.id);
      return {AppendOutcome::accepted, last};
    }
    if (log_.holds(entry.id)) {
      last = entry.id;
      continue;
    }
    if (const auto mine = log_.at(index)) {
      // A log that ends in the current term came from its leader, and an honest leader never contradicts it: what was announced
      // in a term stays in it. And what was counted as committed is never truncated, whoever asks.
      const bool same_term = log_.last().term == state_.term;
      if (same_term || index <= committed_) {
        report(same_term ? "two stories in one term" : "an entry against a committed one", message.from, *mine,
               entry.id);
        return {AppendOutcome::refused, entry.id};
      }
      log_.truncate_from(index);
      forget_configurations(index);
      drop_acknowledgements_from(index);
      if (options_.check != nullptr) options_.check->truncated(index);
    }
    if (!has_room_for(entry)) return {AppendOutcome::full, last};
    if (options_.check != nullptr && entry.is_owners() && !options_.check->accept(index, entry.payload, message.from))
      return {AppendOutcome::refused, entry.id};
    if (entry.kind == EntryKind::configuration) {
      auto configuration = entry.payload ? decode_configuration(*entry.payload) : std::nullopt;
      if (!configuration || !may_follow_ours(*configuration)) {
        report("a configuration that cannot follow the one before", message.from, log_.last(), entry.id);
        return {AppendOutcome::refused, entry.id};
      }
      configurations_.emplace(index, std::move(*configuration));
    }
    log_.append(entry);
    last = entry.id;
  }
  return {AppendOutcome::accepted, last};
}

/// A leader that contradicts itself is not told that what it had overwritten is here.
void Core::drop_acknowledgements_from(Index index) {
  std::erase_if(held_, [&](const Held& held) {
    const auto* answer = std::get_if<AppendResponse>(&held.message.body);
    return answer != nullptr && acknowledges(answer->outcome) && answer->at.index >= index;
  });
}

bool Core::may_lead(const Message& message) {
  if (!configuration().is_voter(message.from) && !may_be_newer(message)) return false;
  heard_vote(message.from, /*for_itself=*/true);
  if (role() != Role::leader) return true;
  report("two leaders of one term", message.from, log_.last(), {});
  return false;
}

void Core::on(const Message& message, const AppendRequest& request) {
  if (!may_lead(message)) return;
  if (role() != Role::follower || leader_ != message.from) become_follower(state_.term, message.from);
  ticks_ = 0;
  const AppendResponse response = accept_entries(message, request);
  if (response.outcome == AppendOutcome::accepted) take_back();
  durable_.synced(options_.self, log_);
  // Held until the write that the answer rests on is done; entries that were there already may be in one under way.
  send_resting(message.from, response);
}

void Core::on(const Message& message, const AppendResponse& response) {
  auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr || !leading->followers.contains(message.from)) return;
  Progress& progress = leading->followers.at(message.from);
  progress.active = progress.answered = true;
  switch (response.outcome) {
    case AppendOutcome::accepted:
      if (!log_.holds(response.at)) return;
      matched(message.from, progress, response.at);
      break;
    case AppendOutcome::conflict: {
      // The search goes down only, so that it ends; anything else waits for the next heartbeat. It may go below what matched: a
      // follower that lost its disk has less than it had, and no commit rests on `match`.
      Index agree = std::min(response.at.index, log_.last().index);
      while (agree >= log_.first() && log_.at(agree)->term > response.at.term) agree = previous(agree);
      if (progress.in_flight.empty() || next(agree) >= progress.next) return;
      if (agree < progress.match && ++progress.falls > kMaxFalls) return;
      progress.match = std::min(progress.match, agree);
      progress.probe_from(next(agree));
      break;
    }
    case AppendOutcome::refused:
      // An answer about what matched since, or about an entry that is not ours, is old.
      if (response.at.index <= progress.match || !log_.holds(response.at)) return;
      progress.refused = true;
      progress.probe_from(next(progress.match));
      return;
    case AppendOutcome::full:
      if (!log_.holds(response.at)) return;
      matched(message.from, progress, response.at);
      if (response.at.index < progress.match) return;
      progress.full = true;
      progress.probe_from(next(progress.match));
      return;
    case AppendOutcome::stale: return;
  }
  replicate(message.from, progress);
}

void Core::on(const Message& message, const Heartbeat& heartbeat) {
  if (!may_lead(message)) return;
  if (role() != Role::follower || leader_ != message.from) become_follower(state_.term, message.from);
  ticks_ = 0;
  // The answer rests on nothing but our term.
  if (state_unwritten_ || persisted_ < state_sequence_) {
    send_resting(message.from, HeartbeatResponse{heartbeat.round});
  } else {
    send(message.from, HeartbeatResponse{heartbeat.round});
  }
}

void Core::on(const Message& message, const HeartbeatResponse& response) {
  auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr || !leading->followers.contains(message.from)) return;
  Progress& progress = leading->followers.at(message.from);
  progress.active = progress.answered = true;
  progress.round = std::max(progress.round, std::min(response.round, leading->round));
  count_round(*leading);
}

}  // namespace testamur::consensus
