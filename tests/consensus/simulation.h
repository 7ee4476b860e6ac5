// A whole cluster in one thread, from one seed: cores, a network that loses, doubles, delays and cuts, disks that are slow and
// forget what they had not written when the power goes, clients. What it finds, the same seed finds again.
#pragma once

#include <map>
#include <memory>
#include <queue>
#include <random>

#include "invariants.h"
#include "simulated_log_store.h"
#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

/// How badly things go; each run draws its own.
struct Faults {
  unsigned lose_percent = 0;
  unsigned double_percent = 0;
  unsigned max_delay_ms = 5;
  unsigned max_write_ms = 5;
  unsigned crash_per_mille = 0;      ///< a tick
  unsigned partition_per_mille = 0;  ///< a tick
  unsigned refuse_percent = 0;       ///< payload checks that fail at first
};

class Cluster {
 public:
  Cluster(std::uint64_t seed, std::size_t nodes);

  /// Runs for so many simulated milliseconds, a tick every 10. Throws Violation.
  void run(unsigned milliseconds);
  /// Everything is well again: no faults, all nodes up, all links whole.
  void heal();
  /// Runs until payloads proposed from now on are committed, and all nodes are level: the same commit, the same head agreed by
  /// each. False when it takes longer than the bound.
  bool reaches_a_commit(unsigned bound_ms);

  Faults& faults() { return faults_; }
  std::uint64_t committed_payloads() const { return invariants_.committed_payloads(); }
  std::size_t elections() const { return invariants_.elections(); }

 private:
  /// Refuses some payloads the first time, as a time too far ahead would be.
  class Check final : public PayloadCheck {
   public:
    explicit Check(Cluster& cluster) : cluster_(cluster) {}
    bool accept(Index index, const Payload& payload, NodeId leader) override;
    void truncated(Index) override {}

   private:
    Cluster& cluster_;
  };
  struct Node {
    NodeId id;
    SimulatedDisk disk;
    std::unique_ptr<LogStore> store;  // null while it is down
    std::unique_ptr<Check> check;
    std::unique_ptr<Core> core;  // null while it is down
    std::uint64_t life = 0;      // counts its starts: what was meant for an earlier one is lost
    std::uint64_t next_write_ms = 0;
    std::uint64_t restart_at_ms = 0;
    std::deque<Write> under_way;
    std::deque<Entry> to_apply;
    Index seen;                // how far it had committed at the last step
    std::uint64_t height = 0;  // of what it applied
    Digest head{};
    std::uint64_t agreed_height = 0;
  };
  struct Happening {
    std::uint64_t at_ms;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Happening& other) const {
      return std::pair(at_ms, order) > std::pair(other.at_ms, other.order);
    }
  };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  bool happens(unsigned percent) { return draw(100) < percent; }
  void at(std::uint64_t ms, std::function<void()> what);
  void start(Node& node);
  void crash(Node& node);
  void tick_all();
  void cut_at_random();
  void propose_somewhere();
  void handle(Node& node);
  void deliver(const Message& message);
  void complete(Node& node);
  void put_on_disk(Node& node, std::span<const Write> writes);
  void apply_some(Node& node);
  Options options_for(Node& node);

  std::mt19937_64 random_;
  Faults faults_;
  std::vector<Node> nodes_;
  std::set<std::pair<NodeId, NodeId>> cut_;  // from, to
  std::uint64_t heal_cuts_at_ms_ = 0;
  std::priority_queue<Happening> happenings_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t proposed_ = 0;
  bool quiet_ = false;
  Invariants invariants_;
};

}  // namespace testamur::consensus::simulation
