// RFC 6962 section 2.1 trees: roots, inclusion proofs, consistency proofs.
//
// The same few functions serve all six trees of the ledger. Making a root or a proof needs nothing of a tree but the
// hashes of its complete subtrees, which a NodeReader hands out; the right edge is folded on the fly, so one stored
// tree answers for every size it ever had.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "testamur/encoding/bytes.h"

namespace testamur::merkle {

/// H(""), the root of the empty tree.
const Hash& empty_root();
/// H(0x00 || data).
Hash leaf_hash(ByteView data);
/// H(0x01 || left || right).
Hash node_hash(const Hash& left, const Hash& right);

/// A list of sibling hashes, from the leaf upwards. At most 64 long, since sizes are 64-bit.
using Path = std::vector<Hash>;

/// Gives the root of the complete subtree of 2^level leaves that begins at leaf index << level.
using NodeReader = std::function<Hash(unsigned level, std::uint64_t index)>;

/// The root of the first `size` leaves.
Hash root(const NodeReader& node, std::uint64_t size);
/// RFC 6962 2.1.1 for leaf `index` < `size`.
Path inclusion_path(const NodeReader& node, std::uint64_t index, std::uint64_t size);
/// RFC 6962 2.1.2 from `old_size` to `size`, 0 < old_size <= size.
Path consistency_path(const NodeReader& node, std::uint64_t old_size, std::uint64_t size);
/// The roots of the complete subtrees that make up the first `size` leaves, left to right.
Path peaks(const NodeReader& node, std::uint64_t size);

/// Reads nodes of a tree whose leaf hashes are all in memory, by hashing.
NodeReader reader_of(std::span<const Hash> leaf_hashes);

/// The root that the path implies, or nothing when the path is not exactly as long as `index` and `size` ask for.
std::optional<Hash> root_from_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                                        std::span<const Hash> path);
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> path,
                      const Hash& root);
/// Whether the tree of `size` leaves begins with the tree of `old_size`. Equal sizes take equal roots and an empty path.
/// RFC 6962 defines nothing from size 0 to a larger one; that is refused here.
bool verify_consistency(std::uint64_t old_size, std::uint64_t size, std::span<const Hash> path, const Hash& old_root,
                        const Hash& root);

/// The right edge of a growing tree: the roots of its complete subtrees, largest first. Appending is amortised O(1).
class CompactRange {
 public:
  CompactRange() = default;
  /// A tree of `size` leaves with these peaks; nothing when their number does not fit the size.
  static std::optional<CompactRange> from(std::uint64_t size, Path peaks);

  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Hash root() const;

 private:
  std::uint64_t size_ = 0;
  Path peaks_;
};

}  // namespace testamur::merkle
