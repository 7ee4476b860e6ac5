#include "files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

Error storage_error(const std::string& path, std::string_view doing) {
  const int number = errno;
  const ErrorCode code = number == ENOENT ? ErrorCode::not_found : ErrorCode::storage;
  return {code, path + ": " + std::string(doing) + " failed: " + std::strerror(number)};
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::string directory_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<void> write_beside(const std::string& path, ByteView bytes, unsigned mode, bool synced) {
  const std::string beside = path + ".partial";
  const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return storage_error(beside, "opening for writing");
  if (!write_all(file.get(), bytes)) return storage_error(beside, "writing");
  if (synced && ::fsync(file.get()) != 0) return storage_error(beside, "syncing");
  if (::rename(beside.c_str(), path.c_str()) != 0) return storage_error(path, "moving into place");
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t most) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return storage_error(path, "opening");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return storage_error(path, "reading");
  if (S_ISDIR(status.st_mode)) return Error{ErrorCode::invalid, path + ": expected a file, found a directory"};
  Bytes out;
  out.reserve(std::min<std::size_t>(most, static_cast<std::size_t>(status.st_size)) + 1);
  // Read to the end rather than by the size: a pipe has none, and a file may grow.
  for (std::array<std::uint8_t, 65536> block;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return storage_error(path, "reading");
    if (got == 0) return out;
    out.insert(out.end(), block.begin(), block.begin() + got);
    if (out.size() > most) {
      return Error{ErrorCode::malformed, path + ": expected at most " + std::to_string(most) + " bytes"};
    }
  }
}

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  auto bytes = read_file(path, most);
  if (!bytes) return bytes.error();
  return std::string(as_text(*bytes));
}

Result<void> write_file(const std::string& path, ByteView bytes, Existing existing, unsigned mode) {
  if (existing == Existing::refuse && exists(path)) {
    return Error{ErrorCode::conflict, path + ": expected no such file, found one; it is not overwritten"};
  }
  if (auto written = write_beside(path, bytes, mode, true); !written) return written;
  return sync_directory(directory_of(path));
}

FileWriter::FileWriter(std::string path, unsigned mode) : path_(std::move(path)), beside_(path_ + ".partial") {
  fd_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd_ < 0) error_ = storage_error(beside_, "opening for writing");
}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(beside_.c_str());
}

void FileWriter::put(ByteView bytes) {
  constexpr std::size_t most = 256 << 10;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= most) flush();
}

void FileWriter::flush() {
  if (!error_ && !write_all(fd_, buffer_)) error_ = storage_error(beside_, "writing");
  flushed_ += buffer_.size();
  buffer_.clear();
}

void FileWriter::put_at(std::uint64_t offset, ByteView bytes) {
  flush();
  if (error_) return;
  const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (written != static_cast<ssize_t>(bytes.size())) error_ = storage_error(beside_, "writing");
}

Result<void> FileWriter::finish(Existing existing) {
  flush();
  if (error_) return *error_;
  if (existing == Existing::refuse && exists(path_)) {
    return Error{ErrorCode::conflict, path_ + ": expected no such file, found one; it is not overwritten"};
  }
  if (::fsync(fd_) != 0) return storage_error(beside_, "syncing");
  if (::rename(beside_.c_str(), path_.c_str()) != 0) return storage_error(path_, "moving into place");
  ::close(fd_);
  fd_ = -1;
  return sync_directory(directory_of(path_));
}

Result<void> write_file_unsynced(const std::string& path, ByteView bytes, unsigned mode) {
  return write_beside(path, bytes, mode, false);
}

Result<void> sync_file_system(const std::string& directory) {
  const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return storage_error(directory, "opening");
  if (::syncfs(file.get()) != 0) return storage_error(directory, "syncing");
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return storage_error(directory, "opening");
  if (::fsync(file.get()) != 0) return storage_error(directory, "syncing");
  return {};
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return storage_error(directory, "opening");
  DirectoryLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return Error{ErrorCode::conflict,
                 directory + ": expected no other command at work here, found one; wait for its end"};
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileLock> FileLock::take(const std::string& path) {
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return Error{ErrorCode::not_found, path + ": expected a file, found none"};
    if (fd < 0) return storage_error(path, "opening");
    FileLock lock(fd);
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    // Whoever held it may have put another file in its place: that one is to be locked.
    struct stat locked {};
    struct stat named {};
    if (::fstat(fd, &locked) != 0) return storage_error(path, "looking at it");
    if (::stat(path.c_str(), &named) == 0 && named.st_ino == locked.st_ino && named.st_dev == locked.st_dev)
      return lock;
  }
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> make_directory(const std::string& path, unsigned mode) {
  if (path.empty() || exists(path)) return {};
  std::error_code error;
  const std::string parent = directory_of(path);
  fs::create_directories(parent, error);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return storage_error(path, "making the directory");
  return sync_directory(parent);
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace testamur::tool
