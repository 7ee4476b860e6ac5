// What must hold after every step of a simulation, whatever goes wrong. Source: Raft figure 3; the project's own additions.
//
// With liars among the nodes, the honest ones are looked at only. They may count different entries then: what is promised is that
// no two heads that honest nodes agree on, or that are certified, contradict one another.
#pragma once

#include <deque>
#include <map>
#include <stdexcept>
#include <string>

#include "testamur/consensus/log_store.h"

namespace testamur::consensus::simulation {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Found by what only a simulation keeps: its ledgers, its owners' letters, its clients. A scenario does not find it again.
class OwnersViolation : public Violation {
 public:
  using Violation::Violation;
};

/// What every node would hold after a loss of power now.
using Disks = std::map<NodeId, const Stored*>;
/// How far a node had come when it was last looked at.
struct Seen {
  EntryId committed;
  Index configuration;
};

class Invariants {
 public:
  void expect_liars() { liars_ = true; }

  /// All that can be seen when a core was given anything, and this came out of it.
  void check(const Core& core, const Output& output, std::uint64_t life, const Disks& on_disk, Seen& seen);

  /// At most one leader a term; a new leader's log holds everything committed in an earlier term (leader completeness); and one that a
  /// committed configuration leaves out goes.
  void check_leader(const Core& core);
  /// Proposals and changes are taken once the leader has committed an entry of its own term, and not before.
  static void check_accepts(const Core& core);
  /// A change that is taken leaves its leader a vote, and, where it changes the voters, a quorum of those after it is heard.
  static void check_change(const Core& leader, const Voters& before, const std::set<NodeId>& heard);
  /// Proposals are taken while at most so many heads are not certified, and committed payloads that may make one not applied.
  static void check_uncertified(const Core& leader, std::uint64_t heads, Index applied, std::size_t most);
  /// A read sees all that anybody was told, as committed, before it was asked for: with one order of all writes, that makes histories
  /// linearizable.
  static void check_read(NodeId node, Index answer, Index told);
  /// One vote a term, and no term that falls, restarts included.
  void check_vote(NodeId node, const HardState& on_disk);
  /// A node's disk is gone, and with it what it promised: it must not vote before it has a new life.
  void lost(NodeId node) {
    promised_.erase(node);
    announced_.erase(node);
  }
  /// What a disk held is damaged: what its node said of it before was true, and counts.
  void harmed(NodeId node) {
    harmed_.insert(node);
    announced_.erase(node);
  }
  /// The same, where the others mend it or nobody does: it may not count for what it said.
  void damaged(NodeId node) { announced_.erase(node); }
  void mended(NodeId node) { harmed_.erase(node); }
  /// A certified head replaced what a node had of a liar.
  void replaced(NodeId node) {
    announced_.erase(node);
    replaced_.insert(node);
  }
  bool was_replaced(NodeId node) const { return replaced_.contains(node); }
  /// All nodes commit the same entry at each index, never move back, and never drop what they committed, unless it is in their
  /// base. Of those whose disks hold it the members say how many must.
  void check_committed(const Core& core, Index last_seen);
  void committed(const Core& core, const Entry& entry, const Disks& on_disk);
  /// What a node announced as durable in a term stays in its log in that term.
  void check_announced(const Core& core, const Output& output);
  /// One chain of configurations: each may follow the one before, and no log holds two that are not committed.
  void check_configuration(const Core& core);
  /// What a message rests on is on its sender's disk.
  void check_said(const Message& message, const Stored& on_disk);
  /// A node that lost what it had promised promises nothing until its configuration names its new life.
  void check_life(const Message& message, const Core& core, std::uint64_t life);
  /// One head of each height, restarts included; of a snapshot too.
  void check_derived(NodeId node, const Claim& claim);
  /// No two nodes agree to cosign different heads of one height.
  void check_agreed(NodeId node, const Claim& claim);
  /// No two certified heads of one height.
  void check_certified(NodeId node, const Claim& claim);

  /// The newest index that anybody has counted as committed.
  Index newest_committed() const { return Index{committed_.size()}; }
  Term newest_term() const { return leaders_.empty() ? Term{} : leaders_.rbegin()->first; }
  /// The newest that anybody has counted as committed; nothing while it is the first.
  const std::optional<Configuration>& newest_configuration() const { return configuration_; }
  std::uint64_t committed_payloads() const { return committed_payloads_; }
  std::uint64_t certified_height() const { return certified_.empty() ? 0 : certified_.rbegin()->first; }
  std::size_t elections() const { return leaders_.size(); }
  std::size_t configurations() const { return configurations_; }

 private:
  static void check_one_head(std::map<std::uint64_t, Digest>& heads, NodeId node, const Claim& claim, const char* did);

  bool liars_ = false;
  std::map<Term, NodeId> leaders_;
  std::map<NodeId, HardState> promised_;
  std::set<NodeId> harmed_;
  std::map<NodeId, EntryId> announced_;
  std::set<NodeId> replaced_;
  std::deque<EntryId> committed_;       // from index 1
  std::map<Term, Index> committed_in_;  // up to where, by the term in which it was counted
  std::optional<Configuration> configuration_;
  std::size_t configurations_ = 0;
  std::map<std::uint64_t, Digest> derived_;
  std::map<std::uint64_t, Digest> agreed_;
  std::map<std::uint64_t, Digest> certified_;
  std::uint64_t committed_payloads_ = 0;
};

}  // namespace testamur::consensus::simulation
