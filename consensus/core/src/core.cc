#include "testamur/consensus/core.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace testamur::consensus {
namespace {

/// A broken invariant: going on would put what was committed at risk.
void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "testamur consensus: broken invariant: %s\n", what);
  std::abort();
}

constexpr std::size_t kMaxClaimsKept = 256;
constexpr std::size_t kMaxHeadsKept = 8192;
constexpr std::size_t kMaxHeld = 8192;
constexpr std::size_t kMaxReported = 256;  // of one node
// More elections than a node misses.
constexpr std::uint64_t kMaxTermsMissed = std::uint64_t{1} << 20;

/// What is below a claim that is ours counts no more. Some of it stays, to know another story about it by.
void forget_claims(std::map<std::uint64_t, Claim>& claims, std::map<std::uint64_t, Claim>::iterator ours) {
  if (claims.size() <= kMaxClaimsKept / 2) return;
  for (std::size_t kept = 0; kept < kMaxClaimsKept / 4 && ours != claims.begin(); ++kept) --ours;
  claims.erase(claims.begin(), ours);
}

void drop_to(std::deque<Index>& indexes, Index last) {
  while (!indexes.empty() && indexes.front() <= last) indexes.pop_front();
}

/// What is said of a log that was damaged holds by its hashes, whoever leads.
bool is_of_any_term(const Body& body) {
  return std::holds_alternative<Lacking>(body) || std::holds_alternative<Found>(body);
}

}  // namespace

Core::Core(Options options, Restart restart)
    : options_(std::move(options)),
      state_(restart.state),
      log_(restart.base.id, std::move(restart.entries)),
      floor_(restart.floor) {
  const bool from_base = !restart.base.configuration.voters.nodes.empty();
  configurations_[log_.base().index] = from_base ? std::move(restart.base.configuration) : options_.configuration;
  require(what_is_wrong(configuration()).empty(), "the members are a configuration");
  for (Index index = log_.first(); index <= log_.last().index; index = next(index)) {
    if (log_.entry(index).kind != EntryKind::configuration) continue;
    auto configuration = decode_configuration(*log_.entry(index).payload);
    require(configuration.has_value(), "a configuration in the log can be read");
    configurations_.emplace(index, std::move(*configuration));
  }
  vouched_term_ = state_.term;
  claim_ = newest_claim_ = restart.claim;
  handed_out_ = log_.base().index;
  applied_ = std::max(restart.applied, log_.base().index);
  promised_ = std::max(restart.claim ? restart.claim->index : Index{}, restart.applied);
  committed_ = std::max(log_.base().index, promised_);
  // Where damage took a part of the log, it is fetched again; no more than the log has can count for now.
  if (floor_) committed_ = std::min(committed_, log_.last().index);
  floor_unwritten_ = floor_.has_value();
  for (Entry& entry : restart.beyond) beyond_.emplace(entry.id.index, std::move(entry));
  require(committed_ <= log_.last().index, "what was claimed or applied is in the log");
  certified_ = restart.certified;
  count_unapplied(log_.base().index);
  // An answer to a campaign before the restart counts for none either.
  campaigns_ = options_.random();
  durable_.begin_term(state_.term);
  durable_.synced(options_.self, log_);
  reset_election_timer();
}

void Core::reset_election_timer() {
  ticks_ = 0;
  // Drawn anew each time, so that rivals part (Raft 5.2). Half a timeout is room enough: rivals' ticks do not fall together, and a
  // longer wait is a longer silence.
  timeout_ticks_ = options_.election_ticks + static_cast<unsigned>(options_.random() % half_timeout());
}

void Core::set_state(HardState state) {
  if (state == state_) return;
  if (state.term > state_.term) {
    durable_.begin_term(state.term);
    testimony_.begin_term();
  }
  state_ = state;
  state_unwritten_ = true;
}

/// Term and role change as one. The vote clears only with the term: stepping down within a term keeps it, or two leaders of
/// one term could be elected.
void Core::become_follower(Term term, std::optional<NodeId> leader) {
  require(term >= state_.term, "the term does not fall");
  if (auto* leading = std::get_if<Leader>(&role_)) drop_reads(*leading);
  if (term > state_.term) set_state({term, std::nullopt});
  role_ = Follower{};
  leader_ = leader;
  if (leader) tries_ = 0;
  reset_election_timer();
}

void Core::send(NodeId to, Body body) { output_.messages.push_back({options_.self, to, state_.term, std::move(body)}); }

/// For what rests on our term, vote or log being on disk: held until the newest write is. While a disk stalls, what comes too
/// much is dropped as the network might.
void Core::send_resting(NodeId to, Body body) {
  if (held_.size() >= kMaxHeld) return;
  held_.push_back({next_sequence_, {options_.self, to, state_.term, std::move(body)}});
}

void Core::send_to_voters(const Body& body) {
  for (const NodeId voter : configuration().all_voters()) {
    if (voter != options_.self) send(voter, body);
  }
}

void Core::send_to_members(const Body& body) {
  for (const NodeId member : configuration().members()) {
    if (member != options_.self) send(member, body);
  }
}

/// Whether this node may promise its vote: not while it does not know what it promised before.
bool Core::may_vote() const { return options_.life == configuration().life_of(options_.self); }

/// Whether this node is one of those who decide.
bool Core::votes() const { return may_vote() && configuration().is_voter(options_.self); }

const Configuration& Core::configuration_at(Index index) const {
  return std::prev(configurations_.upper_bound(std::max(index, log_.base().index)))->second;
}

void Core::release_held() {
  while (!held_.empty() && held_.front().sequence <= persisted_) {
    // What was said of an older term is not said any more.
    if (held_.front().message.term == state_.term) output_.messages.push_back(std::move(held_.front().message));
    held_.pop_front();
  }
}

/// Told once: a peer that repeats itself adds nothing. One that goes on and on is told of no more; of the others all the same.
void Core::report(std::string_view what, NodeId from, const EntryId& mine, const EntryId& theirs) {
  auto& reported = reported_[from];
  if (reported.size() >= kMaxReported || !reported.emplace(what, theirs.index).second) return;
  output_.evidence.push_back({what, from, mine, theirs});
}

/// Who campaigns or leads has voted for itself, and an honest node has one vote a term.
void Core::heard_vote(NodeId from, bool for_itself) {
  if (testimony_.voted(from, for_itself)) report("two votes in one term", from, {state_.term, {}, {}}, {});
}

void Core::tick() {
  ++ticks_;
  ticks_writing_ = persisted_ + 1 < next_sequence_ ? ticks_writing_ + 1 : 0;
  if (no_campaign_ticks_ > 0) --no_campaign_ticks_;
  if (std::holds_alternative<Leader>(role_)) {
    tick_leader();
  } else if (ticks_ >= timeout_ticks_ && is_electable()) {
    if (no_campaign_ticks_ > 0) {
      reset_election_timer();
      leader_.reset();
    } else {
      pre_campaign();
    }
  }
  if (++ticks_to_repeat_ >= options_.heartbeat_ticks) {
    ticks_to_repeat_ = 0;
    announce();
    broadcast_claim();
  }
  tick_damage();
  tick_reads();
}

/// What a node has spoken of counts also where nothing else of its message does.
void Core::heard_term(const Message& message) {
  if (!options_.known.contains(message.from) && !configuration().is_member(message.from)) return;
  Term& newest = spoken_terms_[message.from];
  newest = std::max(newest, message.term);
}

/// A liar could use the terms up in a few leaps, or take one node so far ahead that the others do not follow. So a term is measured by what
/// more nodes than may lie have spoken of, or of what comes later: an honest node is there.
bool Core::may_be_term(const Message& message) {
  if (message.term <= state_.term) return true;
  std::vector<Term> spoken;
  for (const auto& [node, term] : spoken_terms_) spoken.push_back(term);
  const std::size_t liars = most_liars(std::max(options_.known.size(), configuration().members().size()));
  vouched_term_ = std::max(vouched_term_, vouched_for(std::move(spoken), liars));
  return message.term <= vouched_term_ || message.term.value - vouched_term_.value <= kMaxTermsMissed;
}

/// What a message's term means before its body does. False: the message changes nothing more.
bool Core::step_term(const Message& message) {
  if (!may_be_term(message)) return false;
  if (message.term < state_.term) {
    // An answer to our pre-vote from a voter of a lower term is an answer all the same; the campaign's number ties it to us.
    if (std::holds_alternative<PreVoteResponse>(message.body)) return true;
    if (is_of_any_term(message.body)) return true;
    answer_stale(message);
    return false;
  }
  if (message.term == state_.term) return true;
  if (is_of_any_term(message.body)) return true;
  // A pre-vote asks about a term that nobody is in yet.
  if (std::holds_alternative<PreVoteRequest>(message.body)) return true;
  // Leader stickiness: a node that hears its leader is not drawn into an election (Raft 6; thesis 4.2.3), unless it is the leader
  // that makes way.
  const auto* vote = std::get_if<VoteRequest>(&message.body);
  if (vote != nullptr && !vote->transferred && (hears_leader() || role() == Role::leader)) return false;
  become_follower(message.term, std::nullopt);
  return true;
}

/// A request of an old term is answered, so that its sender learns of the new one: it may be a leader that a node of a higher
/// term can follow no more, and that would otherwise never know.
void Core::answer_stale(const Message& message) {
  const bool is_request =
      std::holds_alternative<AppendRequest>(message.body) || std::holds_alternative<Heartbeat>(message.body) ||
      std::holds_alternative<PreVoteRequest>(message.body) || std::holds_alternative<VoteRequest>(message.body);
  if (is_request) send_resting(message.from, AppendResponse{AppendOutcome::stale, {}});
}

void Core::step(const Message& message) {
  // A message of a node that is no member changes nothing at all; unless it may be one by a configuration newer than ours.
  if (message.to != options_.self || message.from == options_.self) return;
  heard_term(message);
  heard_announcement(message);
  if (!configuration().is_member(message.from) && !may_be_newer(message)) return;
  if (!step_term(message)) return;
  std::visit([&](const auto& body) { on(message, body); }, message.body);
}

ProposeResult Core::may_propose(std::size_t payloads) const {
  const auto* leading = std::get_if<Leader>(&role_);
  if (leading == nullptr) return ProposeResult::not_leader;
  if (leading->transfer) return ProposeResult::transferring;
  // Elected is not caught up: until an entry of this term is committed, the leader does not know what is (Raft 5.4.2).
  if (committed_ < leading->first_of_term) return ProposeResult::not_ready;
  if (log_.last().index.value - committed_.value + payloads > options_.max_unapplied) return ProposeResult::too_many;
  const Index finished = this->finished();
  if (log_.bytes_between(finished, log_.last().index) > options_.max_unfinished_bytes)
    return finished < committed_ ? ProposeResult::too_uncertified : ProposeResult::too_many;
  if (unapplied_.size() + uncertified_.size() > options_.max_uncertified) return ProposeResult::too_uncertified;
  return ProposeResult::accepted;
}

/// Up to here, all that is committed is certified, or nothing came of it.
Index Core::finished() const {
  Index last = committed_;
  if (!unapplied_.empty()) last = previous(unapplied_.front());
  if (!uncertified_.empty()) last = std::min(last, previous(uncertified_.front()));
  return std::max(last, log_.base().index);
}

ProposeResult Core::propose(std::vector<Payload> payloads) {
  const ProposeResult answer = may_propose(payloads.size());
  if (answer != ProposeResult::accepted) return answer;
  for (Payload& payload : payloads) append(EntryKind::data, std::move(payload));
  for (auto& [peer, progress] : std::get<Leader>(role_).followers) replicate(peer, progress);
  return ProposeResult::accepted;
}

void Core::persisted(std::uint64_t sequence) {
  require(sequence < next_sequence_, "only writes that were asked for complete");
  persisted_ = std::max(persisted_, sequence);
  ticks_writing_ = 0;
  log_.written(persisted_);
  release_held();
  bool new_claim = false;
  while (!claims_under_way_.empty() && claims_under_way_.front().first <= persisted_) {
    claim_ = claims_under_way_.front().second;
    claims_under_way_.pop_front();
    new_claim = true;
  }
  count_own_vote();
  durable_.synced(options_.self, log_);
  announce();
  if (new_claim) {
    broadcast_claim();
    count_claims();
  }
  advance_commit();
  mend_floor();
}

/// Tells the voters how far our log is durable, while its last synced entry is of the current term and the term is on disk.
void Core::announce() {
  const EntryId last = log_.synced();
  if (last.index.value == 0 || last.term != state_.term || state_unwritten_ || persisted_ < state_sequence_) return;
  if (!votes()) return;
  // Learners count too, though nobody counts them; and so does a leader that the newest configuration leaves out.
  send_to_members(Durable{last});
  if (leader_ && *leader_ != options_.self && !configuration().is_member(*leader_)) send(*leader_, Durable{last});
}

void Core::advance_commit() {
  const auto index = durable_.committed(configuration(), options_.self, votes());
  if (index) commit_to(*index);
}

void Core::commit_to(Index index) {
  if (index <= committed_) return;
  const Index before = committed_;
  committed_ = index;
  count_unapplied(before);
  after_commit();
}

void Core::count_unapplied(Index from) {
  // What damage took counts again when it is mended, certified or not.
  for (Index index = next(std::max(from, certified_)); index <= committed_; index = next(index)) {
    if (log_.entry(index).is_owners()) unapplied_.push_back(index);
  }
}

void Core::on(const Message& message, const Durable& durable) {
  if (durable.last.term != state_.term || !configuration().is_voter(message.from)) return;
  heard_end(message.from, durable.last);
  if (const auto other = testimony_.durable(message.from, durable.last))
    report("another durable entry of one index and term", message.from, *other, durable.last);
  if (durable_.announce(message.from, durable.last, log_) == DurableCount::Heard::contradicts) {
    report("another durable entry of one index and term", message.from, *log_.at(durable.last.index), durable.last);
  }
  if (auto* leading = std::get_if<Leader>(&role_)) {
    // It does not count as active for this: a voter that we cannot reach says it too, and would keep us leading for ever.
    Progress& progress = leading->followers.at(message.from);
    if (log_.holds(durable.last)) matched(message.from, progress, durable.last);
    replicate(message.from, progress);
  }
  advance_commit();
}

void Core::derived(const Claim& claim) {
  require(claim.index <= committed_, "only what is committed is derived");
  if (claim.index > certified_ && (uncertified_.empty() || uncertified_.back() < claim.index))
    uncertified_.push_back(claim.index);
  applied(claim.index);
  own_heads_[claim.height] = claim;
  while (own_heads_.size() > kMaxHeadsKept) own_heads_.erase(own_heads_.begin());
  // A claim on disk never moves back, and is never said another way: cosigning rests on both.
  if (newest_claim_ && claim.height <= newest_claim_->height) {
    require(claim.height != newest_claim_->height || claim == *newest_claim_, "what was claimed is derived again");
    // What was claimed before a restart may be agreed on already; a node that is alone hears nobody who would tell it.
    return count_claims();
  }
  newest_claim_ = unwritten_claim_ = claim;
}

void Core::applied(Index index) {
  applied_ = std::max(applied_, index);
  // What made no head is done with: no certificate will name it.
  drop_to(unapplied_, index);
}

void Core::broadcast_claim() {
  if (claim_ && votes()) send_to_voters(Derived{*claim_});
}

void Core::on(const Message& message, const Derived& derived) {
  if (!configuration().is_voter(message.from)) return;
  auto& claims = claims_[message.from];
  const auto [known, is_new] = claims.emplace(derived.claim.height, derived.claim);
  if (!is_new && known->second.head != derived.claim.head) {
    report("two heads of one height", message.from, {{}, known->second.index, known->second.head},
           {{}, derived.claim.index, derived.claim.head});
    return;
  }
  // The oldest are those that a node behind will reach first; of the rest the newest says most.
  if (claims.size() > kMaxClaimsKept) claims.erase(std::prev(claims.end(), 2));
  count_claims();
}

/// A node cosigns only a head that `threshold` voters, itself among them, derived. A claim speaks for the heads below it too; so a
/// voter has derived what we have up to the highest of its claims that is our own head of that height. Ours counts once it is on
/// disk.
void Core::count_claims() {
  if (!claim_ || !votes()) return;
  std::map<NodeId, Index> derived = {{options_.self, Index{claim_->height}}};
  for (auto& [voter, claims] : claims_) {
    for (auto at = claims.rbegin(); at != claims.rend(); ++at) {
      const auto own = own_heads_.find(at->first);
      if (at->first > claim_->height || own == own_heads_.end() || own->second.head != at->second.head) continue;
      derived[voter] = Index{at->first};
      forget_claims(claims, std::prev(at.base()));
      break;
    }
  }
  const auto height = quorum_index(configuration(), derived);
  if (!height || height->value <= agreed_height_) return;
  const auto own = own_heads_.find(height->value);
  if (own == own_heads_.end()) return;
  agreed_height_ = height->value;
  output_.agreed = own->second;
}

void Core::certified(Index index) {
  certified_ = std::max(certified_, index);
  drop_to(unapplied_, index);
  drop_to(uncertified_, index);
}

Output Core::take() {
  Write write;
  const Log::Write log_write = log_.take_unwritten();
  const bool claims = unwritten_claim_.has_value();
  if (state_unwritten_ || !log_write.empty() || claims || floor_unwritten_) {
    write.sequence = next_sequence_++;
    if (state_unwritten_) {
      write.state = state_;
      state_unwritten_ = false;
      state_sequence_ = write.sequence;
    }
    log_.writing(write.sequence, log_write);
    if (log_write.base) write.base = Base{*log_write.base, configurations_.begin()->second};
    write.begins = log_write.begins;
    write.truncate_from = log_write.truncate_from;
    write.entries = log_write.entries;
    if (claims) {
      write.claim = unwritten_claim_;
      claims_under_way_.emplace_back(write.sequence, *unwritten_claim_);
      unwritten_claim_.reset();
    }
    if (std::exchange(floor_unwritten_, false)) write.floor = floor_.value_or(EntryId{});
    output_.write = std::move(write);
  } else {
    // Nothing new to write: what the messages rest on is in an earlier write, under way or done.
    for (auto held = held_.rbegin(); held != held_.rend() && held->sequence == next_sequence_; ++held) --held->sequence;
    release_held();
  }
  for (; handed_out_ < committed_; handed_out_ = next(handed_out_)) {
    output_.committed.push_back(log_.entry(next(handed_out_)));
  }
  return std::exchange(output_, Output{});
}

}  // namespace testamur::consensus
