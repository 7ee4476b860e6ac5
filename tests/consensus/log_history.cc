#include "log_history.h"

#include "hand.h"
#include "testamur/encoding/bytes.h"

namespace testamur::consensus {

std::vector<std::uint8_t> LogHistory::draw_bytes(std::size_t count) {
  std::vector<std::uint8_t> out(count);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_());
  return out;
}

Write LogHistory::draw_write() {
  Write write;
  std::vector<Entry>& entries = stored_.entries;
  const auto last = [&] { return entries.empty() ? stored_.base.id : entries.back().id; };
  if (draw(4) == 0 || stored_.state.term == Term{}) {
    stored_.state = {Term{stored_.state.term.value + 1 + draw(3)}, std::nullopt};
    write.state = stored_.state;
  }
  if (!stored_.state.vote && draw(2) == 0) {
    stored_.state.vote = NodeId{draw(5)};
    write.state = stored_.state;
  }
  const std::uint64_t claimed = stored_.claim ? stored_.claim->index.value : 0;
  if (draw(12) == 0 && !entries.empty()) drop_some(write);
  if (draw(40) == 0) begin_anew(write);
  const std::uint64_t base = stored_.base.id.index.value;
  if (draw(6) == 0 && last().index.value > std::max(claimed, base)) {
    const std::uint64_t lowest = std::max(claimed, base);
    const std::uint64_t keep = std::max(lowest, last().index.value - std::min(last().index.value, draw(8)));
    write.truncate_from = Index{keep + 1};
    entries.resize(keep - base);
  }
  for (std::uint64_t count = draw(6); count > 0; --count) {
    Payload payload;
    if (draw(5) != 0) payload = std::make_shared<const std::vector<std::uint8_t>>(draw_bytes(draw(max_payload_ + 1)));
    const EntryKind kind = payload && draw(9) == 0 ? EntryKind::configuration : EntryKind::data;
    entries.push_back(following(last(), stored_.state.term, std::move(payload), kind));
    write.entries.push_back(entries.back());
  }
  if (draw(3) == 0 && last().index.value > claimed) {
    Claim claim;
    claim.index = Index{claimed + 1 + draw(last().index.value - claimed)};
    claim.height = (stored_.claim ? stored_.claim->height : 0) + 1;
    for (std::uint8_t& byte : claim.head) byte = static_cast<std::uint8_t>(random_());
    stored_.claim = claim;
    write.claim = claim;
  }
  return write;
}

/// The log's front goes.
void LogHistory::drop_some(Write& write) {
  const std::size_t count = 1 + draw(stored_.entries.size());
  stored_.base = Base{stored_.entries[count - 1].id, draw_members()};
  stored_.entries.erase(stored_.entries.begin(), stored_.entries.begin() + static_cast<std::ptrdiff_t>(count));
  write.base = stored_.base;
}

/// As after a snapshot: the log goes on from somewhere ahead.
void LogHistory::begin_anew(Write& write) {
  EntryId to = stored_.entries.empty() ? stored_.base.id : stored_.entries.back().id;
  to.index.value += 1 + draw(20);
  to.term = stored_.state.term;
  for (std::uint8_t& byte : to.hash) byte = static_cast<std::uint8_t>(random_());
  stored_.base = Base{to, draw_members()};
  stored_.entries.clear();
  write.base = stored_.base;
  write.begins = true;
}

Configuration LogHistory::draw_members() {
  Configuration members;
  for (std::uint64_t node = 1; node <= 3 + draw(3); ++node) members.voters.nodes.insert(NodeId{node});
  members.voters.threshold = byzantine_quorum(members.voters.nodes.size());
  members.lives[NodeId{1}] = random_();
  return members;
}

LogHistory::Step LogHistory::next() {
  ++steps_;
  Step step;
  for (std::uint64_t count = 1 + draw(3); count > 0; --count) step.writes.push_back(draw_write());
  if (draw(5) == 0) {
    stored_.owner_record = draw_bytes(1 + draw(60));
    step.owner_record = stored_.owner_record;
  }
  return step;
}

bool same(const Stored& a, const Stored& b) {
  const auto same_entry = [](const Entry& x, const Entry& y) {
    const bool same_payload = x.payload && y.payload ? *x.payload == *y.payload : x.payload == y.payload;
    return x.id == y.id && x.previous == y.previous && x.kind == y.kind && same_payload;
  };
  return a.state == b.state && a.claim == b.claim && a.owner_record == b.owner_record && a.base == b.base &&
         a.floor == b.floor && a.life == b.life &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(), same_entry);
}

std::string summary(const Stored& stored) {
  std::string out = "term " + std::to_string(stored.state.term.value);
  if (stored.state.vote) out += ", vote for " + std::to_string(stored.state.vote->value);
  out += ", " + std::to_string(stored.entries.size()) + " entries";
  if (!stored.entries.empty()) out += ", the last " + to_hex(stored.entries.back().id.hash).substr(0, 16);
  if (stored.claim)
    out +=
        ", height " + std::to_string(stored.claim->height) + " claimed at " + std::to_string(stored.claim->index.value);
  return out + ", record " + to_hex(stored.owner_record);
}

}  // namespace testamur::consensus
