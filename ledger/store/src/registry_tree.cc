#include "registry_tree.h"

#include <algorithm>

namespace testamur::store {

std::vector<Hash>& RegistryTree::tile(unsigned band, std::uint64_t index) {
  const auto [place, is_new] = tiles_.try_emplace({band, index});
  if (!is_new) return place->second;
  const Bytes prefix = keys::tile(keys::registry_tree(), band, index);
  Writer versioned;
  versioned.raw(prefix).u64(version_.value);
  if (const auto found = view_.last_up_to(versioned.bytes(), prefix.size())) place->second = tile_hashes(found->value);
  return place->second;
}

Hash RegistryTree::node(unsigned level, std::uint64_t index) {
  const unsigned height = level % kTileLevels;
  const std::uint64_t first = index << height;
  const std::uint64_t count = std::uint64_t{1} << height;
  const std::vector<Hash>& hashes = tile(level / kTileLevels, first / kTileWidth);
  if (first % kTileWidth + count > hashes.size()) {
    throw storage::StorageFault(ErrorCode::corrupt, "store: expected node " + std::to_string(index) + " of level " +
                                                        std::to_string(level) + " in the registry, found none");
  }
  return fold_tile(std::span(hashes).subspan(first % kTileWidth, count));
}

Hash RegistryTree::root() {
  return merkle::root([this](unsigned level, std::uint64_t index) { return node(level, index); }, size_);
}

merkle::Path RegistryTree::inclusion_path(RecordIndex index) {
  return merkle::inclusion_path([this](unsigned level, std::uint64_t i) { return node(level, i); }, index, size_);
}

void RegistryTree::update(const std::map<RecordIndex, Hash>& leaves, Height version, BlockWrites& writes) {
  Hashes changed(leaves.begin(), leaves.end());
  for (const auto& [index, hash] : leaves) size_ = std::max(size_, index + 1);
  for (unsigned band = 0; !changed.empty(); ++band) changed = set_band(band, changed, version, writes);
  version_ = version;
}

/// Puts hashes into their tiles; returns the roots of the tiles that are full, for the band above.
RegistryTree::Hashes RegistryTree::set_band(unsigned band, const Hashes& changed, Height version, BlockWrites& writes) {
  Hashes above;
  for (auto next = changed.begin(); next != changed.end();) {
    const std::uint64_t index = next->first / kTileWidth;
    std::vector<Hash>& hashes = tile(band, index);
    for (; next != changed.end() && next->first / kTileWidth == index; ++next) {
      const std::size_t offset = next->first % kTileWidth;
      if (offset >= hashes.size()) hashes.resize(offset + 1);
      hashes[offset] = next->second;
    }
    Writer key;
    key.raw(keys::tile(keys::registry_tree(), band, index)).u64(version.value);
    writes.add(std::move(key).bytes(), tile_bytes(hashes));
    if (hashes.size() == kTileWidth) above[index] = fold_tile(hashes);
  }
  return above;
}

}  // namespace testamur::store
