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

struct Batch {
  Hash ledger{};
  RegisterName in;
  bool listed = false;
  std::vector<BatchDocument> documents;  ///< in the order of their numbers
};

inline constexpr std::size_t kMaxDocuments = 8u << 20;

/// Reads all documents of the files and directories, hidden files and `leave_out` left out. Errors name the file; invalid when two
/// hold the same document, or two share a name.
struct Documents {
  std::vector<BatchDocument> documents;
  std::uint64_t hidden = 0;  ///< files left out because their names begin with a dot
};
/// Told after each document, one call at a time, of how many.
using CountDocument = std::function<void(std::size_t total)>;
Result<Documents> read_documents(const std::vector<std::string>& paths, const std::string& leave_out,
                                 const CountDocument& count);

struct Unread {
  std::size_t index = 0;
  Error error;
};
using PathOf = std::function<std::string(std::size_t index)>;
/// Reads each document's file on as many threads as there are cores, one document in memory for each, and fills in its hash. The
/// value is those that could not be read, in the order of the documents.
std::vector<Unread> hash_documents(std::span<BatchDocument> documents, const PathOf& path_of,
                                   const CountDocument& count);

/// What a batch is recognised by: the same documents for the same register, whatever their order and salts.
Hash batch_id(const Batch& batch);
/// Random salts for a sealed batch; and a random order, so that numbers say nothing of names and marks.
void add_salts(Batch& batch);
void shuffle(Batch& batch);

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
/// The same bytes whole, and piece by piece for a large class.
Bytes encode(const Batch& batch);
void encode(const Batch& batch, const std::function<void(ByteView)>& put);
Result<Batch> decode_batch(ByteView bytes);

}  // namespace testamur::tool
