// Goal: a document is issued in place of another with the link between them, both or, after whatever happens, both by the same command
// again; and never twice.
// Method: the command against a service over a real ledger, which fails at each of the two statements.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Reissue : public testing::Test {
 protected:
  Reissue() {
    world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
    world_.ledger().certify();
    world_.write("new.json", R"({"name":"new"})");
  }
  std::vector<std::string> command(const std::string& number, const std::string& document = "new.json") {
    return {"reissue",
            "--node",
            world_.service().address(),
            "--register",
            in_,
            "--policy",
            world_.path("policy"),
            "--number",
            number,
            "--proofs",
            world_.path("proofs"),
            "--reason",
            "name_change",
            "--timeout",
            "1s",
            world_.path(document)};
  }
  test::Ran reissue(const std::string& number, std::vector<std::string> more = {}) {
    auto arguments = command(number);
    arguments.insert(arguments.end(), {"--key", world_.key_file("a"), "--key", world_.key_file("b")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.run(arguments);
  }
  test::Ran status(unsigned number) {
    return world_.run({"status", in_ + "/" + std::to_string(number), "--node", world_.service().address(), "--policy",
                       world_.path("policy")});
  }
  test::Ran amend(const std::string& verb, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"amend",      verb,
                                          "--node",     world_.service().address(),
                                          "--register", in_,
                                          "--policy",   world_.path("policy"),
                                          "--timeout",  "1s",
                                          "--key",      world_.key_file("a"),
                                          "--key",      world_.key_file("b")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.run(arguments);
  }
  std::uint64_t issued() { return world_.ledger().record(0, "r1").issued; }
  std::uint64_t events() { return world_.ledger().record(0, "r1").events; }
  std::size_t sent() { return world_.service().handed_in().size(); }
  void expect_done() {
    EXPECT_EQ(issued(), 21u);
    EXPECT_EQ(events(), 1u);
    const auto old = status(7);
    EXPECT_EQ(old.exit, kSuperseded);
    EXPECT_THAT(old.out, AllOf(HasSubstr(in_ + "/20"), HasSubstr("name_change")));
    EXPECT_EQ(world_
                  .run({"verify", world_.path("new.json"), "--proof", world_.path("proofs/new.json.proof"), "--policy",
                        world_.path("policy")})
                  .exit,
              kGood);
  }

  test::ToolWorld world_;
  const std::string in_ = "university-0.example/r1";
};

TEST_F(Reissue, TheNewDocumentIsIssuedAndTheOldEntryNamesIt) {
  const auto ran = reissue("7", {"--json"});
  ASSERT_EQ(ran.exit, kGood) << ran.out;
  const auto json = boost::json::parse(ran.out);
  EXPECT_EQ(json.at("old").as_string(), in_ + "/7");
  EXPECT_EQ(json.at("new").as_string(), in_ + "/20");
  expect_done();
  const auto before = sent();
  const auto again = reissue("7");
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, HasSubstr("by an earlier run"));
  EXPECT_EQ(sent(), before);
}

TEST_F(Reissue, WhatWasCutOffAtEitherStatementIsFinishedByTheSameCommand) {
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  for (const std::size_t through : {0u, 1u}) {
    SCOPED_TRACE(through);
    std::deque<test::TestService::Answer> answers(1000, [&](const auto&) { return unknown; });
    if (through == 1) answers.front() = nullptr;
    world_.service().next_submissions(answers);
    const auto ran = reissue("7");
    EXPECT_EQ(ran.exit, kUnknown) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("same command"));
    EXPECT_EQ(issued(), 20 + through);
    EXPECT_EQ(status(7).exit, kGood);
  }
  world_.service().next_submissions({});
  const auto again = reissue("7");
  ASSERT_EQ(again.exit, kGood) << again.err;
  expect_done();
}

TEST_F(Reissue, AStatementThatArrivedUnheardIsNotMadeAgain) {
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  std::deque<test::TestService::Answer> answers(1000, [&](const auto&) { return unknown; });
  answers[0] = nullptr;
  answers[1] = [&](const v1::SubmitRequest& request) {
    world_.service().take(request);
    return unknown;
  };
  world_.service().next_submissions(answers);
  EXPECT_EQ(reissue("7").exit, kUnknown);
  world_.service().next_submissions({});
  const auto again = reissue("7");
  EXPECT_EQ(again.exit, kGood) << again.err;
  expect_done();
}

TEST_F(Reissue, NothingIsIssuedWhereTheOldEntryCannotBeSuperseded) {
  ASSERT_EQ(amend("revoke", {"--number", "3"}).exit, kGood);
  ASSERT_EQ(amend("supersede", {"--number", "4", "--by", in_ + "/5"}).exit, kGood);
  ASSERT_EQ(amend("supersede", {"--number", "6"}).exit, kGood);
  const auto before = sent();
  EXPECT_THAT(reissue("3").err, AllOf(HasSubstr("is revoked, which is final"), HasSubstr("[forbidden_transition]")));
  EXPECT_THAT(reissue("4").err,
              AllOf(HasSubstr("superseded already, by " + in_ + "/5"), HasSubstr("nothing was issued")));
  EXPECT_THAT(reissue("6").err, HasSubstr("[forbidden_transition]"));
  EXPECT_THAT(reissue("20").err, HasSubstr("[no_such_entry]"));
  EXPECT_EQ(reissue("7", {"--effective", "2999-01-01"}).exit, kUsage);
  EXPECT_EQ(reissue("1-2").exit, kUsage);
  auto one_key = command("7");
  one_key.insert(one_key.end(), {"--key", world_.key_file("a")});
  EXPECT_THAT(world_.run(one_key).err, HasSubstr("[not_enough_signatures]"));
  auto missing = command("7", "none");
  missing.insert(missing.end(), {"--key", world_.key_file("a"), "--key", world_.key_file("b")});
  EXPECT_EQ(world_.run(missing).exit, kFailed);
  EXPECT_EQ(sent(), before);
  EXPECT_EQ(issued(), 20u);
}

TEST_F(Reissue, TheSameDocumentDoesNotReplaceItself) {
  ASSERT_EQ(reissue("7").exit, kGood);
  const auto before = sent();
  const auto ran = reissue("20");
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("expected another than that of " + in_ + "/20"));
  EXPECT_EQ(sent(), before);
}

TEST_F(Reissue, ASuspendedEntryIsReplacedAndAPersonMaySayNo) {
  ASSERT_EQ(amend("suspend", {"--number", "7"}).exit, kGood);
  std::ostringstream out;
  std::ostringstream err;
  Context context{out, err, [&] { return world_.now(); }, [](const std::string&) { return false; }};
  auto arguments = command("7");
  arguments.insert(arguments.end(), {"--key", world_.key_file("a"), "--key", world_.key_file("b")});
  EXPECT_EQ(run(arguments, context), kFailed);
  EXPECT_THAT(err.str(), HasSubstr("final: it cannot be taken back"));
  EXPECT_EQ(issued(), 20u);
  EXPECT_EQ(reissue("7").exit, kGood);
  EXPECT_EQ(status(7).exit, kSuperseded);
}

}  // namespace
}  // namespace testamur::tool
