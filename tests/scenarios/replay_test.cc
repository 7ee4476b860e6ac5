// Goal: what a simulation did can be told again as a story, and a story that fails can be made short. Method: the stories of seeds end with
// how every node stands, its log included, and must come true; made-up failures must shrink to what they need, and to nothing else.
// TESTAMUR_STORIES sets of how many seeds (default 40).
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "run_seed.h"
#include "shrink.h"

namespace testamur::consensus::scenarios {
namespace {

Story read(const std::string& text) {
  std::istringstream in(text);
  return read_story("a.story", in);
}

std::uint64_t stories() {
  const char* asked = std::getenv("TESTAMUR_STORIES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 40;
}

std::string story_of(std::uint64_t seed, bool with_liars = false) {
  std::ostringstream out;
  simulation::Story story(out);
  const simulation::SeedResult result = simulation::run_seed(seed, with_liars, &story);
  EXPECT_FALSE(result.violation) << "seed " << seed << ": " << *result.violation;
  return out.str();
}

void expect_same_end(std::uint64_t seed, bool with_liars) {
  const std::string text = story_of(seed, with_liars);
  const char* last = with_liars ? "\nexpect log 4 " : "\nexpect log 1 ";
  ASSERT_NE(text.find(last), std::string::npos) << "seed " << seed;
  const auto failure = tell(read(text), nullptr);
  ASSERT_FALSE(failure) << "seed " << seed << ", line " << failure->line << ": " << failure->text << ": "
                        << failure->reason;
}

TEST(Replay, ASeedComesToTheSameEnd) {
  simulation::name_seed_on_abort();
  for (std::uint64_t seed = 1; seed <= stories(); ++seed) {
    expect_same_end(seed, /*with_liars=*/false);
    if (HasFatalFailure()) return;
  }
}

/// Liars do not run in it; the honest nodes come to the same logs, terms and votes by what they hear.
TEST(Replay, ASeedWithLiarsComesToTheSameEnd) {
  simulation::name_seed_on_abort();
  for (std::uint64_t seed = 1; seed <= stories(); ++seed) {
    expect_same_end(seed, /*with_liars=*/true);
    if (HasFatalFailure()) return;
  }
}

/// The story says so much that another run differs from it.
TEST(Replay, ALineLessIsAnotherStory) {
  const std::string text = story_of(3);
  const std::string line = "\npropose ";  // of messages one may be as good as two
  const std::size_t begin = text.find(line, text.size() / 2);
  ASSERT_NE(begin, std::string::npos);
  const std::string without = text.substr(0, begin) + text.substr(text.find('\n', begin + 1));
  EXPECT_TRUE(tell(read(without), nullptr));
}

std::vector<std::string> shrunk(const std::string& text) {
  std::istringstream in(text);
  const auto made = shrink(read(unfolded(in)), std::chrono::seconds(60));
  return made ? made->lines : std::vector<std::string>{};
}

using Lines = std::vector<std::string>;

TEST(Shrink, LeavesWhatTheFailureNeeds) {
  EXPECT_EQ(shrunk("nodes 1 2 3\nelect 1\npropose 1 a\ndeliver\ntick 2 7\nread 2\ndeliver\nexpect log 1 1:* 1:b"),
            (Lines{"nodes 1 2 3", "elect 1", "propose 1 a", "expect log 1 1:* 1:b"}));
}

TEST(Shrink, KeepsTheReason) {
  // Without its first line the story fails otherwise: for want of a leader.
  EXPECT_EQ(shrunk("nodes 1 2 3\nelect 1\ntick 2 3\nread 1\nexpect role 1 follower"),
            (Lines{"nodes 1 2 3", "elect 1", "expect role 1 follower"}));
}

TEST(Shrink, FoldsTicks) {
  EXPECT_EQ(shrunk("nodes 1 2 3\ntick 1 12\ntick 2\nexpect role 1 leader"),
            (Lines{"nodes 1 2 3", "tick 1 10", "expect role 1 leader"}));
}

TEST(Shrink, LeavesOutWhatIsNotPossibleAnyMore) {
  // When nothing is proposed, nothing is lost.
  EXPECT_EQ(shrunk("nodes 1 2 3\nelect 1\npropose 1 a\nlose 1 -> 2 append\ncrash 2\nexpect up 2"),
            (Lines{"nodes 1 2 3", "crash 2", "expect up 2"}));
}

/// All three have lost the end of their logs: nobody can be elected any more.
TEST(Shrink, JudgesByTheEndingWhatDoesNotComeLevel) {
  const std::string lost = "damage 1 entry 2\ndamage 2 entry 2\ndamage 3 entry 2\n";
  const Lines lines = shrunk("nodes 1 2 3\ndisks real\nelect 1\npropose 1 a\ndeliver\ncrash all\n" + lost +
                             "restart all\nheal\npass 20\nexpect level");
  EXPECT_EQ(lines, (Lines{"nodes 1 2 3", "disks real", "elect 1", "propose 1 a", "deliver", "crash all",
                          "damage 1 entry 2", "damage 2 entry 2", "damage 3 entry 2"}));
}

TEST(Shrink, AStoryThatComesTrueDoesNotShrink) { EXPECT_TRUE(shrunk("nodes 1 2 3\nelect 1\ndeliver").empty()); }

}  // namespace
}  // namespace testamur::consensus::scenarios
