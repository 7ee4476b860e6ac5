// Random blocks for a ledger: sizes around 128 and the powers of two, ranges that overlap, single entries and whole registers.
#pragma once

#include <random>

#include "test_ledger.h"

namespace testamur::test {

struct Drawn {
  Statement statement;
  Handed handed;
};

class RandomBlocks {
 public:
  explicit RandomBlocks(std::uint64_t seed) : random_(seed) {}

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  /// A statement for one of the world's registers, given its record (which the block's earlier statements may have passed
  /// by: then it is refused, as it must be).
  Drawn statement(const World& world, unsigned institution, const RegisterRecord& record, Time now);

 private:
  std::uint32_t draw_count();
  Drawn issue(const World& world, unsigned institution, const RegisterRecord& record, Time now);
  Drawn amend(const World& world, unsigned institution, const RegisterRecord& record, Time now);

  std::mt19937_64 random_;
};

/// Applies the block that follows from the seed and the ledger's height; certifies every fifth, and rolls one back now
/// and then and applies it again. Two ledgers with one seed go through the same states.
void apply_seeded_block(TestLedger& test, std::uint64_t seed);

/// H of every key and value, without what certifying adds and takes away and the store's own.
Hash contents_of(const storage::KeyValueStore& store);

}  // namespace testamur::test
