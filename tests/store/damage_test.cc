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
      auto opened = storage::open_rocks(copy, false);
      if (!opened) {
        ++refused;
        continue;
      }
      std::shared_ptr<storage::KeyValueStore> kv = std::move(*opened);
      auto ledger = store::Ledger::open(kv);
      if (!ledger) {
        ++refused;
        continue;
      }
      // Damage that opening did not meet is met by reading, or hurts nothing.
      EXPECT_EQ((*ledger)->head(), head);
      try {
        EXPECT_EQ(contents_of(*kv), contents);
      } catch (const storage::StorageFault& fault) {
        EXPECT_EQ(fault.error().code, ErrorCode::corrupt);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 10) << "the trial must have hit something that matters";
}

std::filesystem::path write_ahead_log(const std::string& directory) {
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".log") return file.path();
  }
  throw std::runtime_error("no write-ahead log in " + directory);
}

/// Writes records to a new store, the value of each `bytes` long; returns the path of its write-ahead log.
std::filesystem::path write_records(const std::string& directory, std::uint8_t count, std::size_t bytes) {
  const auto kv = value_of(storage::open_rocks(directory, true));
  for (std::uint8_t i = 1; i <= count; ++i) {
    storage::WriteSet writes;
    writes.put({i}, Bytes(bytes, i));
    kv->write(writes);
  }
  return write_ahead_log(directory);
}

TEST(Store, AHoleInTheWriteAheadLogEndsTheReplay) {
  // A loss of power can leave a hole of zeros with whole records after it. RocksDB's log lies in blocks of 32 KiB, and a hole
  // of whole blocks reads as nothing at all; so each record here is made to fill one, and the fifth is zeroed.
  constexpr std::uintmax_t block = 32768;
  ScratchDirectory scratch;
  constexpr std::uintmax_t some = 20000;
  const std::uintmax_t one = std::filesystem::file_size(write_records(scratch.path() + "/a", 1, some));
  const auto value_bytes = static_cast<std::size_t>(some + block - one);
  const std::string directory = scratch.path() + "/b";
  const auto log = write_records(directory, 8, value_bytes);
  ASSERT_EQ(std::filesystem::file_size(log), 8 * block);
  std::fstream stream(log, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(4 * block);
  stream << std::string(block, '\0');
  stream.close();
  const auto kv = value_of(storage::open_rocks(directory, false));
  const auto view = kv->view();
  for (std::uint8_t i = 1; i <= 4; ++i) EXPECT_TRUE(view->get(Bytes{i})) << int{i};
  for (std::uint8_t i = 5; i <= 8; ++i) EXPECT_FALSE(view->get(Bytes{i})) << int{i};
}

}  // namespace
}  // namespace testamur::test
