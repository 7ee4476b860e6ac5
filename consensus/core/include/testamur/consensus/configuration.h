// Who takes part: the voters, the learners, and how one configuration becomes another (Raft thesis 4.3, joint consensus). A change
// of voters goes through a joint configuration, in which what is decided takes a quorum of the voters before and of those after.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

/// Those who decide together, and how many of them it takes.
struct Voters {
  std::set<NodeId> nodes;
  std::size_t threshold = 0;
  bool operator==(const Voters&) const = default;
};

struct Configuration {
  Voters voters;
  Voters outgoing;  ///< while joint: the voters before; else none
  std::set<NodeId> learners;
  std::set<NodeId> learners_next;  ///< while joint: voters of before that will be learners
  std::set<NodeId> rising;         ///< learners that the leader makes voters once they are level
  /// Of nodes that lost what they had promised: the life in which they may vote again. None: they never lost anything.
  std::map<NodeId, std::uint64_t> lives;
  bool auto_leave = false;  ///< while joint: the leader leaves it as soon as it is committed

  bool is_joint() const { return !outgoing.nodes.empty(); }
  bool is_voter(NodeId node) const { return voters.nodes.contains(node) || outgoing.nodes.contains(node); }
  bool is_member(NodeId node) const { return is_voter(node) || learners.contains(node); }
  std::uint64_t life_of(NodeId node) const;
  /// Voters of both sides, and learners.
  std::set<NodeId> members() const;
  std::set<NodeId> all_voters() const;
  bool operator==(const Configuration&) const = default;
};

/// How many of so many voters it takes.
using QuorumSize = std::function<std::size_t(std::size_t voters)>;
/// f = floor((n - 1) / 3): so many of n may lie.
constexpr std::size_t most_liars(std::size_t nodes) { return nodes == 0 ? 0 : (nodes - 1) / 3; }
/// Of what nodes said, each for itself, the furthest that more of them reached than may lie: an honest one did. Too few: nothing, T{}.
template <class T>
T vouched_for(std::vector<T> said, std::size_t liars) {
  if (said.size() <= liars) return {};
  const auto at = said.begin() + static_cast<std::ptrdiff_t>(liars);
  std::nth_element(said.begin(), at, said.end(), std::greater<>());
  return *at;
}
/// floor((n + f) / 2) + 1 with f = most_liars(n): two quorums share more honest voters than there may be liars.
std::size_t byzantine_quorum(std::size_t voters);
/// A Byzantine quorum of the voters, but no fewer than the `threshold` that certify a head, or all where there are fewer. Else a leader that
/// reaches enough to decide, and too few to certify, would lead on for nothing.
QuorumSize certifying_quorum(std::size_t threshold);

struct Change {
  enum class Kind : std::uint8_t {
    voter,    ///< make it a voter
    learner,  ///< make it a learner
    remove,
    update,  ///< nothing
  };
  Kind kind = Kind::update;
  NodeId node;
  bool rising = false;     ///< of a learner: to be made a voter once it is level
  std::uint64_t life = 0;  ///< of a learner, where not 0: the life it has now
};

/// What some changes come to, or why they may not be.
struct Changed {
  Configuration configuration;
  std::set<NodeId> fresh;  ///< members that were none, or were removed on the way: nothing is known of their logs
  std::string error;       ///< empty: none
};

/// Changes of at most one voter.
Changed change_simply(const Configuration& from, std::span<const Change> changes, const QuorumSize& quorum);
Changed enter_joint(const Configuration& from, bool auto_leave, std::span<const Change> changes,
                    const QuorumSize& quorum);
Changed leave_joint(const Configuration& from);

/// Of each member something is known, and of nobody else. Of a fresh one nothing is, until now: make() begins anew for it.
template <class Known, class Make>
void keep_members(std::map<NodeId, Known>& known, const std::set<NodeId>& members, const std::set<NodeId>& fresh,
                  const Make& make) {
  std::erase_if(known, [&](const auto& of) { return !members.contains(of.first) || fresh.contains(of.first); });
  for (const NodeId member : members) {
    if (!known.contains(member)) known.emplace(member, make());
  }
}

/// What is wrong with a configuration by itself; empty: nothing.
std::string what_is_wrong(const Configuration& configuration);
/// Whether it may be the next after `before`: the same voters, or a step into a joint configuration or out of it.
bool may_follow(const Configuration& before, const Configuration& after);

/// As it stands in a log entry: version 1, then each part in order, numbers big-endian.
Payload encode(const Configuration& configuration);
/// Nothing for bytes that encode() does not make, or more than 1,024 nodes in a part.
std::optional<Configuration> decode_configuration(std::span<const std::uint8_t> bytes);

/// For people: `voters=(1 2)&&(1) learners=(3)`.
std::string to_string(const Configuration& configuration);

}  // namespace testamur::consensus
