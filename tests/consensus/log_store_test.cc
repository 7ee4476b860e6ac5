// Goal: what a log store takes it gives back, after every reopening, and it takes nothing that it could not give back.
// Method: one suite for every store there is: RocksDB on the disk, and the one the simulations run on. So what the simulations rest on
// is what a node does.
#include <gtest/gtest.h>

#include "hand.h"
#include "log_history.h"
#include "scratch.h"
#include "simulated_log_store.h"

namespace testamur::consensus {
namespace {

using Owner = std::vector<std::uint8_t>;
const Owner kOwner = {'o', 'n', 'e'};

/// A place where a log can be kept, empty at first.
class Place {
 public:
  virtual ~Place() = default;
  virtual Result<std::unique_ptr<LogStore>> open(const Owner& owner) = 0;
};

class Directory final : public Place {
 public:
  Result<std::unique_ptr<LogStore>> open(const Owner& owner) override {
    return open_log_store(scratch_.path() + "/log", owner);
  }

 private:
  test::ScratchDirectory scratch_;
};

class Simulated final : public Place {
 public:
  Result<std::unique_ptr<LogStore>> open(const Owner& owner) override {
    return simulation::open_simulated_log_store(disk_, owner);
  }

 private:
  simulation::SimulatedDisk disk_;
};

struct Kind {
  const char* name;
  std::unique_ptr<Place> (*make)();
};

class LogStores : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    place_ = GetParam().make();
    reopen();
  }
  void reopen() {
    store_.reset();
    auto opened = place_->open(kOwner);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Result<void> write(const Write& one) { return store_->write(std::span(&one, 1), std::nullopt); }
  void expect_written(const Write& one) {
    const Result<void> written = write(one);
    EXPECT_TRUE(written) << written.error().message;
  }
  void expect_conflict(const Write& one) {
    const Stored before = load();
    const Result<void> written = write(one);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::conflict) << written.error().message;
    EXPECT_TRUE(same(load(), before)) << "a refused write changed something";
  }
  Stored load() {
    Result<Stored> loaded = store_->load(some_hash);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return std::move(*loaded);
  }
  /// What is stored now, and still after reopening.
  Stored load_twice() {
    const Stored now = load();
    reopen();
    Stored later = load();
    EXPECT_TRUE(same(now, later)) << summary(now) << "; reopened: " << summary(later);
    return later;
  }
  /// Entries of term 1 from index 1 on, in one write with the term.
  std::vector<Entry> write_entries(std::size_t count) {
    Write write;
    write.state = HardState{Term{1}, NodeId{2}};
    EntryId last;
    for (std::size_t i = 0; i < count; ++i) {
      write.entries.push_back(following(last, Term{1}, payload("entry " + std::to_string(i + 1))));
      last = write.entries.back().id;
    }
    expect_written(write);
    return write.entries;
  }

  std::unique_ptr<Place> place_;
  std::unique_ptr<LogStore> store_;
};

TEST_P(LogStores, ANewOneIsEmpty) { EXPECT_TRUE(same(load_twice(), Stored{})); }

TEST_P(LogStores, EverythingComesBack) {
  Write write;
  write.state = HardState{Term{7}, NodeId{3}};
  write.entries.push_back(following({}, Term{2}, nullptr));
  write.entries.push_back(following(write.entries.back().id, Term{2}, payload("")));
  write.entries.push_back(following(write.entries.back().id, Term{7}, payload(std::string(100'000, 'x'))));
  write.claim = Claim{Index{2}, 5, {1, 2, 3}};
  const std::vector<std::uint8_t> record = {0, 9, 0};
  ASSERT_TRUE(store_->write(std::span(&write, 1), record));
  const Stored stored = load_twice();
  EXPECT_TRUE(same(stored, {*write.state, {}, write.entries, write.claim, record, {}, 0})) << summary(stored);
  EXPECT_EQ(stored.entries[0].payload, nullptr) << "no payload and an empty one differ";
  EXPECT_NE(stored.entries[1].payload, nullptr);
}

TEST_P(LogStores, ATermWithoutAVoteHasNone) {
  Write write;
  write.state = HardState{Term{4}, NodeId{0}};
  expect_written(write);
  EXPECT_EQ(load_twice().state.vote, NodeId{0});
  write.state = HardState{Term{5}, std::nullopt};
  expect_written(write);
  EXPECT_EQ(load_twice().state, (HardState{Term{5}, std::nullopt}));
}

TEST_P(LogStores, TruncateAndAppendInOneWrite) {
  std::vector<Entry> entries = write_entries(4);
  Write write;
  write.state = HardState{Term{2}, {}};
  write.truncate_from = Index{3};
  write.entries = {following(entries[1].id, Term{2}, payload("other"))};
  expect_written(write);
  entries.resize(2);
  entries.push_back(write.entries[0]);
  EXPECT_TRUE(same(load_twice(), {*write.state, {}, entries, {}, {}, {}, 0})) << "entry 4 must be gone as well";
}

TEST_P(LogStores, SeveralWritesInOneCall) {
  std::vector<Write> writes(3);
  writes[0].state = HardState{Term{1}, NodeId{1}};
  writes[0].entries = {following({}, Term{1}, payload("a"))};
  writes[0].entries.push_back(following(writes[0].entries[0].id, Term{1}, payload("b")));
  writes[0].entries.push_back(following(writes[0].entries[1].id, Term{1}, payload("c")));
  writes[1].state = HardState{Term{2}, {}};
  writes[1].truncate_from = Index{2};
  writes[1].entries = {following(writes[0].entries[0].id, Term{2}, payload("d"))};
  writes[2].state = HardState{Term{2}, NodeId{3}};
  writes[2].claim = Claim{Index{2}, 1, {}};
  ASSERT_TRUE(store_->write(writes, std::nullopt));
  const Stored stored = load_twice();
  EXPECT_TRUE(
      same(stored, {*writes[2].state, {}, {writes[0].entries[0], writes[1].entries[0]}, writes[2].claim, {}, {}, 0}))
      << summary(stored);
}

TEST_P(LogStores, OfSeveralWritesAllOrNone) {
  write_entries(1);
  const Stored before = load();
  std::vector<Write> writes(2);
  writes[0].entries = {following(before.entries[0].id, Term{1}, payload("good"))};
  writes[1].entries = {following(before.entries[0].id, Term{1}, payload("the same index again"))};
  const std::vector<std::uint8_t> record = {1};
  ASSERT_FALSE(store_->write(writes, record));
  EXPECT_TRUE(same(load_twice(), before));
}

TEST_P(LogStores, TheWholeLogCanBeTruncated) {
  write_entries(3);
  Write write;
  write.truncate_from = Index{1};
  expect_written(write);
  EXPECT_TRUE(load_twice().entries.empty());
  write_entries(2);
  EXPECT_EQ(load_twice().entries.size(), 2u);
}

TEST_P(LogStores, EntriesMustFollow) {
  const std::vector<Entry> entries = write_entries(3);
  Write gap;
  gap.entries = {following(following(entries[2].id, Term{1}, nullptr).id, Term{1}, nullptr)};
  expect_conflict(gap);
  Write again;
  again.entries = {entries[2]};
  expect_conflict(again);
  Write other_chain;
  EntryId elsewhere = entries[2].id;
  elsewhere.hash[0] ^= 1;
  other_chain.entries = {following(elsewhere, Term{1}, nullptr)};
  expect_conflict(other_chain);
  Write older;
  older.entries = {following(entries[2].id, Term{0}, nullptr)};
  expect_conflict(older);
  Write truncated_beyond;
  truncated_beyond.truncate_from = Index{5};
  expect_conflict(truncated_beyond);
  truncated_beyond.truncate_from = Index{0};
  expect_conflict(truncated_beyond);
  // After a truncation what follows must follow what is left, also in a store just opened.
  reopen();
  Write after_truncation;
  after_truncation.truncate_from = Index{2};
  after_truncation.entries = {following(entries[2].id, Term{1}, nullptr)};
  expect_conflict(after_truncation);
  after_truncation.entries = {following(entries[0].id, Term{1}, nullptr)};
  expect_written(after_truncation);
}

TEST_P(LogStores, TermsAndVotesStand) {
  write_entries(1);
  Write write;
  write.state = HardState{Term{0}, {}};
  expect_conflict(write);
  write.state = HardState{Term{1}, NodeId{3}};
  expect_conflict(write);
  write.state = HardState{Term{1}, {}};
  expect_conflict(write);
  reopen();
  expect_conflict(write);
  Write beyond;
  beyond.entries = {following(load().entries[0].id, Term{2}, nullptr)};
  expect_conflict(beyond);
  beyond.state = HardState{Term{2}, NodeId{3}};
  expect_written(beyond);
}

TEST_P(LogStores, AClaimStaysWithinTheLog) {
  const std::vector<Entry> entries = write_entries(4);
  Write claims;
  claims.claim = Claim{Index{5}, 1, {}};
  expect_conflict(claims);
  claims.claim = Claim{Index{2}, 1, {7}};
  expect_written(claims);
  Write above;
  above.truncate_from = Index{3};
  expect_written(above);
  EXPECT_EQ(load_twice().claim, claims.claim);
  Write below;
  below.truncate_from = Index{2};
  below.entries = {following(entries[0].id, Term{1}, payload("another"))};
  expect_conflict(below);
  // Unless, in the same write, something else is claimed: what a certified head contradicts is replaced as a whole.
  below.claim = Claim{Index{2}, 1, {8}};
  expect_written(below);
  EXPECT_EQ(load_twice().claim, below.claim);
}

TEST_P(LogStores, TheOwnersRecordIsReplaced) {
  const std::vector<std::uint8_t> first(1000, 1);
  const std::vector<std::uint8_t> second = {2};
  ASSERT_TRUE(store_->write({}, first));
  EXPECT_EQ(load_twice().owner_record, first);
  ASSERT_TRUE(store_->write({}, second));
  write_entries(1);
  EXPECT_EQ(load_twice().owner_record, second);
}

TEST_P(LogStores, AnotherOwnerIsRefused) {
  store_.reset();
  const auto other = place_->open({'t', 'w', 'o'});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::conflict) << other.error().message;
  reopen();
}

TEST_P(LogStores, OpenIsOpenOnce) {
  const auto again = place_->open(kOwner);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict) << again.error().message;
  write_entries(2);
  EXPECT_EQ(load_twice().entries.size(), 2u);
}

TEST_P(LogStores, AnEntryThatWasChangedIsFound) {
  write_entries(3);
  const auto other_hash = [](Entry entry) {
    if (entry.id.index == Index{2}) entry.payload = payload("changed");
    return some_hash(entry);
  };
  const auto loaded = store_->load(other_hash);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
  EXPECT_NE(loaded.error().message.find("index 2"), std::string::npos) << loaded.error().message;
}

/// Changes the payload of one entry behind the store's back, as seen by this hash.
EntryHash damaged_at(Index index) {
  return [index](Entry entry) {
    if (entry.id.index == index) entry.payload = payload("changed");
    return some_hash(entry);
  };
}

TEST_P(LogStores, WhatIsBeforeADamageIsSalvagedAndWhereTheLogEndedIsKept) {
  const std::vector<Entry> entries = write_entries(5);
  const auto salvaged = store_->salvage(damaged_at(Index{3}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  ASSERT_TRUE(salvaged->damage);
  EXPECT_NE(salvaged->damage->message.find("index 3"), std::string::npos) << salvaged->damage->message;
  EXPECT_EQ(salvaged->stored.entries.size(), 2u);
  EXPECT_EQ(salvaged->stored.floor, entries[4].id);

  // Mended by the others: the floor goes to disk with the first write, and stays until it is taken away.
  Write write;
  write.floor = salvaged->stored.floor;
  write.entries = {entries[2], entries[3]};
  expect_written(write);
  Stored stored = load_twice();
  EXPECT_EQ(stored.entries.size(), 5u) << "what followed the damage is there, after what was damaged";
  EXPECT_EQ(stored.floor, entries[4].id);
  write = {};
  write.floor = EntryId{};
  expect_written(write);
  stored = load_twice();
  EXPECT_EQ(stored.entries.size(), 5u);
  EXPECT_EQ(stored.floor, std::nullopt);
}

std::vector<Index> indexes_of(const std::vector<Entry>& entries) {
  std::vector<Index> indexes;
  for (const Entry& entry : entries) indexes.push_back(entry.id.index);
  return indexes;
}

TEST_P(LogStores, WhatFollowsADamageStaysUntilItIsOverwritten) {
  const std::vector<Entry> entries = write_entries(5);
  auto salvaged = store_->salvage(damaged_at(Index{2}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(indexes_of(salvaged->stored.beyond), (std::vector{Index{2}, Index{3}, Index{4}, Index{5}}));
  Write write;
  write.floor = salvaged->stored.floor;
  expect_written(write);
  reopen();
  salvaged = store_->salvage(damaged_at(Index{2}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.entries.size(), 1u);
  EXPECT_EQ(indexes_of(salvaged->stored.beyond), (std::vector{Index{2}, Index{3}, Index{4}, Index{5}}));
  EXPECT_EQ(salvaged->stored.floor, entries[4].id);
  // Another entry of that term takes the place of two: what is left follows nothing, and still is there.
  write = {};
  write.entries = {following(entries[0].id, Term{1}, payload("other"))};
  write.entries.push_back(following(write.entries[0].id, Term{1}, payload("more")));
  expect_written(write);
  reopen();
  salvaged = store_->salvage(some_hash);
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.entries.size(), 3u);
  EXPECT_EQ(indexes_of(salvaged->stored.beyond), (std::vector{Index{4}, Index{5}}));
  // Where there is no floor any more, nobody waits for it.
  write = {};
  write.floor = EntryId{};
  expect_written(write);
  EXPECT_EQ(load_twice().entries.size(), 3u);
}

TEST_P(LogStores, WhatFollowsADamageDoesNotHideWhereALaterLogEnded) {
  std::vector<Entry> entries = write_entries(9);
  auto salvaged = store_->salvage(damaged_at(Index{2}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  Write write;
  write.state = HardState{Term{2}, {}};
  write.floor = salvaged->stored.floor;
  write.entries = {following(entries[0].id, Term{2}, payload("other"))};
  for (const char* text : {"x", "y"})
    write.entries.push_back(following(write.entries.back().id, Term{2}, payload(text)));
  const EntryId end = write.entries.back().id;
  expect_written(write);
  // Of the log that was acknowledged since, an entry is damaged; the end of the older one does not stand for the end of this.
  salvaged = store_->salvage(damaged_at(Index{3}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.floor, end);
}

TEST_P(LogStores, WhereALogEndedOutlastsASecondDamage) {
  const std::vector<Entry> entries = write_entries(5);
  ASSERT_TRUE(store_->salvage(damaged_at(Index{3})));
  Write write;
  write.floor = entries[4].id;
  write.entries = {entries[2]};
  expect_written(write);
  const auto salvaged = store_->salvage(damaged_at(Index{2}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.entries.size(), 1u);
  EXPECT_EQ(salvaged->stored.floor, entries[4].id) << "what was acknowledged before the first damage was promised too";
}

TEST_P(LogStores, ALastEntryThatIsDamagedDoesNotSayWhereTheLogEnded) {
  write_entries(5);
  Write write;
  write.state = HardState{Term{7}, {}};
  expect_written(write);
  const auto salvaged = store_->salvage(damaged_at(Index{5}));
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.entries.size(), 4u);
  ASSERT_TRUE(salvaged->stored.floor);
  const EntryId any_before{Term{7}, Index{5}, {}};
  EXPECT_TRUE(up_to_date(*salvaged->stored.floor, any_before)) << "it may have been of any term up to the node's own";
}

TEST_P(LogStores, AClaimMayBeAheadOfALogThatIsBeingMended) {
  const std::vector<Entry> entries = write_entries(5);
  Write write;
  write.claim = Claim{Index{5}, 5, {}};
  expect_written(write);
  ASSERT_TRUE(store_->salvage(damaged_at(Index{2})));
  write = {};
  write.floor = entries[4].id;
  write.entries = {following(entries[0].id, Term{1}, payload("other"))};
  expect_written(write);
  reopen();
  const auto salvaged = store_->salvage(some_hash);
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_EQ(salvaged->stored.claim->index, Index{5});
  EXPECT_EQ(salvaged->stored.entries.size(), 2u);
}

TEST_P(LogStores, AWholeLogNeedsNoSalvage) {
  write_entries(3);
  const auto salvaged = store_->salvage(some_hash);
  ASSERT_TRUE(salvaged);
  EXPECT_FALSE(salvaged->damage);
  EXPECT_EQ(salvaged->stored.floor, std::nullopt);
}

TEST_P(LogStores, ABeginningThatIsNotInTheLogIsRefused) {
  const std::vector<Entry> entries = write_entries(3);
  Write write;
  write.base = Base{entries[2].id, {}};
  write.base->id.hash[0] ^= 1;
  EXPECT_EQ(store_->write(std::span(&write, 1), std::nullopt).error().code, ErrorCode::conflict);
  write.base->id = following(entries[2].id, Term{1}, nullptr).id;
  EXPECT_EQ(store_->write(std::span(&write, 1), std::nullopt).error().code, ErrorCode::conflict);
  EXPECT_EQ(load_twice().entries.size(), 3u);
}

TEST_P(LogStores, HoldsWhateverAHistoryComesTo) {
  LogHistory history(5, 300);
  for (int step = 0; step < 300; ++step) {
    const LogHistory::Step next = history.next();
    const Result<void> written = store_->write(next.writes, next.owner_record);
    ASSERT_TRUE(written) << written.error().message;
    if (step % 10 != 0) continue;
    const Stored stored = load_twice();
    ASSERT_TRUE(same(stored, history.stored())) << summary(stored) << "; expected " << summary(history.stored());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, LogStores,
    testing::Values(Kind{"RocksDB", [] { return std::unique_ptr<Place>(std::make_unique<Directory>()); }},
                    Kind{"Simulated", [] { return std::unique_ptr<Place>(std::make_unique<Simulated>()); }}),
    [](const testing::TestParamInfo<Kind>& kind) { return std::string(kind.param.name); });

TEST(SimulatedLogStore, WhatIsOpenWhenThePowerGoesIsDead) {
  simulation::SimulatedDisk disk;
  auto store = std::move(*simulation::open_simulated_log_store(disk, kOwner));
  Write write;
  write.state = HardState{Term{1}, {}};
  ASSERT_TRUE(store->write(std::span(&write, 1), std::nullopt));
  disk.lose_power();
  write.state = HardState{Term{2}, {}};
  EXPECT_FALSE(store->write(std::span(&write, 1), std::nullopt));
  EXPECT_FALSE(store->load(some_hash));
  const auto next = std::move(*simulation::open_simulated_log_store(disk, kOwner));
  EXPECT_EQ((*next->load(some_hash)).state.term, Term{1});
}

TEST(SimulatedLogStore, AfterAFailedWriteEverythingIsRefused) {
  for (const bool there : {false, true}) {
    simulation::SimulatedDisk disk;
    auto store = std::move(*simulation::open_simulated_log_store(disk, kOwner));
    using Afterwards = simulation::SimulatedDisk::Afterwards;
    disk.fail_next_write(there ? Afterwards::there : Afterwards::not_there);
    Write write;
    write.state = HardState{Term{1}, {}};
    EXPECT_FALSE(store->write(std::span(&write, 1), std::nullopt));
    EXPECT_FALSE(store->write(std::span(&write, 1), std::nullopt));
    EXPECT_FALSE(store->load(some_hash));
    disk.lose_power();
    store = std::move(*simulation::open_simulated_log_store(disk, kOwner));
    EXPECT_EQ((*store->load(some_hash)).state.term, Term{there ? 1u : 0u});
  }
}

}  // namespace
}  // namespace testamur::consensus
