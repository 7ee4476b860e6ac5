#include "story.h"

#include <algorithm>
#include <cstdio>

#include "describe.h"
#include "owner.h"
#include "random.h"
#include "testamur/encoding/bytes.h"

namespace testamur::consensus::simulation {
namespace {

constexpr std::uint32_t kNoPacket = ~std::uint32_t{0};

std::string text(NodeId node) { return std::to_string(node.value); }

std::string hex(std::uint64_t word) {
  char out[17];
  std::snprintf(out, sizeof(out), "%llx", static_cast<unsigned long long>(word));
  return out;
}
std::string hex(const Digest& digest) { return hex(first_word(digest)); }

/// What liars made is told apart by its bytes.
std::string text(const Payload& payload) {
  const std::uint64_t number = number_of(payload);
  const std::string name = std::to_string(number & ~(kLate | kForged | kClaimed));
  if ((number & (kForged | kClaimed)) != 0) return "lie-" + name + "-" + hex(hash_entry({{}, {}, payload}));
  return ((number & kLate) != 0 ? "late-" : "") + name;
}

/// "12:7:HEAD", the index, the height and the head.
std::string text(const Claim& claim) {
  return " " + std::to_string(claim.index.value) + ":" + std::to_string(claim.height) + ":" + hex(claim.head);
}

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// What matters most of what a message says, for the reader.
std::string details(const Body& body) {
  if (const auto* request = std::get_if<AppendRequest>(&body))
    return ", " + std::to_string(request->entries.size()) + " entries after " + describe(request->previous);
  if (const auto* answer = std::get_if<AppendResponse>(&body))
    return ", " + std::string(name_of(answer->outcome)) + " " + describe(answer->at);
  if (const auto* asked = std::get_if<PreVoteRequest>(&body)) return ", last " + describe(asked->last);
  if (const auto* asked = std::get_if<VoteRequest>(&body)) return ", last " + describe(asked->last);
  if (const auto* vote = std::get_if<PreVoteResponse>(&body)) return vote->granted ? ", granted" : ", refused";
  if (const auto* vote = std::get_if<VoteResponse>(&body)) return vote->granted ? ", granted" : ", refused";
  if (const auto* durable = std::get_if<Durable>(&body)) return ", " + describe(durable->last);
  if (const auto* derived = std::get_if<Derived>(&body)) return ", height " + std::to_string(derived->claim.height);
  if (const auto* lacking = std::get_if<Lacking>(&body)) return ", after " + describe(lacking->after);
  if (const auto* found = std::get_if<Found>(&body))
    return ", " + std::to_string(found->entries.size()) + " entries after " + describe(found->after);
  if (const auto* behind = std::get_if<Behind>(&body)) return ", " + describe(behind->base);
  return {};
}

std::string log_of(const Log& log) {
  std::string out;
  for (Index index = log.first(); index <= log.last().index; index = next(index)) {
    const Entry& entry = log.entry(index);
    out += " " + std::to_string(entry.id.term.value) + ":" + (entry.is_owners() ? text(entry.payload) : text_of(entry));
  }
  return out.empty() ? " nothing" : out;
}

}  // namespace

void Story::line(const std::string& text) {
  finish();
  under_way_ = text;
  times_ = 1;
}

void Story::finish() {
  if (times_ == 0) return;
  for (const std::string& each : before_) out_ << each << '\n';
  out_ << under_way_ << (times_ > 1 ? " " + std::to_string(times_) : "") << '\n' << after_;
  before_.clear();
  after_.clear();
  times_ = 0;
}

void Story::note(const std::string& text) { line("# " + text); }

void Story::begin(std::size_t voters, std::size_t nodes, std::size_t liars, const Options& options) {
  std::string members = "nodes";
  std::string spares = "spare";
  for (std::size_t node = 1; node <= nodes; ++node) (node <= voters ? members : spares) += " " + std::to_string(node);
  line(members);
  if (nodes > voters) line(spares);
  std::string lying = "liars";
  for (std::size_t node = 1; node <= liars; ++node) {
    liars_.insert(NodeId{node});
    lying += " " + std::to_string(node);
  }
  if (liars > 0) line(lying);
  line("by-itself nothing");
  line("limit election-ticks " + std::to_string(options.election_ticks));
  line("limit max-append-entries " + std::to_string(options.max_append_entries));
  line("limit max-in-flight " + std::to_string(options.max_in_flight));
  line("limit max-uncertified " + std::to_string(options.max_uncertified));
  line("limit max-held " + std::to_string(options.max_held.entries));
}

void Story::step(const std::string& what, NodeId node, const std::string& how) {
  if (lies(node) && what != "disconnect") return;
  const std::string words = what + " " + text(node) + how;
  if (what == "tick" && words == under_way_ && times_ > 0 && before_.empty()) {
    ++times_;
  } else {
    line(words);
  }
}

void Story::change(NodeId leader, std::span<const Change> changes) {
  std::string words = "ask " + text(leader);
  for (const Change& change : changes) {
    switch (change.kind) {
      case Change::Kind::voter: words += " voter "; break;
      case Change::Kind::learner: words += change.rising ? " rising " : " learner "; break;
      case Change::Kind::remove: words += " remove "; break;
      case Change::Kind::update: continue;
    }
    words += text(change.node);
    if (change.life != 0) words += " life " + std::to_string(change.life);
  }
  if (!changes.empty()) line(words);
}

void Story::propose(NodeId leader, std::span<const Payload> payloads) {
  std::string numbers;
  for (const Payload& payload : payloads) numbers += " " + text(payload);
  step("propose", leader, numbers);
}

void Story::apply(NodeId node, std::uint64_t silent, std::uint64_t applied) {
  if (has_liars()) return;
  if (silent > 0) step("skip", node, " " + std::to_string(silent));
  if (applied > 0) step("apply", node, " " + std::to_string(applied));
}

void Story::drew(NodeId node, std::uint64_t number) {
  if (lies(node)) return;
  const std::string words = "draw " + text(node);
  if (before_.empty() || !before_.back().starts_with(words + " ")) before_.push_back(words);
  before_.back() += " " + std::to_string(number % kDrawnFrom);
}

void Story::refused(NodeId node, const Payload& payload) {
  if (lies(node)) return;
  before_.push_back("refuse " + text(node) + " " + text(payload));
  after_ = "accept " + text(node) + "\n";
}

std::size_t Story::place_of(const Link& link, std::uint32_t packet) const {
  const auto& packets = in_flight_.at(link);
  const auto found =
      std::find_if(packets.begin(), packets.end(), [&](const InFlight& each) { return each.packet == packet; });
  return static_cast<std::size_t>(found - packets.begin());
}

void Story::expect_role(NodeId node, Role role) {
  line("expect role " + text(node) + " " + std::string(name_of(role)));
}

/// "1 -> 2 append first"
std::string Story::words_for(const Link& link, std::size_t place, Prefer prefer) const {
  const auto& packets = in_flight_.at(link);
  const std::size_t kind = packets[place].kind;
  const auto is_of_kind = [&](const InFlight& each) { return each.kind == kind; };
  const auto at = packets.begin() + static_cast<std::ptrdiff_t>(place);
  const auto before = std::count_if(packets.begin(), at, is_of_kind);
  const bool is_last = std::none_of(at + 1, packets.end(), is_of_kind);
  std::string which = " " + std::to_string(before + 1);
  if (before == 0) which = " first";
  if (is_last && (before > 0 || prefer == Prefer::last)) which = " last";
  return text(link.first) + " -> " + text(link.second) + " " + std::string(message_kinds()[kind]) + which;
}

void Story::sent(const Message& message, std::span<const std::uint32_t> packets) {
  if (const auto* asked = std::get_if<PreVoteRequest>(&message.body)) campaigns_[message.from] = asked->campaign;
  if (lies(message.from) || lies(message.to)) return;
  Sent sent{{message.from, message.to}, message.body.index(), {packets.begin(), packets.end()}};
  in_flight_[sent.link].push_back({sent.kind, packets.empty() ? kNoPacket : packets[0]});
  sent_.push_back(std::move(sent));
}

void Story::sent_all() {
  for (const Sent& sent : sent_) {
    auto& packets = in_flight_.at(sent.link);
    if (sent.packets.empty()) {
      const std::size_t place = place_of(sent.link, kNoPacket);
      line("lose " + words_for(sent.link, place, Prefer::last));
      packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(place));
    } else if (sent.packets.size() > 1) {
      line("duplicate " + words_for(sent.link, place_of(sent.link, sent.packets[0]), Prefer::last));
      packets.push_back({sent.kind, sent.packets[1]});
    }
  }
  sent_.clear();
}

void Story::deliver(const Message& message, std::uint32_t packet, const Core& to) {
  if (lies(message.to)) return;
  if (lies(message.from)) return hear(message, to);
  const Link link{message.from, message.to};
  const std::size_t place = place_of(link, packet);
  line("deliver " + words_for(link, place, Prefer::first) + "  # term " + std::to_string(message.term.value) +
       details(message.body));
  auto& packets = in_flight_.at(link);
  packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(place));
}

void Story::lose(const Message& message, std::uint32_t packet) {
  if (lies(message.from) || lies(message.to)) return;
  const Link link{message.from, message.to};
  const std::size_t place = place_of(link, packet);
  line("lose " + words_for(link, place, Prefer::first));
  auto& packets = in_flight_.at(link);
  packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(place));
}

void Story::stand(const Core& core) {
  if (lies(core.self())) return;
  std::string stand = describe(core.self()) + ": " + std::string(name_of(core.role())) + " of term " +
                      std::to_string(core.term().value) + ", log " + describe(core.log().base()) + " to " +
                      describe(core.log().last()) + ", synced " + describe(core.log().synced()) + ", committed " +
                      std::to_string(core.committed().value) + ", " + text_of(core.configuration());
  std::string& before = stands_[core.self()];
  if (stand == before) return;
  note("  " + stand);
  before = std::move(stand);
}

void Story::expect(const Core& core) {
  if (lies(core.self())) return;
  const std::string node = " " + text(core.self()) + " ";
  const auto& vote = core.state().vote;
  line("expect role" + node + std::string(name_of(core.role())));
  line("expect term" + node + std::to_string(core.term().value));
  line("expect vote" + node + (vote ? text(*vote) : "none"));
  line("expect commit" + node + std::to_string(core.committed().value));
  line("expect log" + node.substr(0, node.size() - 1) + log_of(core.log()));
}

// What nobody in the story has sent, and what owners made of a history that liars split.

void Story::hear(const Message& message, const Core& to) {
  line("hear " + text(message.from) + " -> " + text(message.to) + " term " + std::to_string(message.term.value) + " " +
       std::string(kind_of(message)) + spell(message.body, to));
}

void Story::know(std::span<const Entry> entries) {
  if (!has_liars()) return;
  for (const Entry& entry : entries) {
    Entry told{{entry.id.term, entry.id.index, {}}, translated(entry.previous), entry.payload, entry.kind};
    if (entry.is_owners()) {
      const std::string payload = text(entry.payload);
      told.payload = std::make_shared<const std::vector<std::uint8_t>>(payload.begin(), payload.end());
    }
    // What is not what its hash says is known by that hash already, or nobody has it.
    if (entry.id.hash == hash_entry(entry)) hashes_.emplace(entry.id.hash, hash_entry(told));
  }
}

Digest Story::translated(const Digest& hash) const {
  const auto known = hashes_.find(hash);
  return known == hashes_.end() ? hash : known->second;
}

/// "3:17" for what the hearer has there; otherwise with its hash.
std::string Story::spell(const EntryId& id, const Core& to) const {
  const std::string name = " " + describe(id);
  return to.log().at(id.index) == id ? name : name + ":" + hex(translated(id.hash));
}

std::string Story::spell(const EntryId& after, const std::vector<Entry>& entries, const Core& to) const {
  std::string out = " after" + spell(after, to);
  for (const Entry& entry : entries) {
    const std::string members = entry.kind == EntryKind::configuration ? "@" + to_hex(*entry.payload) : "*";
    out += " " + std::to_string(entry.id.term.value) + ":" + (entry.is_owners() ? text(entry.payload) : members);
    if (entry.id.hash != hash_entry(entry)) out += "=" + hex(translated(entry.id.hash));
  }
  return out;
}

std::string Story::spell(const Body& body, const Core& to) const {
  const auto number = [](std::uint64_t value) { return " " + std::to_string(value); };
  const auto campaign = [&](std::uint64_t its) {
    const auto now = campaigns_.find(to.self());
    return now != campaigns_.end() && now->second == its ? std::string(" now") : number(its);
  };
  const auto granted = [](bool is) { return std::string(is ? " granted" : " refused"); };
  return std::visit(
      Overloaded{
          [&](const PreVoteRequest& m) { return number(m.campaign) + spell(m.last, to); },
          [&](const PreVoteResponse& m) { return campaign(m.campaign) + granted(m.granted); },
          [&](const VoteRequest& m) { return spell(m.last, to) + (m.transferred ? " transferred" : ""); },
          [&](const VoteResponse& m) { return granted(m.granted); },
          [&](const AppendRequest& m) { return spell(m.previous, m.entries, to); },
          [&](const AppendResponse& m) { return " " + std::string(name_of(m.outcome)) + spell(m.at, to); },
          [&](const Heartbeat& m) { return number(m.round); },
          [&](const HeartbeatResponse& m) { return number(m.round); },
          [&](const Durable& m) { return spell(m.last, to); },
          [&](const Derived& m) { return text(m.claim); },
          [](const CampaignNow&) { return std::string(); },
          [&](const ReadRequest& m) { return number(m.id); },
          [&](const ReadResponse& m) { return number(m.id) + (m.index ? number(m.index->value) : " unknown"); },
          [&](const Behind& m) { return spell(m.base, to); },
          [&](const Lacking& m) { return spell(m.after, to); },
          [&](const Found& m) { return spell(m.after, m.entries, to); },
      },
      body);
}

void Story::derive(NodeId node, std::span<const Claim> claims, Index applied) {
  std::string words;
  for (const Claim& claim : claims) words += text(claim);
  if (claims.empty() || claims.back().index < applied) words += " to " + std::to_string(applied.value);
  step("derive", node, words);
}

void Story::certify(NodeId node, const Claim& claim) {
  step("certify", node, has_liars() ? text(claim) : " " + std::to_string(claim.index.value));
}

void Story::install(NodeId node, const Snapshot& snapshot) {
  const EntryId& last = snapshot.last;
  const std::string state = " " + describe(last) + ":" + hex(translated(last.hash)) + text(snapshot.claim);
  step("install", node, has_liars() ? state : " " + std::to_string(last.index.value));
}

}  // namespace testamur::consensus::simulation
