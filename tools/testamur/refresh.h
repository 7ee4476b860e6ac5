// Proofs that grow old made new: each file replaced by one of now, for the same entry and document.
#pragma once

#include <array>

#include "fresh.h"

namespace testamur::tool {

struct RefreshReport {
  /// What became of one file. A bundle counts each of its entries.
  struct File {
    std::string path;
    std::optional<Failure> failure;  ///< it is as it was
    std::optional<EntryName> entry;  ///< of a proof file that was replaced
    Verdict verdict = Verdict::good;
    std::uint64_t entries = 1;
  };
  std::vector<File> files;
  std::array<std::uint64_t, 4> by_status{};  ///< entries, by Status
  std::uint64_t erased = 0;                  ///< entries of bundles with no document any more
  std::uint64_t failed = 0;                  ///< files that are as they were
};

/// Proof files and bundles of these paths; of directories, everything below that ends in .proof or .bundle. Errors name the path.
Result<std::vector<std::string>> list_proofs(const std::vector<std::string>& paths);

/// Replaces each file that can be refreshed, and says of each that cannot why.
void refresh(const std::vector<std::string>& files, const Policy& policy, FreshProofs& node, Context& context,
             RefreshReport& report);

}  // namespace testamur::tool
