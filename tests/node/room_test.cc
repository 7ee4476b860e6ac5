// Goal: what waits has a bound in number and in bytes, and room that is left is there again.
#include "testamur/node/room.h"

#include <gtest/gtest.h>

#include <vector>

namespace testamur::node {
namespace {

TEST(Room, HoldsSoManyAndNoMore) {
  Room room(2, 100);
  auto first = room.enter();
  const auto second = room.enter();
  EXPECT_FALSE(room.enter());
  first.reset();
  EXPECT_TRUE(room.enter());
}

TEST(Room, HoldsSoManyBytesAndNoMore) {
  Room room(10, 100);
  const auto first = room.enter(60);
  EXPECT_FALSE(room.enter(41)) << "and it takes nothing";
  const auto second = room.enter(40);
  EXPECT_TRUE(second);
  EXPECT_FALSE(room.enter(1));
}

TEST(Room, APlaceIsHeldAsLongAsAnyCopyOfIt) {
  Room room(1, 100);
  auto place = room.enter();
  auto copy = place;
  place.reset();
  EXPECT_FALSE(room.enter());
  copy.reset();
  EXPECT_TRUE(room.enter());
}

}  // namespace
}  // namespace testamur::node
