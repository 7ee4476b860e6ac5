// What nodes say to one another above the consensus, in bytes and back. A letter comes from a peer that is known, and is believed
// nothing.
#pragma once

#include "testamur/consensus/core.h"
#include "testamur/ledger/checkpoint.h"
#include "testamur/node/intake.h"
#include "testamur/store/fill.h"

namespace testamur::node {

struct SubmissionLetter {
  Handed handed;
};
struct NoRoomLetter {
  SubmissionId submission{};
  std::uint32_t retry_after_ms = 0;
};
struct CosignedLetter {
  std::uint64_t size = 0;
  Hash root{};
  Cosignature cosignature;
};
struct CertifiedLetter {
  CertifiedCheckpoint certified;
};
struct OperatorAsksLetter {
  std::uint64_t id = 0;
  std::string question;
};
struct OperatorHearsLetter {
  std::uint64_t id = 0;
  std::string reply;
};
struct RejoinsLetter {
  std::uint64_t life = 0;
};
struct SnapshotAsksLetter {
  std::optional<Height> height;  ///< nothing: what is there?
  Bytes after;                   ///< the place after which the chunk is to begin
};
struct SnapshotGivesLetter {
  struct Manifest {
    Bytes manifest;
    consensus::Base at;  ///< the entry that made the block, and who took part there
  };
  struct Chunk {
    Bytes bytes;
  };
  struct Gone {};
  Height height;
  std::variant<Manifest, Chunk, Gone> what;
};
struct PlaceAsksLetter {
  Height height;
};
struct PlaceGivesLetter {
  Height height;
  consensus::Base at;
};
struct BlockAsksLetter {
  Height height;
  std::uint32_t count = 1;
};
struct BlockGivesLetter {
  Height height;
  std::optional<store::OlderBlock> block;  ///< nothing: this node does not have it
};
using Letter = std::variant<SubmissionLetter, NoRoomLetter, CosignedLetter, CertifiedLetter, OperatorAsksLetter,
                            OperatorHearsLetter, RejoinsLetter, SnapshotAsksLetter, SnapshotGivesLetter,
                            BlockAsksLetter, BlockGivesLetter, PlaceAsksLetter, PlaceGivesLetter>;

Bytes submission_letter(const Handed& handed);
Bytes no_room_letter(const SubmissionId& submission, std::uint32_t retry_after_ms);
Bytes cosigned_letter(const Checkpoint& checkpoint, const Cosignature& cosignature);
Bytes certified_letter(const std::string& note);
Bytes operator_asks_letter(std::uint64_t id, const std::string& question);
Bytes operator_hears_letter(std::uint64_t id, const std::string& reply);
Bytes rejoins_letter(std::uint64_t life);
Bytes letter_of(const SnapshotAsksLetter& letter);
Bytes letter_of(const SnapshotGivesLetter& letter);
Bytes letter_of(const PlaceAsksLetter& letter);
Bytes letter_of(const PlaceGivesLetter& letter);
Bytes letter_of(const BlockAsksLetter& letter);
Bytes letter_of(const BlockGivesLetter& letter);
/// Errors: malformed.
Result<Letter> read_letter(ByteView bytes);

/// A certified checkpoint as a signed note, its cosigners under their names, and back.
std::string note_of(const CertifiedCheckpoint& certified, const Quorum& quorum);
Result<CertifiedCheckpoint> certified_of(std::string_view note);

/// What came as one byte string: commitments of 32 bytes each.
Handed handed_of(std::string_view signed_statement, std::string_view listed_commitments);

}  // namespace testamur::node
