// Goal: a policy has one text, and a text that could mean two things is refused.
#include "testamur/ledger/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace testamur {
namespace {

using test::World;
using ::testing::HasSubstr;

Policy two_epochs() {
  const World world;
  Policy policy = world.policy();
  const World larger({.institutions = 7, .registers = 1});
  policy.epochs.push_back({1, 50, quorum_of(larger.consortium())});
  return policy;
}

std::string refusal(const std::string& text) {
  const auto policy = decode_policy(text);
  return policy ? "accepted" : policy.error().message;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  if (at == text.npos) throw std::runtime_error("not in the policy: " + std::string(what));
  return text.replace(at, what.size(), with);
}

TEST(Policy, ComesBackFromItsText) {
  const Policy policy = two_epochs();
  const std::string text = encode(policy);
  EXPECT_EQ(test::value_of(decode_policy(text)), policy);
  EXPECT_EQ(encode(test::value_of(decode_policy(text))), text);
}

TEST(Policy, RefusesEveryCutAndNamesTheLine) {
  const std::string text = encode(two_epochs());
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto policy = decode_policy(text.substr(0, length));
    // A policy cut after a whole epoch is a policy of fewer epochs, and one voter fewer may still hold its threshold.
    if (!policy) continue;
    EXPECT_EQ(encode(*policy), text.substr(0, length));
  }
  EXPECT_THAT(refusal(replaced(text, "epoch 1", "epoch x")), HasSubstr("line 8"));
}

TEST(Policy, RefusesWhatIsWrong) {
  const std::string text = encode(two_epochs());
  EXPECT_EQ(refusal(text), "accepted");
  EXPECT_THAT(refusal(replaced(text, "policy/v1", "policy/v2")), HasSubstr("line 1"));
  EXPECT_THAT(refusal(replaced(text, "origin ", "origin  ")), HasSubstr("line 2"));
  EXPECT_THAT(refusal(replaced(text, "/test/", "/test")), HasSubstr("line 2"));
  EXPECT_THAT(refusal(replaced(text, "epoch 1 from 50", "epoch 0 from 50")), HasSubstr("rising"));
  EXPECT_THAT(refusal(replaced(text, "epoch 1 from 50", "epoch 1 from 1")), HasSubstr("rising"));
  EXPECT_THAT(refusal(replaced(text, "epoch 1 from 50", "epoch 2 from 50")), HasSubstr("gap"));
  EXPECT_THAT(refusal(replaced(text, "from 1 ", "from 0 ")), HasSubstr("line 3"));
  EXPECT_THAT(refusal(replaced(text, "threshold 3", "threshold 2")), HasSubstr("Byzantine quorum"));
  EXPECT_THAT(refusal(replaced(text, "threshold 3", "threshold 5")), HasSubstr("Byzantine quorum"));
  EXPECT_THAT(refusal(replaced(text, "voter node.university-0", "voter node.university-9")), HasSubstr("verifier key"));
  EXPECT_THAT(refusal(text + "more\n"), HasSubstr("epoch"));
  EXPECT_THAT(refusal(text + "\n"), HasSubstr("epoch"));
  EXPECT_THAT(refusal(std::string(kMaxPolicyBytes + 1, 'a')), HasSubstr("1 MiB"));
  const auto first = text.find("voter ");
  const auto line = text.substr(first, text.find('\n', first) + 1 - first);
  EXPECT_THAT(refusal(replaced(text, line, line + line)), HasSubstr("each voter once"));
}

TEST(Policy, OnlyCosignerKeysVote) {
  const World world;
  Policy policy = world.policy();
  policy.epochs[0].quorum.voters[0] = note_key(world.consortium().nodes[0], policy.origin);
  EXPECT_THAT(refusal(encode(policy)), HasSubstr("type 4"));
}

TEST(Policy, TlogPolicyNamesLogsWitnessesAndTheQuorum) {
  const World world;
  const std::string text = tlog_policy(world.consortium(), world.ledger());
  const std::string origin = origin_line(world.consortium().origin, world.ledger());
  for (const Node& node : world.consortium().nodes) {
    EXPECT_THAT(text, HasSubstr("log " + encode(note_key(node, origin)) + "\n"));
    EXPECT_THAT(text, HasSubstr("witness " + node.name + " " + encode(cosigner_key(node)) + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("group VOTERS 3 node.university-0.example node.university-1.example "));
  EXPECT_TRUE(text.ends_with("\nquorum VOTERS\n"));
}

}  // namespace
}  // namespace testamur
