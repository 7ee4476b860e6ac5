#include "liar.h"

#include <algorithm>

namespace testamur::consensus::simulation {
namespace {

constexpr std::uint64_t kTooFarAheadMs = 86'400'000;  // no honest node accepts such a time
constexpr std::uint64_t kAheadMs = 40'000;            // such a one they do
constexpr std::uint64_t kFarAhead = 1'000;            // of what anybody has in the log

}  // namespace

void add(Lies& sum, const Lies& lies) {
  sum.forked += lies.forked;
  sum.wrong_hash += lies.wrong_hash;
  sum.too_far_ahead += lies.too_far_ahead;
  sum.ahead += lies.ahead;
  sum.behind += lies.behind;
  sum.withheld += lies.withheld;
  sum.leading += lies.leading;
  sum.terms += lies.terms;
  sum.members += lies.members;
  sum.durable += lies.durable;
  sum.votes += lies.votes;
  sum.heads += lies.heads;
  sum.cosignatures += lies.cosignatures;
  sum.double_cosignatures += lies.double_cosignatures;
  sum.places += lies.places;
}

Liar::Liar(NodeId self, std::size_t nodes, std::uint64_t seed) : self_(self), nodes_(nodes), random_(seed) {
  const auto draw = [&](unsigned most) {
    return random_.below(2) == 0 ? 0u : static_cast<unsigned>(random_.below(most + 1));
  };
  forked_ = random_.next();
  fork_ = draw(500);
  withhold_ = draw(500);
  durable_ = draw(1000);
  vote_ = draw(1000);
  echo_ = draw(1000);
  head_ = draw(100);
  lead_ = draw(50);
  cosign_ = draw(1000);
  wrong_time_ = draw(500);
  wrong_hash_ = draw(100);
  misplace_ = draw(1000);
  members_ = draw(500);
  far_term_ = draw(500);
}

void Liar::translate(EntryId& id, const std::map<Digest, EntryId>& table) const {
  if (const auto found = table.find(id.hash); found != table.end()) id = found->second;
}

/// Another story for some: from an entry of its own on, other payloads, chained as they must be.
void Liar::fork(AppendRequest& request, Term term) {
  EntryId before = request.previous;
  translate(before, forged_);
  request.previous = before;
  for (Entry& entry : request.entries) {
    const EntryId mine = entry.id;
    const bool begins = mine.term == term && entry.is_owners() && random_.happens(fork_);
    if (forged_.contains(mine.hash) || before.hash != entry.previous || begins) {
      const auto known = forged_.find(mine.hash);
      entry.previous = before.hash;
      if (entry.is_owners()) {
        const bool wrong = known == forged_.end() && random_.happens(wrong_time_);
        entry.payload = another(entry.payload, wrong);
      }
      entry.id.hash = hash_entry(entry);
      ++told_.forked;
      made_.push_back(entry);
      forged_.insert_or_assign(mine.hash, entry.id);
      original_.insert_or_assign(entry.id.hash, mine);
    }
    before = entry.id;
  }
}

/// What another story has in a payload's place: another time, and perhaps not the statements.
Payload Liar::another(const Payload& payload, bool wrong_time) {
  testamur::Payload block = *decode_payload(block_in(payload));
  block.time = wrong_time ? wrong(block.time) : Time{block.time.value + 1};
  if (random_.below(2) == 0) block.submissions.clear();
  return payload_of(number_of(payload) | kForged, block);
}

Time Liar::wrong(Time time) {
  switch (random_.below(3)) {
    case 0: ++told_.too_far_ahead; return Time{time.value + kTooFarAheadMs};
    case 1: ++told_.ahead; return Time{time.value + kAheadMs};
    default: ++told_.behind; return Time{time.value - std::min(time.value, kAheadMs)};
  }
}

void Liar::say(Message message, std::vector<Message>& leaving) {
  made_.clear();
  if (auto* request = std::get_if<AppendRequest>(&message.body)) {
    if (random_.happens(withhold_)) {
      ++told_.withheld;
      return;
    }
    if (is_forked(message.to)) fork(*request, message.term);
    Entry* const last = request->entries.empty() ? nullptr : &request->entries.back();
    if (last != nullptr && last->is_owners() && random_.happens(wrong_hash_)) {
      ++told_.wrong_hash;
      last->payload = another(last->payload, /*wrong_time=*/false);
    }
  }
  if (auto* durable = std::get_if<Durable>(&message.body); durable != nullptr && is_forked(message.to))
    translate(durable->last, forged_);
  leaving.push_back(std::move(message));
}

Message Liar::hear(Message message, std::vector<Message>& leaving) {
  if (auto* response = std::get_if<AppendResponse>(&message.body)) translate(response->at, original_);
  if (auto* durable = std::get_if<Durable>(&message.body)) translate(durable->last, original_);
  if (const auto* asked = std::get_if<PreVoteRequest>(&message.body); asked != nullptr && random_.happens(vote_))
    tell(told_.votes, from_me(message.from, message.term, PreVoteResponse{asked->campaign, true}), leaving);
  if (std::holds_alternative<VoteRequest>(message.body) && random_.happens(vote_))
    tell(told_.votes, from_me(message.from, message.term, VoteResponse{true}), leaving);
  if (const auto* request = std::get_if<AppendRequest>(&message.body);
      request != nullptr && !request->entries.empty() && random_.happens(durable_)) {
    const EntryId last = request->entries.back().id;
    tell(told_.durable, from_me(message.from, message.term, AppendResponse{AppendOutcome::accepted, last}), leaving);
    if (last.term == message.term) to_others(message.term, Durable{last}, leaving);
  }
  // To each the durable entry and the head that it named itself.
  if (const auto* durable = std::get_if<Durable>(&message.body); durable != nullptr && random_.happens(durable_))
    tell(told_.durable, from_me(message.from, message.term, *durable), leaving);
  if (const auto* derived = std::get_if<Derived>(&message.body); derived != nullptr && random_.happens(echo_))
    tell(told_.heads, from_me(message.from, message.term, *derived), leaving);
  return message;
}

void Liar::tell(std::uint64_t& count, Message lie, std::vector<Message>& leaving) {
  ++count;
  leaving.push_back(std::move(lie));
}

void Liar::to_others(Term term, const Body& body, std::vector<Message>& leaving) {
  for (std::size_t i = 1; i <= nodes_; ++i) {
    if (NodeId{i} != self_) leaving.push_back(from_me(NodeId{i}, term, body));
  }
}

/// It need not have been elected: nobody can check that.
void Liar::claim_to_lead(const Core& core, const Owner& owner, std::vector<Message>& leaving) {
  Term term{core.term().value + random_.below(2)};
  if (random_.happens(far_term_)) {
    ++told_.terms;
    term = kFarTerm;
  }
  const Log& log = core.log();
  const std::uint64_t back = random_.below(4);
  const Index at{std::max(log.base().index.value, log.last().index.value - std::min(back, log.last().index.value))};
  const EntryId before = *log.at(at);
  for (std::size_t i = 1; i <= nodes_; ++i) {
    const NodeId to{i};
    if (to == self_ || random_.below(3) == 0) continue;
    const std::uint64_t number = random_.below(3);
    const testamur::Payload block{Time{owner.ledger().head().time.value + 1 + number}, {}};
    Entry entry{{term, next(before.index), {}}, before.hash, payload_of(number | kClaimed, block)};
    if (random_.happens(members_)) {
      entry.kind = EntryKind::configuration;
      entry.payload = false_members(core.configuration(), to);
    }
    entry.id.hash = hash_entry(entry);
    tell(told_.leading, from_me(to, term, Heartbeat{}), leaving);
    if (random_.happens(misplace_)) {
      leaving.push_back(from_me(to, term, Behind{{term, Index{before.index.value + kFarAhead}, {}}}));
      continue;
    }
    leaving.push_back(from_me(to, term, AppendRequest{before, {entry}}));
    leaving.push_back(from_me(to, term, Durable{entry.id}));
  }
}

/// Of the form that they must have.
Payload Liar::false_members(const Configuration& now, NodeId to) {
  ++told_.members;
  Configuration members = now;
  members.outgoing = now.voters;
  members.auto_leave = true;
  std::size_t& threshold = members.voters.threshold;
  const std::size_t all = now.voters.nodes.size();
  switch (random_.below(3)) {
    case 0: members.voters = {{self_, to}, 2}; break;  // too few to certify
    case 1: threshold = all; break;                    // and nothing is decided any more
    default: threshold = threshold > all / 2 + 1 ? all / 2 + 1 : all;
  }
  return encode(members);
}

void Liar::tick(const Core& core, const Owner& owner, std::vector<Message>& leaving) {
  if (random_.happens(lead_)) claim_to_lead(core, owner, leaving);
  if (!random_.happens(head_)) return;
  Claim claim{Index{1 + random_.below(core.log().last().index.value + 2)}, 1 + random_.below(owner.height() + 2), {}};
  for (std::size_t i = 1; i <= nodes_; ++i) {
    claim.head[0] = static_cast<std::uint8_t>(random_.below(4));
    if (NodeId{i} != self_) tell(told_.heads, from_me(NodeId{i}, core.term(), Derived{claim}), leaving);
  }
}

std::vector<Claim> Liar::cosign(const Claim& theirs) {
  if (!random_.happens(cosign_)) return {};
  ++told_.cosignatures;
  std::vector<Claim> heads = {theirs};
  if (random_.below(4) != 0) return heads;
  ++told_.double_cosignatures;
  heads.push_back(theirs);
  heads.back().head[0] ^= static_cast<std::uint8_t>(1 + random_.below(3));
  if (random_.below(2) == 0) std::swap(heads[0], heads[1]);
  return heads;
}

void Liar::misplace(Snapshot& snapshot, NodeId to) {
  if (!random_.happens(misplace_)) return;
  ++told_.places;
  switch (random_.below(3)) {
    case 0: snapshot.last.index.value += kFarAhead; break;
    case 1: snapshot.last.hash[0] ^= 1; break;
    default: snapshot.configuration.voters = {{to}, 1};
  }
  snapshot.claim.index = snapshot.last.index;
}

}  // namespace testamur::consensus::simulation
