// Goal: what the ledger's store promises beside being right: errors that say what is wrong, few writes for large changes,
// listed commitments found and forgotten again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "random_ledger.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Store, CreatingAndOpening) {
  ScratchDirectory scratch;
  const World world;
  const std::string directory = scratch.path() + "/ledger";
  EXPECT_EQ(storage::open_rocks(directory, false).error().code, ErrorCode::not_found);
  {
    std::shared_ptr<storage::KeyValueStore> kv = value_of(storage::open_rocks(directory, true));
    EXPECT_EQ(store::Ledger::open(kv).error().code, ErrorCode::not_found) << "an empty store is no ledger";
    EXPECT_EQ(store::Ledger::create(kv, Bytes{1}).error().code, ErrorCode::malformed);
    EXPECT_EQ(store::History::open(kv).error().code, ErrorCode::not_found);
    const auto ledger = value_of(store::Ledger::create(kv, world.genesis_bytes()));
    EXPECT_EQ(ledger->id(), world.ledger());
    EXPECT_EQ(ledger->head().size, 1u);
    EXPECT_EQ(store::Ledger::create(kv, world.genesis_bytes()).error().code, ErrorCode::conflict);
    EXPECT_EQ(storage::open_rocks(directory, false).error().code, ErrorCode::conflict)
        << "open in this process already";
    EXPECT_EQ(store::History::open(kv).error().code, ErrorCode::not_found) << "nothing is certified yet";
  }
  EXPECT_TRUE(storage::open_rocks(directory, false));
}

TEST(Store, ADirectoryThatCannotBeMadeIsAnError) {
  const auto opened = storage::open_rocks("/proc/no/such/place", true);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::storage);
  EXPECT_THAT(opened.error().message, HasSubstr("/proc/no/such/place"));
}

/// How many keys a block writes, by counting the store's.
std::size_t count_keys(const storage::KeyValueStore& kv) {
  std::size_t count = 0;
  kv.view()->scan({}, {}, [&](ByteView, ByteView) { return ++count, true; });
  return count;
}

TEST(Store, GrowingByAMillionGoodEntriesTouchesAHandfulOfNodes) {
  TestLedger test;
  test.issue(0, "r0",
             {.documents = {}, .salts = {}, .commitments = std::vector<Hash>(1000), .root = {}, .listed = false});
  test.amend(0, "r0", {{EntryNumber{5}, 1, Status::revoked, 0, {}, {}}});
  const std::size_t before = count_keys(*test.store());
  test.issue(0, "r0",
             {.documents = {}, .salts = {}, .commitments = std::vector<Hash>(1u << 20), .root = {}, .listed = false});
  // Leaves, block, time, batch, record, registry tile, undo, and the status tree's four higher tops.
  EXPECT_LE(count_keys(*test.store()) - before, 16u);
}

TEST(Store, RevokingAMillionEntriesTouchesTheEdgesOfTheRange) {
  TestLedger test;
  const Class million{{}, {}, std::vector<Hash>(1u << 20), {}, false};
  test.issue(0, "r0", million);
  test.issue(0, "r0", million);
  const std::size_t before = count_keys(*test.store());
  test.amend(0, "r0", {{EntryNumber{1001}, (1u << 20) - 5, Status::revoked, 0, {}, {}}});
  // Two edges of five bands each, 40 ranges of the event's index, and what every block writes.
  EXPECT_LE(count_keys(*test.store()) - before, 64u);
  test.certify();
  const auto runs =
      value_of(test.history()->statuses_at(World::institution_id(0), "r0", EntryNumber{0}, 1u << 21, Height{3}));
  const std::vector<StatusRun> expected = {{EntryNumber{0}, 1001, Status::good},
                                           {EntryNumber{1001}, (1u << 20) - 5, Status::revoked},
                                           {EntryNumber{1001 + (1u << 20) - 5}, (1u << 20) - 996, Status::good}};
  EXPECT_EQ(runs, expected);
}

TEST(Store, ListedCommitmentsAreFoundWhereverTheyStand) {
  TestLedger test;
  const Class a = make_class("a", 40, true);
  test.issue(0, "r0", a);
  test.issue(1, "r0", a);
  test.issue(0, "r0", a);
  test.certify();
  const std::vector<store::ListedEntry> expected = {{World::institution_id(0), "r0", EntryNumber{17}},
                                                    {World::institution_id(0), "r0", EntryNumber{57}},
                                                    {World::institution_id(1), "r0", EntryNumber{17}}};
  const auto find = [&](const Hash& commitment) { return value_of(test.history()->find_listed(commitment)).entries; };
  EXPECT_EQ(find(a.commitments[17]), expected);
  EXPECT_THAT(find(bytes_named("nobody's")), IsEmpty());
  // Page by page, so that nobody can bury an entry under many others.
  const auto first = value_of(test.history()->find_listed(a.commitments[17], 2));
  EXPECT_EQ(first.entries, (std::vector{expected[0], expected[1]}));
  const auto second = value_of(test.history()->find_listed(a.commitments[17], 2, first.next));
  EXPECT_EQ(second.entries, std::vector{expected[2]});
  EXPECT_THAT(second.next, IsEmpty());
  // What is not certified is not shown, and what is rolled back is gone.
  const Class b = make_class("b", 300, true);
  test.issue(0, "r1", b);
  EXPECT_THAT(find(b.commitments[299]), IsEmpty());
  const std::size_t with = count_keys(*test.store());
  value_of(test.ledger().rollback(Height{3}));
  EXPECT_GT(with - count_keys(*test.store()), 300u);
  test.certify();
  EXPECT_THAT(find(b.commitments[299]), IsEmpty());
}

TEST(Store, CertifiesOnlyItsOwnHeadsWithEnoughCosignatures) {
  TestLedger test;
  test.issue(0, "r0", make_class("a", 3, false));
  store::Ledger& ledger = test.ledger();
  const std::uint64_t seconds = ledger.head().time.value / 1000 + 1;
  const Checkpoint good = ledger.checkpoint();
  const auto refused = [&](const CertifiedCheckpoint& certified) {
    const auto result = ledger.certify(certified);
    return result ? std::string("accepted") : result.error().message;
  };
  Checkpoint other = good;
  other.root[0] ^= 1;
  EXPECT_THAT(refused(test.world().certify(other, seconds)), HasSubstr("another root"));
  other = good;
  other.size = 2;
  EXPECT_THAT(refused(test.world().certify(other, seconds)), HasSubstr("no block ends at"));
  other = good;
  other.size = 100;
  EXPECT_THAT(refused(test.world().certify(other, seconds)), HasSubstr("expected a size of 1 to 3"));
  other = good;
  other.origin = "elsewhere";
  EXPECT_THAT(refused(test.world().certify(other, seconds)), HasSubstr("origin"));
  CertifiedCheckpoint fewer = test.world().certify(good, seconds);
  fewer.cosignatures.pop_back();
  EXPECT_THAT(refused(fewer), HasSubstr("cosignatures of 3 voters"));
  EXPECT_THAT(refused(test.world().certify(good, seconds - 5)), HasSubstr("cosignatures of 3 voters"))
      << "before the block";
  EXPECT_FALSE(ledger.certified());
  EXPECT_EQ(refused(test.world().certify(good, seconds)), "accepted");
  EXPECT_EQ(ledger.certified()->checkpoint, good);
  EXPECT_EQ(refused(test.world().certify(good, seconds + 60)), "accepted") << "an idle head is cosigned again";
  EXPECT_EQ(head_seconds(*ledger.certified()), seconds + 60);
  EXPECT_EQ(refused(test.world().certify(good, seconds + 1)), "accepted");
  EXPECT_EQ(head_seconds(*ledger.certified()), seconds + 60) << "an older cosigning does not replace a newer one";
  EXPECT_EQ(ledger.rollback(Height{0}).error().code, ErrorCode::conflict) << "certified blocks are final";
  test.issue(0, "r0", make_class("b", 3, false));
  test.certify();
  EXPECT_THAT(refused(test.world().certify(good, seconds + 100)), HasSubstr("certified already"));
}

TEST(Store, ABlockThatWasTakenBackIsNotCertified) {
  TestLedger test;
  test.apply({});
  const Checkpoint taken_back = test.ledger().checkpoint();
  ASSERT_TRUE(test.ledger().rollback(Height{0}));
  test.issue(0, "r0", make_class("a", 3, false));
  ASSERT_GT(test.ledger().head().size, taken_back.size);
  const std::uint64_t seconds = test.ledger().head().time.value / 1000 + 1;
  const auto result = test.ledger().certify(test.world().certify(taken_back, seconds));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("no block ends at"));
}

TEST(Store, ProofRequestsThatCannotBeMetSayWhy) {
  TestLedger test;
  test.issue(0, "r0", make_class("a", 3, false));
  test.certify();
  const auto prove = [&](store::ProofRequest request) { return test.history()->prove(request); };
  const std::string institution = World::institution_id(0);
  EXPECT_EQ(prove({institution, "none", EntryNumber{0}}).error().code, ErrorCode::not_found);
  EXPECT_EQ(prove({institution, "r0", EntryNumber{0}, Time{test::kCreated.value - 1}}).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(prove({institution, "r0", EntryNumber{0}, Time{test.now().value + 1'000'000}}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(prove({institution, "r0", EntryNumber{0}, {}, true, true}).error().code, ErrorCode::invalid)
      << "a sealed entry's document is known to its holder alone";
  EXPECT_TRUE(prove({institution, "r0", EntryNumber{0}}));
}

TEST(Store, StopsAfterAFailedWrite) {
  /// A store whose writes fail when told to.
  class Failing final : public storage::KeyValueStore {
   public:
    explicit Failing(std::shared_ptr<storage::KeyValueStore> inner) : inner_(std::move(inner)) {}
    std::unique_ptr<storage::View> view() const override { return inner_->view(); }
    void write(const storage::WriteSet& writes) override {
      if (fail) throw storage::StorageFault(ErrorCode::storage, "no space left");
      inner_->write(writes);
    }
    void flush() override {
      if (fail) throw storage::StorageFault(ErrorCode::storage, "no space left");
      inner_->flush();
    }
    bool fail = false;

   private:
    std::shared_ptr<storage::KeyValueStore> inner_;
  };
  ScratchDirectory scratch;
  const World world;
  auto failing = std::make_shared<Failing>(value_of(storage::open_rocks(scratch.path() + "/ledger", true)));
  auto ledger = value_of(store::Ledger::create(failing, world.genesis_bytes()));
  const auto entries = make_class("a", 3, false);
  const Bytes bytes = world.sign(0, world.issue(0, "r0", 0, 3, entries.root, false, kCreated));
  const Payload payload{Time{kCreated.value + 1}, {{bytes, std::span<const Hash>{}}}};
  failing->fail = true;
  EXPECT_EQ(ledger->apply(store::LogIndex{1}, payload).error().code, ErrorCode::storage);
  failing->fail = false;
  EXPECT_EQ(ledger->apply(store::LogIndex{1}, payload).error().code, ErrorCode::storage)
      << "a failed write is never retried";
  EXPECT_FALSE(ledger->sync());
  EXPECT_FALSE(ledger->rollback(Height{0}));
  // Opened again, it goes on from what is on disk.
  ledger = value_of(store::Ledger::open(failing));
  EXPECT_EQ(value_of(ledger->apply(store::LogIndex{1}, payload)).outcomes[0].code, Acceptance::ok);
}

}  // namespace
}  // namespace testamur::test
