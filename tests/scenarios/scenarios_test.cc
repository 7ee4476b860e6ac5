// Goal: a story can fail. A wrong expectation is told with its line, what cannot be read is told with what was expected, invariants
// and the ending are checked, and the README leaves no word of the language out.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "describe.h"
#include "owner.h"
#include "story.h"

namespace testamur::consensus::scenarios {
namespace {

Story read(const std::string& text) {
  std::istringstream in(text);
  return read_story("a.story", in);
}

std::string why_not_read(const std::string& text) {
  try {
    read(text);
  } catch (const SyntaxError& error) {
    return error.what();
  }
  return "it was read";
}

TEST(Stories, ComeTrue) {
  EXPECT_FALSE(tell(read("nodes 1 2 3\nelect 1\npropose 1 a b\ndeliver\nexpect committed all a b"), nullptr));
}

TEST(Stories, FailWithTheLineThatIsWrong) {
  const auto failure =
      tell(read("# A comment.\nnodes 1 2 3\n\nelect 1  # and another\nexpect leader 1 term 2\n"), nullptr);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->line, 5u);
  EXPECT_EQ(failure->text, "expect leader 1 term 2");
  EXPECT_EQ(failure->reason, "node 1: expected term \"2\", found \"1\"");
}

TEST(Stories, EveryExpectationCanFail) {
  const std::string before = "nodes 1 2 3\nspare 4\nelect 1\npropose 1 a\ndeliver\nread 1\nremember\ntick 1\n";
  const std::map<std::string, std::string> wrong = {
      {"leader", "2"},
      {"role", "2 candidate"},
      {"follows", "2 3"},
      {"term", "all 2"},
      {"vote", "2 2"},
      {"log", "all 1:*"},
      {"on-disk", "2 nothing"},
      {"committed", "all b"},
      {"commit", "all 1"},
      {"agreed", "all 1"},
      {"writing", "2 1"},
      {"messages", "no 1 -> 2 heartbeat"},
      {"refusal", "1 too-many"},
      {"members", "1 [1,2]"},
      {"no-change", "1 under-way voter 4"},
      {"read", "1 1"},
      {"evidence", "1 against 2 two stories in one term"},
      {"level", ""},
      {"up", "3"},
      {"down", "1"},
      {"unchanged", ""},
  };
  for (const Command& expectation : expectations()) {
    ASSERT_TRUE(wrong.contains(std::string(expectation.name))) << expectation.name << " is not tried here";
    std::string line = "expect " + std::string(expectation.name);
    if (const std::string& arguments = wrong.at(std::string(expectation.name)); !arguments.empty())
      line += " " + arguments;
    const auto failure = tell(read(before + "propose 1 b\ncrash 3\n" + line), nullptr);
    ASSERT_TRUE(failure) << line;
    EXPECT_EQ(failure->text, line);
  }
}

TEST(Stories, WhatCannotBeReadIsTold) {
  EXPECT_EQ(why_not_read("nodes 1 2\nelekt 1"), "a.story:2: expected a command, found \"elekt\"");
  EXPECT_EQ(why_not_read("nodes 1 2\n\ntick 3"), "a.story:3: expected nodes of this story (1,2, or all), found \"3\"");
  EXPECT_EQ(why_not_read("nodes 1 2\ntick 1 now"),
            "a.story:2: expected a number of ticks, or \"election\", found \"now\"");
  EXPECT_EQ(why_not_read("nodes 1 2\ntick"),
            "a.story:2: expected nodes of this story (1,2, or all), found the end of the line");
  EXPECT_EQ(why_not_read("nodes 1 2\ncut 1 2"), "a.story:2: expected an arrow (->, <->), found \"2\"");
  EXPECT_EQ(why_not_read("nodes 1 2\nelect 1 2"), "a.story:2: expected the end of the line, found \"2\"");
  EXPECT_EQ(why_not_read("nodes 1 2\nelect 1,2"), "a.story:2: expected one node, found \"1,2\"");
  EXPECT_EQ(why_not_read("nodes 1 2\ndeliver appends"), "a.story:2: expected the end of the line, found \"appends\"");
  EXPECT_EQ(why_not_read("nodes 1 2\nexpect happiness"),
            "a.story:2: expected something that can be expected, found \"happiness\"");
  EXPECT_EQ(why_not_read("nodes 1 2\nexpect role 1 boss"),
            "a.story:2: expected a role (follower, pre-candidate, candidate, leader), found \"boss\"");
  EXPECT_EQ(why_not_read("nodes 1 2\nelect 1\nlearners 3"),
            "a.story:3: expected what the story declares before its first step");
  EXPECT_EQ(why_not_read("elect 1"), "a.story:1: expected \"nodes\" before the first step");
  EXPECT_EQ(why_not_read("nodes 1 2"), "a.story:1: expected at least one step, found the end of the file");
  EXPECT_EQ(why_not_read("nodes 1 2\nthreshold 3\nelect 1"),
            "a.story:3: expected a threshold of 1 to the number of voters");
  EXPECT_EQ(why_not_read("nodes 1 2\nforge 9 -> 1 term 3 append after 0 x"),
            "a.story:2: expected an entry (TERM:PAYLOAD), found \"x\"");
}

TEST(Stories, AStepThatIsAboutNoMessageFails) {
  for (const std::string step : {"lose 1 -> 2", "duplicate append", "release", "deliver 1 -> 2 append"})
    EXPECT_TRUE(tell(read("nodes 1 2 3\n" + step), nullptr)) << step;
}

TEST(Invariants, AreCheckedAfterEveryLine) {
  // Two liars of four are more than a quorum of three allows for: 1 takes an entry for committed that lies on its own disk only.
  const auto failure = tell(read("nodes 1 2 3 4\nelect 1\ncut 1 -> all\npropose 1 a\nforge 2 -> 1 term 1 durable 2\n"
                                 "forge 3 -> 1 term 1 durable 2\ndeliver\nexpect leader 1"),
                            nullptr);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->line, 7u);
  EXPECT_EQ(failure->reason, "committed index 2 is durable on 1 only; voters=(1 2 3 4)");
}

TEST(Invariants, EvidenceAgainstALiarBreaksNone) {
  const auto failure = tell(read("nodes 1 2 3 4\nelect 1\nforge 2 -> 3 term 9 append after 1 9:x\ndeliver 2 -> 3\n"
                                 "forge 4 -> 3 term 9 append after 1 9:y\ndeliver 4 -> 3\n"
                                 "expect evidence 3 against 4 two stories in one term"),
                            nullptr);
  EXPECT_FALSE(failure) << failure->reason;
}

TEST(Invariants, OneVoteATerm) {
  simulation::Invariants invariants;
  invariants.check_vote(NodeId{1}, {Term{2}, NodeId{3}});
  invariants.check_vote(NodeId{1}, {Term{2}, NodeId{3}});
  EXPECT_THROW(invariants.check_vote(NodeId{1}, {Term{2}, NodeId{1}}), Violation);
}

TEST(Invariants, OneEntryAtAnIndexAndDurable) {
  Entry a{{Term{1}, Index{1}, {}}, {}, payload_of("a")};
  a.id.hash = simulation::hash_entry(a);
  Entry b = a;
  b.payload = payload_of("b");
  b.id.hash = simulation::hash_entry(b);
  const auto core_of = [](std::uint64_t node) {
    Options options;
    options.self = NodeId{node};
    options.configuration.voters = {{NodeId{1}, NodeId{2}, NodeId{3}}, 2};
    options.hash = simulation::hash_entry;
    options.random = [] { return 0; };
    return Core(std::move(options), {});
  };
  Stored disk;
  disk.entries = {a};
  const Stored empty;
  simulation::Invariants invariants;
  EXPECT_THROW(invariants.committed(core_of(1), a, {{NodeId{1}, &disk}, {NodeId{2}, &empty}}), Violation);
  invariants = {};
  invariants.committed(core_of(1), a, {{NodeId{1}, &disk}, {NodeId{2}, &disk}});
  EXPECT_THROW(invariants.committed(core_of(2), b, {{NodeId{1}, &disk}, {NodeId{2}, &disk}}), Violation);
}

TEST(Invariants, NothingIsSaidBeforeItIsOnDisk) {
  simulation::Invariants invariants;
  const Stored empty;
  const EntryId one{Term{1}, Index{1}, {}};
  for (const Body& body :
       std::initializer_list<Body>{Durable{one}, AppendResponse{AppendOutcome::accepted, one}, VoteResponse{true},
                                   VoteRequest{one}, HeartbeatResponse{}, Derived{Claim{Index{1}, 1, {}}}}) {
    const Message message{NodeId{1}, NodeId{2}, Term{1}, body};
    EXPECT_THROW(invariants.check_said(message, empty), Violation) << kind_of(message);
  }
}

TEST(Invariants, OneHeadOfAHeight) {
  simulation::Invariants invariants;
  invariants.check_derived(NodeId{1}, {Index{1}, 1, Digest{1}});
  EXPECT_THROW(invariants.check_derived(NodeId{2}, {Index{1}, 1, Digest{2}}), Violation);
  invariants.check_agreed(NodeId{1}, {Index{1}, 1, Digest{1}});
  EXPECT_THROW(invariants.check_agreed(NodeId{2}, {Index{1}, 1, Digest{2}}), Violation);
}

TEST(Ending, WantsAFreshWrite) {
  // All three have lost the end of their logs: nobody can be elected any more, and the story does not say so.
  const std::string damage = "damage 1 entry 2\ndamage 2 entry 2\ndamage 3 entry 2\n";
  const auto failure = tell(
      read("nodes 1 2 3\ndisks real\nelect 1\npropose 1 a\ndeliver\ncrash all\n" + damage + "restart all"), nullptr);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->line, 0u);
  EXPECT_NE(failure->reason.find("no fresh write"), std::string::npos) << failure->reason;
}

TEST(Readme, NamesEveryWord) {
  std::ifstream file(TESTAMUR_SCENARIOS_README);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(text.empty());
  const auto expect_named = [&](const std::string& words) {
    EXPECT_NE(text.find("`" + words), std::string::npos) << words << " is not in README.md";
  };
  for (const Declaration& each : declarations()) expect_named(std::string(each.name) + " ");
  for (const Command& each : commands()) expect_named(std::string(each.name));
  for (const Command& each : expectations()) expect_named("expect " + std::string(each.name));
  for (const std::string_view kind : message_kinds()) EXPECT_NE(text.find(kind), std::string::npos) << kind;
}

}  // namespace
}  // namespace testamur::consensus::scenarios
