// Goal: a synced store opens with everything it synced, or not at all; and a refusal changes nothing.
// Method: the files of a stopped store are changed by hand, as a loss of power, a disk or a person would.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "scratch.h"
#include "testamur/storage/rocks.h"

namespace testamur::storage {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_bytes(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

class SyncedStore : public testing::TestWithParam<bool> {
 protected:
  Result<std::unique_ptr<KeyValueStore>> open(const std::string& directory, bool create = false) {
    RocksOptions options;
    options.synced = GetParam();
    return open_rocks(directory, create, options);
  }
  std::unique_ptr<KeyValueStore> must_open(const std::string& directory, bool create = false) {
    auto opened = open(directory, create);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  static void write(KeyValueStore& store, std::uint8_t key, std::size_t bytes = 10) {
    WriteSet writes;
    writes.put({key}, Bytes(bytes, key));
    store.write(writes);
  }
  void expect_corrupt(const std::string& directory) {
    std::map<fs::path, std::string> before;
    for (const auto& file : fs::directory_iterator(directory)) before[file.path()] = bytes_of(file);
    const auto opened = open(directory);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::corrupt) << opened.error().message;
    EXPECT_NE(opened.error().message.find(directory), std::string::npos) << opened.error().message;
    for (const auto& [path, bytes] : before) {
      const bool told_to_people = path.filename().string().starts_with("LOG");
      EXPECT_TRUE(told_to_people || bytes_of(path) == bytes) << path << " was changed";
    }
  }
  static fs::path only_write_ahead_log(const std::string& directory) {
    fs::path found;
    for (const auto& file : fs::directory_iterator(directory)) {
      if (file.path().extension() == ".log" && file.file_size() > 0) {
        EXPECT_TRUE(found.empty());
        found = file.path();
      }
    }
    return found;
  }

  test::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.path() + "/store";
  const fs::path seal_ = directory_ + "/SEAL";
};
using AnyStore = SyncedStore;

TEST_P(AnyStore, WritesAfterATornEndSurviveTheNextStop) {
  std::string old_seal;
  {
    const auto store = must_open(directory_, true);
    write(*store, 1);
    if (GetParam()) old_seal = bytes_of(seal_);
    write(*store, 2);
  }
  // As a loss of power leaves it: the last write torn, the seal older.
  const fs::path log = only_write_ahead_log(directory_);
  fs::resize_file(log, fs::file_size(log) - 3);
  if (GetParam()) put_bytes(seal_, old_seal);
  const auto store = must_open(directory_);
  EXPECT_TRUE(store->view()->get(Bytes{1}));
  EXPECT_FALSE(store->view()->get(Bytes{2}));
  write(*store, 3);
  write(*store, 4);
  const std::string killed = scratch_.path() + "/killed";
  fs::copy(directory_, killed);
  const auto next = must_open(killed);
  for (const std::uint8_t key : Bytes{1, 3, 4}) EXPECT_TRUE(next->view()->get(Bytes{key})) << int{key};
}

INSTANTIATE_TEST_SUITE_P(All, AnyStore, testing::Values(true, false), [](const testing::TestParamInfo<bool>& synced) {
  return synced.param ? "Synced" : "Unsynced";
});

class Sealed : public SyncedStore {};
INSTANTIATE_TEST_SUITE_P(All, Sealed, testing::Values(true));

TEST_P(Sealed, ATornEndWithinTheSealIsDamage) {
  {
    const auto store = must_open(directory_, true);
    write(*store, 1);
    write(*store, 2);
  }
  const fs::path log = only_write_ahead_log(directory_);
  fs::resize_file(log, fs::file_size(log) - 3);
  expect_corrupt(directory_);
}

TEST_P(Sealed, WholeWritesAfterABrokenOneAreDamageHoweverOldTheSeal) {
  // The log lies in blocks of 32 KiB; what is damaged in one hides the rest of it, and not the next.
  std::string old_seal;
  {
    const auto store = must_open(directory_, true);
    write(*store, 1);
    old_seal = bytes_of(seal_);
    for (std::uint8_t key = 2; key < 42; ++key) write(*store, key, 1000);
  }
  put_bytes(seal_, old_seal);
  const fs::path log = only_write_ahead_log(directory_);
  std::string bytes = bytes_of(log);
  bytes[10'000] ^= 1;
  put_bytes(log, bytes);
  expect_corrupt(directory_);
}

TEST_P(Sealed, AnOlderSealIsNoError) {
  std::string old_seal;
  {
    const auto store = must_open(directory_, true);
    old_seal = bytes_of(seal_);
    write(*store, 1);
  }
  put_bytes(seal_, old_seal);
  EXPECT_TRUE(must_open(directory_)->view()->get(Bytes{1}));
  EXPECT_NE(bytes_of(seal_), old_seal) << "opening renews it";
}

TEST_P(Sealed, ADatabaseWithoutItsSealIsRefused) {
  must_open(directory_, true);
  fs::remove(seal_);
  expect_corrupt(directory_);
  ASSERT_FALSE(open(directory_, true)) << "also when one may be made";
}

TEST_P(Sealed, ASealWithoutItsDatabaseIsRefused) {
  must_open(directory_, true);
  for (const auto& file : fs::directory_iterator(directory_)) {
    if (file.path().filename() != "SEAL") fs::remove(file);
  }
  expect_corrupt(directory_);
  const auto again = open(directory_, true);
  ASSERT_FALSE(again) << "also when one may be made";
  EXPECT_EQ(again.error().code, ErrorCode::corrupt) << again.error().message;
}

TEST_P(Sealed, NothingThereIsNotFound) {
  const auto opened = open(directory_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::not_found);
}

TEST_P(Sealed, OpenIsOpenOnce) {
  const auto store = must_open(directory_, true);
  const auto again = open(directory_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict) << again.error().message;
  write(*store, 1);
}

}  // namespace
}  // namespace testamur::storage
