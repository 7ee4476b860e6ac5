// ledger_writer DIRECTORY SEED BLOCKS: applies seeded blocks to the ledger in the directory, and prints the height after each.
// The kill test lets it run and kills it.
#include <cstdio>
#include <cstdlib>

#include "random_ledger.h"

int main(int argc, char** argv) {
  using namespace testamur::test;
  if (argc != 4) {
    std::fprintf(stderr, "usage: ledger_writer DIRECTORY SEED BLOCKS\n");
    return 2;
  }
  const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  const std::uint64_t blocks = std::strtoull(argv[3], nullptr, 10);
  // A small write buffer, so that flushes and compactions are killed as well.
  testamur::storage::RocksOptions options;
  options.write_buffer_bytes = 64u << 10;
  TestLedger test(World({.institutions = 2, .registers = 2}), argv[1], options);
  while (test.ledger().head().height.value < blocks) {
    apply_seeded_block(test, seed);
    std::printf("%llu\n", static_cast<unsigned long long>(test.ledger().head().height.value));
    std::fflush(stdout);
  }
  return 0;
}
