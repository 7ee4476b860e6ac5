// The registry: a tree of records that change in place and grow at the right, kept by version in tiles of 16 hashes.
#pragma once

#include <map>

#include "append_tree.h"
#include "keys.h"

namespace testamur::store {

class RegistryTree {
 public:
  using Tiles = std::map<std::pair<unsigned, std::uint64_t>, std::vector<Hash>>;

  /// The tree as of block `version`, when it had `size` records; `known` are tiles of that tree, which need not be read.
  RegistryTree(const storage::View& view, Height version, std::uint32_t size, Tiles known = {})
      : view_(view), version_(version), size_(size), tiles_(std::move(known)) {}

  Hash root();
  merkle::Path inclusion_path(RecordIndex index);

  /// Sets leaf hashes, the new ones at the end, as of block `version`; the tree then is the new one.
  void update(const std::map<RecordIndex, Hash>& leaves, Height version, BlockWrites& writes);
  /// What is known of the tree as it now is; the last that is asked of it.
  Tiles take_tiles() { return std::move(tiles_); }

 private:
  using Hashes = std::map<std::uint64_t, Hash>;

  std::vector<Hash>& tile(unsigned band, std::uint64_t index);
  Hash node(unsigned level, std::uint64_t index);
  Hashes set_band(unsigned band, const Hashes& changed, Height version, BlockWrites& writes);

  const storage::View& view_;
  Height version_;
  std::uint32_t size_;
  Tiles tiles_;
};

}  // namespace testamur::store
