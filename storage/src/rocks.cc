#include "testamur/storage/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "seal.h"

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

void require(const rocksdb::Status& status, const std::string& doing) {
  if (!status.ok()) throw StorageFault(code_of(status), "store: " + doing + ": " + status.ToString());
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
    require(status, "reading " + db_.GetName());
    return copy(value_);
  }

  std::optional<KeyValue> last_up_to(ByteView key, std::size_t prefix) const override {
    rocksdb::Iterator& at = iterator();
    at.SeekForPrev(slice(key));
    if (!at.Valid() || !at.key().starts_with(slice(key.first(prefix)))) {
      require(at.status(), "seeking in " + db_.GetName());
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
    require(at.status(), "scanning " + db_.GetName());
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

// Writes are numbered, so that recovery can tell a gap. Where the write-ahead log is not synced, a loss of power may leave a hole
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

/// The number in a record of the write-ahead log. After a torn end RocksDB adds an empty record of its own, which has none and needs
/// none: it changes nothing.
std::optional<std::uint64_t> number_in(const rocksdb::WriteBatch& batch) {
  FindWriteNumber found;
  if (!batch.Iterate(&found).ok()) return std::nullopt;
  return found.number();
}

/// Lets writes through that follow `last` one by one.
class ConsecutiveWrites final : public rocksdb::WalFilter {
 public:
  explicit ConsecutiveWrites(std::uint64_t last) : last_(last) {}

  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch*, bool*) override {
    const auto number = number_in(batch);
    if (!number)
      return batch.Count() == 0 ? WalProcessingOption::kContinueProcessing : WalProcessingOption::kStopReplay;
    if (*number <= last_) return WalProcessingOption::kContinueProcessing;  // in a table file already
    if (*number != last_ + 1) return WalProcessingOption::kStopReplay;
    ++last_;
    return WalProcessingOption::kContinueProcessing;
  }
  const char* Name() const override { return "testamur.ConsecutiveWrites"; }

 private:
  std::uint64_t last_;
};

/// Lets no write through, to see what lies in table files, and remembers the newest.
class NewestWrite final : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch*, bool*) override {
    newest_ = std::max(newest_, number_in(batch).value_or(0));
    return WalProcessingOption::kIgnoreCurrentRecord;
  }
  const char* Name() const override { return "testamur.NewestWrite"; }
  std::uint64_t newest() const { return newest_; }

 private:
  std::uint64_t newest_ = 0;
};

std::uint64_t read_write_number(rocksdb::DB& db) {
  std::string value;
  const rocksdb::Status status =
      db.Get(rocksdb::ReadOptions{}, rocksdb::Slice(kWriteNumber.data(), kWriteNumber.size()), &value);
  if (status.IsNotFound()) return 0;
  require(status, "reading " + db.GetName());
  const auto number = from_decimal(value);
  if (!number)
    throw StorageFault(ErrorCode::corrupt, "store: " + db.GetName() + ": expected a write number, found " + value);
  return *number;
}

class RocksStore final : public KeyValueStore {
 public:
  /// With a seal: a synced store.
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::unique_ptr<Seal> seal)
      : db_(std::move(db)), seal_(std::move(seal)), last_write_(read_write_number(*db_)) {}

  std::unique_ptr<View> view() const override {
    // What a synced store holds after a failure is not known. The state of the ledger may be read on: it is checked by its hashes.
    if (seal_) refuse_after_failure();
    return std::make_unique<RocksView>(*db_);
  }

  void write(const WriteSet& writes) override {
    rocksdb::WriteBatch batch;
    require(batch.Put(rocksdb::Slice(kWriteNumber.data(), kWriteNumber.size()), std::to_string(last_write_ + 1)),
            "batching");
    // In the order of their keys, RocksDB finds the place of each close to that of the one before.
    std::vector<const WriteSet::Write*> in_order;
    for (const WriteSet::Write& write : writes.writes) in_order.push_back(&write);
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const WriteSet::Write* a, const WriteSet::Write* b) { return a->key < b->key; });
    for (const WriteSet::Write* write : in_order) {
      const rocksdb::Status status =
          write->value ? batch.Put(slice(write->key), slice(*write->value)) : batch.Delete(slice(write->key));
      require(status, "batching");
    }
    rocksdb::WriteOptions options;
    options.sync = seal_ != nullptr;
    or_never_again([&] {
      ++last_write_;
      require(db_->Write(options, &batch), "writing to " + db_->GetName());
      // Not before the write is synced: the seal must not name what a loss of power may take.
      if (seal_) seal_->write(last_write_);
    });
  }

  // What was promised goes into table files, which carry checksums and are named in a synced manifest. So the
  // write-ahead log holds only what nobody was promised, and a damaged byte in it can cost nothing that was.
  void flush() override {
    or_never_again([&] { require(db_->Flush(rocksdb::FlushOptions{}), "flushing " + db_->GetName()); });
  }

  /// Renews the seal of a store just opened. A store without a write gets its first here: from then on its seal says that a
  /// database is there.
  void renew_seal() {
    if (last_write_ == 0) write({});
    seal_->write(last_write_);
    seal_->sync();
  }
  std::uint64_t last_write() const { return last_write_; }

 private:
  void refuse_after_failure() const {
    if (has_failed_) throw StorageFault(ErrorCode::storage, "refused, since earlier: " + failure_);
  }
  template <class Action>
  void or_never_again(Action action) {
    refuse_after_failure();
    try {
      action();
    } catch (const StorageFault& fault) {
      failure_ = fault.what();
      has_failed_ = true;
      throw;
    }
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Seal> seal_;
  std::uint64_t last_write_;
  std::string failure_;  // what failed first
  std::atomic<bool> has_failed_ = false;
};

/// RocksDB's own log file is left out: on a full disk its second line ends the process by an assertion, before anybody could say
/// that the disk is full. What matters comes back as a status.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
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
  // A loss of power leaves a torn tail of writes that nobody was promised: what is before it counts, see flush(). A synced store
  // has looked, before, whether that is all there ever was: require_whole().
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_background_jobs = 2;
  out.allow_concurrent_memtable_write = false;  // one thread writes
  // Keys of one kind, which their first byte tells, come in order: the place of the one before leads to that of the next.
  out.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  out.bytes_per_sync = 1u << 20;
  out.max_open_files = 512;
  // A failure is the owner's to answer; RocksDB would try the same disk again behind its back.
  out.max_bgerror_resume_count = 0;
  out.info_log = std::make_shared<NoLog>();
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

bool exists(rocksdb::Env& env, const std::string& path) {
  const rocksdb::Status status = env.FileExists(path);
  if (!status.ok() && !status.IsNotFound()) require(status, "looking for " + path);
  return status.ok();
}

std::unique_ptr<rocksdb::DB> open_to_read(const rocksdb::Options& options, const std::string& directory) {
  rocksdb::DB* db = nullptr;
  require(rocksdb::DB::OpenForReadOnly(options, directory, &db), "opening " + directory);
  return std::unique_ptr<rocksdb::DB>(db);
}

struct Extent {
  std::uint64_t in_tables = 0;  ///< the last write that lies in a table file: what the write-ahead log has to follow
  std::uint64_t newest_in_log = 0;  ///< the last write that the write-ahead log shows
};

Extent survey(rocksdb::Options options, const std::string& directory) {
  NewestWrite filter;
  options.wal_filter = &filter;
  options.create_if_missing = false;
  const std::uint64_t in_tables = read_write_number(*open_to_read(options, directory));
  return {in_tables, filter.newest()};
}

rocksdb::DB* open_to_write(rocksdb::Options options, const std::string& directory, std::uint64_t in_tables) {
  ConsecutiveWrites filter(in_tables);
  options.wal_filter = &filter;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, directory, &db);
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    throw StorageFault(ErrorCode::conflict,
                       "store: " + directory + " is open in another process: " + status.ToString());
  }
  require(status, "opening " + directory);
  return db;
}

/// While one is held, nobody has the database open.
class DirectoryLock {
 public:
  DirectoryLock(rocksdb::Env& env, const std::string& directory) : env_(env) {
    const rocksdb::Status status = env.LockFile(directory + "/LOCK", &lock_);
    if (!status.ok()) {
      throw StorageFault(ErrorCode::conflict,
                         "store: " + directory + " is open in another process: " + status.ToString());
    }
  }
  ~DirectoryLock() { env_.UnlockFile(lock_).PermitUncheckedError(); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  rocksdb::Env& env_;
  rocksdb::FileLock* lock_ = nullptr;
};

void require_sealed(const std::string& directory, std::uint64_t recovered, std::uint64_t sealed) {
  if (recovered >= sealed) return;
  throw StorageFault(ErrorCode::corrupt, "store: " + directory + ": expected the " + std::to_string(sealed) +
                                             " writes that were synced, found " + std::to_string(recovered) +
                                             ": files were damaged, cut or taken away");
}

struct Whole {
  std::uint64_t in_tables = 0;
  std::uint64_t recovered = 0;
};

/// Whether every write that was synced is there, found without changing anything: opening to write drops what follows a damaged
/// record, and with it what could be learned from the files. Throws StorageFault where some are missing.
Whole require_whole(rocksdb::Options options, const std::string& directory, std::uint64_t sealed) {
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  const Extent extent = survey(options, directory);
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  ConsecutiveWrites filter(extent.in_tables);
  options.wal_filter = &filter;
  options.create_if_missing = false;
  const std::uint64_t recovered = read_write_number(*open_to_read(options, directory));
  require_sealed(directory, recovered, sealed);
  // A loss of power tears at most the write that was under way, since each waits for the one before to be synced. So whole writes
  // after a broken one mean damage, however old the seal is.
  if (recovered < extent.newest_in_log) {
    throw StorageFault(ErrorCode::corrupt, "store: " + directory + ": the write-ahead log is damaged after write " +
                                               std::to_string(recovered) + ": write " +
                                               std::to_string(extent.newest_in_log) + " is still there");
  }
  return {extent.in_tables, recovered};
}

/// The order of creation: seal, database, first write, seal of the first write; each synced before the next begins. So
/// - a database without a seal was never left by a crash: somebody took the seal away;
/// - a seal above 0 without a database neither: the first write came before;
/// - a seal of 0, with or without a database: creation was cut short before anything was promised, and goes on.
Result<std::unique_ptr<KeyValueStore>> open_synced(rocksdb::Env& env, const std::string& directory,
                                                   const rocksdb::Options& options) {
  Whole whole;
  {
    const DirectoryLock lock(env, directory);
    const std::optional<std::uint64_t> sealed = Seal::read(env, directory);
    if (exists(env, directory + "/CURRENT")) {
      if (!sealed)
        return Error{ErrorCode::corrupt, "store: expected a seal beside the database, found no " + directory + "/SEAL"};
      whole = require_whole(options, directory, *sealed);
    } else if (!sealed) {
      Seal::create(env, directory);
    } else {
      require_sealed(directory, 0, *sealed);
    }
  }
  auto store =
      std::make_unique<RocksStore>(std::unique_ptr<rocksdb::DB>(open_to_write(options, directory, whole.in_tables)),
                                   std::make_unique<Seal>(env, directory));
  // Once more, now that nobody else can write: what was recovered is what counts.
  const std::optional<std::uint64_t> sealed = Seal::read(env, directory);
  require_sealed(directory, store->last_write(), std::max(whole.recovered, sealed.value_or(0)));
  store->renew_seal();
  return std::unique_ptr<KeyValueStore>(std::move(store));
}

}  // namespace

Result<std::unique_ptr<KeyValueStore>> open_rocks(const std::string& directory, bool create,
                                                  const RocksOptions& options) {
  rocksdb::Env& env = options.env != nullptr ? *options.env : *rocksdb::Env::Default();
  try {
    const bool there = exists(env, directory + "/CURRENT");
    const bool expected = there || (options.synced && Seal::read(env, directory).value_or(0) > 0);
    if (!create && !expected) {
      return Error{ErrorCode::not_found, "store: expected a database in " + directory + ", found none"};
    }
    if (create) make_directory(env, directory);
    const rocksdb::Options rocks = options_for(options, create);
    if (options.synced) return open_synced(env, directory, rocks);
    std::unique_ptr<rocksdb::DB> db(open_to_write(rocks, directory, there ? survey(rocks, directory).in_tables : 0));
    return std::unique_ptr<KeyValueStore>(std::make_unique<RocksStore>(std::move(db), nullptr));
  } catch (const StorageFault& fault) {
    return fault.error();
  }
}

}  // namespace testamur::storage
