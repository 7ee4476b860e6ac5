// What a story may have happen.
#include "commands.h"

#include <algorithm>

#include "describe.h"
#include "owner.h"

namespace testamur::consensus::scenarios {
namespace {

using Nodes = std::vector<NodeId>;

template <class Do>
Action for_each(const Nodes& nodes, Do what) {
  return [nodes, what](Telling& telling) {
    for (const NodeId node : nodes) what(telling.cluster, node);
  };
}

/// A step that is about messages must be about some.
void require_some(std::size_t messages) {
  if (messages == 0) throw NotPossible("no such message is in flight");
}

Action read_tick(Words& words) {
  const Nodes nodes = words.nodes();
  const bool election = words.accept("election");
  const std::uint64_t count = election || words.at_end() ? 1 : words.number("a number of ticks, or \"election\"");
  return [=](Telling& telling) {
    const unsigned ticks = election ? Options{}.election_ticks : static_cast<unsigned>(count);
    for (unsigned i = 0; i < ticks; ++i) {
      for (const NodeId node : nodes) telling.cluster.tick(node);
    }
  };
}

Action read_elect(Words& words) {
  const NodeId node = words.node();
  return [=](Telling& telling) {
    Cluster& cluster = telling.cluster;
    for (unsigned i = 0; i < Options{}.election_ticks; ++i) cluster.tick(node);
    cluster.deliver({});
    if (cluster.core(node).role() != Role::leader) {
      throw Violation(describe(node) + " was not elected: it is a " + std::string(name_of(cluster.core(node).role())));
    }
  };
}

Action read_unheard(Words& words) {
  return for_each(words.nodes(), [](Cluster& cluster, NodeId node) {
    const std::size_t before = cluster.network().size();
    for (unsigned i = 0; i < Options{}.election_ticks; ++i) cluster.tick(node);
    cluster.network().lose_since(before);
  });
}

Action read_pass(Words& words) {
  const std::uint64_t ticks = words.number("a number of ticks");
  return [=](Telling& telling) { telling.cluster.pass(static_cast<unsigned>(ticks)); };
}

Action read_deliver(Words& words) {
  const bool everything = words.at_end();
  const Selection selection = words.selection();
  return [=](Telling& telling) {
    const std::size_t delivered = telling.cluster.deliver(selection);
    if (!everything) require_some(delivered);
  };
}

Action read_propose(Words& words) {
  const NodeId node = words.node();
  const auto payloads = words.rest("payloads");
  return [=](Telling& telling) {
    const ProposeResult result = telling.cluster.propose(node, payloads);
    if (result != ProposeResult::accepted)
      throw NotPossible(describe(node) + " refused the proposal: " + std::string(name_of(result)));
  };
}

/// What nodes do by themselves, and may be kept from.
Action read_hold_of_nodes(Words& words, bool held) {
  using Hold = void (Cluster::*)(NodeId, bool);
  const std::pair<std::string_view, Hold> kinds[] = {{"applying", &Cluster::hold_applying},
                                                     {"certifying", &Cluster::hold_certifying},
                                                     {"installing", &Cluster::hold_installing}};
  for (const auto& [name, hold] : kinds) {
    if (!words.accept(name)) continue;
    return for_each(words.nodes(), [held, hold = hold](Cluster& cluster, NodeId node) { (cluster.*hold)(node, held); });
  }
  return nullptr;
}

Action read_hold(Words& words) {
  if (Action action = read_hold_of_nodes(words, true)) return action;
  const Selection selection = words.selection();
  return [=](Telling& telling) { telling.cluster.network().hold(selection); };
}

Action read_release(Words& words) {
  if (Action action = read_hold_of_nodes(words, false)) return action;
  const Selection selection = words.selection();
  return [=](Telling& telling) { require_some(telling.cluster.network().release(selection)); };
}

Action read_heal(Words& words) {
  if (words.at_end()) return [](Telling& telling) { telling.cluster.network().heal_all(); };
  const auto links = words.links();
  return [=](Telling& telling) { telling.cluster.network().heal(links); };
}

Action read_write(Words& words) {
  const NodeId node = words.node();
  const bool all = words.accept("all");
  const std::uint64_t count = all || words.at_end() ? 1 : words.number("a number of writes, or \"all\"");
  return
      [=](Telling& telling) { telling.cluster.complete(node, all ? telling.cluster.writes_under_way(node) : count); };
}

Action read_fail(Words& words) {
  const NodeId node = words.node();
  if (words.accept("applying")) {
    words.expect("after");
    const std::uint64_t operations = words.number("a number of operations");
    return [=](Telling& telling) { telling.cluster.fail_applying_after(node, operations); };
  }
  if (words.accept("after")) {
    const std::uint64_t operations = words.number("a number of operations");
    return [=](Telling& telling) {
      if (!telling.cluster.disk(node).is_real()) throw Violation("\"fail NODE after\" needs \"disks real\"");
      telling.cluster.disk(node).fail_after(operations);
    };
  }
  const bool kept = words.accept("kept");
  return [=](Telling& telling) { telling.cluster.disk(node).fail_next_write(kept); };
}

Action read_crash(Words& words) {
  const Nodes nodes = words.nodes();
  const std::uint64_t kept = words.accept("keeping") ? words.number("a number of writes") : 0;
  return for_each(nodes, [=](Cluster& cluster, NodeId node) { cluster.crash(node, kept); });
}

Action read_damage(Words& words) {
  const NodeId node = words.node();
  words.expect("entry");
  const Index index{words.number("the index of an entry")};
  using Damage = simulation::SimulatedDisk::Damage;
  const bool misdirected = words.accept("as");
  const Index other{misdirected ? words.number("the index of another") : 0};
  const Damage damage = misdirected ? Damage::misdirected : words.accept("gone") ? Damage::gone : Damage::changed;
  return [=](Telling& telling) {
    if (!telling.cluster.disk(node).is_real()) return telling.cluster.damage(node, index, damage, other);
    if (damage != Damage::changed) throw Violation("\"damage\" so needs simulated disks");
    if (telling.cluster.is_up(node)) throw Violation("only the disk of a node that is down is damaged");
    telling.cluster.damaged(node);
    telling.cluster.disk(node).damage_entry(index);
  };
}

Action read_restart(Words& words) {
  const Nodes nodes = words.nodes();
  if (!words.accept("applied")) return for_each(nodes, [](Cluster& c, NodeId node) { c.restart(node); });
  const Index applied{words.number("an index")};
  words.expect("certified");
  const Index certified{words.number("an index")};
  return for_each(nodes, [=](Cluster& c, NodeId node) { c.restart_with(node, applied, certified); });
}

Action read_apply(Words& words, bool silently) {
  const NodeId node = words.node();
  const std::uint64_t entries = words.number("a number of entries");
  if (entries == 0) throw SyntaxError("expected at least one entry");
  return [=](Telling& telling) { telling.cluster.apply(node, entries, silently); };
}

Action read_certify(Words& words) {
  const Nodes nodes = words.nodes();
  if (words.setup().has_liars()) {
    const Claim claim = read_claim(words);
    return for_each(nodes, [=](Cluster& cluster, NodeId node) { cluster.certify(node, claim); });
  }
  const Index index{words.number("an index")};
  return for_each(nodes, [=](Cluster& cluster, NodeId node) { cluster.certify(node, index); });
}

Action read_install(Words& words) {
  if (words.setup().has_liars()) return read_install_of(words, words.node());
  const Nodes nodes = words.nodes();
  const Index index{words.number("an index")};
  return for_each(nodes, [=](Cluster& cluster, NodeId node) { cluster.install(node, index); });
}

Action read_draw(Words& words) {
  const NodeId node = words.node();
  std::vector<std::uint64_t> numbers;
  do numbers.push_back(words.number("a number"));
  while (!words.at_end());
  return [=](Telling& telling) { telling.cluster.draw(node, numbers); };
}

Action read_erase(Words& words) {
  const NodeId node = words.node();
  words.expect("life");
  const std::uint64_t life = words.number("its new life");
  return [=](Telling& telling) {
    if (telling.cluster.disk(node).is_real()) throw Violation("\"erase\" needs simulated disks");
    telling.cluster.erase(node, life);
  };
}

Action read_tear(Words& words) {
  const NodeId node = words.node();
  const std::uint64_t bytes = words.number("a number of bytes");
  return [=](Telling& telling) {
    if (!telling.cluster.disk(node).is_real()) throw Violation("\"tear\" needs \"disks real\"");
    if (telling.cluster.is_up(node)) throw Violation("only the disk of a node that is down is torn");
    telling.cluster.damaged(node);
    telling.cluster.disk(node).tear(bytes);
  };
}

Action read_refuse(Words& words) {
  const Nodes nodes = words.nodes();
  const auto payloads = words.rest("payloads");
  return for_each(nodes, [=](Cluster& cluster, NodeId node) {
    for (const std::string& payload : payloads) cluster.refuse(node, payload);
  });
}

/// An entry's term and payload, as "5:x".
std::pair<Term, std::string> read_entry(const std::string& word) {
  const auto colon = word.find(':');
  try {
    if (colon != std::string::npos) return {Term{std::stoull(word.substr(0, colon))}, word.substr(colon + 1)};
  } catch (const std::exception&) {  // told below
  }
  throw SyntaxError("expected an entry (TERM:PAYLOAD), found \"" + word + "\"");
}

/// Entries that follow what the receiver has at an index.
AppendRequest forged_append(const EntryId& previous, const std::vector<std::pair<Term, std::string>>& entries) {
  AppendRequest request{previous, {}};
  EntryId last = previous;
  for (const auto& [term, text] : entries) {
    const Payload payload = text == "*" ? nullptr : payload_of(text);
    Entry entry{{term, next(last.index), {}}, last.hash, payload};
    entry.id.hash = simulation::hash_entry(entry);
    last = entry.id;
    request.entries.push_back(std::move(entry));
  }
  return request;
}

EntryId entry_of(const Cluster& cluster, NodeId node, Index index) {
  const auto id = cluster.core(node).log().at(index);
  if (!id) throw Violation(describe(node) + " has no entry at index " + std::to_string(index.value));
  return *id;
}

/// What a liar says: the body, once the receiver's log is known.
std::function<Body(const Cluster&, NodeId to)> read_body(Words& words) {
  const std::string kind =
      words.one_of({"heartbeat", "heartbeat-response", "append", "vote-request", "vote-response", "durable"},
                   "a message that can be forged");
  if (kind == "heartbeat") return [](const Cluster&, NodeId) { return Heartbeat{}; };
  if (kind == "heartbeat-response") return [](const Cluster&, NodeId) { return HeartbeatResponse{}; };
  if (kind == "vote-response") return [](const Cluster&, NodeId) { return VoteResponse{true}; };
  if (kind == "vote-request") {
    const Term term{words.number("the term of the last entry")};
    const Index index{words.number("the index of the last entry")};
    return [=](const Cluster&, NodeId) { return VoteRequest{EntryId{term, index, {}}}; };
  }
  if (kind == "durable") {
    const Index index{words.number("the index of an entry of the receiver")};
    return [=](const Cluster& cluster, NodeId to) { return Durable{entry_of(cluster, to, index)}; };
  }
  words.expect("after");
  const Index index{words.number("the index that the entries follow")};
  std::vector<std::pair<Term, std::string>> entries;
  while (!words.at_end()) entries.push_back(read_entry(words.word("an entry")));
  return [=](const Cluster& cluster, NodeId to) { return forged_append(entry_of(cluster, to, index), entries); };
}

Action read_forge(Words& words) {
  const NodeId from = words.any_node();
  words.expect("->");
  const NodeId to = words.node();
  words.expect("term");
  const Term term{words.number("a term")};
  const auto body = read_body(words);
  return [=](Telling& telling) { telling.cluster.forge({from, to, term, body(telling.cluster, to)}); };
}

Action read_change(Words& words) {
  const NodeId node = words.node();
  const std::vector<Change> changes = words.changes();
  return [=](Telling& telling) {
    const ChangeAnswer answer = telling.cluster.change(node, changes);
    if (answer.result != ChangeResult::accepted)
      throw NotPossible(describe(node) + " refused the change: " + std::string(name_of(answer.result)) + ", " +
                        answer.why);
  };
}

Action read_ask(Words& words) {
  const NodeId node = words.node();
  const std::vector<Change> changes = words.changes();
  return [=](Telling& telling) { telling.cluster.change(node, changes); };
}

Action read_transfer(Words& words) {
  const NodeId node = words.node();
  words.expect("to");
  const std::optional<NodeId> to = words.accept("any") ? std::nullopt : std::optional(words.node());
  return [=](Telling& telling) {
    const TransferResult result = telling.cluster.transfer(node, to);
    if (result == TransferResult::not_leader) throw NotPossible(describe(node) + " does not lead");
    if (result == TransferResult::no_voter) throw NotPossible("no voter that is heard could take over");
    if (result == TransferResult::already) throw NotPossible(describe(node) + " leads already");
  };
}

Action read_compact(Words& words) {
  const Nodes nodes = words.nodes();
  const Index index{words.number("an index")};
  return for_each(nodes, [=](Cluster& cluster, NodeId node) { cluster.compact(node, index); });
}

Action read_disconnect(Words& words) {
  const auto links = words.links();
  return [links](Telling& telling) {
    for (const Link& link : links) telling.cluster.disconnect(link);
  };
}

Action read_reconnect(Words& words) {
  const auto links = words.links();
  return [=](Telling& telling) {
    for (const Link& link : links) telling.cluster.reconnect(link);
  };
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"tick", "NODES [TICKS|election]", "their clocks go on; \"election\": by the shortest election timeout",
       read_tick},
      {"unheard", "NODES",
       "their election timeout passes, and what they say meanwhile is lost; so they hear no leader any more",
       read_unheard},
      {"pass", "TICKS", "time passes for all: each ticks, and everything is delivered, so many times", read_pass},
      {"elect", "NODE", "its election timeout passes, everything is delivered, and it must lead", read_elect},
      {"propose", "NODE PAYLOAD...", "it must accept them", read_propose},
      {"change", "NODE CHANGE...",
       "the leader must accept it: voter NODE, learner NODE, rising NODE (a learner that becomes a voter when level), "
       "remove NODE",
       read_change},
      {"ask", "NODE CHANGE...", "the same, and it may refuse it", read_ask},
      {"transfer", "NODE to NODE|any", "the leader must accept to hand on leadership", read_transfer},
      {"read", "NODE", "asks up to where it must have applied to answer from what holds now",
       [](Words& words) { return for_each(words.nodes(), [](Cluster& c, NodeId node) { c.read(node); }); }},
      {"compact", "NODES INDEX", "their logs are dropped up to here, as far as they are applied", read_compact},
      {"deliver", "[SELECTION]",
       "what is in flight, and what comes of it, until it is quiet; \"first\", \"last\", or a number: one",
       read_deliver},
      {"cut", "LINKS", "loses what is in flight there, and all that is sent until the link is healed",
       [](Words& words) -> Action {
         return [links = words.links()](Telling& telling) { telling.cluster.network().cut(links); };
       }},
      {"heal", "[LINKS]", "these links, or all, and what is held goes on", read_heal},
      {"hold", "SELECTION | applying|certifying|installing NODES",
       "keeps back what is in flight and what will be sent (\"first\", \"last\": one message); or nodes apply nothing "
       "more, or "
       "hear of no certified head, or take no snapshot",
       read_hold},
      {"release", "SELECTION | applying|certifying|installing NODES", "what is held goes on, however late",
       read_release},
      {"lose", "SELECTION", "these messages are lost",
       [](Words& words) -> Action {
         return [selection = words.selection()](Telling& telling) {
           require_some(telling.cluster.network().lose(selection));
         };
       }},
      {"duplicate", "SELECTION", "these messages are in flight once more; a copy of a held one is held",
       [](Words& words) -> Action {
         return [selection = words.selection()](Telling& telling) {
           require_some(telling.cluster.network().duplicate(selection));
         };
       }},
      {"disconnect", "LINKS", "the second node hears that the first one's connection to it has ended", read_disconnect},
      {"reconnect", "LINKS", "the first node hears that its connection to the other is new", read_reconnect},
      {"forge", "FROM -> NODE term TERM MESSAGE",
       "a lie: heartbeat, heartbeat-response, append after INDEX TERM:PAYLOAD..., vote-request TERM INDEX, "
       "vote-response, "
       "durable INDEX. FROM need not be a node of the story",
       read_forge},
      {"hear", "FROM -> NODE term TERM MESSAGE",
       "it hears this at once, from a liar or a stranger: any kind of message, with what it says: a vote's granted or "
       "refused, a round, a "
       "campaign, INDEX:HEIGHT:HEAD, TERM:INDEX (of the hearer's log; with :HASH another), append after TERM:INDEX "
       "TERM:PAYLOAD...",
       read_hear},
      {"derive", "NODE [INDEX:HEIGHT:HEAD...] [to INDEX]",
       "where there are liars: its owner derived these heads, and applied what else there is up to an index",
       read_derive},
      {"stall", "NODES", "their writes wait for \"write\" or \"resume\"",
       [](Words& words) { return for_each(words.nodes(), [](Cluster& c, NodeId node) { c.stall(node); }); }},
      {"write", "NODE [WRITES|all]", "its oldest writes complete", read_write},
      {"resume", "NODES", "their writes complete, and those to come at once",
       [](Words& words) { return for_each(words.nodes(), [](Cluster& c, NodeId node) { c.resume(node); }); }},
      {"fail", "NODE [kept|after OPERATIONS|applying after OPERATIONS]",
       "its next sync fails, and the node stops; what it wrote is lost, or kept. A real disk may fail later, and so "
       "may that of "
       "its state, a ledger",
       read_fail},
      {"crash", "NODES [keeping WRITES]", "they lose their power; the oldest writes under way were done", read_crash},
      {"restart", "NODES [applied INDEX certified INDEX]",
       "they start from what their disks hold; with a state after this index, knowing what is certified", read_restart},
      {"damage", "NODE entry INDEX [gone|as INDEX]",
       "a bit of this entry on its disk is another; or it is not there, or another is in its place", read_damage},
      {"erase", "NODE life LIFE", "its disk is lost, and it begins this life", read_erase},
      {"tear", "NODE BYTES", "a real disk's write-ahead log is so much shorter", read_tear},
      {"refuse", "NODES PAYLOAD...", "their payload checks refuse these from now on", read_refuse},
      {"accept", "NODES", "their payload checks refuse nothing any more",
       [](Words& words) { return for_each(words.nodes(), [](Cluster& c, NodeId node) { c.stop_refusing(node); }); }},
      {"apply", "NODE ENTRIES", "it applies so many committed entries",
       [](Words& words) { return read_apply(words, /*silently=*/false); }},
      {"skip", "NODE ENTRIES", "it applied these before it restarted, and knows no head of theirs any more",
       [](Words& words) { return read_apply(words, /*silently=*/true); }},
      {"certify", "NODES INDEX|INDEX:HEIGHT:HEAD",
       "they hear that what came of this index is certified; where there are liars: this head", read_certify},
      {"install", "NODES INDEX|TERM:INDEX:HASH INDEX:HEIGHT:HEAD",
       "they go on from the state after this index; where there are liars: one, after this entry, with this head",
       read_install},
      {"draw", "NODE NUMBER...", "the next numbers that its core draws; otherwise timeouts are the shortest",
       read_draw},
      {"remember", "", "how all nodes stand, for \"expect unchanged\"",
       [](Words&) -> Action { return [](Telling& telling) { telling.remembered = telling.cluster.standing(); }; }},
  };
  return table;
}

}  // namespace testamur::consensus::scenarios
