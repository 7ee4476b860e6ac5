// What stands on a simulated consensus: a state that comes of the entries, heads that are cosigned once and certified by a
// threshold of cosignatures, snapshots. A model of the node, small enough to run a million times.
#pragma once

#include <deque>
#include <map>

#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

/// Not good hashes, but ones that depend on every bit: the simulation's liars do not look for collisions.
Digest hash_entry(const Entry& entry);
/// Payloads of simulations are numbers.
Payload payload_of(std::uint64_t number);
std::uint64_t number_of(const Payload& payload);
Digest head_after(const Digest& before, const Entry& entry);

struct Block {
  Claim claim;
  EntryId entry;  ///< that made it
};

/// A head under the signatures of so many voters, a bit each.
struct Certified {
  Block block;
  std::uint64_t signers = 0;
};

/// What one owner tells the others: its newest cosignature, the newest certified head it knows, and, after a loss, its new life.
/// Told again and again.
struct Letter {
  NodeId from;
  NodeId to;
  std::optional<Claim> cosigned;
  std::optional<Certified> certified;
  std::uint64_t life = 0;
};

/// A snapshot on the way: what the consensus needs, and the state, of which the head is the hash.
struct Content {
  Snapshot snapshot;
  Certified certified;
};

class Owner {
 public:
  // The state. It goes to disk now and then, unsynced as the node's: the log can replay it.

  Index applied() const { return applied_; }
  std::uint64_t height() const { return blocks_.empty() ? 0 : blocks_.back().claim.height; }
  /// Applies the next entry. The head, where it made a block; also where it was applied before.
  std::optional<Claim> apply(const Entry& entry);
  const Block* block_at(std::uint64_t height) const;
  /// All of it is on disk.
  void flush();
  /// What is on disk, and certified: the log up to here is needed no more.
  Index safe_to_compact() const;
  /// The power goes, and what was not flushed with it, or not.
  void lose_power(bool keeps_unflushed);
  /// Goes on from a snapshot, which is on disk.
  void install(const Content& content);

  // Cosigning and certifying.

  /// The head to promise to cosign, where there is one that may be.
  std::optional<Claim> to_cosign(const Claim& agreed, const std::optional<Claim>& promised) const;
  void cosigned(const Claim& claim) { cosigned_ = claim; }
  const std::optional<Claim>& newest_cosigned() const { return cosigned_; }
  /// A voter's cosignature. What is certified by it.
  std::optional<Certified> gather(NodeId voter, const Claim& claim, std::size_t threshold);
  void certify(const Certified& certified);
  const std::optional<Certified>& certified() const { return certified_; }
  std::uint64_t certified_height() const { return certified_ ? certified_->block.claim.height : 0; }

 private:
  static constexpr std::size_t kMaxGathered = 64;
  struct OnDisk {
    Index applied;
    std::optional<Certified> certified;
    std::optional<std::deque<Block>>
        blocks;  ///< where those in memory are of a snapshot that is not installed on disk yet
  };

  void forget_blocks();

  Index applied_;
  std::deque<Block> blocks_;  // from the newest certified one on
  std::optional<Certified> certified_;
  OnDisk on_disk_;
  std::optional<Claim> cosigned_;
  std::map<std::pair<std::uint64_t, Digest>, std::uint64_t> gathered_;  // signers of heads above the newest certified
};

}  // namespace testamur::consensus::simulation
