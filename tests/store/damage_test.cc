// Goal: a flipped byte anywhere in a stopped ledger's files is either harmless or an error, never another head.
// Method: a ledger is synced and closed; in copies of its directory one byte is flipped, then the ledger is opened and read.
#include <gtest/gtest.h>

#include <fstream>

#include "random_ledger.h"

namespace testamur::test {
namespace {

void flip_byte(const std::filesystem::path& file, std::uintmax_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 0x10));
}

TEST(Store, AFlippedByteNeverYieldsAnotherHead) {
  ScratchDirectory scratch;
  const std::string good = scratch.path() + "/good";
  store::Head head;
  Hash contents;
  {
    TestLedger test(World({.institutions = 2, .registers = 2}), good);
    for (int i = 0; i < 30; ++i) apply_seeded_block(test, 9);
    value_of(test.ledger().sync());
    head = test.ledger().head();
    contents = contents_of(*test.store());
  }
  std::mt19937_64 random(3);
  int refused = 0;
  for (const auto& file : std::filesystem::directory_iterator(good)) {
    const std::uintmax_t size = file.file_size();
    if (size == 0 || file.path().filename() == "LOG") continue;
    for (int trial = 0; trial < 12; ++trial) {
      const std::string copy = scratch.path() + "/copy";
      std::filesystem::remove_all(copy);
      std::filesystem::copy(good, copy, std::filesystem::copy_options::recursive);
      const std::uintmax_t at = random() % size;
      flip_byte(std::filesystem::path(copy) / file.path().filename(), at);
      SCOPED_TRACE(file.path().filename().string() + " at " + std::to_string(at));
      auto opened = store::open_rocks(copy, false);
      if (!opened) {
        ++refused;
        continue;
      }
      std::shared_ptr<store::KeyValueStore> kv = std::move(*opened);
      auto ledger = store::Ledger::open(kv);
      if (!ledger) {
        ++refused;
        continue;
      }
      // Damage that opening did not meet is met by reading, or hurts nothing.
      EXPECT_EQ((*ledger)->head(), head);
      try {
        EXPECT_EQ(contents_of(*kv), contents);
      } catch (const store::StorageFault& fault) {
        EXPECT_EQ(fault.error().code, ErrorCode::corrupt);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 10) << "the trial must have hit something that matters";
}

}  // namespace
}  // namespace testamur::test
