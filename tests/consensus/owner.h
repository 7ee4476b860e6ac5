// What stands on a simulated consensus: the real ledger (ledger/core, ledger/store) on a disk in memory. The owner does with it what the
// node does (node/src/applier.cc, cosigner.cc, snapshots.cc): applies what is committed, derives heads, cosigns each once, certifies
// them, gives and takes snapshots, and after a loss of power opens what is left.
//
// Modelled is who may cosign: the ledger's rules know no change of its consortium yet, so that the certificate of a head is made of
// its first voters' cosignatures once so many of the present ones have signed.
#pragma once

#include "entries.h"
#include "registrars.h"
#include "testamur/store/snapshot.h"

namespace testamur::consensus::simulation {

Digest head_digest(const Checkpoint& checkpoint);

/// A head under the cosignatures of a threshold.
struct Certified {
  Claim claim;
  std::shared_ptr<const CertifiedCheckpoint> checkpoint;
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

/// A snapshot that has arrived: what the consensus needs, and the ledger that was made of it, on a disk of its own.
struct Content {
  Snapshot snapshot;
  std::shared_ptr<const test::MemoryStore> ledger;
  Hash sent{};  ///< H of what was sent
};

/// What became of an entry.
struct AppliedEntry {
  std::optional<Claim> claim;          ///< where it made a block; also where it was applied before the last start
  std::optional<store::Applied> done;  ///< where it was not
};

class Owner {
 public:
  /// A node that holds no ledger.
  Owner() = default;
  /// On an empty disk: begins the ledger.
  explicit Owner(Registrars& registrars);

  const store::Ledger& ledger() const { return *ledger_; }
  Index applied() const { return Index{ledger_->head().applied.value}; }
  std::uint64_t height() const { return ledger_->head().height.value; }
  AppliedEntry apply(const Entry& entry);
  /// A block's head as it is remembered, from the newest certified one on.
  const Claim* head_of(std::uint64_t height) const;
  /// The same as it lies on the disk.
  Claim stored_head(std::uint64_t height) const;

  /// All of it is on disk.
  void flush();
  /// What is on disk, and certified: the log up to here is needed no more.
  Index safe_to_compact() const { return safe_to_compact_; }
  /// The power goes, and with it some of what was not flushed; the ledger is opened on what stays.
  void lose_power(Random& random);
  /// Begins again on the disk as it is.
  void reopen();
  /// Sends the state at the newest certified head, all of it, to an empty disk.
  Content send_snapshot() const;
  /// Goes on from a snapshot. Until it is flushed, a loss of power brings back what was before.
  void install(const Content& content);

  void cosigned(const Claim& claim) { cosigned_ = claim; }
  const std::optional<Claim>& newest_cosigned() const { return cosigned_; }
  /// A voter's cosignature. What is certified by it.
  std::optional<Certified> gather(NodeId voter, const Claim& claim, std::size_t threshold);
  /// Those of whom it has two cosignatures of one height: kept for good.
  const std::set<NodeId>& signed_twice() const { return signed_twice_; }
  /// One of this ledger's heads becomes final.
  void certify(const Certified& certified);
  const std::optional<Certified>& certified() const { return certified_; }
  std::uint64_t certified_height() const { return certified_ ? certified_->claim.height : 0; }

 private:
  static constexpr std::size_t kMaxGathered = 64;

  void open();

  Registrars* registrars_ = nullptr;
  std::shared_ptr<test::MemoryStore> disk_;
  std::shared_ptr<test::MemoryStore> replaced_;  // by a snapshot that is not flushed yet
  std::unique_ptr<store::Ledger> ledger_;
  std::map<std::uint64_t, Claim> heads_;  // by height, from the newest certified one on
  std::map<Index, Claim> found_again_;    // blocks that were there at the last start, and were not handed out again yet
  std::optional<Certified> certified_;
  Index safe_to_compact_;
  std::optional<Claim> cosigned_;
  std::map<std::pair<std::uint64_t, Digest>, std::uint64_t> gathered_;  // signers of heads above the newest certified
  std::set<NodeId> signed_twice_;
};

}  // namespace testamur::consensus::simulation
