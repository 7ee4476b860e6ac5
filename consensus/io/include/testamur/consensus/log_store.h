// Where a node keeps what it promised: entries, term and vote, claims, and one record of the owner's own (what it cosigned).
// Everything handed to one write() is on disk, together, when it returns. After a failure nothing is written any more: whether the
// disk holds it is not known, and a sync that failed once cannot be repeated (Rebello and others, ATC 2020).
//
// One thread owns a LogStore.
#pragma once

#include <span>

#include "testamur/consensus/core.h"
#include "testamur/encoding/result.h"

namespace testamur::consensus {

/// What a log store holds.
struct Stored {
  HardState state;
  std::vector<Entry> entries;  ///< from index 1
  std::optional<Claim> claim;
  std::vector<std::uint8_t> owner_record;  ///< empty: none was ever written
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  /// Reads everything, and checks it: entries follow one another by index and by hash, terms do not fall, the claim is within.
  /// Errors: storage, corrupt (naming the first index that is wrong).
  virtual Result<Stored> load(const EntryHash& hash) = 0;

  /// Writes in order, as one, synced once. A truncation and entries of one write mean: truncate, then append.
  /// `owner_record` replaces the one before. Errors: storage; conflict when entries do not follow what is stored.
  virtual Result<void> write(std::span<const Write> writes,
                             const std::optional<std::vector<std::uint8_t>>& owner_record) = 0;
};

/// The log store in RocksDB, an instance of its own. `owner` names whose log this is (any bytes, written when it is made); a
/// directory with another's is refused. Errors: conflict (open in another process, or another owner's), storage, corrupt
/// (also when less is there than was once synced: a log is never silently shorter).
Result<std::unique_ptr<LogStore>> open_log_store(const std::string& directory, std::span<const std::uint8_t> owner);

}  // namespace testamur::consensus
