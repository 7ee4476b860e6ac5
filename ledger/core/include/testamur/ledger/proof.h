// A status proof: everything that shows "this document is entry N of register R of institution I; its status at time T
// is S" to somebody who holds nothing but a policy (FORMATS 6 and 8).
//
// This is the value and its one canonical encoding. Whether it proves anything is for verify.h to say.
#pragma once

#include <variant>

#include "testamur/ledger/checkpoint.h"
#include "testamur/ledger/merkle.h"

namespace testamur {

/// The block that came next: it shows until when the status proved was the status.
struct LaterBlock {
  LeafIndex index;
  BlockRecord record;
  merkle::Path path;
};

/// The institution's record, under whose keys the issue statement's signatures are checked.
struct InstitutionProof {
  std::uint32_t index = 0;
  InstitutionRecord record;
  merkle::Path path;
};

/// Why a number is revoked or superseded. Both are final, so one event shows it.
struct FinalEvent {
  Event event;
  merkle::Path path;
};

/// Why a number is suspended: the event that did it, and every later one, none of which touched it. `peaks` are the roots
/// of the complete subtrees that make up the events before the first; with the events they hash to the events' root.
struct SuspendingEvents {
  merkle::Path peaks;
  std::vector<Event> events;
};

using StatusEvidence = std::variant<std::monostate, FinalEvent, SuspendingEvents>;

/// What ties a document to the entry.
struct DocumentProof {
  std::optional<Hash> salt;  ///< there exactly when the statement is sealed
  merkle::Path path;         ///< of the commitment, in the batch
};

/// Everything about an entry that was issued.
struct EntryProof {
  Chunk chunk{};
  merkle::Path chunk_path;
  LeafIndex statement_index;
  StatementLeaf statement;
  merkle::Path statement_path;
  std::optional<InstitutionProof> institution;  ///< there in a full proof, left out of a light one
  StatusEvidence evidence;
  std::optional<DocumentProof> document;
};

struct Proof {
  Hash ledger{};
  EntryNumber number;
  /// The certified head: `size`, `root` and the cosignatures over them.
  std::uint64_t size = 0;
  Hash root{};
  std::uint32_t epoch = 0;
  std::vector<Cosignature> cosignatures;
  std::vector<Cosignature> previous;
  /// The block whose state is shown. Its log index is size - 1, or later->record.first_leaf - 1.
  BlockRecord block;
  merkle::Path block_path;
  std::optional<LaterBlock> later;
  std::uint32_t register_index = 0;
  RegisterRecord record;
  merkle::Path record_path;
  std::optional<EntryProof> entry;  ///< nothing: the number is not yet issued
};

/// No proof is longer; a decoder refuses one that is before it reads it.
inline constexpr std::size_t kMaxProofBytes = 16u << 20;

Bytes encode(const Proof& proof);
Result<Proof> decode_proof(ByteView bytes);

}  // namespace testamur
