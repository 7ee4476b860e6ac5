// What a proofs directory keeps of the classes that were issued into it: documents' hashes, salts and order, in a bundle or in the
// batch that `issue` leaves there. From it any proof can be made again that is lost.
#pragma once

#include "pending.h"
#include "testamur/ledger/merkle.h"
#include "wanted.h"

namespace testamur::tool {

/// An entry of a kept class.
struct KeptEntry {
  std::string source;  ///< the bundle's or batch's path
  Hash ledger{};
  RegisterName in;
  bool listed = false;
  EntryNumber number;
  BatchDocument document;
  merkle::Path path;     ///< of its commitment, in the batch
  bool bundled = false;  ///< its class has a bundle, and not a proof file for each document
};

/// No more are handled in one run: each comes with its path.
inline constexpr std::size_t kMaxKeptEntries = 10'000;

/// The entries that are meant, each of which is there exactly once. `in`: in this register only. Errors say what was not found, and
/// why it may not be.
std::optional<Failure> find_kept(const std::string& directory, const std::optional<RegisterName>& in, Wanted& wanted,
                                 std::vector<KeptEntry>& entries);

}  // namespace testamur::tool
