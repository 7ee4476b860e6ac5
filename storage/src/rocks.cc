#include "testamur/storage/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <filesystem>

namespace testamur::storage {
namespace {

/// An empty view may have no address, which RocksDB hands to memcmp.
rocksdb::Slice slice(ByteView bytes) {
  return bytes.empty() ? rocksdb::Slice() : rocksdb::Slice(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
ByteView bytes_of(const rocksdb::Slice& s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }
Bytes copy(const rocksdb::Slice& s) { return {s.data(), s.data() + s.size()}; }

ErrorCode code_of(const rocksdb::Status& status) {
  return status.IsCorruption() ? ErrorCode::corrupt : ErrorCode::storage;
}

void require(const rocksdb::Status& status, std::string_view doing) {
  if (!status.ok()) throw StorageFault(code_of(status), "store: " + std::string(doing) + ": " + status.ToString());
}

class RocksView final : public View {
 public:
  explicit RocksView(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) { read_.snapshot = snapshot_; }
  ~RocksView() override {
    iterator_.reset();
    db_.ReleaseSnapshot(snapshot_);
  }
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;

  std::optional<Bytes> get(ByteView key) const override {
    value_.Reset();
    const rocksdb::Status status = db_.Get(read_, db_.DefaultColumnFamily(), slice(key), &value_);
    if (status.IsNotFound()) return std::nullopt;
    require(status, "reading");
    return copy(value_);
  }

  std::optional<KeyValue> last_up_to(ByteView key, std::size_t prefix) const override {
    rocksdb::Iterator& at = iterator();
    at.SeekForPrev(slice(key));
    if (!at.Valid() || !at.key().starts_with(slice(key.first(prefix)))) {
      require(at.status(), "seeking");
      return std::nullopt;
    }
    return KeyValue{copy(at.key()), copy(at.value())};
  }

  void scan(ByteView from, ByteView prefix,
            const std::function<bool(ByteView key, ByteView value)>& visit) const override {
    rocksdb::Iterator& at = iterator();
    for (at.Seek(slice(from)); at.Valid() && at.key().starts_with(slice(prefix)); at.Next()) {
      if (!visit(bytes_of(at.key()), bytes_of(at.value()))) return;
    }
    require(at.status(), "scanning");
  }

 private:
  /// One iterator serves every seek of a view: making one costs more than a seek.
  rocksdb::Iterator& iterator() const {
    if (!iterator_) iterator_.reset(db_.NewIterator(read_));
    return *iterator_;
  }

  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions read_;
  mutable std::unique_ptr<rocksdb::Iterator> iterator_;
  mutable rocksdb::PinnableSlice value_;
};

// Writes are numbered, so that recovery can tell a gap. The write-ahead log is not synced; a loss of power may leave a hole
// in it with whole records after, and RocksDB steps over a hole of zeros without a word. The state would then lack a block
// and have the next. So each write carries its number, and replaying stops at the first that does not follow.
constexpr std::string_view kWriteNumber{"\0write", 6};

/// The number in a write, or nothing.
class FindWriteNumber final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    if (key == rocksdb::Slice(kWriteNumber.data(), kWriteNumber.size())) number_ = from_decimal(value.ToStringView());
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override { return rocksdb::Status::OK(); }
  std::optional<std::uint64_t> number() const { return number_; }

 private:
  std::optional<std::uint64_t> number_;
};

/// Lets writes through that follow `last` one by one. Nothing for `last`: lets none through, to see what lies in table files.
class ConsecutiveWrites final : public rocksdb::WalFilter {
 public:
  explicit ConsecutiveWrites(std::optional<std::uint64_t> last) : last_(last) {}

  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch*, bool*) override {
    if (!last_) return WalProcessingOption::kIgnoreCurrentRecord;
    FindWriteNumber found;
    if (!batch.Iterate(&found).ok() || !found.number()) return WalProcessingOption::kStopReplay;
    if (*found.number() <= *last_) return WalProcessingOption::kContinueProcessing;  // in a table file already
    if (*found.number() != *last_ + 1) return WalProcessingOption::kStopReplay;
    ++*last_;
    return WalProcessingOption::kContinueProcessing;
  }
  const char* Name() const override { return "testamur.ConsecutiveWrites"; }

 private:
  std::optional<std::uint64_t> last_;
};

std::uint64_t read_write_number(rocksdb::DB& db) {
  std::string value;
  const rocksdb::Status status =
      db.Get(rocksdb::ReadOptions{}, rocksdb::Slice(kWriteNumber.data(), kWriteNumber.size()), &value);
  if (status.IsNotFound()) return 0;
  require(status, "reading");
  const auto number = from_decimal(value);
  if (!number) throw StorageFault(ErrorCode::corrupt, "store: expected a write number, found " + value);
  return *number;
}

class RocksStore final : public KeyValueStore {
 public:
  explicit RocksStore(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)), last_write_(read_write_number(*db_)) {}

  std::unique_ptr<View> view() const override { return std::make_unique<RocksView>(*db_); }

  void write(const WriteSet& writes) override {
    rocksdb::WriteBatch batch;
    require(batch.Put(rocksdb::Slice(kWriteNumber.data(), kWriteNumber.size()), std::to_string(++last_write_)),
            "batching");
    for (const WriteSet::Write& write : writes.writes) {
      const rocksdb::Status status =
          write.value ? batch.Put(slice(write.key), slice(*write.value)) : batch.Delete(slice(write.key));
      require(status, "batching");
    }
    require(db_->Write(rocksdb::WriteOptions{}, &batch), "writing");
  }

  // What was promised goes into table files, which carry checksums and are named in a synced manifest. So the
  // write-ahead log holds only what nobody was promised, and a damaged byte in it can cost nothing that was.
  void flush() override { require(db_->Flush(rocksdb::FlushOptions{}), "flushing"); }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::uint64_t last_write_;
};

rocksdb::Options options_for(const RocksOptions& options, bool create) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Indexes and filters grow with the ledger; in the cache they have a bound.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;

  rocksdb::Options out;
  if (options.env != nullptr) out.env = options.env;
  out.create_if_missing = create;
  out.paranoid_checks = true;
  // A loss of power leaves a torn tail of writes that nobody was promised: what is before it counts, see flush().
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_background_jobs = 2;
  out.bytes_per_sync = 1u << 20;
  out.max_open_files = 512;
  out.keep_log_file_num = 4;
  out.max_log_file_size = 4u << 20;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

/// The directory itself must survive a loss of power as well: RocksDB syncs what is in it, not its own entry above.
void make_directory(rocksdb::Env& env, const std::string& directory) {
  require(env.CreateDirIfMissing(directory), "making " + directory);
  const auto parent = std::filesystem::absolute(directory).lexically_normal().parent_path().string();
  std::unique_ptr<rocksdb::Directory> handle;
  require(env.NewDirectory(parent, &handle), "opening " + parent);
  require(handle->Fsync(), "syncing " + parent);
}

/// The number of the last write that lies in a table file: what the write-ahead log has to follow.
std::uint64_t number_in_tables(rocksdb::Options options, const std::string& directory) {
  ConsecutiveWrites none(std::nullopt);
  options.wal_filter = &none;
  options.create_if_missing = false;
  rocksdb::DB* db = nullptr;
  require(rocksdb::DB::OpenForReadOnly(options, directory, &db), "opening " + directory);
  const std::unique_ptr<rocksdb::DB> owner(db);
  return read_write_number(*db);
}

}  // namespace

Result<std::unique_ptr<KeyValueStore>> open_rocks(const std::string& directory, bool create,
                                                  const RocksOptions& options) {
  rocksdb::Env& env = options.env != nullptr ? *options.env : *rocksdb::Env::Default();
  if (!create && !env.FileExists(directory + "/CURRENT").ok()) {
    return Error{ErrorCode::not_found, "store: expected a ledger in " + directory + ", found none"};
  }
  try {
    if (create) make_directory(env, directory);
    rocksdb::Options rocks = options_for(options, create);
    ConsecutiveWrites filter(env.FileExists(directory + "/CURRENT").ok() ? number_in_tables(rocks, directory) : 0);
    rocks.wal_filter = &filter;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(rocks, directory, &db);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return Error{ErrorCode::conflict, "store: " + directory + " is open in another process: " + status.ToString()};
    }
    require(status, "opening " + directory);
    return std::unique_ptr<KeyValueStore>(std::make_unique<RocksStore>(std::unique_ptr<rocksdb::DB>(db)));
  } catch (const StorageFault& fault) {
    return fault.error();
  }
}

}  // namespace testamur::storage
