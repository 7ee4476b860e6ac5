// RocksDB as the KeyValueStore.
#pragma once

#include <string>

#include "testamur/storage/key_value.h"

namespace rocksdb {
class Env;
}

namespace testamur::storage {

struct RocksOptions {
  /// Every write() is synced before it returns, one sync a write; after one that failed the store refuses everything, since what
  /// the disk holds is not known and a sync that failed cannot be repeated (Rebello and others, ATC 2020). Such a store is never
  /// silently shorter: a seal beside the database (src/seal.h) names the last synced write, and opening refuses what falls short.
  /// A directory is either always opened so or never.
  bool synced = false;
  std::size_t block_cache_bytes = 128u << 20;
  std::size_t write_buffer_bytes = 32u << 20;
  rocksdb::Env* env = nullptr;  ///< null: the operating system's; tests give one that loses power
};

/// Opens the database in `directory`; makes an empty one where none is there and `create` says so.
/// Errors: not_found (nothing there), conflict (open in another process), storage, corrupt (of a synced store also: synced writes,
/// or the seal, are missing; what is there is left as it was found).
Result<std::unique_ptr<KeyValueStore>> open_rocks(const std::string& directory, bool create,
                                                  const RocksOptions& options = {});

}  // namespace testamur::storage
