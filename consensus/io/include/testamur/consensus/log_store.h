// Where a node keeps what it promised: entries, term and vote, claims, and one record of the owner's own (what it cosigned).
// Everything handed to one write() is on disk, together, when it returns. After a failure nothing is written any more: whether the
// disk holds it is not known, and a sync that failed once cannot be repeated (Rebello and others, ATC 2020).
//
// One thread owns a LogStore.
#pragma once

#include <span>

#include "testamur/consensus/core.h"
#include "testamur/encoding/result.h"

namespace rocksdb {
class Env;
}

namespace testamur::consensus {

/// What a log store holds.
struct Stored {
  HardState state;
  Base base;
  std::vector<Entry> entries;  ///< that follow the base
  std::optional<Claim> claim;
  std::vector<std::uint8_t> owner_record;  ///< empty: none was ever written
  std::optional<EntryId> floor;            ///< Restart::floor
  std::uint64_t life = 0;                  ///< Options::life, given when the store was made
  std::vector<Entry> beyond = {};          ///< Restart::beyond
};

/// What could be read of a log of which a part is damaged.
struct Salvaged {
  Stored stored;  ///< its entries end before the damage; beyond is what follows, and its floor is where the log ended
  std::optional<Error> damage;  ///< names the first index that is wrong; nothing: there is none
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  /// Reads everything, and checks it: entries follow one another by index and by hash, terms do not fall, the claim is within.
  /// Errors: storage, corrupt (naming the first index that is wrong).
  virtual Result<Stored> load(const EntryHash& hash) = 0;

  /// The same, where entries may be damaged: gives those before the damage, and what follows it. That was promised, and stays on disk
  /// until other entries are written in its place, the log ends with a later one, or there is no floor any more. Errors: storage,
  /// corrupt (all but entries: without term, vote and claim there is nothing to mend from).
  virtual Result<Salvaged> salvage(const EntryHash& hash) = 0;

  /// Writes in order, as one, synced once. A truncation and entries of one write mean: truncate, then append.
  /// `owner_record` replaces the one before. Errors: storage; conflict when the log could not be loaded again afterwards, or a promise
  /// would be broken: entries that do not follow what is stored, a term that falls, a second vote in one term, a claim beyond
  /// the log, a truncation of what is claimed without a new claim. After a conflict nothing was written, and the store goes on.
  virtual Result<void> write(std::span<const Write> writes,
                             const std::optional<std::vector<std::uint8_t>>& owner_record) = 0;
};

struct LogStoreOptions {
  std::size_t write_buffer_bytes = 32u << 20;  ///< beyond it, entries move from the write-ahead log to table files
  rocksdb::Env* env = nullptr;                 ///< null: the operating system's; tests give one that loses power
  std::uint64_t life = 0;                      ///< of a store that is made now (Options::life)
};

/// The log store in RocksDB, an instance of its own. `owner` names whose log this is (up to 65,535 bytes, written when it is made); a
/// directory with another's is refused. Errors: conflict (open in another process, or another owner's), storage, corrupt
/// (also when less is there than was once synced: a log is never silently shorter).
Result<std::unique_ptr<LogStore>> open_log_store(const std::string& directory, std::span<const std::uint8_t> owner,
                                                 const LogStoreOptions& options = {});

}  // namespace testamur::consensus
