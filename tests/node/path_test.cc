// Goal: the path of a statement through four real nodes, as the registrar, the verifier and the regulator see it.
// Method: testamurd processes on loopback with real TLS, real RocksDB, real Raft; what comes out is verified with the policy alone.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "cluster.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;
namespace v1 = testamur::v1;

/// What a node answers about an entry, checked as a verifier would.
Finding ask(Cluster& cluster, unsigned i, unsigned institution, const std::string& name, std::uint64_t number,
            std::optional<Hash> document = {}, std::optional<Time> at = {}) {
  grpc::ClientContext context;
  v1::GetProofsRequest request;
  request.set_institution(World::institution_id(institution));
  request.set_register_(name);
  request.set_first(number);
  request.set_with_document(document.has_value());
  if (at) request.set_at(at->value);
  const auto stream = cluster.node(i).GetProofs(&context, request);
  v1::EntryProof proof;
  if (!stream->Read(&proof)) throw std::runtime_error("no proof: " + stream->Finish().error_message());
  Question question;
  question.document = document;
  question.entry = {World::institution_id(institution), name, EntryNumber{number}};
  question.at = at;
  question.now = clock_now();
  question.max_age_ms = 3600'000;
  return verify(as_bytes(proof.proof()), cluster.world().policy(), question);
}

TEST(Path, AClassGoesInAtOneNodeAndVerdictsComeOutAtAnother) {
  Cluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  const unsigned entrance = (leader + 1) % 4;
  const unsigned exit = (leader + 2) % 4;
  const World& world = cluster.world();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));

  // A listed class, signed by two people, handed in at a follower.
  const Class listed = make_class("listed", 200, true);
  const Bytes statement = world.sign(0, world.issue(0, "r1", 0, 200, listed.root, true, clock_now()));
  const v1::Outcome issued = cluster.submit(entrance, statement, listed.commitments);
  ASSERT_EQ(issued.stage(), v1::STAGE_CERTIFIED) << issued.detail();
  EXPECT_EQ(issued.code(), "ok");
  ASSERT_TRUE(wait_until([&] { return cluster.level(issued.height()); }));
  const Finding good = ask(cluster, exit, 0, "r1", 17, listed.documents[17]);
  EXPECT_EQ(good.verdict, Verdict::good);
  EXPECT_TRUE(good.document_checked);
  EXPECT_TRUE(good.signatures_checked);
  EXPECT_EQ(ask(cluster, exit, 0, "r1", 200).verdict, Verdict::not_yet_issued);

  // Revoked at another node; the status of before stays provable.
  const Time before = clock_now();
  // A block of the same millisecond would count.
  ASSERT_TRUE(wait_until([&] { return clock_now() > before; }));
  const Bytes revoke =
      world.sign(0, world.amend(0, "r1", 0, {{EntryNumber{17}, 1, Status::revoked, 3, clock_now(), {}}}, clock_now()));
  const v1::Outcome revoked = cluster.submit(exit, revoke);
  ASSERT_EQ(revoked.code(), "ok") << revoked.detail();
  ASSERT_TRUE(wait_until([&] { return cluster.level(revoked.height()); }));
  EXPECT_EQ(ask(cluster, entrance, 0, "r1", 17, listed.documents[17]).verdict, Verdict::revoked);
  EXPECT_EQ(ask(cluster, leader, 0, "r1", 17, listed.documents[17], before).verdict, Verdict::good);

  // The same bytes again give the same answer, at any node.
  for (unsigned i = 0; i < 4; ++i) {
    const v1::Outcome again = cluster.submit(i, statement, listed.commitments);
    EXPECT_EQ(again.SerializeAsString(), issued.SerializeAsString());
  }
  EXPECT_EQ(cluster.record(exit, 0, "r1").value().issued, 200u);
}

TEST(Path, ListedEntriesAreFoundAndBlocksCanBeRead) {
  Cluster cluster({.nodes = 1, .registers = 1});
  cluster.start_all();
  cluster.wait_for_leader();
  const World& world = cluster.world();
  const Class listed = make_class("listed", 3, true);
  cluster.submit(0, world.sign(0, world.issue(0, "r0", 0, 3, listed.root, true, clock_now())), listed.commitments);
  // The second time one of them is listed.
  const v1::Outcome last = cluster.submit(
      0, world.sign(0, world.issue(0, "r0", 3, 1, merkle::leaf_hash(listed.documents[1]), true, clock_now())),
      {listed.documents[1]});
  ASSERT_EQ(last.code(), "ok") << last.detail();
  {
    grpc::ClientContext context;
    v1::FindListedRequest request;
    request.set_commitment(std::string(as_text(listed.documents[1])));
    v1::FindListedResponse answer;
    ASSERT_TRUE(cluster.node(0).FindListed(&context, request, &answer).ok());
    ASSERT_EQ(answer.entries_size(), 2);
    EXPECT_EQ(answer.entries(0).number(), 1u);
    EXPECT_EQ(answer.entries(1).number(), 3u);
  }
  {
    grpc::ClientContext context;
    v1::GetEntryRequest request;
    request.set_institution(World::institution_id(0));
    request.set_register_("r0");
    request.set_number(3);
    v1::Entry entry;
    ASSERT_TRUE(cluster.node(0).GetEntry(&context, request, &entry).ok());
    EXPECT_EQ(entry.leaf_index(), last.leaf_index());
    EXPECT_EQ(entry.status(), 0u);
  }
  grpc::ClientContext context;
  v1::GetBlocksRequest request;
  request.set_count(100);
  const auto stream = cluster.node(0).GetBlocks(&context, request);
  // An auditor hashes the whole log, and comes to the certified root.
  merkle::CompactRange log;
  v1::Block block;
  while (stream->Read(&block)) {
    for (const std::string& leaf : block.leaves()) log.append(merkle::leaf_hash(as_bytes(leaf)));
  }
  EXPECT_TRUE(stream->Finish().ok());
  grpc::ClientContext asking;
  v1::Checkpoint head;
  ASSERT_TRUE(cluster.node(0).GetCheckpoint(&asking, {}, &head).ok());
  const auto note = value_of(decode_signed_note(head.note()));
  const auto checkpoint = value_of(decode_checkpoint(note.text));
  EXPECT_EQ(log.size(), checkpoint.size);
  EXPECT_EQ(log.root(), checkpoint.root);
}

TEST(Path, ProofsOfEverySoManyThNumber) {
  Cluster cluster({.nodes = 1, .registers = 1});
  cluster.start_all();
  cluster.wait_for_leader();
  const World& world = cluster.world();
  const Class entries = make_class("class", 300, false);
  const Bytes statement = world.sign(0, world.issue(0, "r0", 0, 300, entries.root, false, clock_now()));
  ASSERT_EQ(cluster.submit(0, statement).code(), "ok");
  const auto ask = [&](std::uint64_t first, std::uint32_t count, std::uint32_t step,
                       std::vector<std::uint64_t>& numbers) {
    grpc::ClientContext context;
    v1::GetProofsRequest request;
    request.set_institution(World::institution_id(0));
    request.set_register_("r0");
    request.set_first(first);
    request.set_count(count);
    request.set_step(step);
    const auto stream = cluster.node(0).GetProofs(&context, request);
    for (v1::EntryProof proof; stream->Read(&proof);) {
      Question question;
      question.entry = {World::institution_id(0), "r0", EntryNumber{proof.number()}};
      const Finding finding = verify(as_bytes(proof.proof()), world.policy(), question);
      EXPECT_EQ(finding.verdict, proof.number() < 300 ? Verdict::good : Verdict::not_yet_issued) << proof.number();
      numbers.push_back(proof.number());
    }
    return stream->Finish().error_code();
  };
  std::vector<std::uint64_t> numbers;
  EXPECT_EQ(ask(1, 4, 128, numbers), grpc::StatusCode::OK);
  EXPECT_THAT(numbers, ::testing::ElementsAre(1, 129, 257, 385));
  numbers.clear();
  EXPECT_EQ(ask(298, 2, 0, numbers), grpc::StatusCode::OK) << "one after another";
  EXPECT_THAT(numbers, ::testing::ElementsAre(298, 299));
  EXPECT_EQ(ask(0, 2, 1u << 20, numbers), grpc::StatusCode::OK);
  numbers.clear();
  EXPECT_EQ(ask(0, 1, (1u << 20) + 1, numbers), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ask(UINT64_MAX - 200, 2, 128, numbers), grpc::StatusCode::INVALID_ARGUMENT) << "no number above 2^64";
  EXPECT_TRUE(numbers.empty());
}

TEST(Path, ManyUnderWayOnOneStream) {
  Cluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  constexpr std::uint64_t many = 300;
  grpc::ClientContext context;
  const auto stream = cluster.node((leader + 1) % 4).SubmitStream(&context);
  for (std::uint64_t number = 0; number < many; ++number) {
    v1::SubmitRequest request;
    request.set_signed_statement(std::string(as_text(cluster.one_entry(1, "r0", number))));
    request.set_wait(v1::WAIT_CERTIFIED);
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  std::uint64_t certified = 0;
  v1::Outcome outcome;
  while (stream->Read(&outcome)) {
    EXPECT_EQ(outcome.code(), "ok") << outcome.detail();
    certified += outcome.stage() == v1::STAGE_CERTIFIED ? 1u : 0u;
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(certified, many);
  EXPECT_EQ(cluster.record((leader + 1) % 4, 1, "r0").value().issued, many);
}

TEST(Path, WhatBreaksARuleIsNotTakenAndSaysWhich) {
  Cluster cluster({.nodes = 1, .registers = 2});
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  const World& world = cluster.world();
  const auto code_of = [&](const Bytes& statement, const std::vector<Hash>& listed = {}) {
    const auto outcome = cluster.try_submit(0, statement, listed, v1::WAIT_CERTIFIED, 5000);
    if (!outcome) return std::string("no answer");
    EXPECT_EQ(outcome->stage(), v1::STAGE_NOT_TAKEN);
    return outcome->code();
  };
  EXPECT_EQ(code_of({1, 2, 3}), "malformed");
  Bytes forged = cluster.one_entry(0, "r0", 0);
  forged.back() ^= 1;
  EXPECT_EQ(code_of(forged), "bad_signature");
  const auto other = World({.institutions = 2, .registers = 1});
  EXPECT_EQ(code_of(other.sign(0, other.issue(0, "r0", 0, 1, {}, false, clock_now()))), "wrong_ledger");
  const std::array one = {World::key(0, "a")};
  EXPECT_EQ(code_of(encode(sign_statement(world.issue(0, "r1", 0, 1, {}, false, clock_now()), one))),
            "not_enough_signatures");
  EXPECT_EQ(code_of(cluster.one_entry(0, "r9", 0)), "unknown_register");
  EXPECT_EQ(code_of(world.sign(0, world.issue(0, "r0", 0, 2, {}, true, clock_now())), {Hash{}}), "body_mismatch");
  EXPECT_EQ(code_of(world.sign(0, world.issue(0, "r0", 0, 1, {}, false, Time{clock_now().value + 600'000}))),
            "signed_at_out_of_range");
  EXPECT_EQ(cluster.submit(0, cluster.one_entry(0, "r0", 0)).code(), "ok");
  EXPECT_EQ(code_of(world.sign(0, world.issue(0, "r0", 0, 7, {}, false, clock_now()))), "wrong_first_number");
  // What only its turn can tell stands in a block, refused, and the answer stays the same.
  const Bytes early = cluster.one_entry(0, "r0", 5);
  const v1::Outcome refused = cluster.submit(0, early);
  EXPECT_EQ(refused.code(), "wrong_first_number");
  EXPECT_EQ(cluster.submit(0, early).SerializeAsString(), refused.SerializeAsString());
}

}  // namespace
}  // namespace testamur::test
