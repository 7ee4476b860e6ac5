#include "old_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace testamur::tool {

OldFile::OldFile(std::string path) : path_(std::move(path)), fd_(::open(path_.c_str(), O_WRONLY | O_CLOEXEC)) {}

OldFile::~OldFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> OldFile::opened() const {
  if (fd_ >= 0) return {};
  return Error{ErrorCode::storage, path_ + ": expected a file that may be written to, since it is to be overwritten"};
}

Result<void> OldFile::overwrite() {
  const auto failed = [&] {
    return Error{ErrorCode::storage, path_ + ": overwriting what it held failed: " + std::strerror(errno)};
  };
  static constexpr std::array<std::uint8_t, 65536> zeros{};
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return failed();
  for (off_t at = 0; at < status.st_size;) {
    const auto most = static_cast<std::size_t>(std::min<off_t>(status.st_size - at, zeros.size()));
    const ssize_t written = ::pwrite(fd_, zeros.data(), most, at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed();
    at += written;
  }
  if (::fsync(fd_) != 0) return failed();
  return {};
}

}  // namespace testamur::tool
