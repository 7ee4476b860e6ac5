// What is too much for memory, on its way through a command: records in a file without a name, in the order in which they were put or
// sorted. The file is the owner's alone, and is gone when its last holder is, however the process ends.
//
// What goes wrong with the disk is kept, and told when the records are read.
#pragma once

#include <memory>
#include <span>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::tool {

/// Bytes, appended and read.
class ScratchFile {
 public:
  /// In the directory; where that takes no file, because it is not there yet or not to be written, among the system's temporary ones.
  explicit ScratchFile(const std::string& directory);
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  void append(ByteView bytes);
  std::uint64_t size() const { return size_; }
  /// Exactly so many bytes. Errors: storage.
  Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  void fail(const std::string& doing);

  int fd_ = -1;
  std::string directory_;
  std::uint64_t size_ = 0;
  std::optional<Error> error_;
};

/// Reads records one after another, a few of them in memory at a time.
class RecordCursor {
 public:
  RecordCursor() = default;
  RecordCursor(std::shared_ptr<const ScratchFile> file, std::uint64_t begin, std::uint64_t end);

  /// False: there are no more. The record stays until the next call. Errors: storage.
  Result<bool> next(ByteView& record);

 private:
  Result<void> hold(std::size_t bytes);

  std::shared_ptr<const ScratchFile> file_;
  std::uint64_t at_ = 0;  ///< in the file, after what is held
  std::uint64_t end_ = 0;
  Bytes held_;
  std::size_t used_ = 0;
};

/// Records in the order in which they are put.
class RecordFile {
 public:
  RecordFile() = default;
  explicit RecordFile(const std::string& directory);

  void put(ByteView record);
  /// From the first one, of all that were put so far.
  RecordCursor read();

 private:
  void flush();

  std::shared_ptr<ScratchFile> file_;
  Bytes buffer_;
};

/// Sorts records by their bytes: first in memory, and what is too much for it as sorted runs that are merged as they are read.
class RecordSorter {
 public:
  explicit RecordSorter(std::string directory) : directory_(std::move(directory)) {}

  void put(ByteView record);
  std::uint64_t count() const { return count_; }
  /// The next record, rising; false: there are no more. Nothing is put after the first call. Errors: storage.
  Result<bool> next(ByteView& record);

 private:
  struct Place {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Run {
    RecordCursor cursor;
    ByteView record;
  };

  ByteView held(Place place) const { return ByteView(held_).subspan(place.offset, place.size); }
  void sort_held();
  void write_run();
  Result<void> begin();
  Result<bool> next_merged(ByteView& record);

  std::string directory_;
  std::uint64_t count_ = 0;
  Bytes held_;
  std::vector<Place> places_;
  std::size_t taken_ = 0;  ///< of what is held, where it is all
  bool begun_ = false;
  std::shared_ptr<ScratchFile> file_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ends_;  ///< of the runs in the file
  std::vector<Run> runs_;                                      ///< a heap, the one with the least record first
  bool to_advance_ = false;                                    ///< the first of them, whose record was handed out
};

}  // namespace testamur::tool
