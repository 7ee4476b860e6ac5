// Goal: each structure has one encoding, and everything else is refused with the field's name.
// Method: a good value of each kind is cut at every byte, lengthened, and changed at every byte to every value: what still
// decodes must encode to exactly those bytes. Then each field in turn gets what its definition forbids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testamur/ledger/payload.h"
#include "testamur/ledger/proof.h"
#include "world.h"

namespace testamur {
namespace {

using test::World;
using ::testing::HasSubstr;

/// Decodes and encodes again; nothing when the bytes are refused.
using RoundTrip = std::function<std::optional<Bytes>(ByteView)>;

template <class Decode>
RoundTrip round_trip(Decode decode) {
  return [decode](ByteView bytes) -> std::optional<Bytes> {
    const auto value = decode(bytes);
    if (!value) {
      EXPECT_FALSE(value.error().message.empty());
      return std::nullopt;
    }
    return encode(*value);
  };
}

Change change_with_replacement() {
  return {EntryNumber{7}, 3, Status::superseded, 2, Time{99}, Replacement{"b.example", "other", EntryNumber{4}}};
}

BlockRecord block_record() {
  return {
      Height{5}, Time{77}, LeafIndex{9}, test::bytes_named("p"), 12, test::bytes_named("r"), test::bytes_named("c")};
}

Proof proof_with_everything() {
  const World world;
  Proof proof;
  proof.ledger = world.ledger();
  proof.number = EntryNumber{8};
  proof.size = 40;
  proof.cosignatures = {world.cosign(0, {"o", 40, {}}, 5), world.cosign(1, {"o", 40, {}}, 6)};
  proof.previous = {world.cosign(2, {"o", 40, {}}, 5)};
  proof.block = block_record();
  proof.block_path = {test::bytes_named("1"), test::bytes_named("2")};
  proof.later = LaterBlock{LeafIndex{12}, block_record(), {test::bytes_named("3")}};
  proof.record = std::get<RegisterRecord>(world.genesis.records.back());
  proof.record_path = {test::bytes_named("4")};
  EntryProof entry;
  entry.chunk_path = {test::bytes_named("5")};
  entry.statement = {
      Time{44},
      test::value_of(decode_signed_statement(world.sign(0, world.issue(0, "r0", 0, 9, {}, false, Time{40}))))};
  entry.institution = InstitutionProof{1, std::get<InstitutionRecord>(world.genesis.records[1]), {}};
  entry.evidence = FinalEvent{{EventSequence{3}, LeafIndex{4}, Time{50}, change_with_replacement()}, {Hash{}}};
  entry.document = DocumentProof{test::bytes_named("salt"), {Hash{}, Hash{}}};
  proof.entry = entry;
  return proof;
}

struct Structure {
  std::string name;
  Bytes good;
  RoundTrip again;
};

std::vector<Structure> structures() {
  const World world;
  const Statement issue = world.issue(0, "r0", 5, 10, test::bytes_named("root"), true, Time{123});
  const Statement amend =
      world.amend(0, "r1", 2, {change_with_replacement(), {EntryNumber{1}, 1, Status::revoked, 4, {}, {}}}, Time{5});
  const Statement govern{world.ledger(), World::institution_id(0), Time{5}, GovernBody{1, 2, {9, 9}}};
  const Event event{EventSequence{3}, LeafIndex{4}, Time{50}, change_with_replacement()};
  const auto signed_bytes = world.sign(0, issue);
  Proof suspended = proof_with_everything();
  suspended.entry->evidence = SuspendingEvents{{Hash{}}, {event, event}};
  suspended.entry->institution.reset();
  suspended.later.reset();
  Proof not_issued = proof_with_everything();
  not_issued.entry.reset();
  std::vector<Structure> out = {
      {"issue", encode(issue), round_trip(decode_statement)},
      {"amend", encode(amend), round_trip(decode_statement)},
      {"govern", encode(govern), round_trip(decode_statement)},
      {"signed_statement", signed_bytes, round_trip(decode_signed_statement)},
      {"statement_leaf", statement_leaf(Time{9}, signed_bytes), round_trip(decode_statement_leaf)},
      {"block_record", encode(block_record()), round_trip(decode_block_record)},
      {"event", encode(event), round_trip(decode_event)},
      {"batch_entry", encode(BatchEntry{LeafIndex{1}, EntryNumber{2}, 3, {}}), round_trip(decode_batch_entry)},
      {"consortium", encode(world.genesis.records[0]), round_trip(decode_record)},
      {"institution", encode(world.genesis.records[1]), round_trip(decode_record)},
      {"register", encode(world.genesis.records.back()), round_trip(decode_record)},
      {"genesis", world.genesis_bytes(), round_trip(decode_genesis)},
      {"proof", encode(proof_with_everything()), round_trip(decode_proof)},
      {"proof of a suspension", encode(suspended), round_trip(decode_proof)},
      {"proof of no entry", encode(not_issued), round_trip(decode_proof)},
  };
  return out;
}

TEST(Decoders, ComeBackToTheSameBytes) {
  for (const Structure& s : structures()) EXPECT_EQ(s.again(s.good), s.good) << s.name;
}

TEST(Decoders, RefuseEveryTruncation) {
  for (const Structure& s : structures()) {
    for (std::size_t length = 0; length < s.good.size(); ++length) {
      EXPECT_FALSE(s.again(ByteView(s.good).first(length))) << s.name << " cut to " << length;
    }
  }
}

TEST(Decoders, RefuseTrailingBytes) {
  for (const Structure& s : structures()) {
    for (const unsigned extra : {0x00u, 0x01u, 0xffu}) {
      Bytes longer = s.good;
      longer.push_back(static_cast<std::uint8_t>(extra));
      EXPECT_FALSE(s.again(longer)) << s.name;
    }
  }
}

TEST(Decoders, HaveOneEncodingForEachValue) {
  for (const Structure& s : structures()) {
    for (std::size_t at = 0; at < s.good.size(); ++at) {
      Bytes changed = s.good;
      // Every value at the places where lengths and enums lie thick; the bits and edges elsewhere.
      for (const unsigned delta : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 255u, 3u, 7u, 127u}) {
        changed[at] = static_cast<std::uint8_t>(s.good[at] ^ delta);
        const auto again = s.again(changed);
        if (again) {
          EXPECT_EQ(*again, changed) << s.name << " changed at " << at;
        }
      }
    }
  }
}

TEST(Decoders, RefuseEveryByteInsertedOrLeftOut) {
  for (const Structure& s : structures()) {
    for (std::size_t at = 0; at < s.good.size(); ++at) {
      Bytes shorter = s.good;
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_FALSE(s.again(shorter)) << s.name << " without byte " << at;
      Bytes longer = s.good;
      longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), 0);
      EXPECT_FALSE(s.again(longer)) << s.name << " with a byte before " << at;
    }
  }
}

template <class T>
std::string refusal(Result<T> result) {
  return result ? "accepted" : result.error().message;
}

TEST(Decoders, NameTheFieldAndWhatWasExpected) {
  const World world;
  const Statement good = world.issue(0, "r0", 5, 10, {}, false, Time{1});
  const auto statement = [&](auto change) {
    Statement s = good;
    change(s);
    return refusal(decode_statement(encode(s)));
  };
  EXPECT_EQ(statement([](Statement&) {}), "accepted");
  EXPECT_THAT(statement([](Statement& s) { s.institution = "Upper.example"; }),
              HasSubstr("statement.institution at byte 34: expected"));
  EXPECT_THAT(statement([](Statement& s) { std::get<IssueBody>(s.body).register_name = ""; }), HasSubstr("register"));
  EXPECT_THAT(statement([](Statement& s) { std::get<IssueBody>(s.body).register_name = std::string(65, 'a'); }),
              HasSubstr("register"));
  Bytes bytes = encode(good);
  bytes[0] = 2;
  EXPECT_THAT(refusal(decode_statement(bytes)), HasSubstr("statement.version at byte 0: expected 1 to 1, found 2"));
  bytes = encode(good);
  bytes[1] = 4;
  EXPECT_THAT(refusal(decode_statement(bytes)), HasSubstr("statement.type"));
  bytes = encode(good);
  bytes.back() = 2;
  EXPECT_THAT(refusal(decode_statement(bytes)), HasSubstr("statement.listed"));

  const auto amend = [&](auto change) {
    Change c = change_with_replacement();
    change(c);
    return refusal(decode_statement(encode(world.amend(0, "r0", 0, {c}, {}))));
  };
  EXPECT_EQ(amend([](Change&) {}), "accepted");
  EXPECT_THAT(amend([](Change& c) { c.status = static_cast<Status>(4); }), HasSubstr("status"));
  EXPECT_THAT(amend([](Change& c) { c.reason = 12; }), HasSubstr("reason"));
  EXPECT_THAT(amend([](Change& c) { c.replacement->institution = "nodots"; }), HasSubstr("replacement.institution"));
  EXPECT_THAT(amend([](Change& c) { c.replacement->register_name = "a.b"; }), HasSubstr("replacement.register"));
  EXPECT_THAT(refusal(decode_statement(encode(world.amend(0, "r0", 0, {}, {})))), HasSubstr("statement.changes"));
}

TEST(Decoders, SignaturesAreOneToSixteenAndRising) {
  const World world;
  const auto good = test::value_of(decode_signed_statement(world.sign(0, world.issue(0, "r0", 0, 1, {}, false, {}))));
  const auto with = [&](std::size_t count) {
    SignedStatement s{good.statement, {}};
    for (std::size_t i = 0; i < count; ++i) {
      Signature signature;
      signature.key_id[31] = static_cast<std::uint8_t>(i);
      s.signatures.push_back(signature);
    }
    return s;
  };
  EXPECT_NE(refusal(decode_signed_statement(encode(with(0)))), "accepted");
  EXPECT_EQ(refusal(decode_signed_statement(encode(with(1)))), "accepted");
  EXPECT_EQ(refusal(decode_signed_statement(encode(with(16)))), "accepted");
  EXPECT_THAT(refusal(decode_signed_statement(encode(with(17)))), HasSubstr("16 signatures at most"));
  SignedStatement twice = with(2);
  twice.signatures[1] = twice.signatures[0];
  EXPECT_THAT(refusal(decode_signed_statement(encode(twice))), HasSubstr("strictly rising"));
  SignedStatement falling = with(2);
  std::swap(falling.signatures[0], falling.signatures[1]);
  EXPECT_THAT(refusal(decode_signed_statement(encode(falling))), HasSubstr("strictly rising"));
  Bytes short_signature = encode(good);
  // The length of the first signature: after the statement, the list's length and the key id.
  short_signature[2 + good.statement.size() + 2 + 32 + 1] = 63;
  EXPECT_THAT(refusal(decode_signed_statement(short_signature)), HasSubstr("64 to 64 bytes"));
}

TEST(Decoders, RecordsRefuseWhatVersionOneDoesNotHave) {
  const World world;
  const auto consortium = [&](auto change) {
    ConsortiumRecord record = world.consortium();
    change(record);
    return refusal(decode_record(encode(record)));
  };
  EXPECT_EQ(consortium([](auto&) {}), "accepted");
  EXPECT_THAT(consortium([](auto& r) { r.origin = ""; }), HasSubstr("origin"));
  EXPECT_THAT(consortium([](auto& r) { r.origin = "Upper"; }), HasSubstr("origin"));
  EXPECT_THAT(consortium([](auto& r) { r.nodes[0].name = "a+b"; }), HasSubstr("nodes.name"));
  EXPECT_THAT(consortium([](auto& r) { r.nodes[0].institution = "x"; }), HasSubstr("nodes.institution"));
  EXPECT_THAT(consortium([](auto& r) { r.nodes[0].address = ""; }), HasSubstr("nodes.address"));
  EXPECT_THAT(consortium([](auto& r) { r.nodes[0].role = static_cast<NodeRole>(3); }), HasSubstr("nodes.role"));

  Bytes rules = encode(world.consortium());
  rules[2] = 2;
  EXPECT_THAT(refusal(decode_record(rules)), HasSubstr("rules"));
  Bytes extension = encode(world.consortium());
  extension.back() = 1;
  extension.push_back(0);
  EXPECT_THAT(refusal(decode_record(extension)), HasSubstr("extension"));

  const auto institution = [&](auto change) {
    auto record = std::get<InstitutionRecord>(world.genesis.records[1]);
    change(record);
    return refusal(decode_record(encode(record)));
  };
  EXPECT_EQ(institution([](auto& r) { r.successor = "b.example"; }), "accepted");
  EXPECT_THAT(institution([](auto& r) { r.id = "x"; }), HasSubstr("id"));
  EXPECT_THAT(institution([](auto& r) { r.display_name = "\xff"; }), HasSubstr("UTF-8"));
  EXPECT_THAT(institution([](auto& r) { r.state = static_cast<InstitutionState>(0); }), HasSubstr("state"));
  EXPECT_THAT(institution([](auto& r) { r.successor = "x"; }), HasSubstr("successor"));
  EXPECT_THAT(institution([](auto& r) { r.keys[0].uses = 0; }), HasSubstr("keys.uses"));
  EXPECT_THAT(institution([](auto& r) { r.keys[0].uses = 8; }), HasSubstr("keys.uses"));

  const auto registered = [&](auto change) {
    auto record = std::get<RegisterRecord>(world.genesis.records.back());
    change(record);
    return refusal(decode_record(encode(record)));
  };
  EXPECT_THAT(registered([](auto& r) { r.approvals = 0; }), HasSubstr("approvals"));
  EXPECT_THAT(registered([](auto& r) { r.approvals = 17; }), HasSubstr("approvals"));
  EXPECT_EQ(registered([](auto& r) { r.approvals = 16; }), "accepted");
  EXPECT_THAT(registered([](auto& r) { r.name = "A"; }), HasSubstr("name"));
}

TEST(Decoders, PayloadsKeepWhatIsNoListOfCommitments) {
  const Bytes statement = {1, 2, 3};
  const std::vector<Hash> listed = {test::bytes_named("a"), test::bytes_named("b")};
  Payload payload{Time{5}, {{statement, std::span<const Hash>(listed)}, {statement, {}}, {statement, std::nullopt}}};
  payload.submissions[1].listed = std::span<const Hash>{};
  const Bytes bytes = encode(payload);
  const Payload again = test::value_of(decode_payload(bytes));
  ASSERT_EQ(again.submissions.size(), 3u);
  EXPECT_EQ(again.submissions[0].listed->size(), 2u);
  EXPECT_EQ((*again.submissions[0].listed)[1], listed[1]);
  EXPECT_TRUE(again.submissions[1].listed->empty());
  EXPECT_FALSE(again.submissions[2].listed);
  EXPECT_EQ(encode(again), bytes);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_payload(ByteView(bytes).first(length)));
  }
  Bytes too_many = encode(Payload{Time{5}, {}});
  too_many[10] = 1;
  too_many[12] = 1;
  EXPECT_FALSE(decode_payload(too_many));
}

TEST(Decoders, ProofsAreBounded) { EXPECT_THAT(refusal(decode_proof(Bytes(kMaxProofBytes + 1))), HasSubstr("16 MiB")); }

TEST(StatusChunk, FirstNumberIsInTheTopBits) {
  Chunk chunk{};
  set_chunk_status(chunk, EntryNumber{128}, Status::revoked);
  EXPECT_EQ(chunk[0], 0x80);
  set_chunk_status(chunk, EntryNumber{131}, Status::superseded);
  EXPECT_EQ(chunk[0], 0x83);
  set_chunk_status(chunk, EntryNumber{128}, Status::suspended);
  EXPECT_EQ(chunk[0], 0x43);
  set_chunk_status(chunk, EntryNumber{255}, Status::suspended);
  EXPECT_EQ(chunk[31], 0x01);
  EXPECT_EQ(chunk_status(chunk, EntryNumber{131}), Status::superseded);
  EXPECT_EQ(chunk_status(chunk, EntryNumber{130}), Status::good);
  EXPECT_EQ(chunk_count(0), 0u);
  EXPECT_EQ(chunk_count(128), 1u);
  EXPECT_EQ(chunk_count(129), 2u);
  EXPECT_EQ(chunk_count(UINT64_MAX), (UINT64_MAX >> 7) + 1);
}

}  // namespace
}  // namespace testamur
