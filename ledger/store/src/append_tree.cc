#include "append_tree.h"

#include <algorithm>
#include <bit>

#include "keys.h"

namespace testamur::store {
namespace {

// Bands go up to 15 (16^16 leaves are all that 64 bits can number), so a band and a tile index share a word.
std::uint64_t cache_key(unsigned band, std::uint64_t index) { return index << kTileLevels | band; }

}  // namespace

Hash fold_tile(std::span<const Hash> siblings) {
  std::array<Hash, kTileWidth> level;
  std::copy(siblings.begin(), siblings.end(), level.begin());
  for (std::size_t count = siblings.size(); count > 1; count /= 2) {
    for (std::size_t i = 0; i < count / 2; ++i) level[i] = merkle::node_hash(level[2 * i], level[2 * i + 1]);
  }
  return level[0];
}

Bytes tile_bytes(std::span<const Hash> hashes) {
  Bytes out;
  out.reserve(hashes.size() * sizeof(Hash));
  for (const Hash& hash : hashes) out.insert(out.end(), hash.begin(), hash.end());
  return out;
}

std::vector<Hash> tile_hashes(ByteView value) {
  if (value.size() % sizeof(Hash) != 0 || value.size() > kTileWidth * sizeof(Hash)) {
    throw storage::StorageFault(ErrorCode::corrupt, "store: expected a tile of up to 16 hashes, found " +
                                                        std::to_string(value.size()) + " bytes");
  }
  std::vector<Hash> hashes(value.size() / sizeof(Hash));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(i * sizeof(Hash)), sizeof(Hash), hashes[i].begin());
  }
  return hashes;
}

const std::vector<Hash>& AppendTree::tile(unsigned band, std::uint64_t index) {
  const auto [place, is_new] = tiles_.try_emplace(cache_key(band, index));
  if (!is_new) return place->second;
  const auto value = view_.get(keys::tile(prefix_, band, index));
  if (value) place->second = tile_hashes(*value);
  if (band == 0 && leaves_ == Leaves::raw) {
    for (Hash& hash : place->second) hash = merkle::leaf_hash(hash);
  }
  return place->second;
}

Hash AppendTree::node(unsigned level, std::uint64_t index) {
  const unsigned band = level / kTileLevels;
  const unsigned height = level % kTileLevels;
  const std::uint64_t first = index << height;
  const std::uint64_t count = std::uint64_t{1} << height;
  const std::vector<Hash>& hashes = tile(band, first / kTileWidth);
  const std::uint64_t offset = first % kTileWidth;
  if (offset + count > hashes.size()) {
    throw storage::StorageFault(ErrorCode::corrupt, "store: expected node " + std::to_string(index) + " of level " +
                                                        std::to_string(level) + " in tree " + to_hex(prefix_) +
                                                        ", found none");
  }
  return fold_tile(std::span(hashes).subspan(offset, count));
}

AppendEdge AppendEdge::load(const storage::View& view, const Bytes& prefix, std::uint64_t size) {
  AppendEdge edge;
  edge.size_ = size;
  for (std::uint64_t complete = size; complete > 0; complete /= kTileWidth) {
    Band band;
    band.index = complete / kTileWidth;
    band.stored = complete % kTileWidth;
    if (band.stored > 0) {
      const auto number = static_cast<unsigned>(edge.bands_.size());
      const auto value = view.get(keys::tile(prefix, number, band.index));
      if (value) band.open = tile_hashes(*value);
      if (band.open.size() != band.stored) {
        throw storage::StorageFault(ErrorCode::corrupt, "store: expected " + std::to_string(band.stored) +
                                                            " hashes in the last tile of band " +
                                                            std::to_string(number) + " of tree " + to_hex(prefix) +
                                                            ", found " + std::to_string(band.open.size()));
      }
    }
    edge.bands_.push_back(std::move(band));
  }
  return edge;
}

void AppendEdge::append(const Hash& leaf) {
  append_at(0, leaf);
  ++size_;
}

void AppendEdge::append_at(unsigned number, const Hash& hash) {
  if (number == bands_.size()) bands_.emplace_back();
  Band& band = bands_[number];
  band.open.push_back(hash);
  band.touched = true;
  if (band.open.size() < kTileWidth) return;
  const Hash root = fold_tile(band.open);
  full_.push_back({number, band.index, std::move(band.open), band.stored});
  band = Band{band.index + 1, {}, 0, false};
  append_at(number + 1, root);
}

Hash AppendEdge::root() const {
  if (size_ == 0) return merkle::empty_root();
  // The open tiles, lowest band first, hold the complete subtrees of the right edge, smallest last. Each tile splits into
  // its own by the bits of its length.
  std::optional<Hash> folded;
  for (const Band& band : bands_) {
    std::size_t end = band.open.size();
    while (end > 0) {
      const std::size_t count = std::size_t{1} << std::countr_zero(end);
      const Hash subtree = fold_tile(std::span(band.open).subspan(end - count, count));
      folded = folded ? merkle::node_hash(subtree, *folded) : subtree;
      end -= count;
    }
  }
  return *folded;
}

std::vector<AppendEdge::Tile> AppendEdge::take_touched() {
  std::vector<Tile> out = std::move(full_);
  full_.clear();
  for (unsigned number = 0; number < bands_.size(); ++number) {
    Band& band = bands_[number];
    if (!band.touched) continue;
    out.push_back({number, band.index, band.open, band.stored});
    band.stored = band.open.size();
    band.touched = false;
  }
  return out;
}

void AppendEdge::flush(const Bytes& prefix, BlockWrites& writes) {
  for (const Tile& tile : take_touched()) {
    const Bytes value = tile_bytes(tile.hashes);
    Bytes key = keys::tile(prefix, tile.band, tile.index);
    if (tile.stored == 0) {
      writes.add(std::move(key), value);
    } else {
      writes.replace(std::move(key), ByteView(value).first(tile.stored * sizeof(Hash)), value);
    }
  }
}

}  // namespace testamur::store
