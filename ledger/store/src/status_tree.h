// A register's status tree, kept by version in tiles of 16 children, with runs of equal status folded away.
//
// A child is either uniform (every entry below it has one status, a constant subtree) or mixed: then band 0 holds its chunk,
// and a higher band the root of its subtree. Below a uniform child nothing is read and nothing need be right: when a part
// of it changes, the tile below is written anew, whole. So a register that grows by good entries writes nothing, and a
// range of any length writes the tiles at its two edges.
//
// Beyond the last chunk a tile counts as good. What a proof reads are complete subtrees only, so this shows nowhere.
#pragma once

#include <map>
#include <set>

#include "append_tree.h"
#include "testamur/ledger/leaf.h"
#include "testamur/ledger/rules.h"

namespace testamur::store {

class StatusTree {
 private:
  struct Child {
    bool mixed = false;
    Status uniform = Status::good;
    Hash value{};  // mixed: the chunk in band 0, else the subtree's root
    bool operator==(const Child&) const = default;
  };

 public:
  using Tile = std::array<Child, kTileWidth>;

  /// The tree under `prefix` as of block `version`, when `issued` numbers were given out; `top` is its top tile where that is known,
  /// so that it need not be read.
  StatusTree(const storage::View& view, Bytes prefix, Height version, std::uint64_t issued,
             const std::optional<Tile>& top = {});

  Chunk chunk(std::uint64_t index);
  Hash root();
  merkle::Path inclusion_path(std::uint64_t chunk_index);
  /// Runs that cover exactly [first, first + count), in order. Numbers from `issued` on are good.
  std::vector<StatusRun> runs(EntryNumber first, std::uint64_t count);

  /// Sets disjoint runs in rising order, within `issued_after` >= issued numbers, as of block `version`; the tree then is
  /// the new one.
  void update(std::span<const StatusRun> runs, std::uint64_t issued_after, Height version, BlockWrites& writes);
  /// Of the tree as it now is.
  const Tile& top() { return tile(top_, 0); }

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t end;
  };

  static Bytes encode(const Tile& tile);
  static Tile decode(ByteView value);
  static Tile uniform_tile(Status status);
  static Hash child_hash(const Child& child, unsigned band);
  static Range range_of(unsigned band, std::uint64_t index);

  std::optional<Tile> stored(unsigned band, std::uint64_t index) const;
  const Tile& tile(unsigned band, std::uint64_t index);
  Child summary(const Tile& tile, unsigned band) const;
  Hash node(unsigned level, std::uint64_t index);
  Chunk chunk_of(const Child& child) const;
  void collect(unsigned band, std::uint64_t index, Range wanted, std::vector<StatusRun>& out);
  Child set(unsigned band, std::uint64_t index, std::span<const StatusRun> runs, BlockWrites& writes);
  void write(unsigned band, std::uint64_t index, const Tile& tile, BlockWrites& writes);
  void grow(std::uint64_t issued_after);

  const storage::View& view_;
  Bytes prefix_;
  Height version_;
  std::uint64_t issued_;
  unsigned top_;
  std::map<std::pair<unsigned, std::uint64_t>, Tile> tiles_;
  std::set<std::pair<unsigned, std::uint64_t>> written_;  // by the update under way
};

}  // namespace testamur::store
