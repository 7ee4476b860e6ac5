// Goal: what was committed is applied once, and those who wait are told what the ledger says, whatever came twice.
// Method: an Applier between a real ledger, a Cosigner and an Intake; entries are handed to it as the consensus does.
#include "testamur/node/applier.h"

#include <gtest/gtest.h>

#include "test_ledger.h"

namespace testamur::node {
namespace {

using test::TestLedger;

TEST(Applier, TheSameBytesInALaterBlockAreToldAsAcceptedAlsoWhenTheFirstWasNotWaitedFor) {
  TestLedger test;
  test.certify();
  std::uint64_t now = test::kCreated.value + 60'000;
  const Clock clock = [&] { return Time{now}; };
  SignatureMemory signatures;
  OpenHistories histories(test.store());
  Intake intake({clock, test.world().ledger()}, histories, signatures, {[] {}, [](const Handed&) { return false; }});
  Cosigner::Events events;
  events.keep = [](const Bytes&, const std::function<void()>&) {};
  events.signing = [](const Checkpoint&) -> Result<void> { return {}; };
  Cosigner cosigner({"node.example", clock}, test.ledger(), test::key_named("no voter"), std::nullopt, events);
  std::size_t claims = 0;
  Applier applier(test.ledger(), cosigner, intake, signatures,
                  {[&](consensus::Index, const std::vector<consensus::Claim>& made,
                       const std::optional<Cosigner::Promise>&) { claims += made.size(); },
                   [](const Error& error) { ADD_FAILURE() << error.message; }});
  const Handed handed{test.world().sign(0, test.world().issue(0, "r0", 0, 1, {}, false, test::kCreated)), {}};
  const auto commit = [&](std::uint64_t index) {
    const Payload payload{Time{now + index}, {handed.view()}};
    applier.committed(
        {{{consensus::Term{1}, consensus::Index{index}, {}}, {}, std::make_shared<const Bytes>(encode(payload))}});
  };
  // Accepted in a block that is not certified yet, before anybody handed it in here.
  commit(1);
  std::vector<SubmissionOutcome> answers;
  intake.submit(handed, Stage::committed, std::chrono::steady_clock::now() + std::chrono::seconds(60),
                [&](const SubmissionOutcome& outcome) { answers.push_back(outcome); });
  EXPECT_TRUE(answers.empty());
  commit(2);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].code, "ok") << answers[0].detail;
  EXPECT_EQ(answers[0].placed->height, Height{1});
  EXPECT_EQ(claims, 2u);
  // An entry that comes again, as after a restart, is not applied again.
  commit(2);
  EXPECT_EQ(test.ledger().head().height, Height{2});
}

}  // namespace
}  // namespace testamur::node
