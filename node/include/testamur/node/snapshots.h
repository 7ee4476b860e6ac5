// Snapshots on their way (store/snapshot.h): given to nodes that lack what the log no longer has, and taken, chunk by chunk as they
// are asked for, while the node goes on with its work.
//
// One thread: that of the desk that all of this is called on.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "testamur/node/letters.h"
#include "testamur/store/snapshot.h"

namespace testamur::node {

class Snapshots {
 public:
  struct Options {
    std::filesystem::path directory;  ///< where one that arrives is kept
    Bytes genesis;
    std::size_t most_liars = 0;  ///< among all nodes
    SignatureCheck check_signature = ed25519_verify;
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
  };
  struct Events {
    std::function<bool(consensus::NodeId to, Bytes letter)> send;
    std::function<void(const Bytes& letter)> to_all;
    /// The index of the payload that made a certified block; nothing: this node does not know.
    std::function<std::optional<consensus::Index>(Height)> payload_of;
    std::function<Height()> certified_height;
    /// The log's entry at an index, and who took part there; answered on this desk. Nothing: the log does not hold it.
    std::function<void(consensus::Index, std::function<void(std::optional<consensus::Base>)>)> base_at;
    /// One has arrived, was found to be what the certified head says, and lies in the directory as a ledger.
    std::function<void(const consensus::Snapshot&)> arrived;
    /// A node gave something that is none.
    std::function<void(consensus::NodeId from, const Error&)> strange;
    std::function<void(const Error&)> failed;
  };

  Snapshots(Options options, std::shared_ptr<const storage::KeyValueStore> state, Events events);

  /// This node needs a snapshot from there.
  void behind(consensus::NodeId leader);
  /// What arrived is of no use: this node got as far by itself, or derives another head of the same entries.
  void discard();
  void on(consensus::NodeId from, const SnapshotAsksLetter& letter);
  void on(consensus::NodeId from, const SnapshotGivesLetter& letter);
  void on(consensus::NodeId from, const PlaceAsksLetter& letter);
  void on(consensus::NodeId from, const PlaceGivesLetter& letter);
  /// Every second or so.
  void tick();

  /// While somebody takes a snapshot, the log must keep the entry that made its block, and what follows. From any thread; the largest
  /// index where nobody does.
  consensus::Index needed() const { return consensus::Index{needed_}; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Giving {
    std::unique_ptr<store::SnapshotSource> source;
    std::optional<consensus::Base> at;  ///< nothing: being asked for
    Height height;
    std::map<consensus::NodeId, store::SnapshotPlace> next;  ///< by what each who takes it got last
    Clock::time_point last_moved;
  };
  struct Taking {
    consensus::NodeId from;
    std::unique_ptr<store::SnapshotReceiver> receiver;  ///< null before the manifest is there
    consensus::Base at;
    Clock::time_point last_heard;
    unsigned tries = 0;
    std::set<consensus::NodeId> vouched = {};  ///< who says that the block is at that place
  };

  bool begin_giving();
  void end_giving();
  void give_manifest(consensus::NodeId to);
  bool is_vouched_for() const;
  void ask();
  void go_on();
  void take_manifest(const SnapshotGivesLetter::Manifest& manifest);
  void take_chunk(const SnapshotGivesLetter::Chunk& chunk);
  void finish();
  void give_up(const Error& error);

  const Options options_;
  const std::shared_ptr<const storage::KeyValueStore> state_;
  const Events events_;
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::atomic<std::uint64_t> needed_ = kNone;
  std::optional<Giving> giving_;
  std::optional<Taking> taking_;
  bool has_arrived_ = false;
  Clock::time_point not_before_;  // where the last try came to nothing
};

}  // namespace testamur::node
