// Goal: a class is issued once, whatever happens on the way, and every proof that is written was verified.
// Method: the command against a service over a real ledger, which fails in each of the ways a node can.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "bundled.h"
#include "testamur/ledger/verify.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::ElementsAre;
using testing::HasSubstr;

v1::Outcome stage(v1::Stage stage, const std::string& code = "") {
  v1::Outcome outcome;
  outcome.set_stage(stage);
  outcome.set_code(code);
  return outcome;
}

class Issue : public testing::Test {
 protected:
  test::Ran verify(const std::string& document, const std::string& proof) {
    return world_.run({"verify", world_.path(document), "--proof", world_.path(proof), "--policy",
                       world_.path("policy"), "--register", "university-0.example/r1"});
  }
  std::uint64_t issued() { return world_.ledger().record(0, "r1").issued; }

  test::ToolWorld world_;
};

TEST_F(Issue, EveryDocumentGetsAProofThatVerifies) {
  const auto ran = world_.issue("r1", "proofs", {world_.make_documents("class", 5)});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(
      world_.files_in("proofs"),
      ElementsAre("document-0.proof", "document-1.proof", "document-2.proof", "document-3.proof", "document-4.proof",
                  testing::EndsWith(".batch"), testing::EndsWith(".index"), testing::EndsWith(".json")));
  for (int i = 0; i < 5; ++i) {
    const std::string name = "document-" + std::to_string(i);
    EXPECT_EQ(verify("class/" + name, "proofs/" + name + ".proof").exit, kGood);
  }
  EXPECT_EQ(verify("class/document-0", "proofs/document-1.proof").exit, kRefused);
  EXPECT_EQ(issued(), 5u);
}

TEST_F(Issue, IssuingAgainIssuesNothing) {
  const std::string documents = world_.make_documents("class", 3);
  ASSERT_EQ(world_.issue("r1", "proofs", {documents}).exit, kGood);
  const auto again = world_.issue("r1", "proofs", {documents});
  EXPECT_EQ(again.exit, kGood);
  EXPECT_THAT(again.out, testing::AllOf(HasSubstr("numbers    0-2"), HasSubstr("by an earlier run")));
  EXPECT_EQ(issued(), 3u);
  // With one more document it is another class, whose proofs are there in part.
  world_.write("class/late", "one more");
  EXPECT_EQ(world_.issue("r1", "proofs", {documents}).exit, kFailed);
  EXPECT_EQ(issued(), 3u);
}

TEST_F(Issue, OtherNodesStandIn) {
  const auto ran = world_.issue("r1", "proofs", {world_.make_documents("class", 2), "--node", "127.0.0.1:1"});
  EXPECT_EQ(ran.exit, kGood) << ran.err;
  const auto first_is_down = world_.run({"status", "university-0.example/r1/0", "--node", "127.0.0.1:1", "--node",
                                         world_.service().address(), "--policy", world_.path("policy")});
  EXPECT_EQ(first_is_down.exit, kGood) << first_is_down.err;
}

TEST_F(Issue, NumbersSayNothingUnlessTheyAreToFollowTheNames) {
  const auto numbers = [&](const std::string& name, std::vector<std::string> more) {
    more.push_back(world_.make_documents(name, 40));
    EXPECT_EQ(world_.issue("r1", name + "-proofs", more).exit, kGood);
    std::vector<std::int64_t> out;
    for (int i = 10; i < 40; ++i) {
      const auto ran = world_.run(
          {"proof", "show", "--json", world_.path(name + "-proofs/document-" + std::to_string(i) + ".proof")});
      out.push_back(boost::json::parse(ran.out).as_object().at("number").as_int64());
    }
    return out;
  };
  const auto shuffled = numbers("one", {});
  EXPECT_FALSE(std::is_sorted(shuffled.begin(), shuffled.end()));
  const auto kept = numbers("two", {"--keep-order"});
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
}

TEST_F(Issue, BusyUnknownAndUnavailableNodesAreAskedAgainWithTheSameBytes) {
  world_.service().next_submissions(
      {[](const auto&) { return stage(v1::STAGE_BUSY); }, [](const auto&) { return stage(v1::STAGE_UNKNOWN); },
       [](const auto&) { return stage(v1::STAGE_UNSPECIFIED); }, [](const auto&) { return stage(v1::STAGE_PENDING); }});
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 2)}).exit, kGood);
  const auto handed = world_.service().handed_in();
  ASSERT_EQ(handed.size(), 5u);
  for (const auto& bytes : handed) EXPECT_EQ(bytes, handed[0]);
  EXPECT_EQ(issued(), 2u);
}

TEST_F(Issue, UnknownOutcomeSaysSoAndIsFinishedLater) {
  std::deque<test::TestService::Answer> unknown(1000, [](const auto&) { return stage(v1::STAGE_UNKNOWN); });
  // The statement arrives all the same: the node only does not say so.
  unknown[0] = [&](const v1::SubmitRequest& request) {
    world_.service().take(request);
    return stage(v1::STAGE_UNKNOWN);
  };
  world_.service().next_submissions(unknown);
  const std::string documents = world_.make_documents("class", 3);
  const auto ran = world_.issue("r1", "proofs", {documents});
  EXPECT_EQ(ran.exit, kUnknown);
  EXPECT_THAT(ran.err, HasSubstr("It is not known whether the class was recorded"));
  world_.service().next_submissions({});
  const auto again = world_.issue("r1", "proofs", {documents});
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, HasSubstr("that an earlier run began"));
  EXPECT_EQ(issued(), 3u) << "issued once";
  EXPECT_EQ(world_.files_in("proofs").size(), 6u);
}

TEST_F(Issue, AnotherStatementMayTakeTheNumberFirst) {
  const std::string documents = world_.make_documents("class", 3);
  world_.service().next_submissions({[&](const auto&) {
    world_.ledger().issue(0, "r1", test::make_class("other", 4, false));
    world_.ledger().certify();
    return std::optional<v1::Outcome>();
  }});
  const auto ran = world_.issue("r1", "proofs", {documents});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("numbers    4-6"));
  EXPECT_EQ(issued(), 7u);
}

TEST_F(Issue, ForgedProofsAreNotWritten) {
  world_.service().tamper = [](EntryNumber number, Proof& proof) {
    if (number.value == 1) proof.cosignatures[0].signature[5] ^= 1;
  };
  const std::string documents = world_.make_documents("class", 3);
  const auto ran = world_.issue("r1", "proofs", {documents});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[bad_cosignature]"));
  world_.service().tamper = nullptr;
  EXPECT_EQ(world_.issue("r1", "proofs", {documents}).exit, kGood);
  EXPECT_EQ(issued(), 3u);
}

TEST_F(Issue, NodeThatLiesAboutTheNumberGetsNoSecondStatement) {
  const std::string documents = world_.make_documents("class", 3);
  std::deque<test::TestService::Answer> unknown(1000, [](const auto&) { return stage(v1::STAGE_UNKNOWN); });
  unknown[0] = [&](const v1::SubmitRequest& request) {
    world_.service().take(request);
    return stage(v1::STAGE_UNKNOWN);
  };
  world_.service().next_submissions(unknown);
  ASSERT_EQ(world_.issue("r1", "proofs", {documents}).exit, kUnknown);
  world_.service().next_submissions({});
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.entry->statement.statement.statement.back() ^= 1; };
  EXPECT_EQ(world_.issue("r1", "proofs", {documents}).exit, kUnknown);
  EXPECT_EQ(world_.service().handed_in().front(), world_.service().handed_in().back());
  EXPECT_EQ(issued(), 3u);
}

TEST_F(Issue, LargeClassGoesIntoABundle) {
  world_.make_documents("class", 1200);
  const auto ran = world_.issue("r1", "proofs", {world_.path("class"), "--json"});
  ASSERT_EQ(ran.exit, kGood) << ran.out;
  EXPECT_THAT(world_.files_in("proofs"),
              ElementsAre("class.bundle", testing::EndsWith(".index"), testing::EndsWith(".json")));
  EXPECT_LT(world_.service().proofs_sent(), 20u);
  for (const char* name : {"document-0", "document-77", "document-1199"}) {
    const std::string proof = world_.path(std::string(name) + ".proof");
    ASSERT_EQ(world_.run({"proof", "extract", world_.path("proofs/class.bundle"), name, "-o", proof}).exit, kGood);
    EXPECT_EQ(verify("class/" + std::string(name), std::string(name) + ".proof").exit, kGood) << name;
  }
  EXPECT_EQ(world_.run({"proof", "extract", world_.path("proofs/class.bundle"), "document-1200"}).exit, kFailed);
}

TEST_F(Issue, BundleServesEveryEntryWhereverItBeginsAndWhateverWasAmended) {
  ASSERT_EQ(world_.issue("r1", "before", {world_.make_documents("few", 5)}).exit, kGood);
  world_.make_documents("class", 1200);
  // Between the class's recording and its proofs: an entry at the start of a chunk, some inside one, and a whole chunk.
  world_.service().next_submissions({[&](const v1::SubmitRequest& request) {
    const auto outcome = world_.service().take(request);
    const auto revoke = [&](std::uint64_t first, std::uint32_t count) {
      return Change{EntryNumber{first}, count, Status::revoked, 3, world_.ledger().now(), {}};
    };
    world_.ledger().amend(0, "r1", {revoke(6, 1), revoke(128, 1), revoke(300, 3), revoke(512, 128), revoke(1204, 1)});
    world_.ledger().certify();
    return std::optional(outcome);
  }});
  const auto ran = world_.issue("r1", "proofs", {world_.path("class"), "--json", "--keep-order"});
  ASSERT_EQ(ran.exit, kGood) << ran.out;
  EXPECT_EQ(boost::json::parse(ran.out).at("not_good").as_int64(), 134);
  std::vector<std::uint64_t> revoked;
  for (int i = 0; i < 1200; ++i) {
    const std::string name = "document-" + std::to_string(i);
    const auto taken = test::bundled(world_.path("proofs/class.bundle"), name);
    Question question;
    question.document = sha256(as_bytes("class document " + std::to_string(i)));
    const Finding finding = testamur::verify(encode(taken.proof), world_.ledger().world().policy(), question);
    ASSERT_TRUE(is_answer(finding.verdict)) << name << " " << sentence(finding.verdict);
    ASSERT_EQ(finding.number, taken.number);
    if (finding.verdict == Verdict::revoked) revoked.push_back(taken.number.value);
  }
  EXPECT_EQ(revoked.size(), 134u);
  EXPECT_THAT(revoked, testing::IsSupersetOf({6, 128, 300, 301, 302, 512, 639, 1204}));
}

TEST_F(Issue, DocumentsOfAnEarlierClassAreNamedAndRefused) {
  const std::string first = world_.make_documents("first", 4);
  ASSERT_EQ(world_.issue("r1", "proofs", {first, "--keep-order"}).exit, kGood);
  world_.make_documents("second", 0);
  world_.write("second/new-name", "a document that no class had");
  world_.write("second/other-name", "first document 2");
  const auto refused = world_.issue("r1", "proofs", {world_.path("second")});
  EXPECT_EQ(refused.exit, kFailed);
  EXPECT_THAT(refused.err,
              testing::AllOf(HasSubstr("[issued_before]"), HasSubstr("other-name is university-0.example/r1/2")));
  EXPECT_EQ(issued(), 4u);
  EXPECT_EQ(world_.issue("r1", "proofs", {world_.path("second"), "--again"}).exit, kGood);
  EXPECT_EQ(issued(), 6u);
  EXPECT_EQ(world_.issue("r1", "elsewhere", {world_.path("second")}).exit, kGood)
      << "another directory, another memory";
}

TEST_F(Issue, LargeClassesShareADirectory) {
  world_.make_documents("one", 1001);
  world_.make_documents("two", 1001);
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.path("one")}).exit, kGood);
  const auto second = world_.issue("r1", "proofs", {world_.path("two"), "--json"});
  ASSERT_EQ(second.exit, kGood) << second.out;
  const auto parsed = boost::json::parse(second.out);
  const std::string bundle(parsed.at("parts").at(0).at("bundle").as_string());
  EXPECT_THAT(bundle, testing::AllOf(testing::StartsWith("class-"), testing::EndsWith(".bundle")));
  EXPECT_NO_THROW(test::bundled(world_.path("proofs/" + bundle), "document-7"));
  EXPECT_NO_THROW(test::bundled(world_.path("proofs/class.bundle"), "document-7"));
}

TEST_F(Issue, ListedClassIsFoundByItsHash) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3), "--listed"}).exit, kGood);
  EXPECT_EQ(verify("class/document-1", "proofs/document-1.proof").exit, kGood);
}

TEST_F(Issue, KeysThatCannotSignAreNamedBeforeAnythingIsSent) {
  const std::string documents = world_.make_documents("class", 3);
  const auto amender = world_.issue("r1", "proofs", {documents, "--key", world_.key_file("amender")});
  EXPECT_EQ(amender.exit, kFailed);
  EXPECT_THAT(amender.err, HasSubstr("amender.pem"));
  const auto one =
      world_.run({"issue", "--node", world_.service().address(), "--register", "university-0.example/r1", "--policy",
                  world_.path("policy"), "--proofs", world_.path("proofs"), "--key", world_.key_file("a"), documents});
  EXPECT_EQ(one.exit, kFailed);
  EXPECT_THAT(one.err, HasSubstr("asks for 2 signatures"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Issue, OneRunAtATimeWorksInADirectory) {
  const std::string documents = world_.make_documents("class", 2);
  test::Ran second;
  world_.service().next_submissions({[&](const auto&) {
    second = world_.issue("r1", "proofs", {documents});
    return std::optional<v1::Outcome>();
  }});
  EXPECT_EQ(world_.issue("r1", "proofs", {documents}).exit, kGood);
  EXPECT_EQ(second.exit, kFailed);
  EXPECT_THAT(second.err, HasSubstr("no other command at work here"));
  EXPECT_EQ(issued(), 2u);
}

TEST_F(Issue, UnfinishedClassKeepsItsDirectory) {
  world_.service().next_submissions(
      std::deque<test::TestService::Answer>(1000, [](const auto&) { return stage(v1::STAGE_UNKNOWN); }));
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("one", 2)}).exit, kUnknown);
  const auto other = world_.issue("r1", "proofs", {world_.make_documents("two", 2)});
  EXPECT_EQ(other.exit, kFailed);
  EXPECT_THAT(other.err, HasSubstr("no other class under way"));
}

TEST_F(Issue, RefusalOfTheLedgerIsToldWithItsCode) {
  world_.service().next_submissions({[](const auto&) { return stage(v1::STAGE_NOT_TAKEN, "institution_not_active"); }});
  const auto ran = world_.issue("r1", "proofs", {world_.make_documents("class", 1)});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[institution_not_active]"));
}

}  // namespace
}  // namespace testamur::tool
