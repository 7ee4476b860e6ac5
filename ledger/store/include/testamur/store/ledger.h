// The ledger in one process: applies blocks to the state and keeps it on disk.
//
// Applying is deterministic and atomic: everything a block changes, the index of its log entry included, goes to disk in
// one write. A process killed at any moment opens the ledger at the block before or after, never between, and comes to
// the same bytes by applying the same payloads again.
//
// One thread owns a Ledger. Others read through History (history.h), each with its own.
#pragma once

#include "testamur/ledger/checkpoint.h"
#include "testamur/ledger/payload.h"
#include "testamur/storage/key_value.h"

namespace testamur::store {

/// Position of a payload in the log of the consensus, from 1; 0 is before the first.
using LogIndex = Ordinal<struct LogIndexTag>;

/// Where the ledger stands.
struct Head {
  LogIndex applied;        ///< the last payload applied
  Height height;           ///< of the newest block
  Time time;               ///< of the newest block
  std::uint64_t size = 0;  ///< leaves in the log
  Hash root{};             ///< of the log
  Hash block_leaf{};       ///< leaf hash of the newest block record
  std::uint32_t registry_size = 0;
  std::uint32_t epoch = 0;  ///< revision of the consortium record
  bool operator==(const Head&) const = default;
};

/// What became of one submission.
struct Outcome {
  Acceptance code = Acceptance::malformed;
  LeafIndex leaf;  ///< of the accepted statement
};

/// Where an accepted statement stands.
struct Placed {
  LeafIndex leaf;
  Height height;
  Time recorded_at;
  bool operator==(const Placed&) const = default;
};

/// A block as the others are told of it.
struct BlockHead {
  LogIndex payload;  ///< that made it; 0 for genesis
  Height height;
  Time time;
  Checkpoint checkpoint;
};

/// What a payload did.
struct Applied {
  bool made_block = false;
  std::vector<Outcome> outcomes;  ///< one a submission, in order
  BlockRecord record;
};

class Ledger {
 public:
  /// Starts a ledger from genesis in an empty store. It is safe from a loss of power once this returns.
  /// Errors: malformed or invalid genesis; conflict when the store holds a ledger.
  static Result<std::unique_ptr<Ledger>> create(std::shared_ptr<storage::KeyValueStore> store, ByteView genesis);
  /// Errors: not_found when the store holds none; corrupt when what it holds does not hang together.
  static Result<std::unique_ptr<Ledger>> open(std::shared_ptr<storage::KeyValueStore> store);
  ~Ledger();

  const Hash& id() const;
  /// The first line of this ledger's checkpoints.
  const std::string& origin() const;
  const Head& head() const;
  /// The newest block's checkpoint, certified or not.
  Checkpoint checkpoint() const;
  const ConsortiumRecord& consortium() const;
  /// A record's newest version, and a leaf's data, as they lie in the store.
  Result<Bytes> record(std::uint32_t index) const;
  Result<Bytes> leaf(LeafIndex index) const;

  /// The checkpoint of any block, read from the store and not from memory. Errors: not_found, storage, corrupt.
  Result<BlockHead> block_head(Height height) const;
  /// Where these very bytes stand, certified or not; nothing when they do not.
  Result<std::optional<Placed>> find_statement(ByteView signed_statement) const;

  /// Applies the payload of the next log entry: `index` must be the applied one + 1. A payload that does not decode, or
  /// whose time does not rise, makes no block.
  Result<Applied> apply(LogIndex index, ByteView payload, const SignatureCheck& check_signature = ed25519_verify);
  /// The same for a payload that is decoded already.
  Result<Applied> apply(LogIndex index, const Payload& payload, const SignatureCheck& check_signature = ed25519_verify);

  /// Makes a checkpoint of one of this ledger's blocks final, when its cosignatures hold. Blocks up to it stay for ever.
  Result<void> certify(const CertifiedCheckpoint& certified, const SignatureCheck& check_signature = ed25519_verify);
  std::optional<CertifiedCheckpoint> certified() const;
  /// The height of the newest certified block; blocks above it can be rolled back. Genesis is final by itself.
  Height certified_height() const;

  /// Takes back everything applied after the payload that made block `height`, which must not lie below the newest certified
  /// one: the blocks above, and payloads that made none. Safe from a loss of power once this returns.
  Result<void> rollback(Height height);

  /// Everything applied is safe from a loss of power once this returns.
  Result<void> sync();

 private:
  class State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace testamur::store
