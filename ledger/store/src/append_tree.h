// Trees that only grow (the log, a register's batches and events, a listed batch), stored as tiles.
//
// A tile holds up to 16 hashes of one band: band 0 holds leaf hashes, band k the roots of complete subtrees of 16^k leaves.
// A hash is written once its subtree is complete and never changes, so a tile only ever grows at its end, the tree of
// every earlier size can be read from the tiles of a later one, and a path of 24 levels costs six reads.
#pragma once

#include <unordered_map>

#include "testamur/ledger/merkle.h"
#include "writes.h"

namespace testamur::store {

inline constexpr unsigned kTileLevels = 4;
inline constexpr std::uint64_t kTileWidth = 1u << kTileLevels;

/// The root of 1, 2, 4, 8 or 16 sibling hashes.
Hash fold_tile(std::span<const Hash> siblings);

Bytes tile_bytes(std::span<const Hash> hashes);
/// Throws storage::StorageFault when the value is no list of hashes.
std::vector<Hash> tile_hashes(ByteView value);

/// Reads nodes of the tree whose tiles lie under `prefix`. Keeps what it read; for one thread and one view.
class AppendTree {
 public:
  /// In a listed batch band 0 holds the commitments themselves, and their leaf hashes are made on reading.
  enum class Leaves { hashed, raw };

  AppendTree(const storage::View& view, Bytes prefix, Leaves leaves = Leaves::hashed)
      : view_(view), prefix_(std::move(prefix)), leaves_(leaves) {}

  Hash node(unsigned level, std::uint64_t index);
  merkle::NodeReader reader() {
    return [this](unsigned level, std::uint64_t index) { return node(level, index); };
  }
  Hash root(std::uint64_t size) { return merkle::root(reader(), size); }
  merkle::Path inclusion_path(std::uint64_t index, std::uint64_t size) {
    return merkle::inclusion_path(reader(), index, size);
  }

 private:
  const std::vector<Hash>& tile(unsigned band, std::uint64_t index);

  const storage::View& view_;
  Bytes prefix_;
  Leaves leaves_;
  std::unordered_map<std::uint64_t, std::vector<Hash>> tiles_;
};

/// The open tiles along a tree's right edge: what appending needs. Kept in memory between blocks.
class AppendEdge {
 public:
  AppendEdge() = default;
  /// Reads the edge of a tree of this size.
  static AppendEdge load(const storage::View& view, const Bytes& prefix, std::uint64_t size);

  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Hash root() const;

  /// Moves the tiles touched since the last flush into `writes`.
  void flush(const Bytes& prefix, BlockWrites& writes);

  /// The tiles touched since the last flush, band by band, for a tree that stores them in its own way.
  struct Tile {
    unsigned band = 0;
    std::uint64_t index = 0;
    std::vector<Hash> hashes;
    std::size_t stored = 0;  ///< how many of the hashes lie on disk already
  };
  std::vector<Tile> take_touched();

 private:
  struct Band {
    std::uint64_t index = 0;  // of the open tile
    std::vector<Hash> open;   // fewer than 16
    std::size_t stored = 0;   // how many of `open` are on disk
    bool touched = false;
  };
  void append_at(unsigned band, const Hash& hash);

  std::uint64_t size_ = 0;
  std::vector<Band> bands_;
  std::vector<Tile> full_;  // completed since the last flush
};

}  // namespace testamur::store
