// Goal: roots and proofs are RFC 6962's at every size, and nothing else verifies.
// Method: everything is compared with the RFC's recursive definition, written here as it stands there; then every path is
// bent, lengthened, shortened, and used for other indexes and sizes.
#include "testamur/ledger/merkle.h"

#include <gtest/gtest.h>

#include "world.h"

namespace testamur::merkle {
namespace {

std::vector<Hash> leaves_of(std::size_t count) {
  std::vector<Hash> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash(test::bytes_named(std::to_string(i))));
  return leaves;
}

std::size_t largest_power_below(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/// RFC 6962 2.1: MTH, on leaf hashes.
Hash mth(std::span<const Hash> leaves) {
  if (leaves.empty()) return sha256(ByteView{});
  if (leaves.size() == 1) return leaves[0];
  const std::size_t k = largest_power_below(leaves.size());
  return node_hash(mth(leaves.first(k)), mth(leaves.subspan(k)));
}

/// RFC 6962 2.1.1: PATH.
Path path(std::size_t m, std::span<const Hash> leaves) {
  if (leaves.size() == 1) return {};
  const std::size_t k = largest_power_below(leaves.size());
  Path out = m < k ? path(m, leaves.first(k)) : path(m - k, leaves.subspan(k));
  out.push_back(m < k ? mth(leaves.subspan(k)) : mth(leaves.first(k)));
  return out;
}

/// RFC 6962 2.1.2: SUBPROOF.
Path subproof(std::size_t m, std::span<const Hash> leaves, bool whole) {
  if (m == leaves.size()) return whole ? Path{} : Path{mth(leaves)};
  const std::size_t k = largest_power_below(leaves.size());
  Path out = m <= k ? subproof(m, leaves.first(k), whole) : subproof(m - k, leaves.subspan(k), false);
  out.push_back(m <= k ? mth(leaves.subspan(k)) : mth(leaves.first(k)));
  return out;
}

TEST(Merkle, PublishedHashes) {
  // RFC 6962's empty root, and the leaf hash of the empty string, as every implementation has them.
  EXPECT_EQ(to_hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(leaf_hash({})), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST(Merkle, RootsAreTheDefinition) {
  const auto leaves = leaves_of(600);
  CompactRange range;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    const auto some = std::span(leaves).first(size);
    const Hash expected = mth(some);
    EXPECT_EQ(root(reader_of(some), size), expected) << size;
    EXPECT_EQ(range.root(), expected) << size;
    const auto rebuilt = CompactRange::from(size, peaks(reader_of(some), size));
    ASSERT_TRUE(rebuilt);
    EXPECT_EQ(rebuilt->root(), expected) << size;
    if (size < leaves.size()) range.append(leaves[size]);
  }
}

TEST(Merkle, InclusionProofsAreTheDefinitionAndVerify) {
  const auto leaves = leaves_of(70);
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    const auto some = std::span(leaves).first(size);
    const Hash expected = mth(some);
    for (std::size_t i = 0; i < size; ++i) {
      const Path found = inclusion_path(reader_of(some), i, size);
      ASSERT_EQ(found, path(i, some)) << i << " of " << size;
      ASSERT_TRUE(verify_inclusion(leaves[i], i, size, found, expected));
    }
  }
}

TEST(Merkle, NoOtherInclusionProofVerifies) {
  const auto leaves = leaves_of(20);
  for (const std::size_t size : {1u, 2u, 3u, 7u, 8u, 9u, 20u}) {
    const auto some = std::span(leaves).first(size);
    const Hash expected = mth(some);
    for (std::size_t i = 0; i < size; ++i) {
      const Path good = path(i, some);
      for (std::size_t other = 0; other < 40; ++other) {
        if (other == i) continue;
        EXPECT_FALSE(verify_inclusion(leaves[i], other, size, good, expected)) << other;
      }
      for (std::size_t k = 0; k <= good.size(); ++k) {
        Path longer = good;
        longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(k), expected);
        EXPECT_FALSE(verify_inclusion(leaves[i], i, size, longer, expected));
        if (k == good.size()) continue;
        Path shorter = good;
        shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(k));
        EXPECT_FALSE(verify_inclusion(leaves[i], i, size, shorter, expected));
        Path bent = good;
        bent[k][31] ^= 1;
        EXPECT_FALSE(verify_inclusion(leaves[i], i, size, bent, expected));
      }
      EXPECT_FALSE(verify_inclusion(leaves[i], i, 0, good, expected));
      EXPECT_FALSE(verify_inclusion(leaves[i], UINT64_MAX, size, good, expected));
    }
  }
}

TEST(Merkle, ConsistencyProofsAreTheDefinitionAndVerify) {
  const auto leaves = leaves_of(70);
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    const auto some = std::span(leaves).first(size);
    for (std::size_t old = 1; old <= size; ++old) {
      const Path found = consistency_path(reader_of(some), old, size);
      ASSERT_EQ(found, subproof(old, some, true)) << old << " to " << size;
      ASSERT_TRUE(verify_consistency(old, size, found, mth(some.first(old)), mth(some)));
    }
  }
}

TEST(Merkle, NoOtherConsistencyProofVerifies) {
  const auto leaves = leaves_of(33);
  for (const std::size_t size : {2u, 3u, 8u, 13u, 32u, 33u}) {
    const auto some = std::span(leaves).first(size);
    for (std::size_t old = 1; old < size; ++old) {
      const Hash old_root = mth(some.first(old));
      const Path good = subproof(old, some, true);
      for (std::size_t k = 0; k < good.size(); ++k) {
        Path bent = good;
        bent[k][0] ^= 1;
        EXPECT_FALSE(verify_consistency(old, size, bent, old_root, mth(some)));
        Path shorter = good;
        shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(k));
        EXPECT_FALSE(verify_consistency(old, size, shorter, old_root, mth(some)));
      }
      Path longer = good;
      longer.push_back(old_root);
      EXPECT_FALSE(verify_consistency(old, size, longer, old_root, mth(some)));
      EXPECT_FALSE(verify_consistency(old, size, good, mth(some), mth(some)));
      EXPECT_FALSE(verify_consistency(old, size, good, old_root, old_root));
      EXPECT_FALSE(verify_consistency(old, size, {}, old_root, mth(some)));
      EXPECT_FALSE(verify_consistency(size, old, good, mth(some), old_root));
    }
  }
  EXPECT_FALSE(verify_consistency(0, 5, {}, empty_root(), mth(std::span(leaves).first(5))));
  EXPECT_FALSE(verify_consistency(5, 5, Path{empty_root()}, leaves[0], leaves[0]));
}

TEST(Merkle, SizesUpToTheLastBitAreBounded) {
  // Hostile sizes and indexes neither overflow nor take long.
  const Hash any = empty_root();
  for (const std::uint64_t size : {UINT64_MAX, UINT64_MAX - 1, std::uint64_t{1} << 63}) {
    const Path full(64, any);
    EXPECT_FALSE(verify_inclusion(any, 0, size, full, any));
    EXPECT_FALSE(verify_inclusion(any, size - 1, size, full, any));
    EXPECT_FALSE(verify_consistency(size - 1, size, full, any, any));
  }
}

TEST(CompactRange, RefusesPeaksThatDoNotFitTheSize) {
  EXPECT_FALSE(CompactRange::from(0, {empty_root()}));
  EXPECT_FALSE(CompactRange::from(3, {empty_root()}));
  EXPECT_TRUE(CompactRange::from(0, {}));
}

}  // namespace
}  // namespace testamur::merkle
