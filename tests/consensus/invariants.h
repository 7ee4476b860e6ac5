// What must hold after every step of a simulation, whatever goes wrong. Source: Raft figure 3; the project's own additions.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "testamur/consensus/log_store.h"

namespace testamur::consensus::simulation {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Invariants {
 public:
  /// At most one leader a term; and a new leader's log holds everything committed (leader completeness).
  void check_leader(const Core& core);
  /// One vote a term, restarts included.
  void check_vote(NodeId node, const HardState& on_disk);
  /// All nodes commit the same entry at each index, never move back, and never drop what they committed, unless it is in their
  /// base. `on_disk`: what every node would hold after a loss of power now; of whom `members` says how many must.
  void check_committed(const Core& core, Index last_seen);
  void committed(NodeId node, const Entry& entry, const Configuration& members,
                 const std::map<NodeId, const Stored*>& on_disk);
  /// What a message rests on is on its sender's disk.
  void check_said(const Message& message, const Stored& on_disk);
  /// One head of each height, restarts included.
  void check_derived(NodeId node, const Claim& claim);
  /// No two nodes agree to cosign different heads of one height.
  void check_agreed(NodeId node, const Claim& claim);

  std::uint64_t committed_payloads() const { return committed_payloads_; }
  std::size_t elections() const { return leaders_.size(); }

 private:
  std::map<Term, NodeId> leaders_;
  std::map<std::pair<NodeId, Term>, NodeId> votes_;
  std::map<Index, EntryId> committed_;
  std::map<std::uint64_t, Digest> derived_;
  std::map<std::uint64_t, Digest> agreed_;
  std::uint64_t committed_payloads_ = 0;
};

}  // namespace testamur::consensus::simulation
