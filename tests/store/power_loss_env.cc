#include "power_loss_env.h"

#include <fcntl.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

namespace testamur::test {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void write_file(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

/// Shared by all open files, and read when the power is lost.
struct Journal {
  struct Write {
    std::uint64_t offset;
    std::uint64_t length;
  };
  struct DirectoryChange {
    fs::path path;                        // the file or directory that came to be
    fs::path renamed_from;                // empty: it was created
    std::optional<std::string> replaced;  // what a rename wrote over
  };
  std::mutex mutex;
  bool dead = false;
  std::optional<std::uint64_t> operations_left;
  std::optional<std::thread::id> counted;  // whose operations are; nothing: everybody's
  bool next_sync_fails = false;
  std::map<std::string, std::vector<Write>> unsynced;
  std::map<std::string, std::vector<std::string>>
      images;  // of a file written in place: as synced, and after each write since
  std::map<std::string, std::vector<DirectoryChange>> directories;

  /// Counts one operation; whether the power is off before it.
  bool off() {
    const bool counts = operations_left && (!counted || *counted == std::this_thread::get_id());
    if (counts && (*operations_left)-- == 0) {
      dead = true;
      operations_left.reset();
    }
    return dead;
  }

  static std::string directory_of(const fs::path& path) { return fs::absolute(path).lexically_normal().parent_path(); }
};

void zero(const std::string& path, const std::vector<Journal::Write>& writes) {
  std::string bytes = read_file(path);
  for (const Journal::Write& write : writes) bytes.replace(write.offset, write.length, std::string(write.length, '\0'));
  write_file(path, bytes);
}

class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TrackedFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::string path, std::shared_ptr<Journal> journal)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), journal_(std::move(journal)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    const std::lock_guard lock(journal_->mutex);
    if (journal_->off()) return IOStatus::IOError("the power is off");
    journal_->unsynced[path_].push_back({size_, data.size()});
    size_ += data.size();
    return FSWritableFileWrapper::Append(data, options, dbg);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override { return synced(options, dbg); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override { return synced(options, dbg); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Allocate(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  IOStatus synced(const IOOptions& options, IODebugContext* dbg) {
    const std::lock_guard lock(journal_->mutex);
    if (journal_->off()) return IOStatus::IOError("the power is off");
    const auto written = journal_->unsynced.extract(path_);
    if (std::exchange(journal_->next_sync_fails, false)) {
      if (!written.empty()) zero(path_, written.mapped());
      return IOStatus::IOError("the disk failed");
    }
    return FSWritableFileWrapper::Flush(options, dbg);
  }

  std::string path_;
  std::shared_ptr<Journal> journal_;
  std::uint64_t size_ = 0;
};

class TrackedDirectory final : public rocksdb::FSDirectory {
 public:
  TrackedDirectory(std::string path, std::shared_ptr<Journal> journal)
      : path_(std::move(path)), journal_(std::move(journal)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(journal_->mutex);
    if (journal_->off()) return IOStatus::IOError("the power is off");
    journal_->directories.erase(path_);
    return IOStatus::OK();
  }

 private:
  std::string path_;
  std::shared_ptr<Journal> journal_;
};

class TrackedFileInPlace final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  TrackedFileInPlace(std::unique_ptr<rocksdb::FSRandomRWFile>&& file, std::string path,
                     std::shared_ptr<Journal> journal)
      : FSRandomRWFileOwnerWrapper(std::move(file)), path_(std::move(path)), journal_(std::move(journal)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    const std::lock_guard lock(journal_->mutex);
    if (journal_->off()) return IOStatus::IOError("the power is off");
    std::vector<std::string>& images = journal_->images[path_];
    if (images.empty()) images.push_back(read_file(path_));
    const IOStatus status = FSRandomRWFileWrapper::Write(offset, data, options, dbg);
    images.push_back(read_file(path_));
    return status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(journal_->mutex);
    if (journal_->off()) return IOStatus::IOError("the power is off");
    journal_->images.erase(path_);
    return IOStatus::OK();
  }

 private:
  std::string path_;
  std::shared_ptr<Journal> journal_;
};

class PowerLossFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  PowerLossFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()), journal(std::make_shared<Journal>()) {}
  static const char* kClassName() { return "PowerLossFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* dbg) override {
    {
      const std::lock_guard lock(journal->mutex);
      if (journal->dead) return IOStatus::IOError("the power is off");
      if (!fs::exists(name)) journal->directories[Journal::directory_of(name)].push_back({name, {}, {}});
      journal->unsynced.erase(name);
    }
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, dbg);
    if (status.ok()) *result = std::make_unique<TrackedFile>(std::move(file), name, journal);
    return status;
  }
  IOStatus NewRandomRWFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext* dbg) override {
    std::unique_ptr<rocksdb::FSRandomRWFile> file;
    const IOStatus status = FileSystemWrapper::NewRandomRWFile(name, options, &file, dbg);
    if (status.ok()) *result = std::make_unique<TrackedFileInPlace>(std::move(file), name, journal);
    return status;
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext*) override {
    *result = std::make_unique<TrackedDirectory>(fs::absolute(name).lexically_normal().string(), journal);
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* dbg) override {
    const std::lock_guard lock(journal->mutex);
    if (journal->dead) return IOStatus::IOError("the power is off");
    std::optional<std::string> replaced;
    if (fs::exists(to)) replaced = read_file(to);
    journal->directories[Journal::directory_of(to)].push_back({to, from, replaced});
    if (const auto unsynced = journal->unsynced.extract(from); !unsynced.empty()) {
      journal->unsynced[to] = unsynced.mapped();
    }
    return FileSystemWrapper::RenameFile(from, to, options, dbg);
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options, IODebugContext* dbg) override {
    const std::lock_guard lock(journal->mutex);
    if (journal->dead) return IOStatus::IOError("the power is off");
    if (!fs::exists(name)) journal->directories[Journal::directory_of(name)].push_back({name, {}, {}});
    return FileSystemWrapper::CreateDirIfMissing(name, options, dbg);
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* dbg) override {
    const std::lock_guard lock(journal->mutex);
    if (journal->dead) return IOStatus::IOError("the power is off");
    journal->unsynced.erase(name);
    return FileSystemWrapper::DeleteFile(name, options, dbg);
  }

  const std::shared_ptr<Journal> journal;
};

PowerLossEnv::PowerLossEnv()
    : files_(std::make_shared<PowerLossFileSystem>()), env_(rocksdb::NewCompositeEnv(files_)) {}
PowerLossEnv::~PowerLossEnv() = default;

void PowerLossEnv::cut_power() {
  const std::lock_guard lock(files_->journal->mutex);
  files_->journal->dead = true;
}

void PowerLossEnv::cut_power_after(std::uint64_t operations) {
  const std::lock_guard lock(files_->journal->mutex);
  files_->journal->operations_left = operations;
  files_->journal->counted.reset();
}

void PowerLossEnv::cut_power_after_own(std::uint64_t operations) {
  const std::lock_guard lock(files_->journal->mutex);
  files_->journal->operations_left = operations;
  files_->journal->counted = std::this_thread::get_id();
}

void PowerLossEnv::fail_next_sync() {
  const std::lock_guard lock(files_->journal->mutex);
  files_->journal->next_sync_fails = true;
}

namespace {

/// Each write that was not synced is there or not; what is missing reads as zeros, or the file ends before it.
void drop_writes(const std::string& path, const std::vector<Journal::Write>& writes, std::mt19937_64& random) {
  if (!fs::exists(path)) return;
  const unsigned keep_of_four = static_cast<unsigned>(random() % 5);
  std::uint64_t end = writes.front().offset;
  std::string bytes = read_file(path);
  for (const Journal::Write& write : writes) {
    if (random() % 4 < keep_of_four) {
      end = write.offset + write.length;
    } else {
      bytes.replace(write.offset, write.length, std::string(write.length, '\0'));
    }
  }
  write_file(path, bytes.substr(0, end));
}

void undo_change(const Journal::DirectoryChange& change) {
  std::error_code ignored;
  if (!change.renamed_from.empty() && fs::exists(change.path)) fs::rename(change.path, change.renamed_from, ignored);
  if (change.renamed_from.empty()) fs::remove_all(change.path, ignored);
  if (change.replaced) write_file(change.path, *change.replaced);
}

}  // namespace

void PowerLossEnv::drop_unsynced(std::uint64_t seed) {
  Journal& journal = *files_->journal;
  const std::lock_guard lock(journal.mutex);
  std::mt19937_64 random(seed);
  for (const auto& [path, writes] : journal.unsynced) drop_writes(path, writes, random);
  for (const auto& [path, images] : journal.images) {
    // Often the newest: the kernel may write a page back at any moment.
    const std::size_t back = random() % 2 == 0 ? 0 : random() % images.size();
    write_file(path, images[images.size() - 1 - back]);
  }
  for (auto& [directory, changes] : journal.directories) {
    // A directory's changes survive in their order.
    for (std::size_t left = changes.size(), kept = random() % (left + 1); left > kept; --left)
      undo_change(changes[left - 1]);
  }
  journal.unsynced.clear();
  journal.next_sync_fails = false;
  journal.images.clear();
  journal.directories.clear();
  journal.operations_left.reset();
  journal.dead = false;
}

}  // namespace testamur::test
