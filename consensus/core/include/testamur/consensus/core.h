// The consensus core: a value machine. Give it messages, ticks and the news that writes are on disk; take what is ready
// (messages to send, one write, entries to apply) and do it. It has no clock, thread, I/O or randomness of its own.
//
// What differs from plain Raft, and why, is argued in the comments where it happens:
// - one quorum size, a Byzantine one, for everything (quorum.h);
// - every node counts commits itself (durable.h), and never truncates what it counted;
// - entries are chained by hash, and two entries of one index and term are evidence against their leader;
// - a check that the owner injects looks at each payload before it is acknowledged;
// - whatever a message rests on is on disk before it leaves; heartbeats rest on nothing new and never wait.
#pragma once

#include <string_view>
#include <tuple>

#include "testamur/consensus/durable.h"
#include "testamur/consensus/messages.h"

namespace testamur::consensus {

/// Looks at payloads before this node acknowledges them.
class PayloadCheck {
 public:
  virtual ~PayloadCheck() = default;
  /// Whether the payload that this leader sent may stand at this index, after those accepted before it. It may be asked again
  /// later. A leader's own proposals are its own to check; they do not come here.
  virtual bool accept(Index index, const Payload& payload, NodeId leader) = 0;
  /// The entries from this index on are gone, whether they came through accept() or were proposed here.
  virtual void truncated(Index from) = 0;
};

struct Options {
  NodeId self;
  Configuration configuration;
  unsigned election_ticks = 10;  ///< a follower waits this many ticks, and up to as many more, for a leader's word
  unsigned heartbeat_ticks = 1;
  std::size_t max_append_entries = 512;
  std::size_t max_append_bytes = 4u << 20;
  std::size_t max_in_flight = 64;      ///< append requests to one follower that no answer has come to
  std::size_t max_unapplied = 4096;    ///< entries proposed and not yet committed; beyond, proposals are refused
  std::size_t max_uncertified = 1024;  ///< payloads committed and not yet certified; beyond, proposals are refused
  EntryHash hash;
  std::function<std::uint64_t()> random;
  PayloadCheck* check = nullptr;
};

/// The part of a node's state that must never be lost: one record, one write.
struct HardState {
  Term term;
  std::optional<NodeId> vote;
  bool operator==(const HardState&) const = default;
};

/// What a node finds on its disk.
struct Restart {
  HardState state;
  EntryId base;
  std::vector<Entry> entries;
  std::optional<Claim> claim;  ///< everything up to it counts as committed
  /// What the owner has applied was counted as committed, though its claim may not have got to disk: it is not truncated either.
  Index applied{};
  Index certified{};  ///< of the newest certified head
};

/// To be written as one, in the order of the sequence numbers; then persisted() is called.
struct Write {
  std::uint64_t sequence = 0;
  std::optional<HardState> state;
  std::optional<Index> truncate_from;
  std::vector<Entry> entries;
  std::optional<Claim> claim;
};

/// Two stories about one thing: what this node holds, and what `from` said later. Which of them is the lie, and whose, is for
/// the owner to find out: an honest node repeats what it was told.
struct Evidence {
  std::string_view what;
  NodeId from;
  EntryId mine;
  EntryId theirs;
};

struct Output {
  std::vector<Message> messages;
  std::optional<Write> write;
  std::vector<Entry> committed;  ///< to be applied, in order
  std::optional<Claim> agreed;   ///< the newest head that `threshold` voters, this one among them, derived alike
  std::vector<Evidence> evidence;
  bool refused_by_quorum = false;  ///< this node led, and steps down since a quorum refuses what it proposed
};

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

enum class ProposeResult {
  accepted,
  not_leader,
  not_ready,        ///< elected, but no entry of this term is committed yet
  too_many,         ///< too many entries wait to be committed
  too_uncertified,  ///< too many committed entries wait to be certified
};

class Core {
 public:
  Core(Options options, Restart restart);

  void tick();
  void step(const Message& message);
  /// What propose() would answer to so many payloads now.
  ProposeResult may_propose(std::size_t payloads) const;
  /// Appends payloads to the leader's log. Their outcome is known when they come out as committed, or others in their place.
  ProposeResult propose(std::vector<Payload> payloads);
  /// The write with this sequence number, and all before it, are on disk.
  void persisted(std::uint64_t sequence);
  /// The owner applied a committed entry and derived this head. Claimed to the others once it is on disk. After a restart the
  /// owner derives again what it claimed before; another head than claimed stops the node.
  void derived(const Claim& claim);
  /// The newest index whose head is certified.
  void certified(Index index);
  /// The connection to this node is new: what was in flight may be lost.
  void reconnected(NodeId peer);

  Output take();

  Role role() const { return static_cast<Role>(role_.index()); }
  Term term() const { return state_.term; }
  std::optional<NodeId> leader() const { return leader_; }
  Index committed() const { return committed_; }
  const Log& log() const { return log_; }
  const HardState& state() const { return state_; }
  NodeId self() const { return options_.self; }

 private:
  /// What a leader knows of a follower.
  struct Progress {
    bool probing = true;  ///< one request at a time, until a place is found where the logs agree
    Index next;
    Index match;
    std::deque<Index> in_flight;  ///< last index of each request without an answer
    bool active = false;          ///< has said anything since the last check of the quorum
    bool refused = false;         ///< its payload check refused an entry; asked again with each heartbeat
    unsigned ticks_silent = 0;    ///< since its match advanced, while something is in flight
  };
  // What exists only in one role. The order is that of Role.
  struct Follower {};
  struct PreCandidate {
    std::uint64_t campaign = 0;
    std::map<NodeId, bool> votes;
  };
  struct Candidate {
    std::map<NodeId, bool> votes;
  };
  struct Leader {
    std::map<NodeId, Progress> followers;
    Index first_of_term;
    unsigned ticks_to_heartbeat = 0;
    unsigned ticks_to_check = 0;
  };

  // core.cc
  void become_follower(Term term, std::optional<NodeId> leader);
  void set_state(HardState state);
  void send(NodeId to, Body body);
  void send_resting(NodeId to, Body body);
  void send_to_voters(const Body& body);
  void advance_commit();
  void announce();
  void broadcast_claim();
  void count_claims();
  void release_held();
  void report(std::string_view what, NodeId from, const EntryId& mine, const EntryId& theirs);
  void count_uncertified(Index from);
  bool step_term(const Message& message);
  void answer_stale(const Message& message);
  void reset_election_timer();
  // election.cc
  void pre_campaign();
  void campaign();
  void become_leader();
  bool hears_leader() const { return leader_.has_value() && ticks_ < options_.election_ticks; }
  void on(const Message& message, const PreVoteRequest& request);
  void on(const Message& message, const PreVoteResponse& response);
  void on(const Message& message, const VoteRequest& request);
  void on(const Message& message, const VoteResponse& response);
  void count_own_vote();
  // replication.cc
  void tick_leader();
  void replicate(NodeId peer, Progress& progress);
  void restart_from_match(NodeId peer, Progress& progress);
  void heartbeat();
  bool quorum_active();
  bool quorum_refuses() const;
  bool disk_hangs() const;
  bool may_lead(const Message& message);
  AppendResponse accept_entries(const Message& message, const AppendRequest& request);
  AppendResponse find_conflict(const EntryId& previous) const;
  void on(const Message& message, const AppendRequest& request);
  void on(const Message& message, const AppendResponse& response);
  void on(const Message& message, const Heartbeat& heartbeat);
  void on(const Message& message, const HeartbeatResponse& response);
  void on(const Message& message, const Durable& durable);
  void on(const Message& message, const Derived& derived);
  void matched(Progress& progress, const EntryId& at);

  Options options_;
  HardState state_;
  Log log_;
  std::optional<NodeId> leader_;
  std::variant<Follower, PreCandidate, Candidate, Leader> role_;
  unsigned ticks_ = 0;          ///< since the leader's last word, or since the campaign began
  unsigned timeout_ticks_ = 0;  ///< drawn anew each time
  unsigned no_campaign_ticks_ = 0;
  unsigned ticks_to_repeat_ = 0;
  std::uint64_t campaigns_ = 0;

  DurableCount durable_;
  Index committed_;
  Index handed_out_;
  std::deque<Index> uncertified_;  ///< committed payloads above the newest certified head

  std::optional<Claim> claim_;         ///< on disk; it never moves back
  std::optional<Claim> newest_claim_;  ///< on disk, under way, or still to be written
  std::optional<Claim> unwritten_claim_;
  std::deque<std::pair<std::uint64_t, Claim>> claims_under_way_;
  std::map<std::uint64_t, Claim> own_heads_;                 ///< what this node derived, by height, bounded
  std::map<NodeId, std::map<std::uint64_t, Claim>> claims_;  ///< what others claimed, by height, bounded
  std::uint64_t agreed_height_ = 0;

  bool state_unwritten_ = false;
  std::uint64_t state_sequence_ = 0;  ///< the write that holds the newest hard state
  std::uint64_t next_sequence_ = 1;
  std::uint64_t persisted_ = 0;
  struct Held {
    std::uint64_t sequence;
    Message message;
  };
  std::deque<Held> held_;
  unsigned ticks_writing_ = 0;  ///< since the oldest write under way was asked for
  std::set<std::tuple<std::string_view, NodeId, Index>> reported_;
  Output output_;
};

}  // namespace testamur::consensus
