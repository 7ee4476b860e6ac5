// Goal: behind a snapshot no question about the past is ever answered wrongly: it is answered as the node that has everything answers it, or
// not_here; and once the gap is filled the store holds the very bytes of a replay.
// Method: a random ledger with uncertified blocks is sent and filled in on real disks, at once or while blocks go on being applied and
// rolled back, with everything closed and opened between any two steps; after each block every question is asked of both.
#include "testamur/store/fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshots.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

using store::History;
using store::history_gap;
using store::HistoryFill;
using store::HistoryGap;
using store::OlderBlock;

OlderBlock older_block(const History& history, std::uint64_t height) {
  return {value_of(history.block_payload(Height{height})), value_of(history.block_leaves(Height{height}))};
}

class Fill : public ::testing::Test {
 protected:
  Fill() {
    apply_up_to(node_, kCertifiedHeight + 4);
    receive(node_, scratch_.path() + "/side");
    side_.emplace(node_.world(), scratch_.path() + "/side");
  }

  /// Fills from the node; `between` is done before each step.
  void fill(const std::function<void()>& between) {
    const auto from = node_.history();
    while (true) {
      between();
      const auto fill = value_of(HistoryFill::open(side_->store()));
      const auto next = fill->next();
      if (!next) break;
      value_of(fill->take(older_block(*from, next->value)));
    }
    for (bool done = false; !done;) {
      between();
      done = value_of(value_of(HistoryFill::open(side_->store()))->close());
    }
    EXPECT_EQ(HistoryFill::open(side_->store()).error().code, ErrorCode::not_found);
    EXPECT_EQ(value_of(history_gap(*side_->store())), std::nullopt);
  }
  void expect_same_bytes() {
    const auto expected = entries_of(*node_.store());
    const auto found = entries_of(*side_->store());
    ASSERT_EQ(side_->ledger().head(), node_.ledger().head());
    for (const auto& [key, value] : expected) {
      const auto at = found.find(key);
      ASSERT_NE(at, found.end()) << to_hex(key);
      ASSERT_EQ(at->second, value) << to_hex(key);
    }
    ASSERT_EQ(found.size(), expected.size());
  }

  ScratchDirectory scratch_;
  TestLedger node_{snapshot_world()};
  std::optional<TestLedger> side_;
};

TEST_F(Fill, ComesToTheBytesOfAReplay) {
  fill([] {});
  apply_up_to(*side_, kCertifiedHeight + 4);
  expect_same_bytes();
}

TEST_F(Fill, ComesToTheBytesOfAReplayWithAllClosedBetweenAnyTwoSteps) {
  fill([&] { side_->reopen(); });
  apply_up_to(*side_, kCertifiedHeight + 4);
  side_->reopen();
  expect_same_bytes();
}

TEST_F(Fill, ComesToTheBytesOfAReplayWhileBlocksAreApplied) {
  std::uint64_t next = kCertifiedHeight;
  fill([&] {
    if (next < 75) apply_up_to(*side_, ++next);
  });
  ASSERT_EQ(next, 75u);
  apply_up_to(node_, next);
  ASSERT_GT(side_->ledger().certified_height().value, kCertifiedHeight + 20);
  expect_same_bytes();
}

TEST_F(Fill, TheLastStepGoesOnInPieces) {
  const auto from = node_.history();
  auto fill = value_of(HistoryFill::open(side_->store()));
  EXPECT_EQ(fill->close().error().code, ErrorCode::conflict) << "blocks are missing";
  while (const auto next = fill->next()) value_of(fill->take(older_block(*from, next->value)));
  EXPECT_EQ(fill->take(older_block(*from, 3)).error().code, ErrorCode::conflict);
  std::size_t pieces = 0;
  while (!value_of(fill->close(20))) {
    if (++pieces == 5) {
      fill.reset();
      side_->reopen();
      fill = value_of(HistoryFill::open(side_->store()));
    }
    // The answers do not change while versions are taken away.
    const auto history = side_->history();
    for (std::uint64_t height = 0; height <= kCertifiedHeight; height += 4) {
      ASSERT_EQ(value_of(history->register_at(World::institution_id(0), "r0", Height{height})),
                value_of(from->register_at(World::institution_id(0), "r0", Height{height})));
    }
  }
  EXPECT_GT(pieces, 5u);
  apply_up_to(*side_, kCertifiedHeight + 4);
  expect_same_bytes();
}

TEST_F(Fill, AStoreWithAGapHandsOnASnapshotThatCanBeFilled) {
  const std::string directory = scratch_.path() + "/third";
  receive(*side_, directory);
  side_.emplace(node_.world(), directory);
  fill([] {});
  apply_up_to(*side_, kCertifiedHeight + 4);
  expect_same_bytes();
}

TEST_F(Fill, AnotherBlockChangesNothing) {
  const auto from = node_.history();
  const auto fill = value_of(HistoryFill::open(side_->store()));
  std::size_t refused = 0;
  while (const auto next = fill->next()) {
    const OlderBlock good = older_block(*from, next->value);
    const auto before = entries_of(*side_->store());
    const auto expect_refused = [&](const std::function<void(OlderBlock&)>& change, ErrorCode code) {
      OlderBlock bad = good;
      change(bad);
      EXPECT_EQ(fill->take(bad).error().code, code) << "block " << next->value;
      ++refused;
    };
    expect_refused([](OlderBlock& b) { b.leaves.first.value += 1; }, ErrorCode::conflict);
    expect_refused([](OlderBlock& b) { b.leaves.data.clear(); }, ErrorCode::invalid);
    expect_refused([](OlderBlock& b) { b.leaves.data.pop_back(); }, ErrorCode::invalid);
    expect_refused([](OlderBlock& b) { b.leaves.data.push_back(b.leaves.data.back()); }, ErrorCode::invalid);
    for (std::size_t i = 0; i < good.leaves.data.size(); ++i) {
      expect_refused([&](OlderBlock& b) { b.leaves.data[i].back() ^= 1; }, ErrorCode::invalid);
      expect_refused([&](OlderBlock& b) { b.leaves.data[i].clear(); }, ErrorCode::invalid);
    }
    if (next->value < kCertifiedHeight) {
      // Two blocks as one: every leaf is the log's.
      const OlderBlock after = older_block(*from, next->value + 1);
      expect_refused(
          [&](OlderBlock& b) {
            b.leaves.data.insert(b.leaves.data.end(), after.leaves.data.begin(), after.leaves.data.end());
          },
          ErrorCode::invalid);
      EXPECT_EQ(fill->take(after).error().code, ErrorCode::conflict);
    }
    const std::uint64_t last = value_of(from->block_payload(Height{kCertifiedHeight})).value;
    expect_refused([&](OlderBlock& b) { b.payload = value_of(from->block_payload(Height{next->value - 1})); },
                   ErrorCode::invalid);
    expect_refused([&](OlderBlock& b) { b.payload.value = last - (kCertifiedHeight - next->value) + 1; },
                   ErrorCode::invalid);
    ASSERT_EQ(entries_of(*side_->store()), before);
    value_of(fill->take(good));
  }
  EXPECT_GT(refused, 300u);
  EXPECT_TRUE(value_of(fill->close()));
  apply_up_to(*side_, kCertifiedHeight + 4);
  expect_same_bytes();
}

/// Asks both; says whether the answer was there, and fails where it is another one, or another error than not_here.
template <class Answer, class Same>
bool is_answered(const Result<Answer>& found, const Result<Answer>& expected, Same same) {
  if (found) {
    EXPECT_TRUE(expected && same(*found, *expected));
    return true;
  }
  if (found.error().code == ErrorCode::not_here) return false;
  EXPECT_TRUE(!expected && found.error().code == expected.error().code) << found.error().message;
  return true;
}

constexpr auto kEqual = [](const auto& a, const auto& b) { return a == b; };

struct Counts {
  int answered = 0;
  int not_here = 0;
  bool operator()(bool answered_one) { return answered_one ? ++answered : ++not_here, answered_one; }
};

/// Asks everything that depends on a height.
void ask_about(Height height, const History& side, const History& node, Height filled, Counts& count) {
  const bool is_here = height <= filled || height.value >= kCertifiedHeight;
  const std::string id = World::institution_id(1);
  EXPECT_EQ(count(is_answered(side.block(height), node.block(height), kEqual)), is_here) << height.value;
  EXPECT_EQ(count(is_answered(side.block_payload(height), node.block_payload(height), kEqual)), is_here);
  const auto same_leaves = [](const auto& a, const auto& b) { return a.first == b.first && a.data == b.data; };
  const bool has_leaves = count(is_answered(side.block_leaves(height), node.block_leaves(height), same_leaves));
  // Of the snapshot's block itself only the issue statements came along.
  EXPECT_EQ(has_leaves, is_here && (height.value != kCertifiedHeight || filled == height)) << height.value;
  EXPECT_EQ(count(is_answered(side.consortium_at(height), node.consortium_at(height), kEqual)), is_here);
  EXPECT_EQ(count(is_answered(side.institution_at(id, height), node.institution_at(id, height), kEqual)), is_here);
  const auto record = node.register_at(id, "r0", height);
  EXPECT_EQ(count(is_answered(side.register_at(id, "r0", height), record, kEqual)), is_here);
  if (!record) return;
  const auto statuses = [&](const History& history) {
    return history.statuses_at(id, "r0", EntryNumber{0}, record->issued, height);
  };
  EXPECT_EQ(count(is_answered(statuses(side), statuses(node), kEqual)), is_here);
  const Time time = value_of(node.block(height)).time;
  const auto next = node.block(Height{height.value + 1});
  for (const std::uint64_t number : {std::uint64_t{0}, record->issued / 2, record->issued + 1}) {
    for (const std::uint64_t after : {std::uint64_t{0}, std::uint64_t{1}}) {
      store::ProofRequest request{id, "r0", EntryNumber{number}, Time{time.value + after}};
      if (next && next->time <= *request.at) continue;
      const auto same = [](const Proof& a, const Proof& b) { return encode(a) == encode(b); };
      const bool has_proof = count(is_answered(side.prove(request), node.prove(request), same));
      // At the newest block before the gap it is not known how long it was the newest.
      const bool is_known = height != filled || filled.value + 1 >= kCertifiedHeight;
      EXPECT_EQ(has_proof, is_here && is_known) << height.value;
    }
  }
}

TEST_F(Fill, QuestionsThatTouchTheGapAreNotHereAndAllOthersAnswered) {
  const auto node = node_.history();
  const std::uint64_t size = node->certified().checkpoint.size;
  Counts count;
  for (std::uint64_t filled = 0; filled <= kCertifiedHeight; ++filled) {
    const auto gap = value_of(history_gap(*side_->store()));
    const std::optional<HistoryGap> expected_gap{HistoryGap{Height{filled + 1}, Height{kCertifiedHeight}}};
    EXPECT_EQ(gap, filled < kCertifiedHeight ? expected_gap : std::nullopt);
    const auto side = side_->history();
    for (std::uint64_t height = 0; height <= kCertifiedHeight + 1; ++height) {
      ask_about(Height{height}, *side, *node, Height{filled}, count);
    }
    const std::uint64_t end = value_of(node->block(Height{filled})).first_leaf.value;
    for (std::uint64_t leaf = 0; leaf <= size; ++leaf) {
      const auto expected = node->leaf(LeafIndex{leaf});
      const bool has_leaf = count(is_answered(side->leaf(LeafIndex{leaf}), expected, kEqual));
      EXPECT_TRUE(has_leaf || leaf >= end) << leaf;
      const auto statement = expected ? decode_statement_leaf(*expected) : expected.error();
      if (!statement) continue;
      const Bytes bytes = encode(statement->statement);
      const bool is_found = count(is_answered(side->find_statement(bytes), node->find_statement(bytes), kEqual));
      EXPECT_TRUE(is_found || leaf >= end) << leaf;
      EXPECT_EQ(bool(side_->ledger().find_statement(bytes)), is_found);
    }
    for (std::uint64_t height = 0; height <= kCertifiedHeight; ++height) {
      const auto head = side_->ledger().block_head(Height{height});
      if (height <= filled || height == kCertifiedHeight) {
        EXPECT_EQ(value_of(head).checkpoint, value_of(node_.ledger().block_head(Height{height})).checkpoint);
      } else {
        EXPECT_EQ(head.error().code, ErrorCode::not_here);
      }
    }
    if (filled == kCertifiedHeight) break;
    value_of(value_of(HistoryFill::open(side_->store()))->take(older_block(*node, filled + 1)));
  }
  EXPECT_GT(count.answered, 10'000);
  EXPECT_GT(count.not_here, 10'000);
}

}  // namespace
}  // namespace testamur::test
