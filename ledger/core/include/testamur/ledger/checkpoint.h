// Checkpoints, cosignatures and certification (FORMATS 5).
// Sources: https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature.
#pragma once

#include "testamur/ledger/leaf.h"
#include "testamur/ledger/note.h"
#include "testamur/ledger/record.h"

namespace testamur {

/// A head of the log: under this origin line it had `size` leaves and this root.
struct Checkpoint {
  std::string origin;  ///< the origin line: origin "/" hex(ledger id)
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

/// The body that is signed: three lines, the last newline included.
std::string encode(const Checkpoint& checkpoint);
/// Strict: three lines and no extension lines.
Result<Checkpoint> decode_checkpoint(std::string_view body);

/// One node's word that this is the largest head it has derived, at a time in whole seconds.
struct Cosignature {
  NoteKeyId key_id{};
  std::uint64_t seconds = 0;
  SignatureBytes signature{};
  bool operator==(const Cosignature&) const = default;
};

Cosignature cosign(const Checkpoint& checkpoint, std::uint64_t seconds, std::string_view node_name,
                   const SecretKey& key);
/// `body` is the encoded checkpoint, made once for all its cosignatures.
bool verify_cosignature(std::string_view body, const Cosignature& cosignature, const PublicKey& key,
                        const SignatureCheck& check_signature = ed25519_verify);

/// A list with a one-byte count; each is the key id, the seconds, the signature.
void write(Writer& writer, const std::vector<Cosignature>& cosignatures);
std::vector<Cosignature> read_cosignatures(Reader& reader, std::string_view field);

SignatureLine to_line(const Cosignature& cosignature, std::string_view node_name);
Result<Cosignature> cosignature_from(const SignatureLine& line);

/// The cosigner's verifier key of a node (type 4), and its plain note key under the ledger's origin line (type 1).
VerifierKey cosigner_key(const Node& node);
VerifierKey note_key(const Node& node, std::string_view origin_line);

/// Who may certify: cosigner keys of the voters in their order, and how many of them it takes.
struct Quorum {
  std::vector<VerifierKey> voters;
  std::uint8_t threshold = 0;
  bool operator==(const Quorum&) const = default;
};
Quorum quorum_of(const ConsortiumRecord& record);

/// The place of the voter with this key id, or nothing.
std::optional<std::size_t> find_voter(const Quorum& quorum, const NoteKeyId& id);

/// Of these cosignatures, the `threshold` newest that verify, one a voter, in the order of the voters; nothing when there
/// are fewer. Unknown signers are passed over. No cosignature before `not_before_seconds` counts.
std::optional<std::vector<Cosignature>> certify(const Checkpoint& checkpoint, const Quorum& quorum,
                                                std::span<const Cosignature> cosignatures,
                                                std::uint64_t not_before_seconds,
                                                const SignatureCheck& check_signature = ed25519_verify);

/// A checkpoint with the cosignatures that make it final.
struct CertifiedCheckpoint {
  Checkpoint checkpoint;
  std::uint32_t epoch = 0;                ///< revision of the consortium record named in its block record
  std::vector<Cosignature> cosignatures;  ///< `threshold` of that epoch's voters, in their order
  std::vector<Cosignature> previous;      ///< where the block began that epoch: as many of the epoch before
};

/// The threshold-th newest of the cosignatures' times, in seconds: with exactly `threshold` of them, the oldest.
std::uint64_t head_seconds(const CertifiedCheckpoint& head);

/// What a node remembers of its own cosigning, kept on disk before a signature leaves.
struct CosignMemory {
  std::uint64_t size = 0;
  Hash root{};
  std::uint64_t seconds = 0;
};

/// Whether a node may cosign this head at this time: never a smaller head than before, another head of a size it
/// signed, an earlier time, or a time before the block's.
Result<void> may_cosign(const CosignMemory& memory, const Checkpoint& checkpoint, std::uint64_t seconds,
                        Time block_time);

}  // namespace testamur
