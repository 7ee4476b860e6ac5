// RocksDB as the KeyValueStore.
#pragma once

#include <string>

#include "testamur/storage/key_value.h"

namespace rocksdb {
class Env;
}

namespace testamur::storage {

struct RocksOptions {
  std::size_t block_cache_bytes = 128u << 20;
  std::size_t write_buffer_bytes = 32u << 20;
  rocksdb::Env* env = nullptr;  ///< null: the operating system's; tests give one that loses power
};

/// Opens the database in `directory`; makes an empty one where none is there and `create` says so.
/// Errors: not_found (nothing there), conflict (open in another process), storage, corrupt.
Result<std::unique_ptr<KeyValueStore>> open_rocks(const std::string& directory, bool create,
                                                  const RocksOptions& options = {});

}  // namespace testamur::storage
