// The receiving end of a snapshot. What is taken is bounded by what is known to be right already: the number of leaves by the
// certified head, the leaves by the leaf hashes, the records by the certified block, commitments and events by leaves and records.
#include <filesystem>

#include "snapshot_derivation.h"
#include "state.h"

namespace testamur::store {
namespace {

std::string at(const SnapshotPlace& place) {
  return std::to_string(place.section) + "/" + std::to_string(place.major) + "/" + std::to_string(place.minor);
}

Error conflict(std::string message) { return {ErrorCode::conflict, std::move(message)}; }

struct Progress {
  SnapshotManifest manifest;
  SnapshotPlace after;
  bool complete = false;
};

Bytes encode(const Progress& progress) {
  return Writer{}.opaque24(encode(progress.manifest)).raw(encode(progress.after)).u8(progress.complete ? 1 : 0).bytes();
}

/// Of a snapshot that proved wrong: that of none.
std::optional<Progress> read_progress(const storage::View& view) {
  const auto value = view.get(keys::snapshot());
  if (!value) return std::nullopt;
  if (value->empty()) return Progress{};
  Reader reader(*value, "snapshot");
  Progress progress;
  progress.manifest = stored(decode_snapshot_manifest(reader.opaque24("manifest")), "a manifest");
  progress.after = stored(decode_snapshot_place(reader.take("after", kSnapshotPlaceBytes)), "a place");
  progress.complete = reader.flag("complete");
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return progress;
}

/// The cosignatures may be others: of one head there are many.
bool is_same_snapshot(const SnapshotManifest& a, const SnapshotManifest& b) {
  return a.certified.checkpoint == b.certified.checkpoint && a.block == b.block && a.payload == b.payload;
}

/// Checks the manifest against the receiver's genesis; returns it with only the cosignatures that count.
Result<SnapshotManifest> check_manifest(const SnapshotManifest& manifest, const Genesis& genesis, const Hash& ledger,
                                        const SignatureCheck& check_signature) {
  const auto& consortium = std::get<ConsortiumRecord>(genesis.records.front());
  const Checkpoint& checkpoint = manifest.certified.checkpoint;
  const BlockRecord& block = manifest.block;
  const std::string origin = origin_line(consortium.origin, ledger);
  if (checkpoint.origin != origin) return conflict("snapshot: expected the origin " + origin);
  const Hash leaf = merkle::leaf_hash(encode(block));
  if (checkpoint.size == 0 || block.height.value >= checkpoint.size ||
      !merkle::verify_inclusion(leaf, checkpoint.size - 1, checkpoint.size, manifest.block_path, checkpoint.root)) {
    return Error{ErrorCode::invalid, "snapshot: expected the block record that the certified head ends in"};
  }
  if (block.consortium != merkle::leaf_hash(encode(genesis.records.front()))) {
    return Error{ErrorCode::unsupported,
                 "snapshot: expected the consortium record of genesis, found another: its "
                 "change cannot be checked by this program"};
  }
  const auto chosen = certify(checkpoint, quorum_of(consortium), manifest.certified.cosignatures,
                              block.time.value / 1000, check_signature);
  if (!chosen) {
    return Error{ErrorCode::invalid,
                 "snapshot: expected cosignatures of " + std::to_string(consortium.threshold) + " voters that verify"};
  }
  SnapshotManifest checked = manifest;
  checked.certified = {checkpoint, consortium.revision, *chosen, {}};
  return checked;
}

struct Wanted {
  Genesis genesis;
  SnapshotManifest manifest;
};

Result<Wanted> check(const SnapshotManifest& manifest, ByteView genesis, const SignatureCheck& check_signature) {
  auto decoded = decode_genesis(genesis);
  if (!decoded) return decoded.error();
  auto checked = check_manifest(manifest, *decoded, ledger_id(genesis), check_signature);
  if (!checked) return checked.error();
  return Wanted{std::move(*decoded), std::move(*checked)};
}

Result<std::shared_ptr<storage::KeyValueStore>> open_side(const std::string& directory, bool create,
                                                          const storage::RocksOptions& options) {
  auto opened = storage::open_rocks(directory, create, options);
  if (!opened) return opened.error();
  return std::shared_ptr<storage::KeyValueStore>(std::move(*opened));
}

/// Whether the store holds nothing but what it keeps for itself.
bool is_empty(const storage::View& view) {
  bool empty = true;
  view.scan({}, {}, [&](ByteView key, ByteView) {
    empty = key[0] == 0;
    return empty;
  });
  return empty;
}

}  // namespace

class SnapshotReceiver::Impl {
 public:
  Impl(std::string directory, ByteView genesis_bytes, Genesis genesis, Progress progress,
       std::shared_ptr<storage::KeyValueStore> store)
      : directory_(std::move(directory)),
        genesis_bytes_(genesis_bytes.begin(), genesis_bytes.end()),
        genesis_(std::move(genesis)),
        ledger_(ledger_id(genesis_bytes_)),
        progress_(std::move(progress)),
        store_(std::move(store)),
        derivation_(*store_, progress_.manifest, genesis_) {}

  static Result<std::unique_ptr<SnapshotReceiver>> begin(std::shared_ptr<storage::KeyValueStore> store,
                                                         const std::string& directory, ByteView genesis, Wanted wanted);

  const Progress& progress() const { return progress_; }
  Result<void> take(ByteView bytes);
  Result<std::shared_ptr<storage::KeyValueStore>> finish();

 private:
  Result<SnapshotChunk> next_chunk(ByteView bytes) const;
  void take(const SnapshotChunk& chunk);
  void require_trusted(std::uint8_t section);
  Bytes key_of(const SnapshotEntry& entry, const SnapshotPlace& before, const storage::View& view, AppendTree& log);
  Bytes record_key(const SnapshotEntry& entry, const SnapshotPlace& before) const;
  Bytes issue_key(const SnapshotEntry& entry, AppendTree& log) const;
  Bytes listed_key(const SnapshotEntry& entry, const storage::View& view) const;
  Bytes event_key(const SnapshotEntry& entry) const;
  void expect(bool condition, const SnapshotEntry& entry, const std::string& what) const;

  /// Runs `body`; what proves wrong is thrown away.
  template <class Body>
  auto checked(Body&& body) -> decltype(body());
  void throw_away();

  std::uint64_t size() const { return progress_.manifest.certified.checkpoint.size; }

  std::string directory_;
  Bytes genesis_bytes_;
  Genesis genesis_;
  Hash ledger_;
  Progress progress_;
  std::shared_ptr<storage::KeyValueStore> store_;  // null once thrown away, finished, or after the disk failed
  SnapshotDerivation derivation_;
  bool has_log_ = false;
  bool has_records_ = false;
};

template <class Body>
auto SnapshotReceiver::Impl::checked(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Refused& refused) {
    throw_away();
    return Error{ErrorCode::invalid, refused.what()};
  } catch (const storage::StorageFault& fault) {
    if (fault.error().code == ErrorCode::corrupt) {
      throw_away();
    } else {
      store_.reset();
    }
    return fault.error();
  }
}

/// Should the directory not go, what stays is marked, and thrown away by the next open().
void SnapshotReceiver::Impl::throw_away() {
  try {
    storage::WriteSet writes;
    writes.remove(keys::head());
    writes.put(keys::snapshot(), {});
    store_->write(writes);
  } catch (const storage::StorageFault&) {  // what cannot be written to cannot be finished either
  }
  store_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Result<void> SnapshotReceiver::Impl::take(ByteView bytes) {
  if (!store_) return conflict("snapshot: expected to be opened again, since it failed or came to its end");
  const auto chunk = next_chunk(bytes);
  if (!chunk) return chunk.error();
  return checked([&]() -> Result<void> {
    take(*chunk);
    return {};
  });
}

Result<SnapshotChunk> SnapshotReceiver::Impl::next_chunk(ByteView bytes) const {
  auto chunk = decode_snapshot_chunk(bytes);
  if (!chunk) return chunk.error();
  const Height height = progress_.manifest.block.height;
  if (chunk->ledger != ledger_ || chunk->height != height) {
    return conflict("snapshot: expected a chunk of this ledger's block " + std::to_string(height.value) +
                    ", found block " + std::to_string(chunk->height.value));
  }
  if (progress_.complete || chunk->after != progress_.after) {
    return conflict("snapshot: expected " +
                    (progress_.complete ? "no more" : "the chunk after " + at(progress_.after)) +
                    ", found the one after " + at(chunk->after));
  }
  return chunk;
}

void SnapshotReceiver::Impl::take(const SnapshotChunk& chunk) {
  if (chunk.entries.empty() && !chunk.last) throw Refused("snapshot: expected an entry in chunk " + at(chunk.after));
  if (!chunk.entries.empty()) require_trusted(chunk.entries.front().place.section);
  const auto view = store_->view();
  AppendTree log(*view, keys::log_tree());
  Progress progress = progress_;
  storage::WriteSet writes;
  for (const SnapshotEntry& entry : chunk.entries) {
    expect(entry.place > progress.after, entry, "a place after " + at(progress.after));
    expect(entry.place.section == chunk.entries.front().place.section, entry, "one section in a chunk");
    writes.put(key_of(entry, progress.after, *view, log), entry.value);
    progress.after = entry.place;
  }
  progress.complete = chunk.last;
  writes.put(keys::snapshot(), encode(progress));
  store_->write(writes);
  progress_.after = progress.after;
  progress_.complete = progress.complete;
}

/// What a section is checked against must be right itself.
void SnapshotReceiver::Impl::require_trusted(std::uint8_t section) {
  if (section > kLogTiles && !has_log_) {
    derivation_.make_log();
    has_log_ = true;
  }
  if (section > kRecords && !has_records_) {
    derivation_.make_records();
    has_records_ = true;
  }
}

void SnapshotReceiver::Impl::expect(bool condition, const SnapshotEntry& entry, const std::string& what) const {
  if (!condition) throw Refused("snapshot: entry " + at(entry.place) + ": expected " + what);
}

Bytes SnapshotReceiver::Impl::key_of(const SnapshotEntry& entry, const SnapshotPlace& before, const storage::View& view,
                                     AppendTree& log) {
  const SnapshotPlace& place = entry.place;
  switch (place.section) {
    case kLogTiles: {
      expect(place.major < tiles_of(size()) && place.minor == 0, entry, "a tile of the log");
      expect(entry.value.size() == hashes_in_tile(place.major, size()) * sizeof(Hash), entry, "a whole tile");
      return keys::tile(keys::log_tree(), 0, place.major);
    }
    case kRecords: return record_key(entry, before);
    case kIssues: return issue_key(entry, log);
    case kListedTiles: return listed_key(entry, view);
    case kEvents: return event_key(entry);
    default: throw Refused("snapshot: entry " + at(place) + ": expected a section from 1 to 5");
  }
}

Bytes SnapshotReceiver::Impl::record_key(const SnapshotEntry& entry, const SnapshotPlace& before) const {
  const SnapshotPlace& place = entry.place;
  const BlockRecord& block = progress_.manifest.block;
  const std::uint64_t next = before.section == kRecords ? before.major + 1 : 0;
  expect(place.major == next && place.major < block.registry_size && place.minor == 0, entry,
         "record " + std::to_string(next) + " of " + std::to_string(block.registry_size));
  const auto record = decode_record(entry.value);
  const bool is_first = place.major == 0;
  expect(record && std::holds_alternative<ConsortiumRecord>(*record) == is_first, entry,
         "a record, the consortium's at 0 and nowhere else");
  return keys::record(static_cast<RecordIndex>(place.major), block.height);
}

Bytes SnapshotReceiver::Impl::issue_key(const SnapshotEntry& entry, AppendTree& log) const {
  const SnapshotPlace& place = entry.place;
  expect(place.major < size() && place.minor == 0, entry, "a leaf under the checkpoint");
  expect(merkle::leaf_hash(entry.value) == log.node(0, place.major), entry, "the leaf with the hash in the log");
  expect(issue_in(entry.value).has_value(), entry, "an issue statement");
  return keys::leaf(LeafIndex{place.major});
}

Bytes SnapshotReceiver::Impl::listed_key(const SnapshotEntry& entry, const storage::View& view) const {
  const SnapshotPlace& place = entry.place;
  const auto leaf = view.get(keys::leaf(LeafIndex{place.major}));
  const auto statement = leaf ? issue_in(*leaf) : std::nullopt;
  expect(statement.has_value(), entry, "the leaf of a listed batch before its commitments");
  const auto& issue = std::get<IssueBody>(statement->body);
  expect(issue.listed && place.minor < tiles_of(issue.count), entry, "commitments that the leaf lists");
  expect(entry.value.size() == hashes_in_tile(place.minor, issue.count) * sizeof(Hash), entry, "a whole tile");
  return keys::tile(keys::listed_tree(LeafIndex{place.major}), 0, place.minor);
}

Bytes SnapshotReceiver::Impl::event_key(const SnapshotEntry& entry) const {
  const SnapshotPlace& place = entry.place;
  const auto found = place.major <= UINT32_MAX ? derivation_.registers().find(static_cast<RecordIndex>(place.major))
                                               : derivation_.registers().end();
  expect(found != derivation_.registers().end(), entry, "a register");
  expect(place.minor < found->second.events, entry, "one of the register's events");
  const auto event = decode_event(entry.value);
  expect(event && event->sequence.value == place.minor, entry, "an event of this sequence");
  return keys::event(found->first, event->sequence);
}

Result<std::shared_ptr<storage::KeyValueStore>> SnapshotReceiver::Impl::finish() {
  if (!store_) return conflict("snapshot: expected to be opened again, since it failed or came to its end");
  if (!progress_.complete) return conflict("snapshot: expected all of it, found it up to " + at(progress_.after));
  return checked([&]() -> Result<std::shared_ptr<storage::KeyValueStore>> {
    require_trusted(kLastSection);
    derivation_.make_batches();
    derivation_.make_events();
    derivation_.make_head(genesis_bytes_);
    store_->flush();
    // Opening reads the edges of all that was made, and compares once more.
    if (const auto ledger = Ledger::open(store_); !ledger) {
      throw storage::StorageFault(ledger.error().code, ledger.error().message);
    }
    return std::move(store_);
  });
}

Result<std::unique_ptr<SnapshotReceiver>> SnapshotReceiver::open(const std::string& directory, ByteView genesis,
                                                                 const SnapshotManifest& manifest,
                                                                 const SignatureCheck& check_signature,
                                                                 const storage::RocksOptions& options) {
  auto wanted = check(manifest, genesis, check_signature);
  if (!wanted) return wanted.error();
  return guarded([&]() -> Result<std::unique_ptr<SnapshotReceiver>> {
    auto store = open_side(directory, true, options);
    if (!store) return store.error();
    const auto known = read_progress(*(*store)->view());
    if (known && !is_same_snapshot(known->manifest, wanted->manifest)) {
      store->reset();
      std::filesystem::remove_all(directory);
      store = open_side(directory, true, options);
      if (!store) return store.error();
    }
    return Impl::begin(std::move(*store), directory, genesis, std::move(*wanted));
  });
}

Result<std::unique_ptr<SnapshotReceiver>> SnapshotReceiver::open(std::shared_ptr<storage::KeyValueStore> store,
                                                                 ByteView genesis, const SnapshotManifest& manifest,
                                                                 const SignatureCheck& check_signature) {
  auto wanted = check(manifest, genesis, check_signature);
  if (!wanted) return wanted.error();
  return guarded([&] { return Impl::begin(std::move(store), {}, genesis, std::move(*wanted)); });
}

/// Begins in an empty store, or goes on with this snapshot.
Result<std::unique_ptr<SnapshotReceiver>> SnapshotReceiver::Impl::begin(std::shared_ptr<storage::KeyValueStore> store,
                                                                        const std::string& directory, ByteView genesis,
                                                                        Wanted wanted) {
  const auto known = read_progress(*store->view());
  if (!known && !is_empty(*store->view())) {
    return conflict("snapshot: expected an empty directory or an unfinished snapshot in " + directory);
  }
  if (known && !is_same_snapshot(known->manifest, wanted.manifest))
    return conflict("snapshot: expected no other block's unfinished snapshot in " + directory);
  Progress progress{std::move(wanted.manifest), {}, false};
  if (known) {
    progress.after = known->after;
    progress.complete = known->complete;
  } else {
    storage::WriteSet writes;
    writes.put(keys::snapshot(), encode(progress));
    store->write(writes);
  }
  auto impl =
      std::make_unique<Impl>(directory, genesis, std::move(wanted.genesis), std::move(progress), std::move(store));
  return std::unique_ptr<SnapshotReceiver>(new SnapshotReceiver(std::move(impl)));
}

SnapshotReceiver::SnapshotReceiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SnapshotReceiver::~SnapshotReceiver() = default;

const SnapshotManifest& SnapshotReceiver::manifest() const { return impl_->progress().manifest; }
SnapshotPlace SnapshotReceiver::after() const { return impl_->progress().after; }
bool SnapshotReceiver::complete() const { return impl_->progress().complete; }

Result<void> SnapshotReceiver::take(ByteView chunk) { return impl_->take(chunk); }
Result<std::shared_ptr<storage::KeyValueStore>> SnapshotReceiver::finish() { return impl_->finish(); }

}  // namespace testamur::store
