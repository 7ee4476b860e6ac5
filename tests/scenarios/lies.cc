// What liars say, and what owners make of a history that liars split: told by the story, since nobody in it does it by himself.
#include <charconv>

#include "commands.h"
#include "describe.h"
#include "entries.h"
#include "testamur/encoding/bytes.h"

namespace testamur::consensus::scenarios {
namespace {

std::vector<std::string> parts_of(const std::string& word) {
  std::vector<std::string> parts = {""};
  for (const char c : word) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::uint64_t number_in(const std::string& text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size())
    throw SyntaxError("expected a number, found \"" + text + "\"");
  return value;
}

Digest hash_in(const std::string& text) { return simulation::digest_from(number_in(text, 16)); }

/// "3:17", which the hearer has; or with its hash.
struct Named {
  EntryId id;
  bool is_here = false;

  EntryId in(const Cluster& cluster, NodeId node) const {
    if (!is_here) return id;
    const auto here = cluster.core(node).log().at(id.index);
    if (!here || here->term != id.term) throw NotPossible(describe(node) + " has no entry " + describe(id));
    return *here;
  }
};

Named read_id(Words& words) {
  const std::string word = words.word("an entry (TERM:INDEX, with :HASH where the hearer has another)");
  const auto parts = parts_of(word);
  if (parts.size() != 2 && parts.size() != 3) throw SyntaxError("expected TERM:INDEX[:HASH], found \"" + word + "\"");
  Named named{{Term{number_in(parts[0])}, Index{number_in(parts[1])}, {}}, parts.size() == 2};
  if (!named.is_here) named.id.hash = hash_in(parts[2]);
  return named;
}

using Said = std::function<Body(const Cluster&, NodeId to)>;

bool read_granted(Words& words) { return words.one_of({"granted", "refused"}, "an answer") == "granted"; }

/// "*" begins a term, and "@" stands before the bytes of a configuration.
Entry read_entry(const std::string& term, const std::string& payload) {
  Entry entry{{Term{number_in(term)}, {}, {}}, {}, nullptr};
  if (payload.starts_with('@')) {
    const auto bytes = from_hex(payload.substr(1));
    if (!bytes)
      throw SyntaxError("expected the bytes of a configuration in hexadecimal digits, found \"" + payload + "\"");
    entry.payload = std::make_shared<const std::vector<std::uint8_t>>(bytes->begin(), bytes->end());
    entry.kind = EntryKind::configuration;
  } else if (payload != "*") {
    entry.payload = payload_of(payload);
  }
  return entry;
}

/// Entries in their order, "5:x"; with "=HASH" where that is not what the entry comes to.
Said read_append(Words& words) {
  words.expect("after");
  const Named before = read_id(words);
  std::vector<Entry> entries;
  while (!words.at_end()) {
    const std::string word = words.word("an entry");
    const std::size_t colon = word.find(':'), equals = word.find('=');
    if (colon == std::string::npos) throw SyntaxError("expected TERM:PAYLOAD[=HASH], found \"" + word + "\"");
    Entry entry = read_entry(word.substr(0, colon), word.substr(colon + 1, equals - colon - 1));
    if (equals != std::string::npos) entry.id.hash = hash_in(word.substr(equals + 1));
    entries.push_back(std::move(entry));
  }
  return [before, entries](const Cluster& cluster, NodeId to) {
    AppendRequest request{before.in(cluster, to), entries};
    EntryId last = request.previous;
    for (Entry& entry : request.entries) {
      entry.id.index = next(last.index);
      entry.previous = last.hash;
      if (entry.id.hash == Digest{}) entry.id.hash = simulation::hash_entry(entry);
      last = entry.id;
    }
    return request;
  };
}

Said read_found(Words& words) {
  return [append = read_append(words)](const Cluster& cluster, NodeId to) {
    auto request = std::get<AppendRequest>(append(cluster, to));
    return Found{request.previous, std::move(request.entries)};
  };
}

template <class Make>
Said of_entry(Words& words, Make make) {
  return
      [named = read_id(words), make](const Cluster& cluster, NodeId to) -> Body { return make(named.in(cluster, to)); };
}

Said always(Body body) {
  return [body = std::move(body)](const Cluster&, NodeId) { return body; };
}

AppendOutcome read_outcome(Words& words) {
  for (const AppendOutcome outcome : {AppendOutcome::accepted, AppendOutcome::conflict, AppendOutcome::refused,
                                      AppendOutcome::stale, AppendOutcome::full})
    if (words.accept(name_of(outcome))) return outcome;
  throw SyntaxError("expected accepted, conflict, refused, stale or full");
}

Said read_answer(Words& words, const std::string& kind) {
  if (kind == "pre-vote-response") {
    const bool now = words.accept("now");
    const std::uint64_t campaign = now ? 0 : words.number("the campaign, or \"now\"");
    const bool granted = read_granted(words);
    return [=](const Cluster& cluster, NodeId to) {
      return PreVoteResponse{now ? cluster.campaign(to) : campaign, granted};
    };
  }
  if (kind == "vote-response") return always(VoteResponse{read_granted(words)});
  if (kind == "append-response") {
    const AppendOutcome outcome = read_outcome(words);
    return of_entry(words, [=](const EntryId& at) { return AppendResponse{outcome, at}; });
  }
  if (kind == "heartbeat-response") return always(HeartbeatResponse{words.number("the round")});
  const std::uint64_t id = words.number("which read");
  if (words.accept("unknown")) return always(ReadResponse{id, std::nullopt});
  return always(ReadResponse{id, Index{words.number("an index, or \"unknown\"")}});
}

Said read_said(Words& words) {
  const std::string kind = words.one_of(message_kinds(), "a message");
  if (kind.ends_with("-response")) return read_answer(words, kind);
  if (kind == "append") return read_append(words);
  if (kind == "found") return read_found(words);
  if (kind == "heartbeat") return always(Heartbeat{words.number("the round")});
  if (kind == "derived") return always(Derived{read_claim(words)});
  if (kind == "campaign-now") return always(CampaignNow{});
  if (kind == "read-request") return always(ReadRequest{words.number("which read")});
  if (kind == "durable") return of_entry(words, [](const EntryId& id) { return Durable{id}; });
  if (kind == "behind") return of_entry(words, [](const EntryId& id) { return Behind{id}; });
  if (kind == "lacking") return of_entry(words, [](const EntryId& id) { return Lacking{id}; });
  if (kind == "pre-vote-request") {
    const std::uint64_t campaign = words.number("the campaign");
    return of_entry(words, [=](const EntryId& id) { return PreVoteRequest{campaign, id}; });
  }
  const Named last = read_id(words);
  const bool transferred = words.accept("transferred");
  return [=](const Cluster& cluster, NodeId to) { return VoteRequest{last.in(cluster, to), transferred}; };
}

}  // namespace

Claim read_claim(Words& words) {
  const std::string word = words.word("a head (INDEX:HEIGHT:HEAD)");
  const auto parts = parts_of(word);
  if (parts.size() != 3) throw SyntaxError("expected INDEX:HEIGHT:HEAD, found \"" + word + "\"");
  return {Index{number_in(parts[0])}, number_in(parts[1]), hash_in(parts[2])};
}

Action read_hear(Words& words) {
  const NodeId from = words.any_node();
  words.expect("->");
  const NodeId to = words.node();
  words.expect("term");
  const Term term{words.number("a term")};
  const Said said = read_said(words);
  return [=](Telling& telling) { telling.cluster.hear({from, to, term, said(telling.cluster, to)}); };
}

Action read_derive(Words& words) {
  const NodeId node = words.node();
  std::vector<Claim> claims;
  while (!words.at_end() && !words.peek("to")) claims.push_back(read_claim(words));
  Index applied;
  if (words.accept("to")) {
    applied = Index{words.number("an index")};
  } else if (claims.empty()) {
    throw SyntaxError("expected a head (INDEX:HEIGHT:HEAD), or \"to\" and an index");
  }
  return [=](Telling& telling) { telling.cluster.derive(node, claims, applied); };
}

Action read_install_of(Words& words, NodeId node) {
  const Named last = read_id(words);
  const Claim claim = read_claim(words);
  return [=](Telling& telling) { telling.cluster.install(node, last.id, claim); };
}

}  // namespace testamur::consensus::scenarios
