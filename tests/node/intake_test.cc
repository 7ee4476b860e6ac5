// Goal: whoever hands a statement in gets one answer, and the right one, whichever way the statement goes; order is kept; and there is
// a bound to what waits.
// Method: an Intake on a real ledger. The test is the leader's log, the other nodes, and the disk.
#include "testamur/node/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test_ledger.h"
#include "testamur/ledger/payload.h"
#include "testamur/ledger/sha256.h"

namespace testamur::node {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() { begin({}); }

  void begin(Intake::Options options) {
    options.clock = [this] { return Time{now_}; };
    options.ledger = ledger_.world().ledger();
    intake_.emplace(std::move(options), histories_, signatures_,
                    Intake::Events{[this] { ++proposals_; },
                                   [this](const Handed& handed) {
                                     if (!leader_there_) return false;
                                     passed_on_.push_back(sha256(handed.signed_statement));
                                     return true;
                                   },
                                   [this](const SubmissionOutcome&) { ++counted_; }});
  }
  void TearDown() override { EXPECT_EQ(counted_, answered_) << "each answer is told to be counted, once"; }
  /// Issues one entry with this number; `variant` makes other bytes of the same number.
  Handed entry(std::uint64_t number, unsigned variant = 0) const {
    const auto statement = ledger_.world().issue(0, "r0", number, 1, test::bytes_named(std::to_string(variant)), false,
                                                 Time{test::kCreated.value + variant});
    return {ledger_.world().sign(0, statement), {}};
  }
  static SubmissionId id_of(const Handed& handed) { return sha256(handed.signed_statement); }
  void submit(const Handed& handed, Stage wanted = Stage::certified, seconds wait = seconds(60)) {
    intake_->submit(handed, wanted, std::chrono::steady_clock::now() + wait, [this](const SubmissionOutcome& outcome) {
      answers_.push_back(outcome);
      ++answered_;
    });
  }
  std::optional<Bytes> propose() {
    return intake_->next_payload([this] { return Time{ledger_.ledger().head().time.value + 1000}; });
  }
  /// Applies a payload, here and so everywhere; says so to the intake, as the applier does.
  void apply(const Bytes& bytes, bool tell = true) {
    const Payload payload = test::value_of(decode_payload(bytes));
    const auto applied =
        test::value_of(ledger_.ledger().apply(store::LogIndex{ledger_.ledger().head().applied.value + 1}, payload));
    now_ = ledger_.ledger().head().time.value + 1000;
    std::vector<BlockOutcome> outcomes;
    for (std::size_t i = 0; i < applied.outcomes.size(); ++i) {
      const ByteView statement = payload.submissions[i].signed_statement;
      outcomes.push_back(
          {sha256(statement), applied.outcomes[i].code, test::value_of(ledger_.ledger().find_statement(statement))});
    }
    if (tell) intake_->applied(applied.record.height, outcomes);
  }
  /// A block of these, proposed by some other node.
  void apply_there(const std::vector<Handed>& handed, bool tell = true) {
    Payload payload{Time{ledger_.ledger().head().time.value + 1000}, {}};
    for (const Handed& h : handed) payload.submissions.push_back(h.view());
    apply(encode(payload), tell);
  }
  void certify() {
    ledger_.certify();
    histories_.renew();
    intake_->certified(ledger_.ledger().head().height);
  }

  test::TestLedger ledger_;
  std::atomic<std::uint64_t> now_ = test::kCreated.value + 1000;
  SignatureMemory signatures_;
  OpenHistories histories_{ledger_.store()};
  std::optional<Intake> intake_;
  std::vector<SubmissionOutcome> answers_;
  std::vector<SubmissionId> passed_on_;
  bool leader_there_ = true;
  std::atomic<int> proposals_ = 0;
  std::atomic<int> counted_ = 0;
  int answered_ = 0;
};

TEST_F(IntakeTest, BeforeAnythingIsCertifiedItIsTooEarly) {
  submit(entry(0));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::busy);
  EXPECT_GT(answers_[0].retry_after_ms, 0u);
}

TEST_F(IntakeTest, EachWhoWaitsIsAnsweredOnceWhenItIsAsFarAsHeWants) {
  certify();
  intake_->leader_changed(/*self_leads=*/true);
  const Handed handed = entry(0);
  submit(handed, Stage::pending);
  submit(handed, Stage::committed);
  submit(handed, Stage::certified);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::pending);
  EXPECT_EQ(intake_->pending(), 1u) << "the same bytes take one place";
  EXPECT_GT(proposals_, 0);

  apply(*propose());
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1].stage, Stage::committed);
  EXPECT_EQ(answers_[1].code, "ok");
  EXPECT_EQ(intake_->pending(), 0u);
  EXPECT_FALSE(propose()) << "nothing is proposed twice";

  certify();
  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[2].stage, Stage::certified);
  EXPECT_EQ(answers_[2].placed->height, Height{1});
  certify();
  intake_->tick();
  intake_->stop();
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(IntakeTest, WhatStandsOnTheCertifiedLedgerIsAnsweredAtOnce) {
  apply_there({entry(0)}, /*tell=*/false);
  certify();
  submit(entry(0));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::certified);
  EXPECT_EQ(answers_[0].code, "ok");
  EXPECT_EQ(intake_->pending(), 0u);
}

TEST_F(IntakeTest, WhatBreaksARuleTakesNoRoom) {
  certify();
  Handed forged = entry(0);
  forged.signed_statement.back() ^= 1;
  submit(forged);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::not_taken);
  EXPECT_EQ(answers_[0].code, "bad_signature");
  EXPECT_EQ(intake_->pending(), 0u);
}

TEST_F(IntakeTest, WhatABlockRefusedIsToldAsRefusedAndAgain) {
  certify();
  intake_->leader_changed(true);
  submit(entry(3), Stage::certified);
  apply(*propose());
  EXPECT_TRUE(answers_.empty());
  certify();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::certified);
  EXPECT_EQ(answers_[0].code, "wrong_first_number");
  EXPECT_FALSE(answers_[0].placed);
  submit(entry(3));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1].code, "wrong_first_number");
}

TEST_F(IntakeTest, TheSameBytesInALaterBlockDoNotTurnAcceptedIntoRefused) {
  certify();
  submit(entry(0), Stage::certified);
  apply_there({entry(0)});
  apply_there({entry(0)});
  certify();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].code, "ok");
  EXPECT_EQ(answers_[0].placed->height, Height{1});
}

TEST_F(IntakeTest, WhatCameTooEarlyAndCameAgainInItsTurnIsToldAsAccepted) {
  certify();
  intake_->leader_changed(/*self_leads=*/true);
  const Handed early = entry(1);
  submit(early, Stage::committed);
  apply(*propose());
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].code, "wrong_first_number");
  // Somebody else hands in what was missing, and then the same bytes: they stand on the ledger, and nothing else may be said.
  apply_there({entry(0)});
  apply_there({early});
  submit(early, Stage::committed);
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1].code, "ok");
  certify();
  submit(early, Stage::certified);
  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[2].stage, Stage::certified);
  EXPECT_EQ(answers_[2].code, "ok");
}

TEST_F(IntakeTest, WhoseTimeHasComeIsToldHowFarItIs) {
  certify();
  submit(entry(0), Stage::certified, seconds(0));
  EXPECT_TRUE(answers_.empty());
  intake_->tick();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::pending);
  EXPECT_EQ(intake_->look_up(id_of(entry(0))).stage, Stage::pending) << "it goes its way all the same";
}

TEST_F(IntakeTest, TheOrderIsKeptOnTheWayToEachNewLeader) {
  certify();
  leader_there_ = false;
  std::vector<SubmissionId> order;
  for (std::uint64_t number = 0; number < 5; ++number) {
    submit(entry(number));
    order.push_back(id_of(entry(number)));
  }
  EXPECT_THAT(passed_on_, IsEmpty());
  leader_there_ = true;
  intake_->tick();
  EXPECT_EQ(passed_on_, order);
  passed_on_.clear();
  intake_->leader_changed(false);
  EXPECT_EQ(passed_on_, order);
}

TEST_F(IntakeTest, WhatWasPassedOnBeforeIsProposedBeforeWhatCameLater) {
  certify();
  submit(entry(0));
  ASSERT_EQ(passed_on_.size(), 1u);
  // This node is elected, and has not been told: the first statement was passed to the leader of before.
  leader_there_ = false;
  submit(entry(1));
  EXPECT_FALSE(propose()) << "the second would overtake the first, and be refused";
  intake_->leader_changed(true);
  apply(*propose());
  certify();
  ASSERT_EQ(answers_.size(), 2u);
  for (const SubmissionOutcome& answer : answers_) EXPECT_EQ(answer.code, "ok");
}

TEST_F(IntakeTest, WhatWasProposedAndLostGoesItsWayAgain) {
  certify();
  intake_->leader_changed(true);
  submit(entry(0));
  ASSERT_TRUE(propose());
  intake_->leader_changed(false);
  EXPECT_THAT(passed_on_, ElementsAre(id_of(entry(0))));
  intake_->leader_changed(true);
  EXPECT_TRUE(propose());
}

// Two hand in the same number at two nodes. The leader saw one of them certified, and does not take the other.
TEST_F(IntakeTest, WhatAnotherStatementOvertookIsAnsweredAndNotWaitedForInVain) {
  certify();
  submit(entry(0, 1));
  apply_there({entry(0, 2)});
  certify();
  EXPECT_GT(intake_->take_over(entry(0, 3)), 0u) << "a leader says that it does not take it";
  EXPECT_TRUE(answers_.empty());
  intake_->no_room(id_of(entry(0, 1)), 0);
  passed_on_.clear();
  intake_->tick();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::not_taken);
  EXPECT_EQ(answers_[0].code, "wrong_first_number");
  EXPECT_EQ(intake_->pending(), 0u);
  EXPECT_THAT(passed_on_, IsEmpty());
}

TEST_F(IntakeTest, WhatWasAppliedBeforeItWasHandedInHereIsFoundOnceItIsCertified) {
  certify();
  apply_there({entry(0)});
  submit(entry(0));
  EXPECT_TRUE(answers_.empty()) << "not certified yet";
  certify();
  intake_->no_room(id_of(entry(0)), 0);  // the leader has had it
  intake_->tick();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::certified);
  EXPECT_EQ(answers_[0].code, "ok");
}

TEST_F(IntakeTest, ALeaderSaysThatABlockHoldsItAlready) {
  certify();
  EXPECT_EQ(intake_->take_over(entry(0)), 0u);
  EXPECT_EQ(intake_->take_over(entry(0)), 0u);
  apply_there({entry(0)});
  EXPECT_GT(intake_->take_over(entry(0)), 0u);
  EXPECT_EQ(intake_->pending(), 0u);
}

TEST_F(IntakeTest, WhatTheLeaderHasNoRoomForIsPassedOnAgainWithAllThatFollows) {
  certify();
  submit(entry(0));
  submit(entry(1));
  passed_on_.clear();
  intake_->tick();
  EXPECT_THAT(passed_on_, IsEmpty());
  intake_->no_room(id_of(entry(0)), 0);
  intake_->tick();
  EXPECT_THAT(passed_on_, ElementsAre(id_of(entry(0)), id_of(entry(1))));
}

TEST_F(IntakeTest, ThereIsABoundAndTheOthersFindRoomLonger) {
  begin({.clock = {}, .ledger = {}, .max_pending = 2});
  certify();
  for (std::uint64_t number = 0; number < 3; ++number) submit(entry(number));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::busy);
  EXPECT_GT(answers_[0].retry_after_ms, 0u);
  EXPECT_EQ(intake_->take_over(entry(2)), 0u);
  std::uint64_t number = 3;
  while (intake_->take_over(entry(number)) == 0) ++number;
  EXPECT_EQ(number, 16u);
  EXPECT_EQ(intake_->pending(), 16u);
}

TEST_F(IntakeTest, WhatNobodyWaitsForIsForgotten) {
  begin({.clock = {}, .ledger = {}, .keep = seconds(0)});
  certify();
  leader_there_ = false;
  submit(entry(0), Stage::pending);
  submit(entry(1), Stage::certified);
  intake_->tick();
  EXPECT_EQ(intake_->look_up(id_of(entry(0))).stage, Stage::unknown);
  EXPECT_EQ(intake_->pending(), 1u) << "somebody waits for the other";
  leader_there_ = true;
  intake_->tick();
  EXPECT_THAT(passed_on_, ElementsAre(id_of(entry(1))));
}

TEST_F(IntakeTest, AStopAnswersEverybodyHonestly) {
  certify();
  submit(entry(0), Stage::certified);
  intake_->stop();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].stage, Stage::unknown);
  submit(entry(1));
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1].stage, Stage::busy);
  // What was under way may still come to stand in a block.
  apply_there({entry(0)});
  certify();
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(IntakeTest, AllAtOnceEveryoneGetsOneAnswer) {
  certify();
  intake_->leader_changed(true);
  constexpr unsigned many = 200;
  std::array<std::atomic<int>, many> told{};
  std::atomic<bool> done = false;
  std::thread leaders([&] {
    for (bool leads = false; !done; leads = !leads) {
      intake_->leader_changed(leads);
      intake_->tick();
      std::this_thread::yield();
    }
    intake_->leader_changed(true);
  });
  std::vector<std::thread> clients;
  for (unsigned client = 0; client < 2; ++client) {
    clients.emplace_back([&, client] {
      for (unsigned i = client; i < many; i += 2) {
        const Handed handed = entry(i);
        for (const Stage wanted : {Stage::committed, Stage::certified}) {
          intake_->submit(handed, wanted, std::chrono::steady_clock::now() + seconds(60),
                          [&told, i](const SubmissionOutcome&) { ++told[i]; });
        }
      }
    });
  }
  const auto block = [&] {
    if (const auto payload = intake_->next_payload([&] { return Time{ledger_.ledger().head().time.value + 1}; })) {
      apply(*payload);
      certify();
    }
  };
  for (int i = 0; i < 50; ++i) block();
  for (std::thread& client : clients) client.join();
  done = true;
  leaders.join();
  while (intake_->pending() > 0) block();
  for (const auto& count : told) EXPECT_EQ(count, 2);
  answered_ = 2 * static_cast<int>(many);
}

}  // namespace
}  // namespace testamur::node
