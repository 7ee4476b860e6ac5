// Snapshots: the state at the newest certified block, for a node that will not replay everything before it can serve.
//
// What is sent is the least from which the rest follows: the leaf hashes of the log, the registry's records, the issue statements
// with their listed commitments, and the registers' events. The receiver makes everything else itself (the trees, the
// statuses, the names and indexes), so that what it does not make it can compare: the log's root with the certified head, the registry's
// root with the certified block record, and each register's three roots with its record. There is no entry that a lying source
// could slip past these, and the bytes are the same from every honest node: a snapshot begun with one goes on with another.
//
// It serves every question about now at once, full proofs included. Older blocks are filled in behind it: fill.h.
//
// The trust comes from the receiver's own genesis: the cosignatures must be those of its consortium. (Rules version 1 cannot change the
// consortium record; a snapshot whose block record names another one is refused as unsupported.) Not vouched for by any hash is
// `payload`, the place of the block's payload in the log of the consensus: who installs a snapshot compares it with what the consensus says.
#pragma once

#include "testamur/storage/rocks.h"
#include "testamur/store/ledger.h"

namespace testamur::store {

/// What a snapshot is of: known, and checked, before any of it is taken.
struct SnapshotManifest {
  LogIndex payload;  ///< that made the block; the next one applied is this + 1
  CertifiedCheckpoint certified;
  BlockRecord block;        ///< the last leaf under the checkpoint
  merkle::Path block_path;  ///< and its path
};

inline constexpr std::size_t kMaxManifestBytes = 1u << 16;
Bytes encode(const SnapshotManifest& manifest);
/// Errors: malformed.
Result<SnapshotManifest> decode_snapshot_manifest(ByteView bytes);

/// A place in a snapshot: that of an entry, or before the first. Chunks are asked for by the place of the last entry that arrived.
struct SnapshotPlace {
  std::uint8_t section = 0;
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  auto operator<=>(const SnapshotPlace&) const = default;
};
inline constexpr std::size_t kSnapshotPlaceBytes = 17;
Bytes encode(const SnapshotPlace& place);
Result<SnapshotPlace> decode_snapshot_place(ByteView bytes);

/// A chunk holds about this much, or one entry that is larger.
inline constexpr std::size_t kSnapshotChunkBytes = 1u << 20;
inline constexpr std::size_t kMaxSnapshotChunkBytes = (1u << 24) + 1024;

/// One moment of a store, as the snapshot of its newest certified block: the store's owner goes on working. While it is open the
/// store keeps what it overwrites. For one thread.
class SnapshotSource {
 public:
  /// Errors: not_found when the store holds no ledger or nothing is certified yet.
  static Result<std::unique_ptr<SnapshotSource>> open(std::shared_ptr<const storage::KeyValueStore> store,
                                                      std::size_t chunk_bytes = kSnapshotChunkBytes);
  ~SnapshotSource();

  const SnapshotManifest& manifest() const;
  /// The chunk that follows this place, with its checksum. Depends on the block, the place, and the size of chunks alone.
  Result<Bytes> chunk(const SnapshotPlace& after) const;

 private:
  class Impl;
  explicit SnapshotSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The place of the last entry of a chunk, by which the next is asked for. Errors: malformed.
Result<SnapshotPlace> end_of_snapshot_chunk(ByteView chunk);

/// Takes a snapshot into a directory of its own. What has arrived is kept: opened again for the same block, also after the
/// process was killed, the receiver goes on where it was. For one thread.
///
/// A snapshot that proves wrong is thrown away with its directory.
class SnapshotReceiver {
 public:
  /// Begins in an empty directory, or goes on; what is there of another block is thrown away. `genesis` is the receiver's own.
  /// Errors: malformed or invalid genesis; invalid (the manifest is not certified by the consortium of genesis), unsupported (another
  /// consortium record), conflict (another ledger's manifest; the directory holds something that is no unfinished snapshot), storage, corrupt.
  static Result<std::unique_ptr<SnapshotReceiver>> open(const std::string& directory, ByteView genesis,
                                                        const SnapshotManifest& manifest,
                                                        const SignatureCheck& check_signature = ed25519_verify,
                                                        const storage::RocksOptions& options = {});
  /// The same in a store of the caller's, empty or with an unfinished snapshot of this block.
  static Result<std::unique_ptr<SnapshotReceiver>> open(std::shared_ptr<storage::KeyValueStore> store, ByteView genesis,
                                                        const SnapshotManifest& manifest,
                                                        const SignatureCheck& check_signature = ed25519_verify);
  ~SnapshotReceiver();

  const SnapshotManifest& manifest() const;
  /// Where the next chunk begins.
  SnapshotPlace after() const;
  /// Whether the last chunk has arrived.
  bool complete() const;

  /// Takes the next chunk, all of it or nothing. The first chunk after the leaf hashes, and after the records, waits until these are
  /// hashed: about a second a million.
  /// Errors: malformed (damaged on its way) and conflict (another block's, or not the next one): nothing has happened, ask again from
  /// after(). invalid, corrupt: the snapshot is wrong and has been thrown away. storage: the disk failed.
  Result<void> take(ByteView chunk);

  /// Makes the rest, compares everything with the certified head, and only then makes the directory a ledger, safe from a loss of
  /// power: Ledger::open takes what is returned. Does nothing by halves: killed on its way, it begins again after open().
  /// Errors: conflict (not complete), otherwise as take().
  Result<std::shared_ptr<storage::KeyValueStore>> finish();

 private:
  class Impl;
  explicit SnapshotReceiver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::store
