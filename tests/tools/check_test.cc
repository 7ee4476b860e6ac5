// Goal: the exit code of `testamur verify` says no more than the proof shows. Nothing but a checked, fresh, good entry ends with 0.
// Method: real proofs from a real ledger, and the command in this process with the test's clock.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "testamur/credentials/document.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::value_of;
using test::World;
using testing::HasSubstr;

constexpr std::uint64_t kDayMs = 86'400'000;

/// Seven sealed documents in r0, each in a file; number 3 is in `document`.
class Verify : public testing::Test {
 protected:
  Verify() {
    entries_ = test::make_class("class", 7, false);
    for (unsigned i = 0; i < 7; ++i) {
      const std::string text = "document " + std::to_string(i);
      entries_.documents[i] = sha256(as_bytes(text));
      entries_.commitments[i] = sealed_commitment(entries_.salts[i], entries_.documents[i]);
      world_.write("document-" + std::to_string(i), text);
    }
    merkle::CompactRange tree;
    for (const Hash& commitment : entries_.commitments) tree.append(merkle::leaf_hash(commitment));
    entries_.root = tree.root();
    world_.ledger().issue(0, "r0", entries_);
    world_.ledger().certify();
  }

  Proof prove(std::uint64_t number, std::optional<Time> at = {}, bool full = true) {
    Proof proof =
        value_of(world_.ledger().history()->prove({World::institution_id(0), "r0", EntryNumber{number}, at, full}));
    if (proof.entry) proof.entry->document = DocumentProof{entries_.salts[number], entries_.path(number)};
    return proof;
  }
  /// Writes the proof and verifies document-3 with it.
  test::Ran verify(const Proof& proof, std::vector<std::string> more = {}, std::uint64_t later_ms = 0) {
    world_.write("proof", as_text(encode(proof)));
    return verify_file(world_.path("document-3"), std::move(more), later_ms);
  }
  test::Ran verify_file(const std::string& subject, std::vector<std::string> more = {}, std::uint64_t later_ms = 0) {
    std::vector<std::string> arguments = {
        "verify", subject, "--proof", world_.path("proof"), "--policy", world_.path("policy")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_tool(arguments, Time{world_.now().value + later_ms});
  }
  void amend(Status status, std::uint64_t number = 3) {
    const Time now = world_.ledger().now();
    world_.ledger().amend(0, "r0", {Change{EntryNumber{number}, 1, status, 4, now, {}}});
    world_.ledger().certify();
  }

  test::ToolWorld world_;
  test::Class entries_;
};

TEST_F(Verify, GoodIsZero) {
  const auto ran = verify(prove(3));
  EXPECT_EQ(ran.exit, kGood) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Good: university-0.example/r0/3 is in good standing as of 2027-01-15T08:00:"));
  EXPECT_THAT(ran.out, HasSubstr("this document is that entry"));
  EXPECT_THAT(ran.out, HasSubstr("the institution's own signatures hold"));
  EXPECT_THAT(verify(prove(3, {}, false)).out, HasSubstr("the consortium vouches"));
}

TEST_F(Verify, EachStatusHasItsCode) {
  amend(Status::suspended);
  EXPECT_EQ(verify(prove(3)).exit, kSuspended);
  amend(Status::revoked);
  const auto ran = verify(prove(3));
  EXPECT_EQ(ran.exit, kRevoked);
  EXPECT_THAT(ran.out, HasSubstr("reason fraudulent_admission"));
  amend(Status::superseded, 4);
  world_.write("proof", as_text(encode(prove(4))));
  EXPECT_EQ(verify_file(world_.path("document-4")).exit, kSuperseded);
}

TEST_F(Verify, NotIssuedIsProvedForANumber) {
  world_.write("proof", as_text(encode(prove(7))));
  EXPECT_EQ(verify_file("university-0.example/r0/7").exit, kNotIssued);
  EXPECT_EQ(verify_file("university-0.example/r0/8").exit, kRefused);
  EXPECT_EQ(verify_file(world_.path("document-3")).exit, kUnknown)
      << "a document cannot be tied to a number nobody issued";
}

TEST_F(Verify, OldProofIsNeverPlainGood) {
  const Proof proof = prove(3);
  EXPECT_EQ(verify(proof, {}, kDayMs - 2000).exit, kGood);
  const auto ran = verify(proof, {}, 2 * kDayMs);
  EXPECT_EQ(ran.exit, kUnknown);
  EXPECT_THAT(ran.out, HasSubstr("issued 2027-01-15T08:00:"));
  EXPECT_THAT(ran.out, HasSubstr("good as of 2027-01-15T08:00:"));
  EXPECT_THAT(ran.out, HasSubstr("too old to say anything of today"));
  EXPECT_THAT(ran.out, testing::Not(HasSubstr("in good standing")));
  EXPECT_EQ(verify(proof, {"--max-age", "3d"}, 2 * kDayMs).exit, kGood);
}

TEST_F(Verify, OldProofOfWhatIsFinalStillAnswers) {
  amend(Status::revoked);
  EXPECT_EQ(verify(prove(3), {}, 400 * kDayMs).exit, kRevoked);
}

TEST_F(Verify, OldSuspensionMayBeOver) {
  amend(Status::suspended);
  EXPECT_EQ(verify(prove(3), {}, 400 * kDayMs).exit, kUnknown);
}

TEST_F(Verify, OldForgeryIsRefusedAllTheSame) {
  Proof proof = prove(3);
  proof.entry->statement.recorded_at.value += 1;
  EXPECT_EQ(verify(proof, {}, 400 * kDayMs).exit, kRefused);
}

TEST_F(Verify, EarlierStatusAnswersForItsTimeOnly) {
  const Time before = world_.ledger().now();
  amend(Status::revoked);
  const Proof then = prove(3, before);
  const auto now = verify(then);
  EXPECT_EQ(now.exit, kUnknown);
  EXPECT_THAT(now.out, HasSubstr("good as of"));
  const auto at = verify(then, {"--at", "2027-01-15T08:00:01Z"}, 400 * kDayMs);
  EXPECT_EQ(at.exit, kGood) << at.out;
  EXPECT_THAT(at.out, HasSubstr("is in good standing at 2027-01-15T08:00:01Z"));
  EXPECT_EQ(verify(then, {"--at", "2027-01-15T09:00:00Z"}).exit, kUnknown);
}

TEST_F(Verify, AnotherDocumentIsRefused) {
  world_.write("proof", as_text(encode(prove(3))));
  EXPECT_EQ(verify_file(world_.path("document-2")).exit, kRefused);
  EXPECT_EQ(verify_file(world_.path("policy")).exit, kRefused);
  EXPECT_EQ(verify_file("university-0.example/r0/3").exit, kUnknown) << "the document is not there to be checked";
}

TEST_F(Verify, RegisterMayBeNamed) {
  EXPECT_EQ(verify(prove(3), {"--register", "university-0.example/r0"}).exit, kGood);
  EXPECT_EQ(verify(prove(3), {"--register", "university-0.example/r1"}).exit, kRefused);
  EXPECT_EQ(verify(prove(3), {"--register", "university-1.example/r0"}).exit, kRefused);
  EXPECT_EQ(verify(prove(3), {"--register", "nonsense"}).exit, kUsage);
}

TEST_F(Verify, DamageIsRefusedAndAbsenceIsNotAnAnswer) {
  Bytes bytes = encode(prove(3));
  bytes[bytes.size() / 2] ^= 1;
  world_.write("proof", as_text(bytes));
  EXPECT_EQ(verify_file(world_.path("document-3")).exit, kRefused);
  world_.write("proof", "");
  EXPECT_EQ(verify_file(world_.path("document-3")).exit, kRefused);
  std::filesystem::remove(world_.path("proof"));
  EXPECT_EQ(verify_file(world_.path("document-3")).exit, kUnknown);
  EXPECT_EQ(verify_file(world_.path("nothing")).exit, kUnknown);
  world_.write("policy", "testamur-policy/v1\n");
  EXPECT_EQ(verify(prove(3)).exit, kUnknown);
}

TEST_F(Verify, ClockBehindTheHeadIsNotAnAnswer) {
  world_.write("proof", as_text(encode(prove(3))));
  const auto ran = test::run_tool(
      {"verify", world_.path("document-3"), "--proof", world_.path("proof"), "--policy", world_.path("policy")},
      Time{world_.now().value - kDayMs});
  EXPECT_EQ(ran.exit, kUnknown);
}

TEST_F(Verify, JsonSaysTheSame) {
  amend(Status::revoked);
  const auto ran = verify(prove(3), {"--json"}, 2 * kDayMs);
  const auto json = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(json.at("exit"), kRevoked);
  EXPECT_EQ(json.at("verdict"), "too_old");
  EXPECT_EQ(json.at("status"), "revoked");
  EXPECT_EQ(json.at("number"), 3);
  EXPECT_EQ(json.at("event").as_object().at("reason"), "fraudulent_admission");
  EXPECT_EQ(json.at("document_checked"), true);
  EXPECT_EQ(ran.exit, kRevoked);
  const auto refused = verify_file(world_.path("document-2"), {"--json"});
  EXPECT_FALSE(boost::json::parse(refused.out).as_object().contains("institution"))
      << "a forgery's names are not repeated";
}

TEST_F(Verify, ColoursOnlyWhereTheyAreWanted) { EXPECT_THAT(verify(prove(3)).out, testing::Not(HasSubstr("\x1b"))); }

}  // namespace
}  // namespace testamur::tool
