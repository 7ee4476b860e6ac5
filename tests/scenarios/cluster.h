// A cluster that does what a story says: cores on disks of their own, and a network that delivers when told. Nothing comes by
// chance, and by itself only what README.md lists. The invariants are checked whenever a core was given anything.
#pragma once

#include <map>
#include <memory>

#include "disk.h"
#include "harm.h"
#include "heard.h"
#include "ledger_state.h"
#include "network.h"

namespace testamur::consensus::scenarios {

using simulation::Violation;

/// What a story asks for cannot be: no such message is in flight, the node is down. Nothing was done then.
class NotPossible : public Violation {
 public:
  using Violation::Violation;
};

/// What a story declares before anything happens.
struct Setup {
  std::vector<NodeId> voters;
  std::vector<NodeId> learners;
  std::vector<NodeId> spare;             ///< up, and no members yet
  std::vector<NodeId> liars;             ///< of the voters; they do not run
  std::optional<std::size_t> threshold;  ///< of the first voters
  QuorumSize quorum_of = byzantine_quorum;
  Disk::Kind disks = Disk::Kind::simulated;
  bool ledger = false;  ///< payloads make blocks of a real one
  /// Nodes are down at first; disks, applying, certified heads and snapshots wait for the story; entries without a payload make no
  /// head.
  bool by_hand = false;
  Options limits;  ///< for its numbers

  /// Those that run.
  std::vector<NodeId> nodes() const;
  bool has_liars() const { return !liars.empty(); }
  bool lies(NodeId node) const;
  Configuration configuration() const;
  QuorumSize quorum() const;
};

/// What became of a read.
struct ReadStanding {
  Index told;  ///< to anybody, as committed, when it was asked for
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
  std::uint64_t agreed_height(NodeId id) const { return node(id).agreed.height; }
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
  /// Its real disk is changed behind its back.
  void damaged(NodeId id) { invariants_.damaged(id); }
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

  // by_hand.cc: what a story may say of what otherwise happens by itself.

  /// The next numbers that its core draws, each below simulation::kDrawnFrom, while it does what comes next.
  void draw(NodeId id, std::vector<std::uint64_t> numbers) { node(id).drawn = {numbers.begin(), numbers.end()}; }
  /// Applies so many committed entries. Silently: they were applied before, and no head of theirs is known any more.
  void apply(NodeId id, std::uint64_t entries, bool silently);
  /// Its core hears that what came of this index is certified. It must be, by what a quorum derived.
  void certify(NodeId id, Index index);
  /// The number of its newest campaign.
  std::uint64_t campaign(NodeId id) const { return node(id).heard.campaign(); }
  /// Hears this at once.
  void hear(const Message& message);
  // Where there are liars, honest nodes may have counted different entries: the story says what came of them. What was applied
  // up to an index, beyond the heads, made none.
  void derive(NodeId id, const std::vector<Claim>& claims, Index applied);
  void certify(NodeId id, const Claim& claim);
  void install(NodeId id, const EntryId& last, const Claim& claim);
  /// Goes on from the state after this index.
  void install(NodeId id, Index index);
  /// Starts with a state that is after this index, and knows what is certified.
  void restart_with(NodeId id, Index applied, Index certified);
  /// Of a simulated disk, which must be off.
  void damage(NodeId id, Index index, simulation::SimulatedDisk::Damage damage, Index other);
  /// The disk is lost, and the node begins a new life.
  void erase(NodeId id, std::uint64_t life);
  /// What keeps the members from being level with their leader; empty: nothing.
  std::string what_is_not_level() const;

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
    std::uint64_t life = 0;  // not 0: it lost its disk
    bool harmed = false;     // its disk is damaged or lost, and it is not mended yet
    std::deque<Write> under_way;
    std::deque<Entry> to_apply;
    std::deque<std::uint64_t> drawn;
    simulation::Seen seen;
    simulation::Heard heard;
    Index applied;
    Claim agreed;
    Index certified;
    std::vector<Evidence> evidence;
    std::optional<std::uint64_t> last_read;
  };

  Node& node(NodeId id);
  const Node& node(NodeId id) const;
  Core& running(NodeId id);
  void start(Node& node, Index applied, Index certified);
  std::uint64_t draw(Node& node);
  void settle(Node& node);
  bool take(Node& node);
  void step(Node& node, const Message& message);
  void check_evidence(Node& node, const std::vector<Evidence>& evidence);
  void take_committed(Node& node, const Entry& entry);
  bool write_some(Node& node, std::size_t count);
  bool apply_one(Node& node, bool silently = false);
  bool derive(Node& node, const Entry& entry);
  void see_whether_mended(Node& node);
  simulation::Disks on_disk() const;
  simulation::Conditions conditions() const;
  void certify(Node& node, const Claim& agreed);
  void answer_read(const Node& node, const Read& read);
  void install_from(Node& node, NodeId leader);
  bool install_at(Node& node, Index index, const Configuration& configuration);
  Claim claim_at(Index index) const;
  const Configuration& newest_configuration() const;
  void put_on_disk(Node& node, std::size_t count);
  void check(const Node& node) const;
  bool is_level(const std::string& payload) const;
  void propose_at_leader(const std::string& payload);
  void take_back_at_leader();

  Setup setup_;
  std::uint64_t drawn_ = 0;
  bool ending_ = false;
  std::map<NodeId, Node> nodes_;
  Network network_;
  std::set<NodeId> liars_;
  std::map<Index, Entry> history_;          // whatever was committed anywhere
  std::map<Index, std::uint64_t> heights_;  // of what came of it
  Index told_;                              // the newest that was applied anywhere
  Index newest_agreed_;
  Index newest_certified_;  // that the story told of
  std::map<std::uint64_t, ReadStanding> reads_;
  mutable simulation::Invariants invariants_;
};

Payload payload_of(const std::string& text);

}  // namespace testamur::consensus::scenarios
