// Goal: whatever keeps the ledger, RocksDB or the memory of a simulation, is the same key-value store.
// Method: one suite on both; and random writes, with views held open across them, against plain maps.
#include <gtest/gtest.h>

#include <random>

#include "memory_store.h"
#include "scratch.h"
#include "testamur/storage/rocks.h"

namespace testamur::test {
namespace {

using storage::KeyValueStore;
using storage::View;
using storage::WriteSet;
using Contents = std::map<Bytes, Bytes>;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// What a scan visits, at most so many.
Contents scanned(const View& view, const Bytes& from, const Bytes& prefix, std::size_t most = SIZE_MAX) {
  Contents found;
  view.scan(from, prefix, [&](ByteView key, ByteView value) {
    found[Bytes(key.begin(), key.end())] = Bytes(value.begin(), value.end());
    return found.size() < most;
  });
  return found;
}
Contents all_of(const View& view) {
  Contents found = scanned(view, {}, {});
  std::erase_if(found, [](const auto& entry) { return entry.first[0] == 0; });  // what RocksDB's keeps for itself
  return found;
}

class KeyValue : public testing::TestWithParam<bool> {
 protected:
  KeyValue() {
    if (!GetParam()) return;
    auto opened = storage::open_rocks(scratch_.path() + "/store", true);
    if (!opened) throw std::runtime_error(opened.error().message);
    rocks_ = std::move(*opened);
  }
  KeyValueStore& store() { return GetParam() ? *rocks_ : static_cast<KeyValueStore&>(memory_); }
  void write(std::initializer_list<std::pair<std::string_view, std::optional<std::string_view>>> changes) {
    WriteSet writes;
    for (const auto& [key, value] : changes) {
      value ? writes.put(bytes(key), bytes(*value)) : writes.remove(bytes(key));
    }
    store().write(writes);
  }

 private:
  ScratchDirectory scratch_;
  std::unique_ptr<KeyValueStore> rocks_;
  MemoryStore memory_;
};

INSTANTIATE_TEST_SUITE_P(, KeyValue, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "RocksDB" : "Memory"; });

TEST_P(KeyValue, OfSeveralWritesForOneKeyTheLastCounts) {
  write({{"a", "1"}, {"b", "1"}, {"a", std::nullopt}, {"b", "2"}, {"c", std::nullopt}, {"c", ""}});
  EXPECT_EQ(all_of(*store().view()), (Contents{{bytes("b"), bytes("2")}, {bytes("c"), {}}}));
  EXPECT_FALSE(store().view()->get(bytes("a")));
  EXPECT_EQ(store().view()->get(bytes("c")), Bytes{});
}

TEST_P(KeyValue, AScanKeepsToItsPrefixAndItsBeginning) {
  write({{"a", "0"}, {"b", "1"}, {"ba", "2"}, {"bb", "3"}, {"bb\xff", "4"}, {"c", "5"}});
  const auto view = store().view();
  EXPECT_EQ(scanned(*view, bytes("b"), bytes("b")).size(), 4u);
  EXPECT_EQ(scanned(*view, bytes("bab"), bytes("b")).begin()->first, bytes("bb"));
  EXPECT_EQ(scanned(*view, bytes("b"), bytes("b"), 2).rbegin()->first, bytes("ba")) << "until it is told to stop";
  EXPECT_TRUE(scanned(*view, bytes("a"), bytes("b")).empty()) << "it ends at the first key without the prefix";
  EXPECT_TRUE(scanned(*view, bytes("d"), {}).empty());
}

TEST_P(KeyValue, TheLastUpToAKeyIsWithinThePrefix) {
  write({{"a1", "x"}, {"b1", "y"}, {"b3", "z"}});
  const auto view = store().view();
  EXPECT_EQ(view->last_up_to(bytes("b3"), 1)->value, bytes("z")) << "the key itself counts";
  EXPECT_EQ(view->last_up_to(bytes("b2"), 1)->key, bytes("b1"));
  EXPECT_FALSE(view->last_up_to(bytes("b0"), 1));
  EXPECT_EQ(view->last_up_to(bytes("b0"), 0)->key, bytes("a1"));
  EXPECT_FALSE(view->last_up_to(bytes("c9"), 1));
  write({{"b3", std::nullopt}});
  EXPECT_EQ(store().view()->last_up_to(bytes("b9"), 1)->key, bytes("b1")) << "what was deleted is passed over";
}

TEST_P(KeyValue, AViewIsOneMomentWhateverFollows) {
  std::mt19937_64 random(7);
  Contents model;
  std::deque<std::pair<std::unique_ptr<View>, Contents>> views;
  for (unsigned step = 0; step < 400; ++step) {
    WriteSet writes;
    for (std::uint64_t count = random() % 6; count > 0; --count) {
      Bytes key = bytes("k" + std::to_string(random() % 20));
      if (random() % 3 == 0) {
        model.erase(key);
        writes.remove(std::move(key));
      } else {
        model[key] = bytes(std::to_string(step));
        writes.put(key, model[key]);
      }
    }
    store().write(writes);
    if (random() % 5 == 0) store().flush();
    if (random() % 2 == 0) views.emplace_back(store().view(), model);
    if (views.size() > 4) views.erase(views.begin() + static_cast<std::ptrdiff_t>(random() % views.size()));
    for (const auto& [view, expected] : views) ASSERT_EQ(all_of(*view), expected) << "step " << step;
    ASSERT_EQ(all_of(*store().view()), model);
  }
}

/// The promise that power_loss_test shows of RocksDB: a prefix of the writes, and all that was flushed.
TEST(MemoryStore, ALossOfPowerTakesTheNewestWritesThatWereNotFlushed) {
  std::mt19937_64 random(11);
  MemoryStore store;
  std::vector<Contents> after(1);  // so many writes
  std::size_t flushed = 0;
  for (unsigned step = 0; step < 2000; ++step) {
    Contents next = after.back();
    WriteSet writes;
    for (std::uint64_t count = 1 + random() % 4; count > 0; --count) {
      const Bytes key = {static_cast<std::uint8_t>(1 + random() % 9)};
      const bool deletes = random() % 3 == 0;
      deletes ? writes.remove(key) : writes.put(key, bytes(std::to_string(step)));
      deletes ? next.erase(key) : (next[key] = bytes(std::to_string(step)), 0u);
    }
    store.write(writes);
    after.push_back(next);
    if (random() % 8 == 0) {
      store.flush();
      flushed = after.size() - 1;
    }
    ASSERT_EQ(store.unflushed(), after.size() - 1 - flushed);
    if (random() % 8 != 0) continue;
    const std::size_t kept = random() % (store.unflushed() + 1);
    store.lose_power(kept);
    after.resize(flushed + kept + 1);
    flushed += kept;
    ASSERT_EQ(all_of(*store.view()), after.back()) << "step " << step;
    ASSERT_EQ(store.unflushed(), 0u) << "what came through a loss of power is on disk";
  }
}

}  // namespace
}  // namespace testamur::test
