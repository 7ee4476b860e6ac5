// A class on its way to the ledger: documents, their commitments, and what is kept on disk until every proof is there.
//
// Everything that the ledger will be told follows from files that are synced before the first byte is sent: the class with its
// salts, and each signed statement. Whoever is killed runs the same command again, and it goes on with the same bytes.
#pragma once

#include <functional>

#include "testamur/ledger/commitment.h"
#include "values.h"

namespace testamur::tool {

struct BatchDocument {
  std::string name;  ///< the file's, as its proof will be named; within a directory given, the path below it
  Hash document{};   ///< H(document); of an erased entry the commitment
  Salt salt{};       ///< sealed only

  /// Nothing ties a document to it any more; its commitment stays, since the paths of the others are made with it.
  bool is_erased() const { return name.empty(); }
};

/// What a batch says of itself before its documents.
struct BatchHead {
  Hash ledger{};
  RegisterName in;
  bool listed = false;
};

struct Batch : BatchHead {
  std::vector<BatchDocument> documents;  ///< in the order of their numbers
};

inline constexpr std::size_t kMaxDocuments = 8u << 20;
inline constexpr std::size_t kMaxNameBytes = 4096;

/// A name that stays below the directory it is put into: relative, and without "..".
bool stays_below(std::string_view name);

Hash commitment_of(const BatchDocument& document, bool listed);

/// Leaves of an entry what everybody has: its commitment.
void erase(BatchDocument& entry, bool listed);

//   opaque magic[18] = "testamur-batch/v1\n";
//   opaque ledger[32]; Text institution; Text register; uint8 listed; uint32 count;
//   struct { opaque document[32]; opaque salt[32]; opaque name<1..4096>; } entries[count];   in the order of numbers
//
// Where entries are erased it is "testamur-batch/v2", with the same fields: an erased entry has an empty name, its commitment in
// the place of the document, and a salt of zeros.
Bytes encode(const Batch& batch);
Result<Batch> decode_batch(ByteView bytes);

/// The same in pieces. `erased`: entries may be.
Bytes encode(const BatchHead& head, bool erased, std::uint32_t count);
Bytes encode(const BatchDocument& document);
struct BatchOpening {
  BatchHead head;
  bool erased = false;
  std::uint32_t count = 0;
};
BatchOpening read_batch_opening(Reader& reader);
BatchDocument read_batch_document(Reader& reader, bool erased);
inline constexpr std::size_t kMaxBatchOpeningBytes = 18 + sizeof(Hash) + 2 * 256 + 1 + 4;
inline constexpr std::size_t kMaxBatchDocumentBytes = 2 * sizeof(Hash) + 2 + kMaxNameBytes;

/// What the hashes of a batch's documents are hashed with to be its id.
Bytes encode_for_id(const BatchHead& head);

}  // namespace testamur::tool
