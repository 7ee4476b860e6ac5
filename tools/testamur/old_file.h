// A file that is about to be replaced or removed, held open, so that what it held can be overwritten once its name is gone.
#pragma once

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::tool {

class OldFile {
 public:
  explicit OldFile(std::string path);
  ~OldFile();
  OldFile(const OldFile&) = delete;
  OldFile& operator=(const OldFile&) = delete;

  /// Before anything is done to the name: whether it could be opened for writing. Errors: storage.
  Result<void> opened() const;
  /// Zeros over all of it, synced. Errors: storage.
  Result<void> overwrite();

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace testamur::tool
