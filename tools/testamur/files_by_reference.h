// Rows of a class and the files that their references name, both on disk and in the order of the references, so that one walk over both
// brings them together.
#pragma once

#include "scratch.h"

namespace testamur::tool {

struct ReferredRow {
  std::string reference;  ///< without zero bytes; empty where there are none
  std::size_t row = 0;
  bool to_find = false;  ///< its file is REFERENCE.*
  std::string file;      ///< else
};

/// Sorts by reference, then row.
Bytes encode(const ReferredRow& row);
ReferredRow decode_referred_row(ByteView bytes);

/// The files of some directories by the references that they may be meant by: "1.2.pdf" is of "1" and of "1.2".
class FilesByReference {
 public:
  explicit FilesByReference(const std::string& scratch) : files_(scratch) {}

  Result<void> list(const std::vector<std::string>& directories);

  struct Found {
    std::size_t count = 0;
    std::string names[2];       ///< of the first ones
    std::size_t directory = 0;  ///< index of the first one's
  };
  /// REFERENCE.*; references are asked for in rising order.
  Result<void> find(const std::string& reference, Found& found);

 private:
  struct File {
    std::string reference;
    std::string name;
    std::size_t directory = 0;
  };
  Result<void> advance();

  RecordSorter files_;
  bool begun_ = false;
  std::optional<File> next_;       ///< the first that is not of a reference asked for
  std::optional<std::string> at_;  ///< the reference asked for last
  Found found_;
};

}  // namespace testamur::tool
