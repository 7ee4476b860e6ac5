// Drives a Core: gives it ticks, messages and the news of its disk, and does what it asks for.
//
// The core is owned by one thread at a time: whoever brings something takes a turn at it, or leaves it to the one whose turn it is,
// so that no message waits for a thread to wake up. Ticks come from a timer (Boost.Asio). The writer, a thread of its own, owns the
// log store: it takes all writes that wait, writes them as one with one sync, and tells the core; so while a sync is under way the
// next batch gathers, and heartbeats pass a disk that stalls.
#pragma once

#include <array>
#include <chrono>
#include <memory>

#include "testamur/consensus/log_store.h"
#include "testamur/encoding/bytes.h"

namespace testamur::consensus {

/// Where a node stands, for those who ask.
struct Standing {
  Role role = Role::follower;
  Term term;
  std::optional<NodeId> leader;
  Index last;
  Index committed;
  bool operator==(const Standing&) const = default;
};

/// What the log store was given, since the driver began.
struct Written {
  std::uint64_t syncs = 0;
  std::uint64_t entries = 0;
};

/// What happened since the driver began.
struct Counts {
  std::uint64_t elections_started = 0;  ///< terms in which this node stood for election; pre-votes are none
  std::uint64_t elections_won = 0;
  std::uint64_t leader_changes = 0;    ///< times that this node came to know a leader, another one or of another term
  std::uint64_t dropped_messages = 0;  ///< for want of room before the core
  /// Times that the core had no room for what waited to be proposed (Driver::propose), by what it answered.
  std::array<std::uint64_t, static_cast<std::size_t>(ProposeResult::transferring) + 1> refused_proposals{};

  std::uint64_t refused(ProposeResult why) const { return refused_proposals.at(static_cast<std::size_t>(why)); }
};

/// Called by whoever has the turn, one at a time; must not block.
struct DriverEvents {
  std::function<void(std::vector<Message>)> send;
  std::function<void(std::vector<Entry>)> committed;
  std::function<void(const Claim&)> agreed;
  std::function<void(const Evidence&)> evidence;
  /// Role, term or leader changed.
  std::function<void(const Standing&)> standing;
  /// The next payload to propose at this index, or null when there is none. Asked only when this node may propose.
  std::function<Payload(Index)> next_payload;
  /// This node led, and steps down since a quorum refuses what it proposed.
  std::function<void()> refused_by_quorum;
  /// Another configuration holds from this index on; told also when the driver begins.
  std::function<void(Index, const Configuration&)> configuration;
  /// What this node lacks is in this leader's log no more: it needs a snapshot. Told again with each heartbeat.
  std::function<void(NodeId)> behind;
  /// The log cannot be written any more: the node has to stop.
  std::function<void(const Error&)> failed;
  /// May be left out. One write of the log took so long, its sync included. Called by the writer, while a turn may be taken.
  std::function<void(std::chrono::nanoseconds)> synced{};
};

struct DriverOptions {
  Options core;
  std::chrono::milliseconds tick{100};
  /// Entries at the leader that it has not applied yet; what comes meanwhile gathers for the next. So batches grow with the load,
  /// whatever it is that falls behind, and a lone statement waits for nobody.
  std::size_t max_proposed = 2;
  std::size_t max_inbox_bytes = 256u << 20;  ///< messages that wait for the core; beyond, they are dropped
};

class Driver {
 public:
  Driver(DriverOptions options, Restart restart, std::unique_ptr<LogStore> store, DriverEvents events);
  /// Ends its threads; writes that were asked for are done first.
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // From any thread; nothing here blocks.
  void step(Message message);
  void reconnected(NodeId peer);
  void disconnected(NodeId peer);
  /// There may be a payload to propose.
  void propose();
  /// Everything committed up to `index` is applied, and these heads were derived, in order. `owner_record` goes to disk with the
  /// claim; once it is there, `kept` is called, as an event is, before anything that the claim leads to. (Where these heads were claimed before a restart there is no claim to write, and what
  /// the old one leads to may come before the record is on disk.)
  void applied(Index index, std::vector<Claim> claims, std::optional<Bytes> owner_record, std::function<void()> kept);
  void certified(Index index);
  /// Core::compact: what came of the log up to here is safe on the owner's disk.
  void compact(Index index);
  /// Core::install; `done` is told whether anything changed, once it is on disk.
  void install(Snapshot snapshot, std::function<void(bool installed)> done);

  // What operators ask for; each answer comes as an event does.
  void change(std::vector<Change> changes, std::function<void(const ChangeAnswer&)> answer);
  void transfer(std::optional<NodeId> to, std::function<void(TransferResult)> answer);
  /// Up to where one must have applied to answer from what holds now (Core::read); nothing: it cannot be said, ask again.
  void read(std::function<void(std::optional<Index>)> answer);
  void inspect(std::function<void(const Core&)> look);
  /// Puts the owner's record on disk, then calls back, as for an event.
  void keep(Bytes owner_record, std::function<void()> done);
  Standing standing() const;
  Written written() const;
  Counts counts() const;
  /// What the core knows of the others, as of the last tick or the last change of role, term or leader.
  std::vector<PeerProgress> progress() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::consensus
