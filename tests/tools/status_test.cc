// Goal: what a node says is proved or not repeated, and a document that is not found is never called unknown to the ledger.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::HasSubstr;

class StatusOf : public testing::Test {
 protected:
  test::Ran status(const std::string& subject, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {
        "status", subject, "--node", world_.service().address(), "--policy", world_.path("policy"), "--timeout", "1s"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.run(arguments);
  }
  void revoke(std::uint64_t number) {
    world_.ledger().amend(0, "r1", {Change{EntryNumber{number}, 1, Status::revoked, 1, world_.ledger().now(), {}}});
    world_.ledger().certify();
  }

  test::ToolWorld world_;
};

TEST_F(StatusOf, SealedDocumentNeedsItsProof) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3), "--keep-order"}).exit, kGood);
  const std::string document = world_.path("class/document-1");
  const auto without = status(document);
  EXPECT_EQ(without.exit, kUnknown);
  EXPECT_THAT(without.err, HasSubstr("a sealed entry is found only with the proof file"));
  const std::string proof = world_.path("proofs/document-1.proof");
  EXPECT_EQ(status(document, {"--proof", proof}).exit, kGood);
  revoke(1);
  EXPECT_EQ(status(document, {"--proof", proof}).exit, kRevoked) << "the node's answer counts, not the old proof";
  EXPECT_EQ(status(world_.path("class/document-2"), {"--proof", proof}).exit, kRefused);
  EXPECT_EQ(status(document, {"--proof", proof, "--register", "university-1.example/r1"}).exit, kRefused);
}

TEST_F(StatusOf, ListedDocumentIsFoundInEveryRegisterThatListsIt) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3), "--listed"}).exit, kGood);
  const std::string document = world_.path("class/document-1");
  EXPECT_EQ(status(document).exit, kGood);
  // Somebody else lists the same document.
  test::Class other = test::make_class("other", 1, true);
  other.documents[0] = other.commitments[0] = sha256(as_bytes("class document 1"));
  other.root = merkle::leaf_hash(other.commitments[0]);
  world_.ledger().issue(1, "r0", other);
  world_.ledger().amend(1, "r0", {Change{EntryNumber{0}, 1, Status::revoked, 1, world_.ledger().now(), {}}});
  world_.ledger().certify();
  const auto both = status(document);
  EXPECT_EQ(both.exit, kRevoked) << "the one that warns most";
  EXPECT_THAT(both.out, testing::AllOf(HasSubstr("university-0.example/r1"), HasSubstr("university-1.example/r0")));
  EXPECT_EQ(status(document, {"--register", "university-0.example/r1"}).exit, kGood);
  const auto elsewhere = status(document, {"--register", "university-2.example/r0"});
  EXPECT_EQ(elsewhere.exit, kUnknown);
  EXPECT_THAT(elsewhere.err, HasSubstr("university-1.example/r0/0"));
  const std::string hash = to_hex(sha256(as_bytes("class document 1")));
  EXPECT_EQ(boost::json::parse(status(hash, {"--json"}).out).as_object().at("answers").as_array().size(), 2u);
}

TEST_F(StatusOf, NumbersAreAskedByName) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3)}).exit, kGood);
  EXPECT_EQ(status("university-0.example/r1/2").exit, kGood);
  EXPECT_EQ(status("university-0.example/r1/3").exit, kNotIssued);
  EXPECT_EQ(status("university-0.example/none/0").exit, kUnknown);
}

TEST_F(StatusOf, LiesAreRefusedAndSilenceIsNotAnAnswer) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3)}).exit, kGood);
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.entry->chunk[0] = 0x80; };
  EXPECT_EQ(status("university-0.example/r1/0").exit, kRefused);
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.number = EntryNumber{2}; };
  EXPECT_EQ(status("university-0.example/r1/0").exit, kRefused);
  EXPECT_EQ(world_
                .run({"status", "university-0.example/r1/0", "--node", "127.0.0.1:1", "--policy", world_.path("policy"),
                      "--timeout", "0s"})
                .exit,
            kUnknown);
}

TEST_F(StatusOf, ASavedProofIsTheNodesOwnAndOfOneEntry) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 3), "--listed", "--keep-order"}).exit, kGood);
  const std::string document = world_.path("class/document-1");
  const std::string saved = world_.path("saved");
  ASSERT_EQ(status(document, {"--save", saved}).exit, kGood);
  const std::vector<std::string> verify = {"verify", document, "--proof", saved, "--policy", world_.path("policy")};
  EXPECT_EQ(world_.run(verify).exit, kGood);
  revoke(1);
  ASSERT_EQ(status(document, {"--save", saved}).exit, kRevoked);
  EXPECT_EQ(world_.run(verify).exit, kRevoked) << "the old one is replaced";
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.entry->chunk[0] = 0x80; };
  const std::string lie = world_.path("lie");
  EXPECT_EQ(status(document, {"--save", lie}).exit, kRefused);
  EXPECT_FALSE(std::filesystem::exists(lie));
  world_.service().tamper = nullptr;
  ASSERT_EQ(world_.issue("r1", "again", {world_.path("class"), "--listed"}).exit, kGood);
  EXPECT_EQ(status(document, {"--save", saved}).exit, kUsage) << "two entries";
}

TEST_F(StatusOf, ANodeThatIsBehindIsNotTakenForAnAnswer) {
  ASSERT_EQ(world_.issue("r1", "proofs", {world_.make_documents("class", 1)}).exit, kGood);
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.entry.reset(); };
  const auto behind = status(world_.path("class/document-0"), {"--proof", world_.path("proofs/document-0.proof")});
  EXPECT_EQ(behind.exit, kUnknown);
  EXPECT_THAT(behind.err, HasSubstr("has not come as far as this document's entry"));
}

TEST_F(StatusOf, NodesAreShownInATable) {
  const auto ran = world_.run({"node", "status", "--node", world_.service().address(), "--node", "127.0.0.1:1"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.out, testing::AllOf(HasSubstr("node.university-0.example  leader"), HasSubstr("unavailable")));
}

}  // namespace
}  // namespace testamur::tool
