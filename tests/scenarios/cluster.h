// A cluster that does what a story says: cores on disks of their own, and a network that delivers when told. Nothing comes by
// chance, and by itself only what README.md lists. The invariants are checked whenever a core was given anything.
#pragma once

#include <map>
#include <memory>

#include "disk.h"
#include "invariants.h"
#include "ledger_state.h"
#include "network.h"

namespace testamur::consensus::scenarios {

using simulation::Violation;

/// What a story declares before anything happens.
struct Setup {
  std::vector<NodeId> voters;
  std::vector<NodeId> learners;
  std::vector<NodeId> spare;             ///< up, and no members yet
  std::optional<std::size_t> threshold;  ///< of the first voters
  QuorumSize quorum_of = byzantine_quorum;
  Disk::Kind disks = Disk::Kind::simulated;
  bool ledger = false;  ///< payloads make blocks of a real one
  Options limits;       ///< for its numbers

  std::vector<NodeId> nodes() const;
  Configuration configuration() const;
  QuorumSize quorum() const;
};

/// What became of a read.
struct ReadStanding {
  Index committed;  ///< by anybody, when it was asked for
  bool answered = false;
  std::optional<Index> index;
};

class Cluster {
 public:
  explicit Cluster(const Setup& setup);
  ~Cluster();

  Network& network() { return network_; }
  /// Up: it was started, and its disk has not failed.
  bool is_up(NodeId id) const;
  /// Of a node that is up. Throws Violation for one that is not.
  const Core& core(NodeId id) const;
  const Disk& disk(NodeId id) const { return node(id).disk; }
  std::size_t writes_under_way(NodeId id) const { return node(id).under_way.size(); }
  std::uint64_t agreed_height(NodeId id) const { return node(id).agreed_height; }
  const std::vector<Evidence>& evidence(NodeId id) const { return node(id).evidence; }
  /// The payloads that a node has committed, as text.
  std::vector<std::string> committed(NodeId id) const;

  void tick(NodeId id);
  /// Ticks all that are up and delivers until quiet, so many times.
  void pass(unsigned ticks);
  /// Delivers what is selected, and what comes of it where that is selected too, until nothing is left. Says how many.
  std::size_t deliver(const Selection& selection);
  void reconnect(const Link& link);
  void disconnect(const Link& link);
  ProposeResult propose(NodeId id, const std::vector<std::string>& payloads);
  ChangeAnswer change(NodeId id, const std::vector<Change>& changes);
  TransferResult transfer(NodeId id, std::optional<NodeId> to);
  void read(NodeId id);
  /// The newest read of a node. Throws Violation when it never asked.
  const ReadStanding& last_read(NodeId id) const;
  void compact(NodeId id, Index index);
  /// A node that is told that it is behind takes a snapshot from its leader at once; or when it is told after this is over.
  void hold_installing(NodeId id, bool held) { node(id).installing_held = held; }
  /// A lie: in flight as if `message.from` had sent it. What it leads to is no violation when evidence names that node.
  void forge(const Message& message);

  /// Writes wait for complete().
  void stall(NodeId id);
  void complete(NodeId id, std::size_t writes);
  void resume(NodeId id);
  /// For failures and damages to come.
  Disk& disk(NodeId id) { return node(id).disk; }
  /// The disk of its state, which is a ledger, loses its power after so many more operations.
  void fail_applying_after(NodeId id, std::uint64_t operations);
  /// The power goes; so many of the writes under way were done, in their order.
  void crash(NodeId id, std::size_t kept);
  void restart(NodeId id);
  void refuse(NodeId id, const std::string& payload);
  void stop_refusing(NodeId id);
  void hold_applying(NodeId id, bool held);
  void hold_certifying(NodeId id, bool held);

  /// Every invariant, of every node.
  void check() const;
  /// Heals and restarts everything; throws Violation when a fresh write is not committed, and its head agreed, everywhere
  /// within the bound.
  void end();

  /// Terms, roles, votes, logs and commits of all that are up; to tell whether anything changed.
  std::string standing() const;

 private:
  /// Refuses the payloads that the story names.
  class Check final : public PayloadCheck {
   public:
    bool accept(Index index, const Payload& payload, NodeId leader) override;
    void truncated(Index) override {}

    std::set<std::string> refused;
  };
  struct Node {
    Node(NodeId name, Disk::Kind kind) : id(name), disk(name, kind) {}

    NodeId id;
    Disk disk;
    std::unique_ptr<Check> check;
    std::unique_ptr<LedgerState> ledger;  // null where payloads make no blocks
    std::unique_ptr<Core> core;
    bool failed = false;  // one of its disks did
    bool stalled = false;
    bool applying_held = false;
    bool certifying_held = false;
    bool installing_held = false;
    std::deque<Write> under_way;
    std::deque<Entry> to_apply;
    Index seen;                // how far it had committed when last looked at
    std::uint64_t height = 0;  // of what it applied
    std::uint64_t agreed_height = 0;
    std::vector<Evidence> evidence;
    std::optional<std::uint64_t> last_read;
  };

  Node& node(NodeId id);
  const Node& node(NodeId id) const;
  Core& running(NodeId id);
  void settle(Node& node);
  bool take(Node& node);
  bool write_one(Node& node);
  bool apply_one(Node& node);
  void certify(Node& node, const Claim& agreed);
  void answer_read(const Read& read);
  void install_from(Node& node, NodeId leader);
  Claim claim_at(Index index) const;
  const Configuration& newest_configuration() const;
  void put_on_disk(Node& node, const Write& write);
  void check(const Node& node) const;
  bool is_level(const std::string& payload) const;
  void propose_at_leader(const std::string& payload);

  Setup setup_;
  std::uint64_t drawn_ = 0;
  bool ending_ = false;
  std::map<NodeId, Node> nodes_;
  Network network_;
  std::set<NodeId> liars_;
  std::map<Index, Entry> history_;  // whatever was committed anywhere
  std::map<std::uint64_t, ReadStanding> reads_;
  mutable simulation::Invariants invariants_;
};

/// Made for stories: it spreads, and hides nothing.
Digest hash_entry(const Entry& entry);
Payload payload_of(const std::string& text);

}  // namespace testamur::consensus::scenarios
