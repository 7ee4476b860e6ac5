// Goal: what was committed is applied once, and those who wait are told what the ledger says, whatever came twice, and when.
// Method: an Applier between a real ledger, a Cosigner and an Intake; entries are handed to it as the consensus does.
#include "testamur/node/applier.h"

#include <gtest/gtest.h>

#include <future>
#include <random>
#include <thread>

#include "test_ledger.h"

namespace testamur::node {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

class ApplierTest : public ::testing::Test {
 protected:
  ApplierTest() { test_.certify(); }

  Handed issued(std::uint64_t number) const {
    return {test_.world().sign(0, test_.world().issue(0, "r0", number, 1, {}, false, test::kCreated)), {}};
  }
  void commit(std::uint64_t index, const std::vector<Submission>& submissions) {
    const Payload payload{Time{kNow + index}, submissions};
    applier_.committed(
        {{{consensus::Term{1}, consensus::Index{index}, {}}, {}, std::make_shared<const Bytes>(encode(payload))}});
  }
  /// Is told the answer once it is committed.
  std::future<SubmissionOutcome> submit(const Handed& handed) {
    const auto answer = std::make_shared<std::promise<SubmissionOutcome>>();
    intake_.submit(handed, Stage::committed, std::chrono::steady_clock::now() + seconds(60),
                   [answer](const SubmissionOutcome& outcome) { answer->set_value(outcome); });
    return answer->get_future();
  }
  static bool is_answered(const std::future<SubmissionOutcome>& answer) {
    return answer.wait_for(seconds(0)) == std::future_status::ready;
  }
  static Cosigner::Events nothing_kept() {
    Cosigner::Events events;
    events.keep = [](const Bytes&, const std::function<void()>&) {};
    events.signing = [](const Checkpoint&) -> Result<void> { return {}; };
    return events;
  }

  static constexpr std::uint64_t kNow = test::kCreated.value + 60'000;
  test::TestLedger test_;
  const Clock clock_ = [] { return Time{kNow}; };
  std::size_t claims_ = 0;
  SignatureMemory signatures_;
  OpenHistories histories_{test_.store()};
  Intake intake_{
      {clock_, test_.world().ledger()}, histories_, signatures_, {[] {}, [](const Handed&) { return false; }}};
  Cosigner cosigner_{
      {"node.example", clock_}, test_.ledger(), test::key_named("no voter"), std::nullopt, nothing_kept()};
  Applier applier_{test_.ledger(),
                   cosigner_,
                   intake_,
                   signatures_,
                   {[this](consensus::Index, const std::vector<consensus::Claim>& made,
                           const std::optional<Cosigner::Promise>&) { claims_ += made.size(); },
                    [](const Error& error) { ADD_FAILURE() << error.message; }}};
};

TEST_F(ApplierTest, TheSameBytesInALaterBlockAreToldAsAcceptedAlsoWhenTheFirstWasNotWaitedFor) {
  const Handed handed = issued(0);
  // Accepted in a block that is not certified yet, before anybody handed it in here.
  commit(1, {handed.view()});
  auto answer = submit(handed);
  EXPECT_FALSE(is_answered(answer));
  commit(2, {handed.view()});
  ASSERT_TRUE(is_answered(answer));
  const SubmissionOutcome outcome = answer.get();
  EXPECT_EQ(outcome.code, "ok") << outcome.detail;
  EXPECT_EQ(outcome.placed->height, Height{1});
  EXPECT_EQ(claims_, 2u);
  // An entry that comes again, as after a restart, is not applied again.
  commit(2, {handed.view()});
  EXPECT_EQ(test_.ledger().head().height, Height{2});
}

/// As when a leader stops: both it and the next one propose the bytes, and whoever handed them in tries another node meanwhile.
TEST_F(ApplierTest, TheSameBytesAreToldAsAcceptedWheneverTheyAreHandedInWhileTheyComeAgain) {
  std::mt19937_64 random(1);
  std::uint64_t index = 0;
  nanoseconds took{1};
  for (std::uint64_t number = 0; number < 150; ++number) {
    const Handed handed = issued(number);
    commit(++index, {handed.view()});
    // So often that the block takes a while.
    const std::vector<Submission> again(400, handed.view());
    std::promise<std::future<SubmissionOutcome>> promised;
    auto submitted = promised.get_future();
    const auto begins = std::chrono::steady_clock::now();
    std::thread client([&, then = begins + nanoseconds(random() % static_cast<std::uint64_t>(took.count()))] {
      while (std::chrono::steady_clock::now() < then) std::this_thread::yield();
      promised.set_value(submit(handed));
    });
    commit(++index, again);
    took = std::chrono::steady_clock::now() - begins;
    client.join();
    auto answer = submitted.get();
    // Handed in once the block was applied, it is told by the next one that holds it.
    if (!is_answered(answer)) commit(++index, {handed.view()});
    ASSERT_TRUE(is_answered(answer));
    const SubmissionOutcome outcome = answer.get();
    ASSERT_EQ(outcome.code, "ok") << "number " << number << ": " << outcome.detail;
  }
}

}  // namespace
}  // namespace testamur::node
