// Files: read with a bound, written so that a name never stands for half a file.
#pragma once

#include <optional>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::tool {

/// Errors: not_found, storage, malformed (longer than `most` bytes).
Result<Bytes> read_file(const std::string& path, std::size_t most);
Result<std::string> read_text_file(const std::string& path, std::size_t most);

enum class Existing {
  refuse,   ///< conflict when the file is there
  replace,  ///< the old one stays until the new one is whole
};

/// Writes beside the name, syncs, then moves into place and syncs the directory. Errors: conflict, storage.
Result<void> write_file(const std::string& path, ByteView bytes, Existing existing, unsigned mode = 0644);
/// The same without waiting for the disk: for many small files, which one sync_directory at the end covers well enough.
Result<void> write_file_unsynced(const std::string& path, ByteView bytes, unsigned mode = 0644);
/// Everything written to the file system of this directory is on disk once this returns.
Result<void> sync_file_system(const std::string& directory);
Result<void> sync_directory(const std::string& directory);

/// Makes the directory and those above it; `mode` is the last one's when it is new.
Result<void> make_directory(const std::string& path, unsigned mode = 0755);
bool exists(const std::string& path);

}  // namespace testamur::tool
