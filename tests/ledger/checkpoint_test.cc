// Goal: a head counts exactly when `threshold` voters cosigned it, and a node never says two things.
#include "testamur/ledger/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "world.h"

namespace testamur {
namespace {

using test::World;

Checkpoint some_checkpoint(const World& world, std::uint64_t size = 9) {
  return {origin_line(world.consortium().origin, world.ledger()), size, test::bytes_named("root")};
}

TEST(Checkpoint, IsThreeLinesAndNoMore) {
  const Checkpoint checkpoint = some_checkpoint(World{});
  const std::string body = encode(checkpoint);
  EXPECT_EQ(test::value_of(decode_checkpoint(body)), checkpoint);
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 3);
  const std::string root = to_base64(checkpoint.root);
  for (const std::string& bad :
       {std::string(), body + "extension\n", body + "\n", body.substr(0, body.size() - 1), "\n9\n" + root + "\n",
        "o\n09\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n9 \n" + root + "\n", "o\n9\n" + root.substr(1) + "\n",
        std::string("o\n9\nAAAA\n"), "o\n18446744073709551616\n" + root + "\n",
        std::string(400, 'o') + "\n9\n" + root + "\n"}) {
    EXPECT_FALSE(decode_checkpoint(bad)) << bad;
  }
}

TEST(Cosignature, SignsTheTimeAndTheBodyUnderItsOwnName) {
  const World world;
  const Checkpoint checkpoint = some_checkpoint(world);
  const std::string body = encode(checkpoint);
  const Node& node = world.consortium().nodes[0];
  const Cosignature good = world.cosign(0, checkpoint, 1234);
  EXPECT_TRUE(verify_cosignature(body, good, node.cosigner_key));
  EXPECT_EQ(good.key_id, cosigner_key(node).id());
  // C2SP's words: what is signed is a header line, a time line, and the body.
  const std::string message = "cosignature/v1\ntime 1234\n" + body;
  EXPECT_TRUE(ed25519_verify(node.cosigner_key, as_bytes(message), good.signature));

  Cosignature bent = good;
  bent.seconds += 1;
  EXPECT_FALSE(verify_cosignature(body, bent, node.cosigner_key));
  EXPECT_FALSE(verify_cosignature(body + " ", good, node.cosigner_key));
  EXPECT_FALSE(verify_cosignature(body, good, world.consortium().nodes[1].cosigner_key));
  const Cosignature far = world.cosign(0, checkpoint, std::uint64_t{1} << 63);
  EXPECT_FALSE(verify_cosignature(body, far, node.cosigner_key));

  const SignatureLine line = to_line(good, node.name);
  EXPECT_EQ(test::value_of(cosignature_from(test::value_of(decode_signature_line(encode(line))))), good);
  SignatureLine shorter = line;
  shorter.signature.pop_back();
  EXPECT_FALSE(cosignature_from(shorter));
}

std::vector<std::uint64_t> times(const std::optional<std::vector<Cosignature>>& cosignatures) {
  std::vector<std::uint64_t> out;
  for (const Cosignature& c : cosignatures.value_or(std::vector<Cosignature>{})) out.push_back(c.seconds);
  return out;
}

TEST(Certify, TakesTheNewestThresholdInTheOrderOfTheVoters) {
  const World world;  // four voters, threshold 3
  const Checkpoint checkpoint = some_checkpoint(world);
  const Quorum quorum = quorum_of(world.consortium());
  const auto certified = [&](std::vector<Cosignature> all, std::uint64_t not_before = 0) {
    return times(certify(checkpoint, quorum, all, not_before));
  };
  const auto by = [&](unsigned voter, std::uint64_t seconds) { return world.cosign(voter, checkpoint, seconds); };
  using Times = std::vector<std::uint64_t>;
  EXPECT_EQ(certified({by(0, 10), by(1, 11), by(2, 12)}), (Times{10, 11, 12}));
  EXPECT_EQ(certified({by(2, 12), by(0, 10), by(1, 11)}), (Times{10, 11, 12}));
  EXPECT_EQ(certified({by(0, 10), by(1, 11), by(2, 12), by(3, 13)}), (Times{11, 12, 13}));
  EXPECT_EQ(certified({by(0, 10), by(1, 10), by(2, 10), by(3, 10)}), (Times{10, 10, 10}));
  EXPECT_EQ(certified({by(0, 10), by(1, 10), by(2, 10), by(3, 11)}), (Times{10, 10, 11}));
  EXPECT_EQ(certified({by(0, 10), by(0, 20), by(1, 11), by(2, 12)}), (Times{20, 11, 12}));
  // Too few: one voter twice is one; a time before the block's does not count.
  EXPECT_EQ(certified({by(0, 10), by(1, 11)}), Times{});
  EXPECT_EQ(certified({by(0, 10), by(0, 11), by(1, 11)}), Times{});
  EXPECT_EQ(certified({by(0, 10), by(1, 11), by(2, 12)}, 11), Times{});
  EXPECT_EQ(certified({by(0, 11), by(1, 11), by(2, 12)}, 11), (Times{11, 11, 12}));

  // A newer one that does not verify does not push a good one out.
  Cosignature forged = by(0, 99);
  forged.signature[5] ^= 1;
  EXPECT_EQ(certified({by(0, 10), forged, by(1, 11), by(2, 12)}), (Times{10, 11, 12}));
  EXPECT_EQ(certified({forged, by(1, 11), by(2, 12)}), Times{});
  // Nor does anybody else's word.
  const Cosignature stranger = cosign(checkpoint, 50, "stranger.example", test::key_named("stranger"));
  EXPECT_EQ(certified({stranger, by(1, 11), by(2, 12)}), Times{});
  EXPECT_EQ(certified({stranger, by(0, 10), by(1, 11), by(2, 12)}), (Times{10, 11, 12}));
}

TEST(Certify, LearnersDoNotCount) {
  World world;
  world.consortium().nodes[3].role = NodeRole::learner;  // three voters are left, and the threshold is 3
  const Checkpoint checkpoint = some_checkpoint(world);
  const Quorum quorum = quorum_of(world.consortium());
  ASSERT_EQ(quorum.voters.size(), 3u);
  const std::vector<Cosignature> with_learner = {world.cosign(0, checkpoint, 1), world.cosign(1, checkpoint, 1),
                                                 world.cosign(3, checkpoint, 1)};
  EXPECT_FALSE(certify(checkpoint, quorum, with_learner, 0));
}

TEST(Certify, HeadTimeIsTheThresholdThNewest) {
  const World world;
  const Checkpoint checkpoint = some_checkpoint(world);
  EXPECT_EQ(head_seconds({checkpoint, 0, {world.cosign(0, checkpoint, 30), world.cosign(1, checkpoint, 20)}, {}}), 20u);
}

TEST(Cosigning, NeverTellsTwoStories) {
  const World world;
  const CosignMemory memory{9, test::bytes_named("root"), 100};
  const auto may = [&](std::uint64_t size, std::string_view root, std::uint64_t seconds, std::uint64_t block_ms) {
    return static_cast<bool>(may_cosign(memory, {"o", size, test::bytes_named(root)}, seconds, Time{block_ms}));
  };
  EXPECT_TRUE(may(9, "root", 100, 100'999));
  EXPECT_TRUE(may(10, "other", 100, 0));
  EXPECT_FALSE(may(8, "root", 100, 0)) << "a smaller head";
  EXPECT_FALSE(may(9, "other", 100, 0)) << "another head of the same size";
  EXPECT_FALSE(may(10, "other", 99, 0)) << "an earlier time";
  EXPECT_FALSE(may(10, "other", 100, 101'000)) << "a time before the block's";
  EXPECT_TRUE(static_cast<bool>(may_cosign({}, {"o", 1, {}}, 0, Time{999})));
}

TEST(Ed25519, RefusesOddSignatures) {
  const SecretKey secret = test::key_named("odd");
  const Bytes message = {1, 2, 3};
  const SignatureBytes good = secret.sign(message);
  ASSERT_TRUE(ed25519_verify(secret.public_key(), message, good));
  // S + L is the same scalar, written another way.
  constexpr std::array<std::uint8_t, 32> order = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
  SignatureBytes malleable = good;
  std::uint32_t carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<std::uint32_t>(malleable[32 + i]) + order[i];
    malleable[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(ed25519_verify(secret.public_key(), message, malleable));
  // R with a part of order 8, made for this key and message: good with the cofactor, not without.
  PublicKey key;
  SignatureBytes with_torsion;
  const auto key_bytes = *from_hex("a11be0401889798c858ca82bb7cc90605e0e349f194db2c28f2ca2fecf09a27b");
  const auto signature_bytes = *from_hex(
      "ba1174e57b473b6af9ea4ce540ffc1f889583760163dfa5ef98b8ad0d6ab22d4"
      "1e207c2232b0f1b9d270e629dc52b513e0dd3298b4602b9acd678201921d9606");
  std::copy(key_bytes.begin(), key_bytes.end(), key.begin());
  std::copy(signature_bytes.begin(), signature_bytes.end(), with_torsion.begin());
  EXPECT_FALSE(ed25519_verify(key, as_bytes("testamur"), with_torsion));
  // The same key and message with a plain R: good.
  const auto plain_bytes = *from_hex(
      "3371fc358de834113ad65ec9a9eb39df045a5a933076f85e5732728edc24d352"
      "750a067fa2e99f113d7a1648b51011f5b30af65ab8b4ff8457347f239390d10e");
  SignatureBytes plain;
  std::copy(plain_bytes.begin(), plain_bytes.end(), plain.begin());
  EXPECT_TRUE(ed25519_verify(key, as_bytes("testamur"), plain));
  // The identity as key and R with S = 0 satisfies the bare equation for every message.
  PublicKey identity{1};
  SignatureBytes zero{};
  zero[0] = 1;
  EXPECT_FALSE(ed25519_verify(identity, message, zero));
  // The same point, not canonical: y = p + 1.
  PublicKey not_canonical;
  not_canonical.fill(0xff);
  not_canonical[0] = 0xee;
  not_canonical[31] = 0x7f;
  EXPECT_FALSE(ed25519_verify(not_canonical, message, zero));
}

}  // namespace
}  // namespace testamur
