// A batch as it lies on disk: its documents one after another, a few of them in memory at a time.
#pragma once

#include "batch.h"
#include "files.h"

namespace testamur::tool {

class BatchFile {
 public:
  /// Errors: not_found, storage, malformed.
  static Result<BatchFile> open(const std::string& path);

  const BatchHead& head() const { return opening_.head; }
  std::uint32_t count() const { return opening_.count; }

  /// Where a document begins.
  struct Place {
    std::uint32_t index = 0;
    std::uint64_t offset = 0;
  };
  Place place() const { return {index_, held_from_ + used_}; }
  Place first() const { return first_; }
  Result<void> go_to(Place place);
  /// The document here, of which there must be one; then here is the next. Errors: storage, malformed.
  Result<BatchDocument> next();

 private:
  BatchFile(std::string path, FileReader file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> hold(std::size_t bytes);
  Error wrong(Reader& reader) const;

  std::string path_;
  FileReader file_;
  BatchOpening opening_;
  Place first_;
  std::uint32_t index_ = 0;
  std::uint64_t held_from_ = 0;  ///< in the file
  Bytes held_;
  std::size_t used_ = 0;
};

}  // namespace testamur::tool
