#include "scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace testamur::tool {
namespace {

constexpr std::size_t kPieceBytes = 16 << 10;  ///< read and written at once
constexpr std::size_t kRunBytes = 2 << 20;     ///< sorted in memory
constexpr std::size_t kSizeBytes = 4;          ///< before each record

/// A file that has no name, or loses it at once where the file system knows no other.
int open_nameless(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = directory + "/.testamur-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

void put_record(Bytes& out, ByteView record) {
  const auto size = static_cast<std::uint32_t>(record.size());
  std::uint8_t bytes[kSizeBytes];
  std::memcpy(bytes, &size, kSizeBytes);  // no other machine reads it
  out.insert(out.end(), bytes, bytes + kSizeBytes);
  out.insert(out.end(), record.begin(), record.end());
}

bool less(ByteView a, ByteView b) {
  const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order != 0 ? order < 0 : a.size() < b.size();
}

}  // namespace

ScratchFile::ScratchFile(const std::string& directory) : fd_(open_nameless(directory)), directory_(directory) {
  if (fd_ >= 0) return;
  std::error_code error;
  directory_ = std::filesystem::temp_directory_path(error).string();
  fd_ = open_nameless(directory_);
  if (fd_ < 0) fail("opening");
}

ScratchFile::~ScratchFile() {
  if (fd_ >= 0) ::close(fd_);
}

void ScratchFile::fail(const std::string& doing) {
  error_ = Error{ErrorCode::storage,
                 "a temporary file in " + directory_ + ": " + doing + " failed: " + std::strerror(errno)};
}

void ScratchFile::append(ByteView bytes) {
  while (!error_ && !bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail("writing");
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

Result<void> ScratchFile::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (error_) return *error_;
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{ErrorCode::storage, "a temporary file in " + directory_ + ": reading failed"};
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

RecordCursor::RecordCursor(std::shared_ptr<const ScratchFile> file, std::uint64_t begin, std::uint64_t end)
    : file_(std::move(file)), at_(begin), end_(end) {}

/// Reads on until so many bytes are held.
Result<void> RecordCursor::hold(std::size_t bytes) {
  const std::size_t left = held_.size() - used_;
  if (left >= bytes) return {};
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  const auto more = std::min<std::uint64_t>(std::max(bytes - left, kPieceBytes), end_ - at_);
  held_.resize(left + more);
  if (auto read = file_->read_at(at_, std::span(held_).subspan(left)); !read) return read;
  at_ += more;
  if (held_.size() >= bytes) return {};
  return Error{ErrorCode::storage, "a temporary file ends early"};
}

Result<bool> RecordCursor::next(ByteView& record) {
  if (used_ == held_.size() && at_ == end_) {
    // A file that could not be written whole looks as if it ended here.
    if (file_) {
      if (auto read = file_->read_at(end_, {}); !read) return read.error();
    }
    return false;
  }
  if (auto held = hold(kSizeBytes); !held) return held.error();
  std::uint32_t size = 0;
  std::memcpy(&size, held_.data() + used_, kSizeBytes);
  if (auto held = hold(kSizeBytes + size); !held) return held.error();
  record = ByteView(held_).subspan(used_ + kSizeBytes, size);
  used_ += kSizeBytes + size;
  return true;
}

RecordFile::RecordFile(const std::string& directory) : file_(std::make_shared<ScratchFile>(directory)) {}

void RecordFile::put(ByteView record) {
  put_record(buffer_, record);
  if (buffer_.size() >= kPieceBytes) flush();
}

void RecordFile::flush() {
  file_->append(buffer_);
  buffer_.clear();
}

RecordCursor RecordFile::read() {
  if (!file_) return {};
  flush();
  return {file_, 0, file_->size()};
}

void RecordSorter::put(ByteView record) {
  if (!places_.empty() && held_.size() + record.size() > kRunBytes) write_run();
  if (held_.capacity() == 0) held_.reserve(64 << 10);
  places_.push_back({static_cast<std::uint32_t>(held_.size()), static_cast<std::uint32_t>(record.size())});
  held_.insert(held_.end(), record.begin(), record.end());
  ++count_;
}

void RecordSorter::sort_held() {
  std::sort(places_.begin(), places_.end(), [this](Place a, Place b) { return less(held(a), held(b)); });
}

void RecordSorter::write_run() {
  if (!file_) file_ = std::make_shared<ScratchFile>(directory_);
  sort_held();
  const std::uint64_t first = file_->size();
  Bytes out;
  for (const Place place : places_) {
    put_record(out, held(place));
    if (out.size() < kPieceBytes) continue;
    file_->append(out);
    out.clear();
  }
  file_->append(out);
  ends_.emplace_back(first, file_->size());
  held_.clear();
  places_.clear();
}

namespace {
constexpr auto kGreater = [](const auto& a, const auto& b) { return less(b.record, a.record); };
}  // namespace

Result<void> RecordSorter::begin() {
  begun_ = true;
  if (ends_.empty()) {
    sort_held();
    return {};
  }
  write_run();
  held_ = {};
  places_ = {};
  for (const auto& [first, end] : ends_) {
    Run run{RecordCursor(file_, first, end), {}};
    const auto more = run.cursor.next(run.record);
    if (!more) return more.error();
    if (*more) runs_.push_back(std::move(run));
  }
  std::make_heap(runs_.begin(), runs_.end(), kGreater);
  return {};
}

Result<bool> RecordSorter::next(ByteView& record) {
  if (!begun_) {
    if (auto begun = begin(); !begun) return begun.error();
  }
  if (file_) return next_merged(record);
  if (taken_ == places_.size()) return false;
  record = held(places_[taken_++]);
  return true;
}

Result<bool> RecordSorter::next_merged(ByteView& record) {
  if (to_advance_) {
    std::pop_heap(runs_.begin(), runs_.end(), kGreater);
    const auto more = runs_.back().cursor.next(runs_.back().record);
    if (!more) return more.error();
    if (*more) {
      std::push_heap(runs_.begin(), runs_.end(), kGreater);
    } else {
      runs_.pop_back();
    }
  }
  to_advance_ = !runs_.empty();
  if (runs_.empty()) return false;
  record = runs_.front().record;
  return true;
}

}  // namespace testamur::tool
