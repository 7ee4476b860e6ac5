#include "testamur/ledger/merkle.h"

#include <algorithm>
#include <bit>

#include "testamur/ledger/sha256.h"

namespace testamur::merkle {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00;
constexpr std::uint8_t kNodePrefix = 0x01;

/// The largest power of two smaller than n, for n > 1: where RFC 6962 splits a tree.
std::uint64_t split_point(std::uint64_t n) { return std::uint64_t{1} << (std::bit_width(n - 1) - 1); }

/// The root of leaves [begin, begin + count), where `begin` is a multiple of count rounded up to a power of two.
Hash subtree(const NodeReader& node, std::uint64_t begin, std::uint64_t count) {
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return node(level, begin >> level);
  }
  const std::uint64_t left = split_point(count);
  // The left part first: stores cache what they read, and neighbours share a cache line of theirs.
  const Hash left_root = subtree(node, begin, left);
  return node_hash(left_root, subtree(node, begin + left, count - left));
}

/// How many hashes of an inclusion path lie below the point where it meets the tree's right edge.
unsigned inner_length(std::uint64_t index, std::uint64_t size) {
  return static_cast<unsigned>(std::bit_width(index ^ (size - 1)));
}

/// Folds `path` onto `seed`: below the right edge the bits of `index` tell left from right.
Hash fold_inner(Hash seed, std::uint64_t index, std::span<const Hash> path) {
  for (const Hash& sibling : path) {
    seed = (index & 1) == 0 ? node_hash(seed, sibling) : node_hash(sibling, seed);
    index >>= 1;
  }
  return seed;
}

/// Like fold_inner, but takes only the siblings on the left: the root of an earlier tree that ended here.
Hash fold_inner_left(Hash seed, std::uint64_t index, std::span<const Hash> path) {
  for (const Hash& sibling : path) {
    if ((index & 1) != 0) seed = node_hash(sibling, seed);
    index >>= 1;
  }
  return seed;
}

/// On the right edge every sibling is on the left.
Hash fold_border(Hash seed, std::span<const Hash> path) {
  for (const Hash& sibling : path) seed = node_hash(sibling, seed);
  return seed;
}

}  // namespace

const Hash& empty_root() {
  static const Hash hash = sha256(ByteView{});
  return hash;
}

Hash leaf_hash(ByteView data) { return sha256({ByteView{&kLeafPrefix, 1}, data}); }

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> input;
  input[0] = kNodePrefix;
  std::copy(left.begin(), left.end(), input.begin() + 1);
  std::copy(right.begin(), right.end(), input.begin() + 33);
  return sha256(input);
}

Hash root(const NodeReader& node, std::uint64_t size) { return size == 0 ? empty_root() : subtree(node, 0, size); }

Path inclusion_path(const NodeReader& node, std::uint64_t index, std::uint64_t size) {
  Path path;
  std::uint64_t begin = 0;
  std::uint64_t count = size;
  while (count > 1) {
    const std::uint64_t left = split_point(count);
    if (index - begin < left) {
      path.push_back(subtree(node, begin + left, count - left));
      count = left;
    } else {
      path.push_back(subtree(node, begin, left));
      begin += left;
      count -= left;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Path consistency_path(const NodeReader& node, std::uint64_t old_size, std::uint64_t size) {
  Path path;
  std::uint64_t begin = 0;
  std::uint64_t count = size;
  std::uint64_t old = old_size;  // how much of the old tree lies in [begin, begin + count)
  while (old < count) {
    const std::uint64_t left = split_point(count);
    if (old <= left) {
      path.push_back(subtree(node, begin + left, count - left));
      count = left;
    } else {
      path.push_back(subtree(node, begin, left));
      begin += left;
      old -= left;
      count -= left;
    }
  }
  // What remains is a subtree of the old tree. When it is the whole old tree, the verifier has its root already.
  if (begin != 0) path.push_back(subtree(node, begin, count));
  std::reverse(path.begin(), path.end());
  return path;
}

Path peaks(const NodeReader& node, std::uint64_t size) {
  Path out;
  std::uint64_t begin = 0;
  while (begin < size) {
    const std::uint64_t count = std::bit_floor(size - begin);
    out.push_back(subtree(node, begin, count));
    begin += count;
  }
  return out;
}

NodeReader reader_of(std::span<const Hash> leaf_hashes) {
  return [leaf_hashes](unsigned level, std::uint64_t index) {
    const std::uint64_t count = std::uint64_t{1} << level;
    CompactRange range;
    for (const Hash& leaf : leaf_hashes.subspan(index << level, count)) range.append(leaf);
    return range.root();
  };
}

std::optional<Hash> root_from_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                                        std::span<const Hash> path) {
  if (index >= size) return std::nullopt;
  const unsigned inner = inner_length(index, size);
  const auto border = inner < 64 ? static_cast<unsigned>(std::popcount(index >> inner)) : 0;
  if (path.size() != inner + border) return std::nullopt;
  return fold_border(fold_inner(leaf, index, path.first(inner)), path.subspan(inner));
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> path,
                      const Hash& root) {
  return root_from_inclusion(leaf, index, size, path) == root;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t size, std::span<const Hash> path, const Hash& old_root,
                        const Hash& root) {
  if (old_size == size) return path.empty() && old_root == root;
  if (old_size == 0 || old_size > size || path.empty()) return false;
  // The path is the upper part of the inclusion path of the old tree's last leaf, from the largest complete subtree of the
  // old tree that ends there. Where that subtree is the whole old tree, its root is known and left out.
  const auto shift = static_cast<unsigned>(std::countr_zero(old_size));
  const bool starts_at_old_root = std::has_single_bit(old_size);
  const Hash seed = starts_at_old_root ? old_root : path.front();
  if (!starts_at_old_root) path = path.subspan(1);
  const unsigned inner = inner_length(old_size - 1, size) - shift;
  const unsigned top = inner + shift;
  const auto border = top < 64 ? static_cast<unsigned>(std::popcount((old_size - 1) >> top)) : 0;
  if (path.size() != inner + border) return false;
  const std::uint64_t index = (old_size - 1) >> shift;
  const auto below = path.first(inner);
  const auto above = path.subspan(inner);
  return fold_border(fold_inner_left(seed, index, below), above) == old_root &&
         fold_border(fold_inner(seed, index, below), above) == root;
}

std::optional<CompactRange> CompactRange::from(std::uint64_t size, Path peaks) {
  if (peaks.size() != static_cast<std::size_t>(std::popcount(size))) return std::nullopt;
  CompactRange range;
  range.size_ = size;
  range.peaks_ = std::move(peaks);
  return range;
}

void CompactRange::append(const Hash& leaf) {
  Hash merged = leaf;
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    merged = node_hash(peaks_.back(), merged);
    peaks_.pop_back();
  }
  peaks_.push_back(merged);
  ++size_;
}

Hash CompactRange::root() const {
  if (peaks_.empty()) return empty_root();
  Hash folded = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) folded = node_hash(peaks_[i], folded);
  return folded;
}

}  // namespace testamur::merkle
