// Goal: two people at two machines sign what they read, and nothing is recorded twice, or said to be recorded that is not.
// Method: the commands against a service over a real ledger; files that are changed between one machine and the next.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "testamur/identity/key_file.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Sign : public testing::Test {
 protected:
  std::vector<std::string> issue_command(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> out = {"issue",      "--node",   node(),
                                    "--register", in_,        "--policy",
                                    policy(),     "--proofs", world_.path(name + ".proofs"),
                                    "--timeout",  "1s",       world_.path(name)};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  test::Ran issue(const std::string& name, std::vector<std::string> more = {}) {
    return world_.run(issue_command(name, std::move(more)));
  }
  test::Ran prepare(const std::string& name) { return issue(name, {"--prepare", file_}); }
  test::Ran sign(const std::string& key, std::vector<std::string> more = {"--yes"}) {
    std::vector<std::string> out = {"sign", file_, "--key", key};
    out.insert(out.end(), more.begin(), more.end());
    return world_.run(out);
  }
  void sign_by_both() {
    for (const char* person : {"a", "b"}) {
      const auto ran = sign(world_.key_file(person));
      ASSERT_EQ(ran.exit, kGood) << ran.err;
    }
  }
  test::Ran submit() {
    return world_.run({"submit", "--node", node(), "--policy", policy(), "--timeout", "1s", file_});
  }
  test::Ran amend(const std::string& verb, const std::string& number, std::vector<std::string> more) {
    std::vector<std::string> out = {"amend",    verb,     "--node",   node(), "--register", in_,
                                    "--policy", policy(), "--number", number, "--timeout",  "1s"};
    out.insert(out.end(), more.begin(), more.end());
    return world_.run(out);
  }
  test::Ran status(unsigned number) {
    return world_.run({"status", in_ + "/" + std::to_string(number), "--node", node(), "--policy", policy()});
  }
  std::string stranger() {
    const std::string path = world_.path("stranger.pem");
    test::value_of(identity::write_ed25519_key(path, test::bytes_named("university-1.example a")));
    return path;
  }
  boost::json::object read() {
    std::ifstream stream(file_);
    return boost::json::parse(std::string(std::istreambuf_iterator<char>(stream), {})).as_object();
  }
  void write(const boost::json::object& value) { std::ofstream(file_) << boost::json::serialize(value); }
  std::uint64_t issued() { return world_.ledger().record(0, "r1").issued; }
  std::string node() { return world_.service().address(); }
  std::string policy() { return world_.path("policy"); }

  test::ToolWorld world_;
  const std::string in_ = "university-0.example/r1";
  const std::string file_ = world_.path("to.sign");
};

TEST_F(Sign, AClassIsPreparedSignedByTwoHandedInAndFinished) {
  world_.make_documents("class", 3);
  const auto prepared = prepare("class");
  ASSERT_EQ(prepared.exit, kGood) << prepared.err;
  EXPECT_THAT(prepared.out, AllOf(HasSubstr("3 entries"), HasSubstr("0 of 2"), HasSubstr("testamur sign")));
  EXPECT_EQ(issued(), 0u);
  const auto early = issue("class");
  EXPECT_EQ(early.exit, kFailed);
  EXPECT_THAT(early.err, HasSubstr("[not_submitted]"));
  const auto first = sign(world_.key_file("b"));
  ASSERT_EQ(first.exit, kGood) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("3 entries, numbers 0-2, sealed"), HasSubstr("by nobody yet"),
                               HasSubstr("1 of 2 signatures")));
  const auto second = sign(world_.key_file("a"));
  EXPECT_THAT(second.out, AllOf(HasSubstr("by key " + to_hex(key_id(World::key(0, "b").public_key()))),
                                HasSubstr("2 of 2 signatures")));
  ASSERT_EQ(submit().exit, kGood);
  EXPECT_EQ(issued(), 3u);
  const auto done = issue("class");
  ASSERT_EQ(done.exit, kGood) << done.err;
  EXPECT_EQ(issued(), 3u);
  EXPECT_EQ(world_
                .run({"verify", world_.path("class/document-1"), "--proof",
                      world_.path("class.proofs/document-1.proof"), "--policy", policy()})
                .exit,
            kGood);
}

TEST_F(Sign, AListedClassCarriesItsCommitments) {
  world_.make_documents("class", 3);
  ASSERT_EQ(issue("class", {"--listed", "--prepare", file_}).exit, kGood);
  sign_by_both();
  auto file = read();
  auto& commitments = file.at("statements").at(0).as_object().at("commitments");
  const std::string whole(commitments.as_string());
  commitments = whole[0] == 'A' ? "B" + whole.substr(1) : "A" + whole.substr(1);
  write(file);
  EXPECT_THAT(submit().err, HasSubstr("hash to the statement's batch root"));
  commitments = whole;
  write(file);
  const auto ran = submit();
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_EQ(issue("class", {"--listed"}).exit, kGood);
}

TEST_F(Sign, TooFewSignaturesAreNotHandedIn) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  for (const unsigned signatures : {0u, 1u}) {
    if (signatures == 1) {
      ASSERT_EQ(sign(world_.key_file("a")).exit, kGood);
    }
    const auto ran = submit();
    EXPECT_EQ(ran.exit, kFailed);
    EXPECT_THAT(ran.err, AllOf(HasSubstr("found " + std::to_string(signatures)), HasSubstr("[not_enough_signatures]")));
  }
  const auto again = sign(world_.key_file("a"));
  EXPECT_EQ(again.exit, kFailed);
  EXPECT_THAT(again.err, HasSubstr("[conflict]"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Sign, TheKeyOfAnotherInstitutionIsRefusedTwice) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  const auto refused = sign(stranger());
  EXPECT_EQ(refused.exit, kFailed);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("stranger.pem"), HasSubstr("[bad_signature]")));
  // Whom the file names as signers is a hint that anybody may write.
  auto file = read();
  file.at("keys").as_array().push_back(boost::json::object{{"id", to_hex(key_id(World::key(1, "a").public_key()))}});
  write(file);
  ASSERT_EQ(sign(world_.path("stranger.pem")).exit, kGood);
  ASSERT_EQ(sign(world_.key_file("a")).exit, kGood);
  const auto ran = submit();
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[bad_signature]"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Sign, AFileThatWasChangedIsNeitherSignedNorHandedIn) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  ASSERT_EQ(sign(world_.key_file("a")).exit, kGood);
  const auto whole = read();
  const auto expect_refused = [&](const char* what, const std::function<void(boost::json::object&)>& change,
                                  const char* word) {
    auto changed = whole;
    change(changed);
    write(changed);
    for (const auto& ran : {sign(world_.key_file("b")), submit()}) {
      EXPECT_EQ(ran.exit, kFailed) << what;
      EXPECT_THAT(ran.err, HasSubstr(word)) << what;
      EXPECT_THAT(ran.out, Not(HasSubstr("To sign"))) << what;
    }
  };
  const auto statement = [](boost::json::object& file) -> boost::json::object& {
    return file.at("statements").at(0).as_object();
  };
  const auto flip = [](boost::json::value& text, std::size_t place) {
    std::string held(text.as_string());
    held[place] = held[place] == 'A' ? 'B' : 'A';
    text = held;
  };
  // The batch root stands before the last byte.
  expect_refused(
      "statement", [&](auto& file) { flip(statement(file).at("statement"), 120); }, "does not hold");
  expect_refused(
      "signature", [&](auto& file) { flip(statement(file).at("signatures").at(0).as_object().at("signature"), 5); },
      "does not hold");
  expect_refused(
      "member", [&](auto& file) { statement(file)["note"] = "trust me"; }, "no member of this name");
  expect_refused(
      "version", [&](auto& file) { file["testamur_signing"] = 2; }, "the only form");
  expect_refused(
      "twice",
      [&](auto& file) {
        auto& signatures = statement(file).at("signatures").as_array();
        signatures.push_back(boost::json::value(signatures[0]));
      },
      "each key once");
  expect_refused(
      "none", [&](auto& file) { file.at("statements").as_array().clear(); }, "one at least");
  expect_refused(
      "same again",
      [&](auto& file) {
        auto& statements = file.at("statements").as_array();
        statements.push_back(boost::json::value(statements[0]));
      },
      "go on where the statement before ends");
  EXPECT_TRUE(world_.service().handed_in().empty());
  write(whole);
  EXPECT_EQ(sign(world_.key_file("b")).exit, kGood) << "the file itself is good";
}

TEST_F(Sign, HandedInAgainItIsRecordedOnce) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  sign_by_both();
  ASSERT_EQ(submit().exit, kGood);
  const auto again = submit();
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, HasSubstr("recorded before"));
  // Nor does the class's own command with keys issue it again, or prepare it.
  const auto nothing = prepare("class");
  EXPECT_EQ(nothing.exit, kGood);
  EXPECT_THAT(nothing.out, HasSubstr("Nothing to sign"));
  EXPECT_EQ(issue("class", {"--key", world_.key_file("a"), "--key", world_.key_file("b")}).exit, kGood);
  EXPECT_EQ(issued(), 2u);
}

TEST_F(Sign, NumbersThatOthersTookAreToldAndPreparedAnew) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  sign_by_both();
  const auto root = [&] {
    const auto bytes = from_base64(read().at("statements").at(0).at("statement").as_string());
    return std::get<IssueBody>(test::value_of(decode_statement(*bytes)).body).batch_root;
  };
  const Hash before = root();
  const auto kept = prepare("class");
  EXPECT_THAT(kept.out, AllOf(HasSubstr("held the same already"), HasSubstr("2 of 2")));
  world_.ledger().issue(0, "r1", test::make_class("others", 7, false));
  world_.ledger().certify();
  const auto late = submit();
  EXPECT_EQ(late.exit, kFailed);
  EXPECT_THAT(late.err, AllOf(HasSubstr("Prepare it again"), HasSubstr("[wrong_first_number]")));
  const auto unsigned_run = issue("class");
  EXPECT_EQ(unsigned_run.exit, kFailed);
  EXPECT_THAT(unsigned_run.err, AllOf(HasSubstr("--prepare again"), HasSubstr("[wrong_first_number]")));
  const auto anew = prepare("class");
  ASSERT_EQ(anew.exit, kGood) << anew.err;
  EXPECT_THAT(anew.out, AllOf(HasSubstr("from 7"), HasSubstr("0 of 2")));
  EXPECT_EQ(root(), before) << "the same salts in the same order";
  sign_by_both();
  ASSERT_EQ(submit().exit, kGood);
  EXPECT_EQ(issue("class").exit, kGood);
  EXPECT_EQ(issued(), 9u);
}

TEST_F(Sign, AFileThatMayStillBeHandedInIsNotOverwritten) {
  world_.make_documents("class", 2);
  world_.make_documents("other", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  const auto ran = prepare("other");
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[conflict]"));
  EXPECT_THAT(sign(world_.key_file("a")).out, HasSubstr("2 entries"));
  world_.write("to.sign", "a letter");
  EXPECT_EQ(prepare("class").exit, kFailed);
}

TEST_F(Sign, TwoWhoSignOneCopyAtOnceBothCount) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  const std::vector<std::string> keys = {world_.key_file("a"), world_.key_file("b"), world_.key_file("amender")};
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(file_);
    ASSERT_EQ(amend("revoke", "4", {"--prepare", file_}).exit, kGood);
    const Time now = world_.now();
    std::vector<std::thread> people;
    for (const std::string& key : keys) {
      people.emplace_back([&, key] {
        EXPECT_EQ(test::run_tool({"sign", file_, "--yes", "--key", key}, now).exit, kGood);
      });
    }
    for (std::thread& person : people) person.join();
    ASSERT_EQ(read().at("statements").at(0).at("signatures").as_array().size(), keys.size()) << round;
  }
}

TEST_F(Sign, AFileThatBecameAnotherWhileItWasReadIsNotSigned) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  ASSERT_EQ(amend("revoke", "4", {"--prepare", file_}).exit, kGood);
  std::ostringstream out;
  std::ostringstream err;
  const auto swap = [&](const std::string&) {
    std::filesystem::remove(file_);
    return amend("revoke", "5", {"--prepare", file_}).exit == kGood;
  };
  Context context{out, err, [&] { return world_.now(); }, swap};
  EXPECT_EQ(run({"sign", file_, "--key", world_.key_file("a")}, context), kFailed);
  EXPECT_THAT(err.str(), HasSubstr("prepared anew since it was shown"));
  EXPECT_TRUE(read().at("statements").at(0).at("signatures").as_array().empty());
}

/// A listed class of two statements.
class SignTwoStatements : public Sign {
 protected:
  static constexpr unsigned kCount = 65'540;

  SignTwoStatements() { world_.make_documents("class", kCount); }
  test::Ran listed(std::vector<std::string> more = {}) {
    more.push_back("--listed");
    return issue("class", more);
  }
};

TEST_F(SignTwoStatements, AreSignedTogetherAndASignatureOutlivesTheFirstBeingRecorded) {
  const auto prepared = listed({"--prepare", file_});
  ASSERT_EQ(prepared.exit, kGood) << prepared.err;
  sign_by_both();
  ASSERT_EQ(read().at("statements").as_array().size(), 2u);
  // The first one arrives, the second does not.
  v1::Outcome unknown;
  unknown.set_stage(v1::STAGE_UNKNOWN);
  std::deque<test::TestService::Answer> answers(1000, [&](const auto&) { return unknown; });
  answers.front() = nullptr;
  world_.service().next_submissions(answers);
  const auto cut_off = submit();
  EXPECT_EQ(cut_off.exit, kUnknown);
  EXPECT_THAT(cut_off.err, HasSubstr("the first 1 are recorded"));
  world_.service().next_submissions({});
  EXPECT_EQ(issued(), 65'536u);
  EXPECT_THAT(listed().err, HasSubstr("[not_submitted]"));
  const auto anew = listed({"--prepare", file_});
  ASSERT_EQ(anew.exit, kGood) << anew.err;
  EXPECT_THAT(anew.out, AllOf(HasSubstr("4 entries"), HasSubstr("2 of 2"))) << "what is left, with its signatures";
  ASSERT_EQ(submit().exit, kGood);
  const auto done = listed();
  ASSERT_EQ(done.exit, kGood) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("numbers    0-65535"), HasSubstr("numbers    65536-65539")));
  EXPECT_EQ(issued(), kCount);
}

TEST_F(SignTwoStatements, ArePreparedAnewWhereOthersTookTheNumbersOfBoth) {
  ASSERT_EQ(listed({"--prepare", file_}).exit, kGood);
  sign_by_both();
  world_.ledger().issue(0, "r1", test::make_class("others", 7, false));
  world_.ledger().certify();
  EXPECT_THAT(submit().err, HasSubstr("[wrong_first_number]"));
  const auto anew = listed({"--prepare", file_});
  ASSERT_EQ(anew.exit, kGood) << anew.err;
  EXPECT_THAT(anew.out, AllOf(HasSubstr("from 7"), HasSubstr("0 of 2")));
  sign_by_both();
  ASSERT_EQ(submit().exit, kGood);
  ASSERT_EQ(listed().exit, kGood);
  EXPECT_EQ(issued(), kCount + 7);
}

TEST_F(Sign, AnAmendmentIsShownWholeAndRecorded) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  ASSERT_EQ(amend("supersede", "4",
                  {"--reason", "name_change", "--by", in_ + "/9", "--effective", "2026-07-01", "--key",
                   world_.key_file("a"), "--prepare", file_})
                .exit,
            kGood);
  const auto shown = sign(world_.key_file("b"));
  ASSERT_EQ(shown.exit, kGood) << shown.err;
  EXPECT_THAT(shown.out,
              HasSubstr("supersede  4, reason name_change, effective 2026-07-01T00:00:00Z, replaced by " + in_ + "/9"));
  EXPECT_EQ(status(4).exit, kGood);
  EXPECT_THAT(submit().out, Not(HasSubstr("recorded before")));
  EXPECT_EQ(status(4).exit, kSuperseded);
  const auto again = submit();
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("1 change holds"), HasSubstr("recorded before")));
  ASSERT_EQ(sign(world_.key_file("amender")).exit, kGood);
  EXPECT_EQ(submit().exit, kGood) << "the same statement, with one signature more";
  EXPECT_EQ(world_.ledger().record(0, "r1").events, 1u);
}

TEST_F(Sign, AnAmendmentThatOthersOvertookIsTold) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  ASSERT_EQ(amend("revoke", "4", {"--prepare", file_}).exit, kGood);
  sign_by_both();
  const std::vector<std::string> keys = {"--key", world_.key_file("a"), "--key", world_.key_file("b")};
  ASSERT_EQ(amend("suspend", "5", keys).exit, kGood);
  const auto late = submit();
  EXPECT_EQ(late.exit, kFailed);
  EXPECT_THAT(late.err, AllOf(HasSubstr("prepare it again"), HasSubstr("[wrong_next_event]")));
  EXPECT_EQ(status(4).exit, kGood);
  ASSERT_EQ(amend("revoke", "4", {"--prepare", file_}).exit, kGood) << "what is spent gives way";
  sign_by_both();
  EXPECT_EQ(submit().exit, kGood);
  EXPECT_EQ(status(4).exit, kRevoked);
}

TEST_F(Sign, ANodeThatSaysCertifiedIsNotBelieved) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  v1::Outcome lie;
  lie.set_stage(v1::STAGE_CERTIFIED);
  lie.set_code("ok");
  lie.set_recorded_at(world_.now().value);
  const auto lies = [&] {
    world_.service().next_submissions(std::deque<test::TestService::Answer>(10, [&](const auto&) { return lie; }));
  };
  const std::vector<std::string> keys = {"--key", world_.key_file("a"), "--key", world_.key_file("b")};
  lies();
  const auto amended = amend("revoke", "4", keys);
  EXPECT_EQ(amended.exit, kUnknown);
  EXPECT_THAT(amended.err, HasSubstr("no proof of " + in_ + "/4 shows it"));
  world_.make_documents("late", 2);
  ASSERT_EQ(prepare("late").exit, kGood);
  sign_by_both();
  lies();
  EXPECT_EQ(submit().exit, kUnknown);
  world_.service().next_submissions({});
  EXPECT_EQ(submit().exit, kGood) << "the same bytes may always be handed in again";
  EXPECT_EQ(issued(), 22u);
}

TEST_F(Sign, AnAmendmentThatWasAmendedSinceIsStillShown) {
  world_.ledger().issue(0, "r1", test::make_class("class", 20, false));
  world_.ledger().certify();
  ASSERT_EQ(amend("suspend", "4", {"--prepare", file_}).exit, kGood);
  sign_by_both();
  ASSERT_EQ(submit().exit, kGood);
  world_.ledger().amend(0, "r1", {Change{EntryNumber{4}, 1, Status::revoked, 0, test::kCreated, {}}});
  world_.ledger().certify();
  const auto again = submit();
  EXPECT_EQ(again.exit, kGood) << again.err;
}

TEST_F(Sign, NobodySignsUnaskedOrTooLate) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  const auto unasked = sign(world_.key_file("a"), {});
  EXPECT_EQ(unasked.exit, kFailed);
  EXPECT_THAT(unasked.err, HasSubstr("[not_confirmed]"));
  const std::vector<std::string> command = {"sign", file_, "--key", world_.key_file("a"), "--yes"};
  for (const auto& [days, exit] : {std::pair(13, int{kGood}), std::pair(15, int{kFailed})}) {
    const auto ran = test::run_tool(command, Time{world_.now().value + static_cast<std::uint64_t>(days) * 86'400'000});
    EXPECT_EQ(ran.exit, exit) << days << ran.err;
    if (exit == kFailed) {
      EXPECT_THAT(ran.err, HasSubstr("[signed_at_out_of_range]"));
    }
  }
  const auto early = test::run_tool(command, Time{world_.now().value - 3'600'000});
  EXPECT_THAT(early.err, HasSubstr("after now"));
}

TEST_F(Sign, ASignerWithAPolicySignsForThatLedgerOnly) {
  world_.make_documents("class", 2);
  ASSERT_EQ(prepare("class").exit, kGood);
  World other;
  other.genesis.created = Time{test::kCreated.value + 1};
  world_.write("other-policy", encode(other.policy()));
  EXPECT_THAT(sign(world_.key_file("a"), {"--yes", "--policy", world_.path("other-policy")}).err,
              HasSubstr("[wrong_ledger]"));
  EXPECT_EQ(sign(world_.key_file("a"), {"--yes", "--policy", policy()}).exit, kGood);
}

}  // namespace
}  // namespace testamur::tool
