// Goal: a list of entries to revoke, suspend, reinstate or supersede is done whole and once, in as few statements as can be; what is
// wrong with it is told by row before anything is sent, and what became of each row afterwards.
// Method: the command against a service over a real ledger, which fails where it is told to.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AmendCsv : public testing::Test {
 protected:
  AmendCsv() { issue(20); }

  void issue(unsigned count) {
    world_.ledger().issue(0, "r1", test::make_class("class", count, false));
    world_.ledger().certify();
  }
  std::string csv(const std::string& text) { return world_.write("list.csv", text); }
  test::Ran amend(const std::string& verb, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = command(verb);
    arguments.insert(arguments.end(), {"--key", world_.key_file("a"), "--key", world_.key_file("b"), "--result",
                                       world_.path("result.csv")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.run(arguments);
  }
  std::vector<std::string> command(const std::string& verb) {
    return {"amend",      verb, "--node",   world_.service().address(),
            "--register", in_,  "--policy", world_.path("policy"),
            "--timeout",  "1s", "--csv",    world_.path("list.csv")};
  }
  int status(unsigned number) {
    return world_
        .run({"status", in_ + "/" + std::to_string(number), "--node", world_.service().address(), "--policy",
              world_.path("policy")})
        .exit;
  }
  std::string read(const std::string& name) {
    std::ifstream stream(world_.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  std::uint64_t events() { return world_.ledger().record(0, "r1").events; }
  std::size_t sent() { return world_.service().handed_in().size(); }

  test::ToolWorld world_;
  const std::string in_ = "university-0.example/r1";
};

TEST_F(AmendCsv, RowsAreOneStatementAndNeighboursOneChange) {
  csv("Name;Nummer;Grund;effective\n"
      "A;7;;\n"
      "B;4;;\n"
      "C;5-6;;\n"
      "D;8;court_order;\n"
      "E;12;;2026-07-01\n");
  const auto ran =
      amend("revoke", {"--map", "number=Nummer", "--map", "reason=Grund", "--reason", "fraudulent_admission"});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("5 rows of " + world_.path("list.csv") + ": 6 entries"));
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("\n  2    7       done     2027-"), HasSubstr("\n  4    5-6     done     2027-")));
  EXPECT_THAT(ran.err, HasSubstr("in 1 statement (final"));
  EXPECT_EQ(sent(), 1u);
  EXPECT_EQ(events(), 3u) << "4-7, 8 and 12";
  for (const unsigned number : {4u, 5u, 6u, 7u, 8u, 12u}) EXPECT_EQ(status(number), kRevoked) << number;
  for (const unsigned number : {3u, 9u, 11u, 13u}) EXPECT_EQ(status(number), kGood) << number;
  const std::string result = read("result.csv");
  EXPECT_THAT(result, StartsWith("number,reason,effective,by,outcome,recorded\r\n7,fraudulent_admission,"));
  EXPECT_THAT(result, AllOf(HasSubstr("\r\n8,court_order,"),
                            HasSubstr("\r\n12,fraudulent_admission,2026-07-01T00:00:00Z,,done,2027-")));

  const auto again = amend(
      "revoke", {"--map", "number=Nummer", "--map", "reason=Grund", "--reason", "fraudulent_admission", "--json"});
  EXPECT_EQ(again.exit, kGood) << again.out;
  const auto answer = boost::json::parse(again.out);
  EXPECT_EQ(answer.at("outcomes").at("already").as_int64(), 5);
  const auto& before = answer.at("each").at(2).as_object();
  EXPECT_EQ(before.at("number"), "5-6");
  EXPECT_EQ(before.at("outcome"), "already");
  EXPECT_TRUE(before.contains("recorded_at")) << "when it was so is shown by its event";
  EXPECT_EQ(sent(), 1u) << "what is done is left alone";
  csv(result);
  const auto from_result = amend("revoke");
  EXPECT_EQ(from_result.exit, kGood) << from_result.err;
  EXPECT_EQ(sent(), 1u) << "a result is a list, and says the same";
}

TEST_F(AmendCsv, WhatIssueWroteIsAList) {
  world_.make_documents("class", 3);
  world_.write("class/class.csv", "reference,file\nm-1,document-0\nm-2,document-1\nm-3,document-2\n");
  ASSERT_EQ(world_
                .issue("r1", "proofs",
                       {"--csv", world_.path("class/class.csv"), "--result", world_.path("list.csv"), "--keep-order"})
                .exit,
            kGood);
  const auto before = sent();
  const auto ran = amend("suspend");
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_EQ(sent(), before + 1);
  EXPECT_EQ(events(), 1u);
  for (const unsigned number : {20u, 21u, 22u}) EXPECT_EQ(status(number), kSuspended);
  csv("Beweis\n" + world_.path("proofs/document-1.proof") + "\n");
  ASSERT_EQ(amend("reinstate", {"--map", "proof=Beweis"}).exit, kGood);
  EXPECT_EQ(status(21), kGood);
  EXPECT_EQ(status(22), kSuspended);
  csv("proof\n" + world_.path("class/document-0") + "\n" + world_.path("none") + "\n");
  EXPECT_THAT(amend("reinstate").err, AllOf(HasSubstr("row 2, column 1 \"proof\": expected the proof of one entry"),
                                            HasSubstr("row 3, column 1 \"proof\"")));
}

TEST_F(AmendCsv, EntriesAreNamedByTheOfficesOwnReferences) {
  world_.make_documents("class", 3);
  world_.write("class/class.csv", "reference,file\nm-1,document-0\nm-2,document-1\nm-3,document-2\n");
  ASSERT_EQ(world_
                .issue("r1", "proofs",
                       {"--csv", world_.path("class/class.csv"), "--result", world_.path("done.csv"), "--keep-order"})
                .exit,
            kGood);
  const auto before = sent();
  csv("Name;Matrikel;number\nMaria;m-3;\nJosé;m-1;20\n");
  EXPECT_THAT(amend("revoke", {"--map", "reference=Matrikel"}).err, HasSubstr("row 2, column 3 \"number\""))
      << "without --issued a reference says nothing";
  const auto ran = amend("revoke", {"--map", "reference=Matrikel", "--issued", world_.path("done.csv")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("REFERENCE"), HasSubstr("  2    22      done"), HasSubstr("  3    20      done")));
  EXPECT_EQ(status(20), kRevoked);
  EXPECT_EQ(status(21), kGood);
  EXPECT_EQ(status(22), kRevoked);
  EXPECT_THAT(read("result.csv"), AllOf(HasSubstr("recorded,reference\r\n22,"), HasSubstr(",m-1\r\n")));

  csv("reference,number\nm-2,\nm-9,\nm-2,20\n,\n");
  const auto wrong = amend("suspend", {"--issued", world_.path("done.csv")});
  EXPECT_EQ(wrong.exit, kFailed);
  EXPECT_THAT(wrong.err,
              AllOf(HasSubstr("3 problems"), HasSubstr("row 3, column 1 \"reference\": expected a reference"),
                    HasSubstr("row 4, column 2 \"number\": expected the number of \"m-2\", which is 21"),
                    HasSubstr("row 5, column 2")));
  world_.write("other.csv", "reference,number,register\nm-2,3,university-0.example/r2\n");
  csv("reference\nm-2\n");
  EXPECT_THAT(amend("suspend", {"--issued", world_.path("other.csv")}).err, HasSubstr("in this register"));
  csv("number,register\n3,university-0.example/r2\n");
  EXPECT_THAT(amend("suspend").err,
              HasSubstr("row 2, column 2 \"register\": expected an entry of university-0.example/r1"));
  EXPECT_EQ(sent(), before + 1);
}

TEST_F(AmendCsv, EntriesOfABundleAreNamedByTheirDocuments) {
  world_.make_documents("class", 1001);
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.path("class"), "--keep-order"}).exit, kGood);
  const std::string bundle = world_.path("proofs/class.bundle");
  csv("proof,file\n" + bundle + ",document-1\n" + bundle + ",document-1000\n");
  ASSERT_EQ(amend("suspend").exit, kGood);
  for (const unsigned number : {21u, 24u}) EXPECT_EQ(status(number), kSuspended) << number;  // 0, 1, 10, 100, 1000
  csv("proof,file\n" + bundle + ",nobody\n" + bundle + ",\n");
  EXPECT_THAT(amend("suspend").err,
              AllOf(HasSubstr("row 2, column 1 \"proof\": expected a bundle that holds \"nobody\""),
                    HasSubstr("row 3, column 1 \"proof\": expected the document's name")));
}

TEST_F(AmendCsv, AllThatIsWrongIsToldAtOnceAndNothingIsSent) {
  csv("number,reason,effective,by\n"
      "1,,,\n"
      "one,,,\n"
      ",,,\n"
      "2,because,yesterday,\n"
      "3,,2999-01-01,\n"
      "4,,,x/y/1\n"
      "5\n"
      "6-9,,,\n"
      "8,,,\n"
      "1,,,\n");
  const auto ran = amend("revoke");
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("9 problems; nothing was sent"));
  for (const char* line :
       {"row 3, column 1 \"number\"", "row 4, column 1 \"number\": expected a number, found an empty",
        "row 5, column 2 \"reason\"", "row 5, column 3 \"effective\"",
        "row 6, column 3 \"effective\": expected a time that has come", "row 7, column 4 \"by\"",
        "row 8: expected 4 cells", "row 10, column 1 \"number\": expected each number once, found 8 in row 9",
        "row 11, column 1 \"number\": expected each number once, found 1 in row 2"}) {
    EXPECT_THAT(ran.err, HasSubstr(line));
  }
  EXPECT_EQ(sent(), 0u);
  EXPECT_FALSE(std::filesystem::exists(world_.path("result.csv")));
  csv("name\nx\n");
  EXPECT_THAT(amend("revoke").err,
              HasSubstr("row 1: expected a column named \"number\" or \"proof\", or \"reference\""));
}

TEST_F(AmendCsv, WhatTheLedgerWouldRefuseIsToldByRow) {
  csv("number\n4-5\n");
  ASSERT_EQ(amend("revoke", {"--reason", "court_order"}).exit, kGood);
  csv("number,reason\n"
      "3-4,court_order\n"
      "5,name_change\n"
      "20,\n"
      "6,\n");
  const auto ran = amend("revoke");
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("3 problems"), HasSubstr("row 2, column 1 \"number\": expected none of the range or all"),
                    HasSubstr("row 3, column 1 \"number\": found that 5 is revoked already, but not as is wanted here: "
                              "reason court_order"),
                    HasSubstr("row 4, column 1 \"number\": expected numbers below 20")));
  csv("number\n4\n6\n");
  EXPECT_THAT(amend("suspend").err, HasSubstr("expected an entry to suspend, found that 4 is revoked"));
  EXPECT_THAT(amend("reinstate").err, HasSubstr("expected an entry to reinstate, found that 4 is revoked"));
  EXPECT_EQ(sent(), 1u);
  EXPECT_EQ(status(6), kGood);
}

TEST_F(AmendCsv, EachSupersededEntryNamesItsOwnReplacement) {
  csv("number,by\n1," + in_ + "/11\n2," + in_ + "/12\n3,\n");
  const auto ran = amend("supersede", {"--by", in_ + "/13"});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  for (const unsigned number : {1u, 2u, 3u}) {
    const auto shown = world_.run({"status", in_ + "/" + std::to_string(number), "--node", world_.service().address(),
                                   "--policy", world_.path("policy")});
    EXPECT_EQ(shown.exit, kSuperseded);
    EXPECT_THAT(shown.out, HasSubstr(in_ + "/1" + std::to_string(number)));
  }
  csv("number,by\n4," + in_ + "/4\n5,nothing\n");
  EXPECT_THAT(amend("supersede").err,
              AllOf(HasSubstr("row 2, column 2 \"by\": expected another entry"), HasSubstr("row 3, column 2 \"by\"")));
  const auto before = sent();
  csv("number,by\n4," + in_ + "/20\n5," + in_ + "/6\n6,university-0.example/nothing/0\n");
  EXPECT_THAT(
      amend("supersede").err,
      AllOf(HasSubstr("2 problems; nothing was sent"),
            HasSubstr("row 2, column 2 \"by\": expected an entry that exists to hold instead, found " + in_ + "/20"),
            HasSubstr("row 4, column 2 \"by\"")));
  EXPECT_EQ(sent(), before);
}

TEST_F(AmendCsv, AListOfManyStatementsThatIsCutOffIsFinishedByTheSameCommand) {
  issue(6000);
  std::string text = "number\n";
  for (int i = 20; i < 6020; i += 2) text += std::to_string(i) + "\n";
  csv(text);
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  std::deque<test::TestService::Answer> answers(1000, [&](const auto&) { return unknown; });
  answers.front() = nullptr;  // the first statement goes through
  world_.service().next_submissions(answers);
  const auto cut_off = amend("revoke", {"--json"});
  EXPECT_EQ(cut_off.exit, kUnknown);
  const auto json = boost::json::parse(cut_off.out);
  EXPECT_EQ(json.at("statements").as_int64(), 2);
  const auto done = json.at("outcomes").at("done").as_int64();
  EXPECT_EQ(json.at("each").as_array().size(), 3000u);
  EXPECT_EQ(json.at("each").at(2999).at("outcome"), "unknown");
  EXPECT_GT(done, 2500);
  EXPECT_LT(done, 3000);
  EXPECT_EQ(json.at("outcomes").at("unknown").as_int64(), 3000 - done);
  EXPECT_EQ(static_cast<std::int64_t>(events()), done);
  EXPECT_THAT(json.at("error").at("message").as_string().c_str(),
              HasSubstr(std::to_string(done) + " are done and certified"));
  EXPECT_THAT(read("result.csv"),
              AllOf(HasSubstr("\r\n20,unspecified,"), HasSubstr("\r\n6018,unspecified,,,unknown,\r\n")));

  world_.service().next_submissions({});
  const auto again = amend("revoke", {"--json"});
  EXPECT_EQ(again.exit, kGood) << again.out;
  EXPECT_EQ(boost::json::parse(again.out).at("outcomes").at("already").as_int64(), done);
  EXPECT_EQ(events(), 3000u) << "each once";
  EXPECT_EQ(status(6018), kRevoked);
  EXPECT_EQ(status(6017), kGood);
}

TEST_F(AmendCsv, StatementsGoOnWhereTheOneBeforeEnds) {
  issue(6000);
  std::string text = "number\n";
  for (int i = 20; i < 6020; i += 2) text += std::to_string(i) + "\n";
  csv(text);
  const auto ran = amend("suspend");
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(events(), 3000u);
}

TEST_F(AmendCsv, ARefusalHalfwaySaysWhatIsDone) {
  issue(6000);
  std::string text = "number\n";
  for (int i = 20; i < 6020; i += 2) text += std::to_string(i) + "\n";
  csv(text);
  v1::Outcome refused;
  refused.set_stage(v1::STAGE_NOT_TAKEN);
  refused.set_code("wrong_next_event");
  world_.service().next_submissions({nullptr, [&](const auto&) { return refused; }});
  const auto ran = amend("suspend");
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Of 3000 rows, 27"), HasSubstr("[wrong_next_event]")));
  EXPECT_THAT(read("result.csv"), HasSubstr("\r\n6018,unspecified,,,not_done,\r\n"));
}

TEST_F(AmendCsv, ADryRunLooksAndSendsNothing) {
  csv("number\n1\n2\n5-9\n");
  auto arguments = command("revoke");
  arguments.push_back("--dry-run");
  const auto ran = world_.run(arguments);
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("3 rows"), HasSubstr("7 entries in 1 statement"), HasSubstr("nothing was sent")));
  EXPECT_EQ(sent(), 0u);
  csv("number\n1\n40\n");
  EXPECT_THAT(world_.run(arguments).err, HasSubstr("row 3, column 1 \"number\": expected numbers below 20"));
  EXPECT_EQ(world_.run(command("revoke")).exit, kUsage) << "no keys";
}

TEST_F(AmendCsv, AListIsPreparedForOthersToSign) {
  csv("number\n1\n2\n5-9\n");
  auto arguments = command("revoke");
  arguments.insert(arguments.end(), {"--prepare", world_.path("to.sign")});
  const auto prepared = world_.run(arguments);
  ASSERT_EQ(prepared.exit, kGood) << prepared.err;
  EXPECT_THAT(world_.run(arguments).out, HasSubstr("0 of 2")) << "the same again is no conflict";
  for (const char* person : {"a", "b"}) {
    const auto ran = world_.run({"sign", world_.path("to.sign"), "--yes", "--key", world_.key_file(person)});
    ASSERT_EQ(ran.exit, kGood) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr("revoke     1-2"), HasSubstr("revoke     5-9")));
  }
  EXPECT_EQ(world_
                .run({"submit", "--node", world_.service().address(), "--policy", world_.path("policy"),
                      world_.path("to.sign")})
                .exit,
            kGood);
  EXPECT_EQ(events(), 2u);
  EXPECT_EQ(status(9), kRevoked);
}

TEST_F(AmendCsv, OptionsOfListsNeedOne) {
  csv("number\n1\n");
  EXPECT_EQ(amend("revoke", {"--number", "1"}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {"--map", "name=x"}).exit, kUsage);
  EXPECT_EQ(amend("revoke", {"--effective", "2999-01-01"}).exit, kUsage);
  auto no_list = command("revoke");
  no_list.resize(no_list.size() - 2);
  no_list.insert(no_list.end(), {"--number", "1", "--key", world_.key_file("a")});
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--dry-run"}, {"--result", "x"}, {"--map", "number=x"}}) {
    auto arguments = no_list;
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(world_.run(arguments).exit, kUsage) << more.front();
  }
  EXPECT_EQ(sent(), 0u);
}

}  // namespace
}  // namespace testamur::tool
