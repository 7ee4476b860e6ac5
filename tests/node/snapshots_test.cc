// Goal: a snapshot is installed only where more nodes than may lie say that its block lies where the giver says, since no hash vouches
// for that; and whoever is asked says so.
// Method: one Snapshots that gives and one that takes, on real stores; their letters are handed over one by one, and the others' answers
// are made up.
#include "testamur/node/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "test_ledger.h"

namespace testamur::node {
namespace {

using consensus::Base;
using consensus::Index;
using consensus::NodeId;
using test::TestLedger;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr NodeId kTaker{1}, kGiver{2}, kThird{3}, kFourth{4};

/// A node's snapshots, and what it says.
class Peer {
 public:
  Peer(std::shared_ptr<storage::KeyValueStore> state, const test::World& world, std::size_t most_liars)
      : snapshots_(
            {scratch_.path() + "/arriving", world.genesis_bytes(), most_liars, ed25519_verify, [this] { return now; }},
            std::move(state), events()) {}

  template <class Asked>
  void hears(NodeId from, const Asked& letter) {
    snapshots_.on(from, letter);
  }
  Snapshots& snapshots() { return snapshots_; }

  std::deque<Letter> said;    // to one
  std::deque<Letter> to_all;  // to all others
  std::vector<consensus::Snapshot> arrived;
  std::vector<std::string> strange;
  Height certified;
  std::optional<Base> at;  // what its log says of any index
  std::chrono::steady_clock::time_point now{};

 private:
  Snapshots::Events events() {
    Snapshots::Events events;
    events.send = [this](NodeId, const Bytes& letter) {
      said.push_back(test::value_of(read_letter(letter)));
      return true;
    };
    events.to_all = [this](const Bytes& letter) { to_all.push_back(test::value_of(read_letter(letter))); };
    events.certified_height = [this] { return certified; };
    events.payload_of = [this](Height height) {
      return at && height <= certified ? std::optional(at->id.index) : std::nullopt;
    };
    events.base_at = [this](Index, const std::function<void(std::optional<Base>)>& answer) { answer(at); };
    events.arrived = [this](const consensus::Snapshot& snapshot) { arrived.push_back(snapshot); };
    events.strange = [this](NodeId from, const Error& error) {
      strange.push_back(std::to_string(from.value) + ": " + error.message);
    };
    events.failed = [](const Error& error) { ADD_FAILURE() << error.message; };
    return events;
  }

  test::ScratchDirectory scratch_;
  Snapshots snapshots_;
};

class SnapshotsTest : public ::testing::Test {
 protected:
  SnapshotsTest() {
    ledger_.apply({});
    ledger_.certify();
    at_.id.term = consensus::Term{3};
    at_.id.index = Index{ledger_.ledger().head().applied.value};
    at_.id.hash = test::bytes_named("entry");
    at_.configuration.voters = {{kTaker, kGiver, kThird, kFourth}, 3};
    giver_.at = at_;
    giver_.certified = height();
  }

  Height height() { return ledger_.ledger().certified_height(); }
  PlaceGivesLetter place() { return {height(), at_}; }

  /// Letters between the two, until neither has any.
  void exchange(Peer& taker) {
    while (!taker.said.empty() || !giver_.said.empty()) {
      if (!taker.said.empty()) hand_over(taker.said, kTaker, giver_);
      if (!giver_.said.empty()) hand_over(giver_.said, kGiver, taker);
    }
  }

  TestLedger ledger_;
  TestLedger empty_;
  Base at_;
  Peer giver_{ledger_.store(), ledger_.world(), 0};

 private:
  static void hand_over(std::deque<Letter>& letters, NodeId from, Peer& to) {
    const Letter letter = std::move(letters.front());
    letters.pop_front();
    if (const auto* asks = std::get_if<SnapshotAsksLetter>(&letter)) return to.hears(from, *asks);
    if (const auto* gives = std::get_if<SnapshotGivesLetter>(&letter)) return to.hears(from, *gives);
    ADD_FAILURE() << "another letter, number " << letter.index();
  }
};

TEST_F(SnapshotsTest, IsTakenFromOneWhereNobodyMayLie) {
  Peer taker(empty_.store(), ledger_.world(), 0);
  taker.snapshots().behind(kGiver);
  exchange(taker);
  EXPECT_THAT(taker.to_all, IsEmpty());
  ASSERT_EQ(taker.arrived.size(), 1u);
  EXPECT_EQ(taker.arrived[0].last, at_.id);
  EXPECT_EQ(taker.arrived[0].configuration, at_.configuration);
  EXPECT_EQ(taker.arrived[0].claim.height, height().value);
}

TEST_F(SnapshotsTest, IsTakenOnceMoreThanMayLieSayWhereItsBlockLies) {
  Peer taker(empty_.store(), ledger_.world(), 1);
  taker.snapshots().behind(kGiver);
  exchange(taker);
  EXPECT_THAT(taker.arrived, IsEmpty());
  ASSERT_EQ(taker.to_all.size(), 1u);
  EXPECT_EQ(std::get<PlaceAsksLetter>(taker.to_all[0]).height, height());
  taker.hears(kGiver, place());
  exchange(taker);
  EXPECT_THAT(taker.arrived, IsEmpty()) << "the giver said so before";
  taker.hears(kThird, PlaceGivesLetter{Height{height().value + 1}, at_});
  exchange(taker);
  EXPECT_THAT(taker.arrived, IsEmpty()) << "that is another block's";
  taker.hears(kThird, place());
  exchange(taker);
  EXPECT_EQ(taker.arrived.size(), 1u);
  EXPECT_THAT(taker.strange, IsEmpty());
}

TEST_F(SnapshotsTest, IsNotTakenWhereOthersSayThatItsBlockLiesElsewhere) {
  Peer taker(empty_.store(), ledger_.world(), 1);
  taker.snapshots().behind(kGiver);
  exchange(taker);
  const auto others_say = [&](const Base& at) {
    taker.hears(kThird, PlaceGivesLetter{height(), at});
    taker.hears(kFourth, PlaceGivesLetter{height(), at});
    exchange(taker);
    EXPECT_THAT(taker.arrived, IsEmpty());
  };
  Base other = at_;
  other.id.hash = test::bytes_named("another entry");
  others_say(other);
  other = at_;
  other.configuration.voters = {{kThird}, 1};
  others_say(other);
  ASSERT_EQ(taker.strange.size(), 4u);
  EXPECT_THAT(taker.strange[3], HasSubstr("4: block " + std::to_string(height().value) + " has another place"));
}

TEST_F(SnapshotsTest, IsNotTakenBelowWhatIsCertifiedHere) {
  Peer taker(empty_.store(), ledger_.world(), 0);
  taker.certified = Height{height().value + 1};
  taker.snapshots().behind(kGiver);
  exchange(taker);
  EXPECT_THAT(taker.arrived, IsEmpty());
  EXPECT_THAT(taker.strange, ElementsAre(HasSubstr("below what is certified here")));
}

TEST_F(SnapshotsTest, WhereABlockLiesIsSaidByWhoKnows) {
  giver_.hears(kTaker, PlaceAsksLetter{height()});
  ASSERT_EQ(giver_.said.size(), 1u);
  const auto& answer = std::get<PlaceGivesLetter>(giver_.said[0]);
  EXPECT_EQ(answer.height, height());
  EXPECT_EQ(answer.at, at_);
  giver_.hears(kTaker, PlaceAsksLetter{Height{height().value + 1}});
  giver_.at.reset();
  giver_.hears(kTaker, PlaceAsksLetter{height()});
  EXPECT_EQ(giver_.said.size(), 1u) << "what is not certified, or not in the log, is not told";
}

/// Or an entry that the taker needs leaves the log while the snapshot is on its way, and it is sent another, and another.
TEST_F(SnapshotsTest, TheLogIsKeptWhileSomebodyTakesOne) {
  const Index all = giver_.snapshots().needed();
  EXPECT_GT(all, at_.id.index) << "nobody takes one";
  giver_.hears(kTaker, SnapshotAsksLetter{});
  EXPECT_EQ(giver_.snapshots().needed(), at_.id.index);

  const auto waits = [&](int seconds) {
    giver_.now += std::chrono::seconds(seconds);
    giver_.snapshots().tick();
    return giver_.snapshots().needed();
  };
  const auto asks = [&](NodeId from, const store::SnapshotPlace& after) {
    giver_.hears(from, SnapshotAsksLetter{height(), encode(after)});
    const auto& gives = std::get<SnapshotGivesLetter>(giver_.said.back());
    return test::value_of(store::end_of_snapshot_chunk(std::get<SnapshotGivesLetter::Chunk>(gives.what).bytes));
  };
  const store::SnapshotPlace at = asks(kTaker, {});
  EXPECT_EQ(waits(59), at_.id.index) << "it has begun";
  asks(kThird, {});
  EXPECT_EQ(waits(59), at_.id.index) << "and somebody else begins";
  asks(kTaker, {});
  asks(kTaker, at);
  asks(kTaker, at);
  EXPECT_EQ(waits(59), at_.id.index) << "it moves on";
  asks(kTaker, {});
  asks(kTaker, at);
  asks(kThird, {at.section, at.major, at.minor + 1});
  EXPECT_EQ(waits(2), all) << "who asks for what he had, or for any place, is not waited for";
}

}  // namespace
}  // namespace testamur::node
