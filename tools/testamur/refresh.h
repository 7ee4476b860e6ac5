// Proofs that grow old made new: each file replaced by one of now, for the same entry and document.
#pragma once

#include <array>

#include "files.h"
#include "fresh.h"
#include "reach.h"

namespace testamur::tool {

struct RefreshReport {
  /// What became of one file. A bundle counts each of its entries.
  struct File {
    std::string path;
    std::optional<Failure> failure;  ///< it is as it was
    std::optional<EntryName> entry;  ///< of a proof file that was replaced
    Verdict verdict = Verdict::good;
    std::uint64_t entries = 1;
    std::array<std::uint64_t, 4> by_status{};  ///< entries, by Status
    std::uint64_t erased = 0;                  ///< entries of a bundle with no document any more
  };
  std::vector<File> files;
  std::array<std::uint64_t, 4> by_status{};  ///< of all files
  std::uint64_t erased = 0;
  std::uint64_t failed = 0;  ///< files that are as they were
};

/// Proof files and bundles of these paths; of directories, everything below that ends in .proof or .bundle. Errors name the path.
Result<std::vector<std::string>> list_proofs(const std::vector<std::string>& paths);

/// The directories that were named, and those that keep the classes of their files, be they above or below: nobody else may be at work in
/// them meanwhile. Errors name one: conflict, storage.
Result<std::vector<DirectoryLock>> lock_places(const std::vector<std::string>& paths,
                                               const std::vector<std::string>& files);
/// Replaces each file that can be refreshed, and says of each that cannot why. So many calls are under way at once.
inline constexpr std::size_t kRefreshCalls = 8;
void refresh(const std::vector<std::string>& files, const Reach& reach, Context& context, RefreshReport& report);

}  // namespace testamur::tool
