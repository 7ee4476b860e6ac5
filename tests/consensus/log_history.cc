#include "log_history.h"

#include "hand.h"
#include "testamur/encoding/bytes.h"

namespace testamur::consensus {

Entry following(const EntryId& before, Term term, Payload payload) {
  const Index index = next(before.index);
  return {{term, index, some_hash(term, index, before.hash, payload)}, before.hash, std::move(payload)};
}

std::vector<std::uint8_t> LogHistory::draw_bytes(std::size_t count) {
  std::vector<std::uint8_t> out(count);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_());
  return out;
}

Write LogHistory::draw_write() {
  Write write;
  std::vector<Entry>& entries = stored_.entries;
  if (draw(4) == 0 || stored_.state.term == Term{}) {
    stored_.state = {Term{stored_.state.term.value + 1 + draw(3)}, std::nullopt};
    write.state = stored_.state;
  }
  if (!stored_.state.vote && draw(2) == 0) {
    stored_.state.vote = NodeId{draw(5)};
    write.state = stored_.state;
  }
  const std::uint64_t claimed = stored_.claim ? stored_.claim->index.value : 0;
  if (draw(6) == 0 && entries.size() > claimed) {
    const std::uint64_t keep = std::max(claimed, entries.size() - std::min<std::uint64_t>(entries.size(), draw(8)));
    write.truncate_from = Index{keep + 1};
    entries.resize(keep);
  }
  for (std::uint64_t count = draw(6); count > 0; --count) {
    Payload payload;
    if (draw(5) != 0) payload = std::make_shared<const std::vector<std::uint8_t>>(draw_bytes(draw(max_payload_ + 1)));
    entries.push_back(
        following(entries.empty() ? EntryId{} : entries.back().id, stored_.state.term, std::move(payload)));
    write.entries.push_back(entries.back());
  }
  if (draw(3) == 0 && entries.size() > claimed) {
    Claim claim;
    claim.index = Index{claimed + 1 + draw(entries.size() - claimed)};
    claim.height = (stored_.claim ? stored_.claim->height : 0) + 1;
    for (std::uint8_t& byte : claim.head) byte = static_cast<std::uint8_t>(random_());
    stored_.claim = claim;
    write.claim = claim;
  }
  return write;
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
    return x.id == y.id && x.previous == y.previous && same_payload;
  };
  return a.state == b.state && a.claim == b.claim && a.owner_record == b.owner_record &&
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
