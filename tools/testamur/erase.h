// One entry's salt taken out of everything that a proofs directory holds.
//
// Every file of the directory is read, whatever its name, and looked through for the salt and the document's hash. A proof file is
// removed, a batch or a bundle is written anew with the commitment alone, and what the old file held is overwritten. The file that
// the entry is found by comes last, so that the same command goes on where it was cut off.
#pragma once

#include "kept.h"

namespace testamur::tool {

/// What holds the salt or the document's hash.
struct Holder {
  enum class Kind { proof, bundle, batch, index, pending, other };
  std::string path;
  Kind kind = Kind::other;
};

/// Reads every file below the directory. Those that the entry can be found by come last.
Result<std::vector<Holder>> find_holders(const std::string& directory, const KeptEntry& entry);

/// Removes a proof, or rewrites a bundle, batch or index, synced. Not for `pending` and `other`.
Result<void> erase_from(const Holder& holder, const KeptEntry& entry);

}  // namespace testamur::tool
