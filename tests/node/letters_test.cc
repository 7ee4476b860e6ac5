// Goal: a letter takes memory in proportion to its length, whoever wrote it, and one of a full block is read.
// Method: letters of a block with as many leaves as it may have, and of more; and of fields that nobody knows.
#include "testamur/node/letters.h"

#include <gmock/gmock.h>

#include "testamur/ledger/payload.h"

namespace testamur::node {
namespace {

using testing::HasSubstr;

Bytes block_of(std::size_t leaves) {
  store::OlderBlock block{store::LogIndex{1}, {LeafIndex{2}, std::vector<Bytes>(leaves)}};
  return letter_of(BlockGivesLetter{Height{3}, std::move(block)});
}

TEST(Letters, AFullBlockIsReadAndOneThatWouldGrowWhenParsedIsNot) {
  const auto full = read_letter(block_of(kMaxSubmissions + 1));
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(std::get<BlockGivesLetter>(*full).block->leaves.data.size(), kMaxSubmissions + 1);

  const auto more = read_letter(block_of(kMaxSubmissions + 100));
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("no more fields than a block has leaves"));

  Bytes unknown;
  for (std::size_t i = 0; i < kMaxSubmissions + 100; ++i) unknown.insert(unknown.end(), {0x78, 0x01});
  const auto read = read_letter(unknown);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("no more fields than a block has leaves"));
}

}  // namespace
}  // namespace testamur::node
