// The consensus core: a value machine. Give it messages, ticks and the news that writes are on disk; take what is ready
// (messages to send, one write, entries to apply) and do it. It has no clock, thread, I/O or randomness of its own.
//
// What differs from plain Raft, and why, is argued in the comments where it happens:
// - one quorum size, a Byzantine one, for everything (quorum.h);
// - every node counts commits itself (durable.h), and never truncates what it counted;
// - entries are chained by hash, and two entries of one index and term are evidence against their leader;
// - a check that the owner injects looks at each payload before it is acknowledged;
// - whatever a message rests on is on disk before it leaves; heartbeats rest on nothing new and never wait;
// - what follows a damage in the log comes back into it, by its hashes, once the others filled the hole;
// - a node that lost what it had promised takes part without a vote until the others gave it a new life (configuration.h).
#pragma once

#include <deque>
#include <string_view>

#include "testamur/consensus/durable.h"
#include "testamur/consensus/messages.h"
#include "testamur/consensus/testimony.h"

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

/// So many entries, and bytes of their payloads.
struct Bound {
  std::size_t entries = 0;
  std::size_t bytes = 0;
};

struct Options {
  NodeId self;
  Configuration configuration;   ///< of the log's beginning
  std::set<NodeId> known = {};   ///< those who may be members one day; whoever is neither changes nothing
  unsigned election_ticks = 10;  ///< a follower waits this many ticks, and up to half as many more, for a leader's word
  unsigned heartbeat_ticks = 1;
  std::size_t max_append_entries = 512;
  std::size_t max_append_bytes = 4u << 20;
  std::size_t max_in_flight = 64;  ///< append requests to one follower that no answer has come to
  std::size_t max_in_flight_bytes = 32u << 20;
  std::size_t max_unapplied = 4096;  ///< entries proposed and not yet committed; beyond, proposals are refused
  /// Committed payloads that made a head which is not certified, or of which it is not known; beyond, proposals are refused.
  std::size_t max_uncertified = 1024;
  /// The payloads of all of these; beyond, proposals are refused.
  std::size_t max_unfinished_bytes = 256u << 20;
  /// What a follower holds of its term and has not counted as committed, or has counted and not applied; beyond, it takes no more until
  /// there is room again.
  Bound max_held{16384, 128u << 20};
  /// By the members of long ago it may never count what was decided since; then it takes what more nodes than may lie hold, up to so
  /// much. Beyond `max_held` that is more than the logs of the others have, so that it comes to where the members changed.
  Bound max_left_behind{49152, 512u << 20};
  std::size_t max_reads = 4096;  ///< that wait for an answer; beyond, they are refused
  EntryHash hash;
  std::function<std::uint64_t()> random;
  PayloadCheck* check = nullptr;
  QuorumSize quorum = byzantine_quorum;
  /// What the owner has against a configuration with other voters; empty: nothing. The same at every node: a leader is asked before it
  /// proposes one, and a follower before it acknowledges one.
  std::function<std::string(const Configuration&)> objects = {};
  /// Not 0: this node lost what it had promised, and votes only where the configuration names this life of it.
  std::uint64_t life = 0;
};

/// The part of a node's state that must never be lost: one record, one write.
struct HardState {
  Term term;
  std::optional<NodeId> vote;
  bool operator==(const HardState&) const = default;
};

/// What a log follows, and who the members are there.
struct Base {
  EntryId id;
  Configuration configuration;  ///< without voters: that of the log's beginning
  bool operator==(const Base&) const = default;
};

/// What a node finds on its disk.
struct Restart {
  HardState state;
  Base base = {};
  std::vector<Entry> entries = {};
  std::optional<Claim> claim = {};  ///< everything up to it counts as committed
  /// What the owner has applied was counted as committed, though its claim may not have got to disk: it is not truncated either.
  Index applied = {};
  Index certified = {};  ///< of the newest certified head
  /// The log ended here before a part of it was found damaged: until it is mended, no candidate behind this gets a vote.
  std::optional<EntryId> floor = {};
  /// What follows the damage, in order, there or not, right or not, and without the hashes of the entries before. What was there comes
  /// back into the log once that holds the entry before: by its hash.
  std::vector<Entry> beyond = {};
};

/// To be written as one, in the order of the sequence numbers; then persisted() is called.
struct Write {
  std::uint64_t sequence = 0;
  std::optional<HardState> state = {};
  std::optional<Base> base = {};  ///< entries up to it go
  bool begins = false;            ///< all entries go: the log begins anew after `base`
  std::optional<Index> truncate_from = {};
  std::vector<Entry> entries = {};
  std::optional<Claim> claim = {};
  std::optional<EntryId> floor = {};  ///< index 0: there is none any more
};

/// The state after an entry, which the owner has verified.
struct Snapshot {
  EntryId last;
  Configuration configuration;
  Claim claim;  ///< of the certified block that this entry made
};

/// Two stories about one thing: what this node holds, or heard of `from` before, and what `from` said later. Two heads of one height,
/// two votes or two leaders of one term, and an entry that does not follow are `from`'s own lies; of the others, which is the lie, and
/// whose, is for the owner to find out: an honest node repeats what it was told.
struct Evidence {
  std::string_view what;
  NodeId from;
  EntryId mine;
  EntryId theirs;
};

/// The answer to a read.
struct Read {
  std::uint64_t id = 0;
  /// Whoever has applied up to here sees all that anybody saw committed when the read was asked for. Nothing: ask again later.
  std::optional<Index> index;
};

struct Output {
  std::vector<Message> messages;
  std::optional<Write> write;
  std::vector<Entry> committed;  ///< to be applied, in order
  std::optional<Claim> agreed;   ///< the newest head that `threshold` voters, this one among them, derived alike
  std::vector<Evidence> evidence;
  std::vector<Read> reads;
  std::optional<NodeId>
      behind;  ///< what this node lacks is in its leader's log no more: it needs a snapshot from there
  bool refused_by_quorum = false;  ///< this node led, and steps down since a quorum refuses what it proposed
};

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

enum class ProposeResult {
  accepted,
  not_leader,
  not_ready,        ///< elected, but no entry of this term is committed yet
  too_many,         ///< too many entries wait to be committed
  too_uncertified,  ///< too many committed entries wait to be certified
  transferring,     ///< leadership is being handed on
};

enum class ChangeResult {
  accepted,
  not_leader,
  not_ready,     ///< elected, but no entry of this term is committed yet
  under_way,     ///< another change is not committed, or its joint configuration not left
  transferring,  ///< leadership is being handed on
  nothing,       ///< it is so already
  leader,        ///< it would remove the leader: hand on leadership first
  quorum,        ///< of the voters after it, too few are heard to decide anything
  invalid,       ///< no such configuration, or the owner objects
};
struct ChangeAnswer {
  ChangeResult result = ChangeResult::accepted;
  std::string why;  ///< for people
};

enum class TransferResult {
  accepted,
  not_leader,
  no_voter,  ///< the one asked for is none, or is not heard
  already,   ///< the one asked for leads
};

/// How far a leader sees one of the others.
struct PeerProgress {
  enum class State : std::uint8_t { probe, replicate, snapshot };
  NodeId peer;
  Index match;
  Index next;
  State state = State::probe;
  bool active = false;   ///< it was heard within the last election timeout
  bool refused = false;  ///< it refuses an entry
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
  /// Changes who takes part, through a joint configuration where voters change. It holds once it is committed.
  ChangeAnswer change(std::span<const Change> changes);
  /// Hands leadership to a voter, or to the one whose log is the longest. What is proposed meanwhile is refused. It is given up
  /// after an election timeout.
  TransferResult transfer(std::optional<NodeId> to);
  /// Asks up to where one must have applied to answer from what holds now. The answer comes out under this id.
  void read(std::uint64_t id);
  /// The write with this sequence number, and all before it, are on disk.
  void persisted(std::uint64_t sequence);
  /// The owner applied a committed entry and derived this head. Claimed to the others once it is on disk. After a restart the
  /// owner derives again what it claimed before; another head than claimed stops the node.
  void derived(const Claim& claim);
  /// The owner applied everything committed up to this index. What made a head was told before: the rest is certified by nobody.
  void applied(Index index);
  /// The newest index whose head is certified.
  void certified(Index index);
  /// The connection to this node is new: what was in flight may be lost.
  void reconnected(NodeId peer);
  /// The connection over which this node spoke to us has ended: nothing more of it comes before there is a new one.
  void disconnected(NodeId peer);
  /// Drops the log up to this index, or as far as it is applied, when what came of it is safe on the owner's disk.
  void compact(Index index);
  /// The owner holds the state after this entry, and goes on from there: what is committed next comes after it. What contradicts that
  /// goes, and is kept as evidence. False: this node is as far, or leads, or it is of the same entries and another head, or other
  /// voters than may be; then nothing changes.
  bool install(const Snapshot& snapshot);

  Output take();

  Role role() const { return static_cast<Role>(role_.index()); }
  Term term() const { return state_.term; }
  std::optional<NodeId> leader() const { return leader_; }
  Index committed() const { return committed_; }
  const Log& log() const { return log_; }
  const HardState& state() const { return state_; }
  NodeId self() const { return options_.self; }
  /// The newest in the log, committed or not; it holds at once (Raft thesis 4.1).
  const Configuration& configuration() const { return configurations_.rbegin()->second; }
  Index configuration_index() const { return configurations_.rbegin()->first; }
  /// The one that holds at an index from the log's base on.
  const Configuration& configuration_at(Index index) const;
  bool is_changing() const { return configurations_.rbegin()->first > committed_ || configuration().is_joint(); }
  /// A leader's; nothing of others.
  std::vector<PeerProgress> progress() const;
  /// To whom leadership is being handed.
  std::optional<NodeId> transferee() const;

 private:
  /// What a leader knows of a follower.
  struct InFlight {
    Index last;
    std::size_t bytes = 0;
  };
  struct Progress {
    PeerProgress::State state = PeerProgress::State::probe;  ///< probing: one request at a time, until the logs agree
    Index next;
    Index match;
    std::deque<InFlight> in_flight;  ///< requests without an answer
    std::size_t bytes_in_flight = 0;
    bool active = false;        ///< has said anything since the last check of the quorum, or was added since
    bool was_active = true;     ///< had, by then
    bool answered = false;      ///< has answered this leader at all
    bool refused = false;       ///< its payload check refused an entry; asked again with each heartbeat
    bool full = false;          ///< it has no room for more; asked again with each heartbeat
    unsigned falls = 0;         ///< conflicts below its match since the last heartbeat
    unsigned ticks_silent = 0;  ///< since its match advanced, while something is in flight
    std::uint64_t round = 0;    ///< of the newest heartbeat it answered

    bool is_probing() const { return state == PeerProgress::State::probe; }
    bool is_heard() const { return active || was_active; }
    bool is_asked_again() const { return refused || full; }
    void probe_from(Index index);
  };
  struct WaitingRead {
    std::uint64_t round = 0;
    NodeId from;
    std::uint64_t id = 0;
    Index index;
  };
  struct Transfer {
    NodeId to;
    unsigned ticks = 0;
    bool told = false;
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
    std::uint64_t round = 0;  ///< of the newest heartbeats
    std::deque<WaitingRead> reads;
    std::optional<Transfer> transfer;
  };

  // core.cc
  void become_follower(Term term, std::optional<NodeId> leader);
  bool may_vote() const;
  bool votes() const;
  bool is_electable() const;
  bool candidate_counts(NodeId candidate, const EntryId& last) const;
  bool was_removed(NodeId node) const;
  void heard_end(NodeId from, const EntryId& last);
  bool is_left_behind() const;
  void heard_announcement(const Message& message);
  bool is_followed(const Message& message) const;
  bool may_be_newer(const Message& message) const;
  void set_state(HardState state);
  void send(NodeId to, Body body);
  void send_resting(NodeId to, Body body);
  void send_to_voters(const Body& body);
  void send_to_members(const Body& body);
  void advance_commit();
  void commit_to(Index index);
  void announce();
  void broadcast_claim();
  void count_claims();
  void release_held();
  void report(std::string_view what, NodeId from, const EntryId& mine, const EntryId& theirs);
  void heard_vote(NodeId from, bool for_itself);
  void count_unapplied(Index from);
  Index finished() const;
  void heard_term(const Message& message);
  bool may_be_term(const Message& message);
  bool step_term(const Message& message);
  void answer_stale(const Message& message);
  void reset_election_timer();
  // election.cc
  void campaign_soon();
  void lose_election();
  void try_again_soon();
  void pre_campaign();
  void campaign(bool transferred = false);
  void become_leader();
  unsigned half_timeout() const { return (options_.election_ticks + 1) / 2; }
  bool hears_leader() const { return leader_.has_value() && ticks_ < options_.election_ticks; }
  void give_way();
  void on(const Message& message, const PreVoteRequest& request);
  void on(const Message& message, const PreVoteResponse& response);
  void on(const Message& message, const VoteRequest& request);
  void on(const Message& message, const VoteResponse& response);
  void count_own_vote();
  // replication.cc
  void tick_leader();
  std::vector<Entry> entries_after(Index after, std::size_t most) const;
  void replicate(NodeId peer, Progress& progress);
  void restart_from_match(NodeId peer, Progress& progress);
  void heartbeat();
  bool quorum_active();
  bool quorum_refuses() const;
  bool disk_hangs() const;
  bool may_lead(const Message& message);
  AppendResponse accept_entries(const Message& message, const AppendRequest& request);
  bool is_too_much(Index after, Index last, const Bound& bound) const;
  bool has_room_for(const Entry& entry) const;
  Index surely_held() const;
  void drop_acknowledgements_from(Index index);
  AppendResponse find_conflict(const EntryId& previous) const;
  void on(const Message& message, const AppendRequest& request);
  void on(const Message& message, const AppendResponse& response);
  void on(const Message& message, const Heartbeat& heartbeat);
  void on(const Message& message, const HeartbeatResponse& response);
  void on(const Message& message, const Durable& durable);
  void on(const Message& message, const Derived& derived);
  void matched(NodeId peer, Progress& progress, const EntryId& at);
  // damage.cc
  EntryId freshness() const;
  void mend_floor();
  bool has_hole() const { return floor_.has_value() && !beyond_.empty(); }
  std::optional<Entry> follows_beyond(const EntryId& last) const;
  bool append_own(Entry entry);
  void take_back();
  void tick_damage();
  void on(const Message& message, const Lacking& lacking);
  void on(const Message& message, const Found& found);
  // membership.cc
  void append(EntryKind kind, Payload payload);
  void append_configuration(Changed changed);
  void watch_members(const std::set<NodeId>& fresh);
  void forget_configurations(Index from);
  void after_commit();
  void raise_learners();
  bool quorum_would_hear(const Configuration& configuration) const;
  bool are_voters(const Voters& voters) const;
  bool may_be_taken(const Configuration& other) const;
  bool may_follow_ours(const Configuration& configuration) const;
  std::optional<NodeId> best_successor() const;
  void tick_transfer(Leader& leading);
  void hand_over_when_level(NodeId peer, const Progress& progress);
  void on(const Message& message, const CampaignNow& now);
  // read.cc
  void ask_round(Leader& leading);
  void count_round(Leader& leading);
  void answer(const WaitingRead& read, std::optional<Index> index);
  void drop_reads(Leader& leading);
  void tick_reads();
  void on(const Message& message, const ReadRequest& request);
  void on(const Message& message, const ReadResponse& response);
  // snapshot.cc
  std::optional<Claim> contradicted_by(const Claim& certified) const;
  void on(const Message& message, const Behind& behind);

  Options options_;
  HardState state_;
  Log log_;
  std::map<Index, Configuration> configurations_;  ///< in the log, by index; the first is that at its base
  std::optional<EntryId> floor_;
  Index promised_;  ///< at the start: what was counted as committed before, of which damage may have taken a part
  bool floor_unwritten_ = false;
  std::map<Index, Entry> beyond_;  ///< what follows the damage on disk, while there is a floor
  unsigned ticks_to_ask_ = 0;
  std::optional<NodeId> leader_;
  std::variant<Follower, PreCandidate, Candidate, Leader> role_;
  unsigned ticks_ = 0;                  ///< since the leader's last word, or since the campaign began
  unsigned timeout_ticks_ = 0;          ///< drawn anew each time
  unsigned tries_ = 0;                  ///< to be elected, since a leader was heard
  std::map<NodeId, EntryId> furthest_;  ///< what voters said that their logs end with
  struct Announced {
    Term term;
    Index index;
  };
  std::map<NodeId, Announced> announced_;  ///< the newest that each of the known announced and that we lacked then
  std::map<NodeId, Term> spoken_terms_;    ///< the latest that each node spoke of
  Term vouched_term_;                      ///< an honest node has been there
  unsigned no_campaign_ticks_ = 0;
  unsigned ticks_to_repeat_ = 0;
  std::uint64_t campaigns_ = 0;
  std::map<std::uint64_t, unsigned> forwarded_reads_;  ///< to the leader, by id, and since how many ticks

  DurableCount durable_;
  Testimony testimony_;
  Index committed_;
  Index handed_out_;
  Index applied_;
  Index certified_;                ///< of the newest certified head
  std::deque<Index> unapplied_;    ///< committed payloads of which the owner has not said what came of them
  std::deque<Index> uncertified_;  ///< heads derived above the newest certified one, by their index

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
  std::map<NodeId, std::set<std::pair<std::string_view, Index>>> reported_;  ///< bounded for each of them
  Output output_;
};

}  // namespace testamur::consensus
