// Goal: what an amendment command says is what happens to exactly these numbers, and what cannot happen is told before or by code.
#include "amend.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::AllOf;
using testing::HasSubstr;

class Amend : public testing::Test {
 protected:
  Amend() {
    world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
    world_.ledger().certify();
  }
  test::Ran amend(const std::string& verb, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"amend",      verb,
                                          "--node",     world_.service().address(),
                                          "--register", "university-0.example/r1",
                                          "--policy",   world_.path("policy"),
                                          "--key",      world_.key_file("a"),
                                          "--key",      world_.key_file("b"),
                                          "--timeout",  "1s"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.run(arguments);
  }
  int status(unsigned number) {
    return world_
        .run({"status", "university-0.example/r1/" + std::to_string(number), "--node", world_.service().address(),
              "--policy", world_.path("policy")})
        .exit;
  }

  test::ToolWorld world_;
};

TEST_F(Amend, ChangesExactlyTheNumbersNamed) {
  const auto ran = amend("revoke", {"--number", "4", "--number", "7-9", "--reason", "fraudulent-admission"});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("4 entries of university-0.example/r1 are now revoked, certified"));
  for (const unsigned number : {4u, 7u, 8u, 9u}) EXPECT_EQ(status(number), kRevoked) << number;
  for (const unsigned number : {3u, 5u, 6u, 10u}) EXPECT_EQ(status(number), kGood) << number;
  EXPECT_EQ(world_.ledger().record(0, "r1").events, 2u);
}

TEST_F(Amend, SuspendedComesBackAndRevokedDoesNot) {
  ASSERT_EQ(amend("suspend", {"--number", "1-2"}).exit, kGood);
  EXPECT_EQ(status(1), kSuspended);
  ASSERT_EQ(amend("reinstate", {"--number", "1"}).exit, kGood);
  EXPECT_EQ(status(1), kGood);
  ASSERT_EQ(amend("revoke", {"--number", "2"}).exit, kGood);
  const auto ran = amend("reinstate", {"--number", "2"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[forbidden_transition]"));
}

TEST_F(Amend, SupersedeNamesWhatHolds) {
  ASSERT_EQ(amend("supersede", {"--number", "1", "--by", "university-0.example/r1/19"}).exit, kGood);
  EXPECT_EQ(status(1), kSuperseded);
  EXPECT_EQ(amend("supersede", {"--number", "2-3", "--by", "university-0.example/r1/3"}).exit, kUsage);
}

TEST_F(Amend, WhatCannotBeMeantIsUsage) {
  EXPECT_EQ(amend("revoke", {"--number", "1", "--number", "1-2"}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {"--number", "1", "--effective", "2999-01-01"}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {"--number", "1", "--reason", "because"}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {"--number", "20"}).exit, kFailed);
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Amend, TheSameAgainDoesWhatIsLeftAndNothingTwice) {
  ASSERT_EQ(amend("revoke", {"--number", "4-5", "--reason", "court_order"}).exit, kGood);
  const auto again = amend("revoke", {"--number", "4-5", "--reason", "court_order"});
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("Nothing to do"), HasSubstr("2 entries were revoked already")));
  const auto more = amend("revoke", {"--number", "4-5", "--number", "9", "--reason", "court_order"});
  EXPECT_EQ(more.exit, kGood) << more.err;
  EXPECT_THAT(more.out,
              AllOf(HasSubstr("1 entry of university-0.example/r1 is now revoked"), HasSubstr("2 entries were")));
  EXPECT_EQ(status(9), kRevoked);
  EXPECT_EQ(world_.ledger().record(0, "r1").events, 2u);
}

TEST_F(Amend, WhatTheLedgerWouldRefuseIsToldByNumberAndNothingIsSentOrPrepared) {
  ASSERT_EQ(amend("revoke", {"--number", "4"}).exit, kGood);
  const auto sent = world_.service().handed_in().size();
  const auto ran = amend("suspend", {"--number", "1", "--number", "3-5", "--number", "20"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("--number: expected an entry to suspend, found that 4 is revoked"),
                             HasSubstr("--number: expected numbers below 20"), HasSubstr("nothing was sent"),
                             HasSubstr("[forbidden_transition]")));
  EXPECT_THAT(amend("revoke", {"--number", "4", "--reason", "court_order"}).err,
              HasSubstr("not as is wanted here: reason unspecified"));
  EXPECT_EQ(amend("suspend", {"--number", "4", "--prepare", world_.path("to.sign")}).exit, kFailed);
  EXPECT_FALSE(std::filesystem::exists(world_.path("to.sign")));
  EXPECT_THAT(amend("supersede", {"--number", "1", "--by", "university-0.example/r1/20"}).err,
              AllOf(HasSubstr("--by: expected an entry that exists"), HasSubstr("[bad_replacement]")));
  EXPECT_EQ(world_.service().handed_in().size(), sent);
}

TEST_F(Amend, PersonMayStillSayNo) {
  std::ostringstream out;
  std::ostringstream err;
  Context context{out, err, [&] { return world_.now(); }, [](const std::string&) { return false; }};
  EXPECT_EQ(run({"amend", "revoke", "--node", world_.service().address(), "--register", "university-0.example/r1",
                 "--policy", world_.path("policy"), "--key", world_.key_file("a"), "--number", "1"},
                context),
            kFailed);
  EXPECT_THAT(err.str(), HasSubstr("final: it cannot be taken back"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Amend, UnknownOutcomeIsNotAFailure) {
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  world_.service().next_submissions(std::deque<test::TestService::Answer>(1000, [&](const auto&) { return unknown; }));
  EXPECT_EQ(amend("revoke", {"--number", "1"}).exit, kUnknown);
}

}  // namespace
}  // namespace testamur::tool
