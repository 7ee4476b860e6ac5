// What a story may expect to see.
#include <algorithm>

#include "describe.h"
#include "story.h"

namespace testamur::consensus::scenarios {
namespace {

using Nodes = std::vector<NodeId>;

std::string quoted(const std::string& text) { return text.empty() ? "nothing" : "\"" + text + "\""; }

/// Expects the same of each node; `see` says, as text, how it is there.
template <class See>
Action expect_each(const Nodes& nodes, std::string what, std::string expected, See see) {
  return [=](Telling& telling) {
    for (const NodeId node : nodes) {
      const std::string found = see(telling.cluster, node);
      if (found == expected) continue;
      throw Violation(describe(node) + ": expected " + what + " " + quoted(expected) + ", found " + quoted(found));
    }
  };
}

/// The rest of the line, where "nothing" stands for no payload.
std::string read_payloads(Words& words) {
  const std::string all = join(words.rest("payloads, or \"nothing\""));
  return all == "nothing" ? "" : all;
}

Action read_role(Words& words) {
  const Nodes nodes = words.nodes();
  const std::string role = words.one_of({"follower", "pre-candidate", "candidate", "leader"}, "a role");
  return expect_each(nodes, "role", role, [](const Cluster& cluster, NodeId node) {
    return std::string(name_of(cluster.core(node).role()));
  });
}

std::string term_of(const Cluster& cluster, NodeId node) { return std::to_string(cluster.core(node).term().value); }

/// One leads, and those that are up and follow it, or another, are not looked at.
Action read_leader(Words& words) {
  const Nodes nodes = {words.node()};
  const Action leads = expect_each(nodes, "role", "leader", [](const Cluster& cluster, NodeId node) {
    return std::string(name_of(cluster.core(node).role()));
  });
  if (!words.accept("term")) return leads;
  const Action in_term = expect_each(nodes, "term", std::to_string(words.number("a term")), term_of);
  return [=](Telling& telling) {
    leads(telling);
    in_term(telling);
  };
}

Action read_follows(Words& words) {
  const Nodes nodes = words.nodes();
  const std::string leader = words.accept("nobody") ? "nobody" : std::to_string(words.node().value);
  return expect_each(nodes, "leader", leader, [](const Cluster& cluster, NodeId node) {
    const auto followed = cluster.core(node).leader();
    return followed ? std::to_string(followed->value) : std::string("nobody");
  });
}

Action read_vote(Words& words) {
  const Nodes nodes = words.nodes();
  const std::string vote = words.accept("none") ? "none" : std::to_string(words.node().value);
  return expect_each(nodes, "vote", vote, [](const Cluster& cluster, NodeId node) {
    const auto given = cluster.core(node).state().vote;
    return given ? std::to_string(given->value) : std::string("none");
  });
}

std::string log_of(const Log& log) {
  std::vector<std::string> entries;
  for (Index index = log.first(); index <= log.last().index; index = next(index))
    entries.push_back(std::to_string(log.entry(index).id.term.value) + ":" + text_of(log.entry(index)));
  return join(entries);
}

Action read_log(Words& words) {
  const Nodes nodes = words.nodes();
  return expect_each(nodes, "log", read_payloads(words),
                     [](const Cluster& cluster, NodeId node) { return log_of(cluster.core(node).log()); });
}

Action read_on_disk(Words& words) {
  const Nodes nodes = words.nodes();
  return expect_each(nodes, "on disk", read_payloads(words), [](const Cluster& cluster, NodeId node) {
    std::vector<std::string> entries;
    for (const Entry& entry : cluster.disk(node).stored().entries)
      entries.push_back(std::to_string(entry.id.term.value) + ":" + text_of(entry));
    return join(entries);
  });
}

Action read_evidence(Words& words) {
  const NodeId node = words.node();
  words.expect("against");
  const NodeId liar = words.any_node();
  const std::string what = join(words.rest("what it is"));
  return [=](Telling& telling) {
    const auto& all = telling.cluster.evidence(node);
    std::vector<std::string> found;
    for (const Evidence& each : all) {
      if (each.from == liar && each.what == what) return;
      found.push_back("against " + describe(each.from) + ": " + std::string(each.what));
    }
    throw Violation(describe(node) + ": expected evidence against " + describe(liar) + ": " + what + ", found " +
                    quoted(join(found, "; ")));
  };
}

Action read_messages(Words& words) {
  const std::uint64_t expected = words.accept("no") ? 0 : words.number("how many, or \"no\"");
  const Selection selection = words.selection();
  return [=](Telling& telling) {
    const std::size_t found = telling.cluster.network().count(selection);
    if (found != expected) {
      throw Violation("expected " + std::to_string(expected) + " such messages in flight, found " +
                      std::to_string(found));
    }
  };
}

Action read_refusal(Words& words) {
  const NodeId node = words.node();
  const std::string reason =
      words.one_of({"not-leader", "not-ready", "too-many", "too-uncertified", "transferring"}, "a reason");
  return [=](Telling& telling) {
    const std::string_view found = name_of(telling.cluster.propose(node, {"refused"}));
    if (found != reason)
      throw Violation(describe(node) + ": expected to refuse a proposal as " + reason + ", found " +
                      std::string(found));
  };
}

/// Who takes part, by the newest configuration in a node's log.
Action read_members(Words& words) {
  const Nodes nodes = words.nodes();
  return expect_each(nodes, "members", words.word("the members, as [1,2,3]"),
                     [](const Cluster& cluster, NodeId node) { return text_of(cluster.core(node).configuration()); });
}

Action read_no_change(Words& words) {
  const NodeId node = words.node();
  const std::string reason = words.one_of(
      {"not-leader", "not-ready", "under-way", "transferring", "nothing", "leader", "quorum", "invalid"}, "a reason");
  const std::vector<Change> changes = words.changes();
  return [=](Telling& telling) {
    const ChangeAnswer answer = telling.cluster.change(node, changes);
    if (name_of(answer.result) == reason) return;
    throw Violation(describe(node) + ": expected to refuse the change as " + reason + ", found " +
                    std::string(name_of(answer.result)) + (answer.why.empty() ? "" : ": " + answer.why));
  };
}

Action read_read(Words& words) {
  const Nodes nodes = {words.node()};
  const bool is_word = words.peek("waiting") || words.peek("unknown");
  const std::string expected = is_word ? words.word("") : std::to_string(words.number("an index, waiting or unknown"));
  return expect_each(nodes, "its read to be", expected, [](const Cluster& cluster, NodeId node) -> std::string {
    const ReadStanding& read = cluster.last_read(node);
    if (!read.answered) return "waiting";
    return read.index ? std::to_string(read.index->value) : "unknown";
  });
}

Action read_up(Words& words) {
  return expect_each(words.nodes(), "to be", "up", [](const Cluster& cluster, NodeId node) {
    return std::string(cluster.is_up(node) ? "up" : "down");
  });
}
Action read_down(Words& words) {
  return expect_each(words.nodes(), "to be", "down", [](const Cluster& cluster, NodeId node) {
    return std::string(cluster.is_up(node) ? "up" : "down");
  });
}

template <class See>
Action read_number(Words& words, std::string what, See see) {
  const Nodes nodes = words.nodes();
  return expect_each(nodes, what, std::to_string(words.number(what)), see);
}

Action read_unchanged(Words&) {
  return [](Telling& telling) {
    const std::string now = telling.cluster.standing();
    if (now != telling.remembered)
      throw Violation("expected everything as remembered: " + telling.remembered + "\n  found: " + now);
  };
}

}  // namespace

const std::vector<Command>& expectations() {
  static const std::vector<Command> table = {
      {"leader", "NODE [term TERM]", "it leads", read_leader},
      {"role", "NODES ROLE", "follower, pre-candidate, candidate or leader", read_role},
      {"follows", "NODES NODE|nobody", "whom they take for their leader", read_follows},
      {"term", "NODES TERM", "they are in this term", [](Words& words) { return read_number(words, "term", term_of); }},
      {"vote", "NODES NODE|none", "whom they voted for in their term", read_vote},
      {"log", "NODES TERM:PAYLOAD...|nothing", "their logs; * is the entry by which a leader begins its term",
       read_log},
      {"on-disk", "NODES TERM:PAYLOAD...|nothing", "what would be left of their logs after a loss of power",
       read_on_disk},
      {"committed", "NODES PAYLOAD...|nothing", "all payloads they have committed",
       [](Words& words) {
         const Nodes nodes = words.nodes();
         return expect_each(nodes, "committed", read_payloads(words),
                            [](const Cluster& cluster, NodeId node) { return join(cluster.committed(node)); });
       }},
      {"commit", "NODES INDEX", "how far they have committed",
       [](Words& words) {
         return read_number(words, "commit", [](const Cluster& cluster, NodeId node) {
           return std::to_string(cluster.core(node).committed().value);
         });
       }},
      {"agreed", "NODES HEIGHT", "the newest head that a quorum derived alike",
       [](Words& words) {
         return read_number(words, "agreed height", [](const Cluster& cluster, NodeId node) {
           return std::to_string(cluster.agreed_height(node));
         });
       }},
      {"writing", "NODES WRITES", "how many of their writes are under way",
       [](Words& words) {
         return read_number(words, "writes under way", [](const Cluster& cluster, NodeId node) {
           return std::to_string(cluster.writes_under_way(node));
         });
       }},
      {"messages", "COUNT|no [SELECTION]", "how many are in flight, held ones included", read_messages},
      {"refusal", "NODE REASON", "it refuses a proposal made now: not-leader, not-ready, too-many or too-uncertified",
       read_refusal},
      {"members", "NODES MEMBERS",
       "by the newest configuration in their logs: [1,2,3]; while joint [1,2,3|1,2], the voters before last; learners "
       "after a +",
       read_members},
      {"no-change", "NODE REASON CHANGE...",
       "it refuses this change: not-leader, not-ready, under-way, transferring, nothing, leader, quorum or invalid",
       read_no_change},
      {"read", "NODE INDEX|waiting|unknown", "what became of its newest read", read_read},
      {"evidence", "NODE against NODE WHAT", "it has reported this", read_evidence},
      {"level", "", "all members have committed what their leader has, and learners that are to rise have risen",
       [](Words&) -> Action {
         return [](Telling& telling) {
           const std::string missing = telling.cluster.what_is_not_level();
           if (!missing.empty()) throw Violation("expected all to be level: " + missing);
         };
       }},
      {"up", "NODES", "they run", read_up},
      {"down", "NODES", "they do not: crashed, stopped by their disk, or refusing to start", read_down},
      {"unchanged", "", "all nodes stand as at the last \"remember\"", read_unchanged},
  };
  return table;
}

}  // namespace testamur::consensus::scenarios
