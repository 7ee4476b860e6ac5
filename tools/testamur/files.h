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
/// A file written piece by piece under the same promise: its name stands for it once it is whole and on disk. What goes wrong on the
/// way is told at the end.
class FileWriter {
 public:
  explicit FileWriter(std::string path, unsigned mode = 0644);
  /// Leaves nothing behind where it was not finished.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void put(ByteView bytes);
  /// Writes over what was put before, which goes on where it was.
  void put_at(std::uint64_t offset, ByteView bytes);
  std::uint64_t size() const { return flushed_ + buffer_.size(); }
  /// Errors: conflict, storage.
  Result<void> finish(Existing existing);

 private:
  void flush();

  std::string path_;
  std::string beside_;
  int fd_ = -1;
  Bytes buffer_;
  std::uint64_t flushed_ = 0;
  std::optional<Error> error_;
};

/// The same without waiting for the disk: for many small files, which one sync_directory at the end covers well enough.
Result<void> write_file_unsynced(const std::string& path, ByteView bytes, unsigned mode = 0644);
/// Everything written to the file system of this directory is on disk once this returns.
Result<void> sync_file_system(const std::string& directory);
Result<void> sync_directory(const std::string& directory);

/// A directory that one process works in at a time. It is let go when the process ends, however it does.
class DirectoryLock {
 public:
  /// Errors: conflict when another process holds it. A file system that knows no locks is taken as it is.
  static Result<DirectoryLock> take(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

/// A file that is changed by one process at a time, each replacing it: the others wait, and then read what it has become.
class FileLock {
 public:
  /// Errors: not_found, storage. A file system that knows no locks is taken as it is.
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Makes the directory and those above it; the empty path is where we are. `mode` is the last one's when it is new.
Result<void> make_directory(const std::string& path, unsigned mode = 0755);
bool exists(const std::string& path);

}  // namespace testamur::tool
