// A bundle: the proofs of a whole batch in one file, about a hundred bytes an entry, from which single proofs are taken.
//
// The proofs of one batch under one head differ in little: the number, the salt and the path in the batch. So a bundle holds
// every document's hash and salt, from which any path follows, and one proof for each status chunk of 128 numbers (another
// one wherever the head or the status changes).
//
//   opaque magic[19] = "testamur-bundle/v1\n";
//   opaque ledger[32]; Text institution; Text register; uint8 listed; uint64 first; uint32 count;
//   struct { opaque document[32]; opaque salt[32]; opaque name<1..2^16-1>; } entries[count];   in the order of numbers
//   uint32 proofs; struct { uint64 number; opaque proof<1..2^24-1>; } proofs[proofs];          numbers rising
//
// Where entries are erased it is "testamur-bundle/v2", with the same fields: an erased entry has an empty name, its commitment in
// the place of the document, and a salt of zeros.
//
// The proof of number N is the last one at or below N, with its number replaced by N, salt and path added. It needs no trust:
// whoever checks it finds out whether it was put together rightly.
#pragma once

#include "batch.h"
#include "files.h"
#include "testamur/ledger/proof.h"

namespace testamur::tool {

struct BundleHeader {
  Hash ledger{};
  RegisterName in;
  bool listed = false;
  EntryNumber first;
  std::uint32_t count = 0;
};

/// Writes a bundle as its parts come: the entries, then the proofs. It has its name only once it is whole and synced.
class BundleWriter {
 public:
  /// `erased`: entries may be.
  BundleWriter(std::string path, const BundleHeader& header, bool erased);
  /// With all entries.
  BundleWriter(std::string path, const BundleHeader& header, std::span<const BatchDocument> documents);

  void add(const BatchDocument& entry);
  void add(EntryNumber number, const Proof& proof);
  Result<void> finish();

 private:
  void end_entries();

  FileWriter out_;
  std::uint64_t entries_end_ = 0;  ///< 0: they have not ended
  std::uint32_t proofs_ = 0;
};

/// A bundle whole. Its proofs stay encoded: few of them are asked for at once.
struct Bundle {
  struct Held {
    EntryNumber number;
    Bytes proof;
  };
  BundleHeader header;
  std::vector<BatchDocument> documents;
  std::vector<Held> proofs;

  EntryNumber number(std::size_t index) const { return EntryNumber{header.first.value + index}; }
};

/// Whether the file begins as a bundle does.
bool is_bundle(const std::string& path);
/// Errors: not_found, malformed, storage.
Result<Bundle> read_bundle(const std::string& path);
/// The proof of document `index`, without what ties the document to it. Errors: malformed.
Result<Proof> proof_in(const Bundle& bundle, std::size_t index);
/// What ties the document to it.
DocumentProof document_proof(const BatchDocument& document, bool listed, merkle::Path path);

/// Whether this proof serves another number: one in the same chunk, and both good. Where one is not, it needs evidence of its own.
bool serves(const Proof& proof, EntryNumber number);
/// Makes the proof of a number out of one that serves it; nothing when it does not.
std::optional<Proof> proof_for(const Proof& proof, EntryNumber number);

}  // namespace testamur::tool
