// The sending end of a snapshot: walks the store as of its newest certified block. Blocks above it are in the same store; each section
// says below how it leaves them out.
#include "snapshot_format.h"
#include "state.h"
#include "testamur/ledger/genesis.h"

namespace testamur::store {
namespace {

/// The number in the last eight bytes of a key.
std::uint64_t last_number(ByteView key) { return stored_u64(key.last(sizeof(std::uint64_t)), "key"); }

}  // namespace

class SnapshotSource::Impl {
 public:
  Impl(std::shared_ptr<const storage::KeyValueStore> store, std::unique_ptr<storage::View> view, Hash ledger,
       SnapshotManifest manifest, std::size_t chunk_bytes)
      : chunk_bytes_(chunk_bytes),
        store_(std::move(store)),
        view_(std::move(view)),
        ledger_(ledger),
        manifest_(std::move(manifest)) {}

  const SnapshotManifest& manifest() const { return manifest_; }
  Bytes chunk(const SnapshotPlace& after) const;

 private:
  /// Says false when it has no room for the entry.
  using Add = std::function<bool(SnapshotPlace place, ByteView value)>;
  using Section = void (Impl::*)(const SnapshotPlace& from, const Add& add) const;

  void log_tiles(const SnapshotPlace& from, const Add& add) const;
  void records(const SnapshotPlace& from, const Add& add) const;
  void issues(const SnapshotPlace& from, const Add& add) const;
  void listed_tiles(const SnapshotPlace& from, const Add& add) const;
  void events(const SnapshotPlace& from, const Add& add) const;

  std::uint64_t size() const { return manifest_.certified.checkpoint.size; }
  Height height() const { return manifest_.block.height; }

  std::size_t chunk_bytes_;
  std::shared_ptr<const storage::KeyValueStore> store_;  // outlives the view
  std::unique_ptr<storage::View> view_;
  Hash ledger_;
  SnapshotManifest manifest_;
};

/// Tiles only grow at their end, so those of the checkpoint's size are the beginnings of the present ones.
void SnapshotSource::Impl::log_tiles(const SnapshotPlace& from, const Add& add) const {
  for (std::uint64_t tile = from.major; tile < tiles_of(size()); ++tile) {
    const Bytes hashes = present(view_->get(keys::tile(keys::log_tree(), 0, tile)), "a tile of the log");
    const std::size_t bytes = hashes_in_tile(tile, size()) * sizeof(Hash);
    if (hashes.size() < bytes)
      throw storage::StorageFault(ErrorCode::corrupt, "store: expected a longer tile of the log");
    if (!add({kLogTiles, tile, 0}, ByteView(hashes).first(bytes))) return;
  }
}

/// Kept by version.
void SnapshotSource::Impl::records(const SnapshotPlace& from, const Add& add) const {
  for (std::uint64_t index = from.major; index < manifest_.block.registry_size; ++index) {
    if (!add({kRecords, index, 0}, read_record(*view_, static_cast<RecordIndex>(index), height()))) return;
  }
}

/// Leaves lie under the checkpoint or beyond it.
void SnapshotSource::Impl::issues(const SnapshotPlace& from, const Add& add) const {
  view_->scan(keys::leaf(LeafIndex{from.major}), keys::leaves(), [&](ByteView key, ByteView value) {
    const std::uint64_t leaf = last_number(key);
    if (leaf >= size()) return false;
    return !issue_in(value) || add({kIssues, leaf, 0}, value);
  });
}

/// The tiles of a listed batch come with its leaf.
void SnapshotSource::Impl::listed_tiles(const SnapshotPlace& from, const Add& add) const {
  const Bytes first = keys::tile(keys::listed_tree(LeafIndex{from.major}), 0, from.minor);
  view_->scan(first, keys::listed_trees(), [&](ByteView key, ByteView value) {
    Reader reader(key, "listed_tile");
    reader.u8("kind");
    const std::uint64_t leaf = reader.u64("leaf");
    const unsigned band = reader.u8("band");
    const std::uint64_t tile = reader.u64("tile");
    if (leaf >= size()) return false;
    return band != 0 || add({kListedTiles, leaf, tile}, value);
  });
}

/// The register's record as of the block says how many there were.
void SnapshotSource::Impl::events(const SnapshotPlace& from, const Add& add) const {
  bool has_room = true;
  for (std::uint64_t index = from.major; has_room && index < manifest_.block.registry_size; ++index) {
    const auto at = static_cast<RecordIndex>(index);
    const Record record = stored(decode_record(read_record(*view_, at, height())), "a record");
    const auto* registered = std::get_if<RegisterRecord>(&record);
    if (registered == nullptr) continue;
    const EventSequence first{index == from.major ? from.minor : 0};
    const Bytes key = keys::event(at, first);
    view_->scan(key, ByteView(key).first(key.size() - sizeof(std::uint64_t)), [&](ByteView found, ByteView value) {
      const std::uint64_t sequence = last_number(found);
      if (sequence >= registered->events) return false;
      has_room = add({kEvents, index, sequence}, value);
      return has_room;
    });
  }
}

Bytes SnapshotSource::Impl::chunk(const SnapshotPlace& after) const {
  static constexpr std::array<Section, kLastSection> sections = {&Impl::log_tiles, &Impl::records, &Impl::issues,
                                                                 &Impl::listed_tiles, &Impl::events};
  SnapshotChunk chunk{ledger_, height(), after, false, {}};
  std::size_t bytes = 0;
  bool is_full = false;
  const Add add = [&](SnapshotPlace place, ByteView value) {
    if (place <= after) return true;
    bytes += kEntryOverhead + value.size();
    if (!chunk.entries.empty() && bytes > chunk_bytes_) {
      is_full = true;
      return false;
    }
    chunk.entries.push_back({place, Bytes(value.begin(), value.end())});
    return true;
  };
  SnapshotPlace from = after;
  for (std::uint8_t section = std::max<std::uint8_t>(1, after.section); section <= kLastSection; ++section) {
    if (section != after.section) from = {section, 0, 0};
    (this->*sections[section - 1])(from, add);
    // A chunk is of one section.
    if (is_full || (!chunk.entries.empty() && section < kLastSection)) return encode(chunk);
  }
  chunk.last = true;
  return encode(chunk);
}

Result<std::unique_ptr<SnapshotSource>> SnapshotSource::open(std::shared_ptr<const storage::KeyValueStore> store,
                                                             std::size_t chunk_bytes) {
  return guarded([&]() -> Result<std::unique_ptr<SnapshotSource>> {
    auto view = store->view();
    const auto genesis = view->get(keys::genesis());
    if (!genesis) return Error{ErrorCode::not_found, "snapshot: expected a ledger, found an empty store"};
    const Hash ledger = ledger_id(*genesis);
    const Record consortium = stored(decode_record(read_record(*view, 0, Height{0})), "the consortium record");
    auto certified = read_certified(*view, origin_line(std::get<ConsortiumRecord>(consortium).origin, ledger));
    if (!certified) return Error{ErrorCode::not_found, "snapshot: expected a certified checkpoint, found none yet"};
    SnapshotManifest manifest;
    manifest.payload = read_block_payload(*view, certified->height);
    manifest.certified = std::move(certified->certified);
    manifest.block = read_block(*view, certified->height);
    const std::uint64_t size = manifest.certified.checkpoint.size;
    manifest.block_path = AppendTree(*view, keys::log_tree()).inclusion_path(size - 1, size);
    auto impl = std::make_unique<Impl>(std::move(store), std::move(view), ledger, std::move(manifest), chunk_bytes);
    return std::unique_ptr<SnapshotSource>(new SnapshotSource(std::move(impl)));
  });
}

SnapshotSource::SnapshotSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SnapshotSource::~SnapshotSource() = default;

const SnapshotManifest& SnapshotSource::manifest() const { return impl_->manifest(); }

Result<Bytes> SnapshotSource::chunk(const SnapshotPlace& after) const {
  return guarded([&]() -> Result<Bytes> { return impl_->chunk(after); });
}

}  // namespace testamur::store
