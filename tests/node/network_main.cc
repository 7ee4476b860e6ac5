#include <gtest/gtest.h>

#include "network.h"

int main(int argc, char** argv) {
  // While there is one thread.
  testamur::test::enter_own_network();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
