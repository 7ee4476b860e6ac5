// Goal: a document is issued in place of another with the link between them, both or, after whatever happens, both by the same command
// again; and never twice.
// Method: the command against a service over a real ledger, which fails at each of the two statements.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

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
  EXPECT_THAT(reissue("3").err, AllOf(HasSubstr("found that 3 is revoked"), HasSubstr("nothing was issued"),
                                      HasSubstr("[forbidden_transition]")));
  EXPECT_THAT(reissue("4").err, AllOf(HasSubstr("found that 4 is superseded already"),
                                      HasSubstr("replaced by " + in_ + "/5"), HasSubstr("nothing was issued")));
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
  EXPECT_THAT(ran.err, HasSubstr("expected another document than that of " + in_ + "/20"));
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

/// Thirty diplomas with printing errors, named by the office's references.
class ReissueClass : public Reissue {
 protected:
  ReissueClass() {
    make("class", 8);
    const auto ran =
        world_.issue("r1", "proofs", {"--csv", csv_of("class"), "--result", world_.path("class.result.csv")});
    EXPECT_EQ(ran.exit, kGood) << ran.err;
    make("corrected", 5);
  }
  /// Documents, and a CSV that names them by reference.
  void make(const std::string& name, unsigned count) {
    world_.make_documents(name, count);
    std::string csv = "reference,file\n";
    for (unsigned i = 0; i < count; ++i) csv += "m-" + std::to_string(i) + ",document-" + std::to_string(i) + "\n";
    world_.write(name + "/list.csv", csv);
  }
  std::string csv_of(const std::string& name) { return world_.path(name + "/list.csv"); }
  std::vector<std::string> class_command(std::vector<std::string> more = {}) {
    std::vector<std::string> out = {"reissue",
                                    "--node",
                                    world_.service().address(),
                                    "--register",
                                    in_,
                                    "--policy",
                                    policy_,
                                    "--csv",
                                    csv_of("corrected"),
                                    "--issued",
                                    issued_,
                                    "--proofs",
                                    proofs_,
                                    "--result",
                                    result_,
                                    "--reason",
                                    "awarded_in_error",
                                    "--timeout",
                                    "1s"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  test::Ran with_keys(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--key", world_.key_file("a"), "--key", world_.key_file("b")});
    return world_.run(class_command(more));
  }
  /// Number by reference, of a result.
  std::map<std::string, std::string> numbers_in(const std::string& path) {
    std::ifstream stream(path);
    std::map<std::string, std::string> out;
    std::string line;
    std::getline(stream, line);
    const bool reissued = line.starts_with("reference,file,old,");
    while (std::getline(stream, line)) {
      std::vector<std::string> cells;
      std::istringstream row(line);
      for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
      out[cells.at(0)] = cells.at(reissued ? 3 : 2);
    }
    return out;
  }
  /// Each of the five is issued once, and its old entry linked to it or revoked.
  void expect_all_done(int exit = kSuperseded) {
    EXPECT_EQ(issued(), 33u);
    if (exit == kSuperseded) {
      EXPECT_EQ(events(), 5u);
    } else {
      EXPECT_THAT(events(), testing::AllOf(testing::Ge(1u), testing::Le(5u))) << "neighbours are one change";
    }
    const auto old = numbers_in(issued_);
    const auto made = numbers_in(result_);
    ASSERT_EQ(made.size(), 5u);
    for (const auto& [reference, number] : old) {
      const auto shown = status(static_cast<unsigned>(std::stoul(number)));
      if (!made.contains(reference)) {
        EXPECT_EQ(shown.exit, kGood) << reference;
        continue;
      }
      EXPECT_EQ(shown.exit, exit) << reference;
      if (exit == kSuperseded) {
        EXPECT_THAT(shown.out, HasSubstr(in_ + "/" + made.at(reference))) << reference;
      }
      const std::string document = "document-" + reference.substr(2);
      EXPECT_EQ(world_
                    .run({"verify", world_.path("corrected/" + document), "--proof",
                          proofs_ + "/" + document + ".proof", "--policy", policy_})
                    .exit,
                kGood);
    }
  }
  test::Ran sign(const std::string& person) {
    return world_.run({"sign", file_, "--yes", "--key", world_.key_file(person)});
  }
  test::Ran submit() {
    return world_.run({"submit", "--node", world_.service().address(), "--policy", policy_, "--timeout", "1s", file_});
  }

  const std::string policy_ = world_.path("policy");
  const std::string issued_ = world_.path("class.result.csv");
  const std::string proofs_ = world_.path("reissued");
  const std::string result_ = world_.path("corrected.result.csv");
  const std::string file_ = world_.path("to.sign");
};

TEST_F(ReissueClass, EachRowIsIssuedAndItsOldEntryNamesIt) {
  const auto before = sent();
  const auto checked = with_keys({"--dry-run"});
  ASSERT_EQ(checked.exit, kGood) << checked.err;
  EXPECT_THAT(checked.out, AllOf(HasSubstr("5 documents"), HasSubstr("nothing was sent")));
  EXPECT_EQ(sent(), before);
  const auto ran = with_keys({"--json"});
  ASSERT_EQ(ran.exit, kGood) << ran.out;
  EXPECT_EQ(sent(), before + 2) << "one statement issues, one amends";
  const auto json = boost::json::parse(ran.out);
  EXPECT_EQ(json.at("each").as_array().size(), 5u);
  EXPECT_EQ(json.at("each").at(4).at("reference").as_string(), "m-4");
  EXPECT_EQ(json.at("each").at(4).at("outcome").as_string(), "done");
  expect_all_done();
  const auto again = with_keys();
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, HasSubstr("by an earlier run"));
  EXPECT_EQ(sent(), before + 2);
  // A reference means the entry that holds now, where both results are at hand.
  world_.write("list.csv", "reference\nm-1\n");
  ASSERT_EQ(amend("suspend", {"--csv", world_.path("list.csv"), "--issued", issued_, "--issued", result_}).exit, kGood);
  EXPECT_EQ(status(static_cast<unsigned>(std::stoul(numbers_in(result_).at("m-1")))).exit, kSuspended);
}

TEST_F(ReissueClass, WhatWasCutOffIsFinishedByTheSameCommand) {
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  for (const std::size_t through : {0u, 1u}) {
    SCOPED_TRACE(through);
    std::deque<test::TestService::Answer> answers(1000, [&](const auto&) { return unknown; });
    if (through == 1) answers.front() = nullptr;
    world_.service().next_submissions(answers);
    EXPECT_EQ(with_keys().exit, kUnknown);
    EXPECT_EQ(events(), 0u);
  }
  world_.service().next_submissions({});
  const auto again = with_keys();
  ASSERT_EQ(again.exit, kGood) << again.err;
  expect_all_done();
}

TEST_F(ReissueClass, TheOldOnesAreRevokedWhereThatIsAsked) {
  const auto ran = with_keys({"--revoke"});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  expect_all_done(kRevoked);
  EXPECT_EQ(with_keys({"--revoke"}).exit, kGood);
  expect_all_done(kRevoked);
}

TEST_F(ReissueClass, TwoAtTwoMachinesSignAllInOneFile) {
  const auto prepared = world_.run(class_command({"--prepare", file_}));
  ASSERT_EQ(prepared.exit, kGood) << prepared.err;
  EXPECT_THAT(prepared.out, AllOf(HasSubstr("statements 2, of which 1"), HasSubstr("5 new entries from 28")));
  const auto early = world_.run(class_command());
  EXPECT_EQ(early.exit, kFailed);
  EXPECT_THAT(early.err, HasSubstr("[not_submitted]"));
  const auto first = sign("a");
  ASSERT_EQ(first.exit, kGood) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("Statement 1 of 2"), HasSubstr("5 entries, numbers 28-32"),
                               HasSubstr("supersede"), HasSubstr("replaced by " + in_ + "/32")));
  const auto kept = world_.run(class_command({"--prepare", file_}));
  EXPECT_THAT(kept.out, AllOf(HasSubstr("held the same already"), HasSubstr("1 of 2"))) << kept.err;
  ASSERT_EQ(sign("b").exit, kGood);
  ASSERT_EQ(submit().exit, kGood);
  EXPECT_EQ(submit().exit, kGood) << "again is harmless";
  const auto done = world_.run(class_command());
  ASSERT_EQ(done.exit, kGood) << done.err;
  expect_all_done();
  EXPECT_THAT(world_.run(class_command({"--prepare", world_.path("more.sign")})).out, HasSubstr("Nothing to sign"));
}

TEST_F(ReissueClass, WhereOthersTakeTheNumbersNoOldEntryNamesTheWrongOne) {
  ASSERT_EQ(world_.run(class_command({"--prepare", file_})).exit, kGood);
  for (const char* person : {"a", "b"}) ASSERT_EQ(sign(person).exit, kGood);
  world_.ledger().issue(0, "r1", test::make_class("others", 7, false));
  world_.ledger().certify();
  const auto late = submit();
  EXPECT_EQ(late.exit, kFailed);
  EXPECT_THAT(late.err, HasSubstr("[wrong_first_number]"));
  EXPECT_EQ(events(), 0u);
  const auto anew = world_.run(class_command({"--prepare", file_}));
  ASSERT_EQ(anew.exit, kGood) << anew.err;
  EXPECT_THAT(anew.out, AllOf(HasSubstr("from 35"), HasSubstr("0 of 2")));
  for (const char* person : {"a", "b"}) ASSERT_EQ(sign(person).exit, kGood);
  ASSERT_EQ(submit().exit, kGood);
  ASSERT_EQ(world_.run(class_command()).exit, kGood);
  EXPECT_EQ(events(), 5u);
  EXPECT_EQ(numbers_in(result_).size(), 5u);
}

TEST_F(ReissueClass, WhereOthersAmendFirstTheLinksArePreparedAnewAndTheClassIsNot) {
  ASSERT_EQ(world_.run(class_command({"--prepare", file_})).exit, kGood);
  for (const char* person : {"a", "b"}) ASSERT_EQ(sign(person).exit, kGood);
  ASSERT_EQ(amend("suspend", {"--number", "3"}).exit, kGood);
  const auto late = submit();
  EXPECT_EQ(late.exit, kFailed);
  EXPECT_THAT(late.err, AllOf(HasSubstr("the first 1 are recorded"), HasSubstr("[wrong_next_event]")));
  EXPECT_THAT(world_.run(class_command()).err, HasSubstr("5 old entries are not superseded yet"));
  const auto anew = world_.run(class_command({"--prepare", file_}));
  ASSERT_EQ(anew.exit, kGood) << anew.err;
  EXPECT_THAT(anew.out, HasSubstr("statements 1, of which 1"));
  for (const char* person : {"a", "b"}) ASSERT_EQ(sign(person).exit, kGood);
  ASSERT_EQ(submit().exit, kGood);
  ASSERT_EQ(world_.run(class_command()).exit, kGood);
  EXPECT_EQ(issued(), 33u);
  EXPECT_EQ(events(), 6u);
}

TEST_F(ReissueClass, WhatIsWrongIsToldByRowAndNothingIsSent) {
  const auto old = numbers_in(issued_);
  ASSERT_EQ(amend("revoke", {"--number", old.at("m-1")}).exit, kGood);
  const auto before = sent();
  const auto revoked = with_keys();
  EXPECT_EQ(revoked.exit, kFailed);
  EXPECT_THAT(revoked.err, AllOf(HasSubstr("row 3, column 1 \"reference\": expected an entry to supersede, found that"),
                                 HasSubstr("1 problem")));
  world_.write("corrected/list.csv",
               "reference,file,old\nm-0,document-0,99\nm-2,none,\nm-3,document-3,3\nm-9,document-4,\n");
  const auto wrong = with_keys();
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("row 2, column 3 \"old\": expected the number of \"m-0\""),
                               HasSubstr("row 3, column 2 \"file\""), HasSubstr("row 4, column 3 \"old\""),
                               HasSubstr("row 5, column 1 \"reference\": expected a reference that --issued names")));
  world_.write("corrected/list.csv", "file,old\ndocument-0,3\ndocument-1,3\ndocument-2,4-5\n");
  EXPECT_THAT(with_keys().err,
              AllOf(HasSubstr("row 3, column 2 \"old\": expected each old entry once, found 3 in row 2"),
                    HasSubstr("row 4, column 2 \"old\": expected one old entry")));
  EXPECT_EQ(sent(), before);
  EXPECT_EQ(with_keys({"--number", "3"}).exit, kUsage);
  EXPECT_EQ(world_.run(class_command({"--issued", result_})).exit, kUsage);
}

TEST_F(Reissue, SeveralDocumentsReplaceSeveralEntriesInTheirOrder) {
  world_.write("second.json", "second");
  auto arguments = command("7");
  arguments.insert(arguments.end(), {world_.path("second.json"), "--number", "4", "--key", world_.key_file("a"),
                                     "--key", world_.key_file("b"), "--keep-order"});
  const auto ran = world_.run(arguments);
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(status(7).out, HasSubstr(in_ + "/20"));
  EXPECT_THAT(status(4).out, HasSubstr(in_ + "/21"));
  EXPECT_EQ(reissue("7", {"--number", "9"}).exit, kUsage);
}

}  // namespace
}  // namespace testamur::tool
