// A whole cluster in one thread, from one seed: cores, a network that loses, doubles, delays, overtakes, cuts and clogs, disks that
// are slow, fail, are damaged and forget what they had not written when the power goes, owners that keep the real ledger (owner.h),
// cosign and exchange snapshots, registrars with real statements, operators that change the members, clients. What it finds, the same
// seed finds again.
#pragma once

#include <array>
#include <memory>
#include <variant>

#include "books.h"
#include "events.h"
#include "faults.h"
#include "harm.h"
#include "heard.h"
#include "liar.h"
#include "links.h"
#include "owner.h"
#include "simulated_log_store.h"
#include "story.h"

namespace testamur::consensus::simulation {

/// What a run begins with; drawn by its seed.
struct Setup {
  std::uint64_t seed = 0;
  std::size_t voters = 3;  ///< at first
  std::size_t spares = 0;  ///< nodes that are no members at first
  std::size_t liars = 0;   ///< of the voters; at most a third, less one
  unsigned election_ticks = 10;
  Faults faults;
  unsigned faults_ms = 20'000;      ///< how long they last
  bool one_link_stays_cut = false;  ///< in one direction, when all else is well again
  std::size_t max_uncertified = 64;
  std::size_t max_held = 64;
};
Setup draw_setup(std::uint64_t seed);
/// With liars, who are fewer than a third of the voters; these stay, and no disk is damaged beside.
Setup draw_setup_with_liars(std::uint64_t seed);

class Cluster {
 public:
  /// `story`: told each step, where there is one.
  Cluster(const Setup& setup, Story* story = nullptr);

  /// Runs for so many simulated milliseconds. Throws Violation.
  void run(unsigned milliseconds);
  void begin_faults() { faults_ = setup_.faults; }
  /// Everything is well again: no faults, all nodes up, all links whole.
  void heal();
  /// Runs until a write proposed from now on is certified, and all members are level with it: the same commit, the same certified
  /// head, every vote where it belongs. Throws Violation when it takes longer than the bound.
  void expect_certified(unsigned bound_ms);

  /// Then something that must work when all is well. Throws Violation when it does not.
  void try_out();

  std::uint64_t now_ms() const { return now_ms_; }
  const Invariants& invariants() const { return invariants_; }
  const Books& books() const { return books_; }
  /// What happened, to see that a simulation did something.
  struct Counts {
    std::uint64_t crashes = 0;
    std::uint64_t damages = 0;
    std::uint64_t lost_logs = 0;
    std::uint64_t failed_writes = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t reads = 0;
    std::uint64_t transfers = 0;
    std::uint64_t evidence = 0;
    std::uint64_t contradicted = 0;  ///< runs that left honest nodes with different uncertified blocks
    std::uint64_t blockless = 0;     ///< payloads whose time did not rise, and made no block
    std::uint64_t heal_ms = 0;       ///< how long it took until all were level
    std::uint64_t strangers = 0;     ///< messages of those who are no members
    std::uint64_t repeated = 0;      ///< pieces of evidence that name an honest node, which repeats what it was told
    Lies lies;
    std::array<std::uint64_t, kKindsOfCaught> caught{};  ///< liars by honest nodes, of whom each has evidence
  };
  const Counts& counts() const { return counts_; }
  /// The story's last lines: how all stand.
  void tell_how_all_stand() const;

 private:
  /// As node/src/time_check.cc, of a time too far ahead; and refuses some others the first time.
  class Check final : public PayloadCheck {
   public:
    Check(Cluster& cluster, NodeId node) : cluster_(cluster), node_(node) {}
    bool accept(Index, const Payload& payload, NodeId) override;
    void truncated(Index) override {}

   private:
    Cluster& cluster_;
    NodeId node_;
  };
  /// What goes to disk together.
  struct Job {
    std::optional<Write> write;
    std::optional<Claim> promise;  ///< to cosign this
    bool installs = false;         ///< the log goes on from a snapshot
  };
  struct Node {
    NodeId id;
    std::unique_ptr<SimulatedDisk> disk;
    std::unique_ptr<LogStore> store;  // null while it is down
    std::unique_ptr<Check> check;
    std::unique_ptr<Core> core;  // null while it is down
    std::unique_ptr<Liar> liar;  // null for an honest one
    Owner owner;
    Heard heard;
    std::uint64_t incarnation = 0;  // counts its starts and crashes: what was meant for an earlier one is void
    std::uint64_t life = 0;         // not 0: it lost its disk
    bool harmed = false;            // its disk is damaged or lost, and it is not mended yet
    unsigned tick_ms = kTickMs;
    unsigned ticks = 0;
    std::uint64_t restart_at_ms = 0;
    std::uint64_t paused_until_ms = 0;
    std::uint64_t stalled_until_ms = 0;  // its disk
    std::uint64_t writes_until_ms = 0;
    Time proposed;  // in its newest payload
    std::deque<Job> queued;
    std::vector<Job> writing;
    std::deque<Entry> to_apply;
    std::optional<Claim> promised;  // to cosign, on disk
    NodeId fetches_from;            // a snapshot
    bool fetching = false;
    std::optional<Content> staged;  // a snapshot, whole, on disk
    bool installing = false;        // it is in memory, and the log does not begin after it on disk yet
    Seen seen;                      // at the last step
    std::vector<Index> readings;    // that wait until so much is applied
  };

  // simulation.cc: what happens
  void happen(const Event& event);
  Node& node(NodeId id) { return nodes_[id.value - 1]; }
  bool lies(NodeId id) const { return id.value <= nodes_.size() && nodes_[id.value - 1].liar != nullptr; }
  static std::uint32_t place(const Node& node) { return static_cast<std::uint32_t>(node.id.value - 1); }
  void at(std::uint64_t ms, Event::Kind kind, const Node& node) {
    events_.add({ms, 0, kind, place(node), node.incarnation, 0});
  }
  void tick(Node& node);
  void handle(Node& node);
  void deliver(Node& node, const Message& message);
  void take(Node& node);
  void check(Node& node, const Output& output);
  void send(Message message);
  void send(Letter letter);
  /// Says in which packets it is in flight.
  template <class Thing>
  const std::vector<std::uint32_t>& send_copies(Thing thing);
  bool apply_some(Node& node);
  void start_writing(Node& node);
  void written(Node& node);
  void fail(Node& node);
  void see_whether_mended(Node& node);
  Result<void> put_on_disk(Node& node, std::span<const Job> jobs);
  Options options_for(Node& node);
  void start(Node& node);
  void crash(Node& node);
  void crash(Node& node, std::size_t whole);
  bool leaves_it_there(std::span<const Job> jobs);
  void stop(Node& node);
  void answer(Node& node, const Read& read);
  void serve_readings(Node& node);

  // simulation_owners.cc: what the nodes' owners do
  void agree(Node& node, const Claim& claim);
  void tell_owners(Node& node);
  void receive(const Letter& letter);
  void see_who_signed_twice(Node& node, const Letter& letter);
  void fetch(Node& node, NodeId from);
  void certify(Node& node, const Certified& certified);
  void note_applied(const Node& node, const Entry& entry, const AppliedEntry& applied);
  Time clock(const Node& node) const;
  Payload draw_payload(Node& node);
  void fetched(Node& node);
  std::optional<Content> content_of(Node& source);
  bool is_vouched_for(const Node& node, const Snapshot& snapshot) const;
  void rejoin(Node& leader, NodeId from, std::uint64_t life);
  std::string objects(const Configuration& configuration) const;

  // simulation_trials.cc: what must work when all is well
  void try_one(Node& leads);
  bool clocks_agree() const;
  unsigned timeout_ms(const Node& node) const;
  void stays_leader(Node& leads, unsigned milliseconds, bool proposes);
  void bear_one_who_hears_nothing(Node& leads);
  void bear_a_stall(Node& leads);
  void expect_to_go(Node& leads, unsigned within_ms, const char* although);
  void leave_a_disk_that_hangs(Node& leads);
  NodeId ask_to_hand_on(Node& leads);
  bool comes_to_lead(const Node& node);
  void hand_on(Node& leads);
  void read_when_deposed(Node& leads);
  void leave_who_is_refused(Node& leads);
  void stop_at_the_uncertified(Node& leads);

  // simulation_world.cc: what befalls them
  void world();
  void befall(Node& node);
  void hang_up(const Node& from, Node& to);
  void damage(Node& node);
  void lose_log(Node& node);
  Condition condition(const Node& node) const;
  Conditions conditions() const;
  bool is_impaired(const Node& node, const Configuration& configuration) const;
  const Core* newest();
  Core* leader();
  void operate();
  static std::set<NodeId> heard_by(const Core& leader);
  void change_members(Core& leader);
  void propose_somewhere();
  bool propose(Node& node, std::size_t payloads);
  void read_somewhere();
  void read(Node& node);
  void silence_liars();
  void count_caught();
  void check_caught(const Node& node) const;
  void check_named_honest(const Evidence& evidence);
  void say_something_strange();
  bool honest_nodes_differ() const;
  void leave_a_link_cut();
  std::string what_is_not_level(std::uint64_t height_before);

  Setup setup_;
  Story* story_;
  Random random_;
  Random more_;  // of faults that came later: the others' seeds stay what they were
  Faults faults_;
  Registrars& registrars_;
  Books books_;
  Configuration first_;  // of the log's beginning
  std::vector<Node> nodes_;
  Disks on_disk_;
  Links links_;
  Events events_;
  Pool<std::variant<Message, Letter>> packets_;
  std::vector<std::uint64_t> arrivals_;
  std::vector<std::uint32_t> sent_;
  std::uint64_t now_ms_ = 0;
  bool healed_ = false;
  std::uint64_t settled_at_ms_ = 0;  // when what the faults had put off has come to its end
  bool all_refuse_ = false;          // what is proposed
  bool letters_are_lost_ = false;    // the owners'
  std::set<NodeId> half_cut_;        // healed, all but the link between these, or all links of this one
  Invariants invariants_;
  Counts counts_;

  // Clients: a list that grows at its end. Every write has a number.
  struct Asking {
    Index told_before;      // what had been told as committed when it was proposed
    Index placed;           // where it is in the list
    Statements statements;  // in it
  };
  std::vector<Asking> writes_;  // by number
  Statements handed_in_;        // some of what was handed in before, by those who do not know what became of it
  Index told_;                  // the newest that any node told a client to be committed
  std::map<std::uint64_t, Index>
      asked_;  // by number: what had been told to anybody, as committed, when the read was asked for
  std::uint64_t last_read_ = 0;
};

}  // namespace testamur::consensus::simulation
