// Goal: the program as a shell sees it: exit codes, what goes to which stream, and no colours into files.
// Method: a ledger of the recent past, so that the real clock finds its proofs fresh; the real binary.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <chrono>

#include <boost/json.hpp>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::World;
using testing::HasSubstr;

/// The world, founded half an hour ago by the real clock.
World recent_world() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  World world;
  world.genesis.created = Time{static_cast<std::uint64_t>(ms) - 1'800'000};
  for (unsigned i = 0; i < 4; ++i) {
    for (Key& key : world.institution(i).keys) key.added_at = world.genesis.created;
  }
  return world;
}

struct Process {
  int exit = -1;
  std::string out;
};

Process spawn(const std::string& arguments) {
  const std::string command = std::string(TESTAMUR_PROGRAM) + " " + arguments + " 2>/dev/null";
  Process process;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> block;
  for (std::size_t got; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
    process.out.append(block.data(), got);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) process.exit = WEXITSTATUS(status);
  return process;
}

TEST(Process, VerifiesWithTheRealClock) {
  test::ToolWorld world{recent_world()};
  ASSERT_EQ(world.issue("r1", "proofs", {world.make_documents("class", 2)}).exit, kGood);
  const std::string verify =
      "verify " + world.path("class/document-0") + " --policy " + world.path("policy") + " --proof ";
  const auto good = spawn(verify + world.path("proofs/document-0.proof"));
  EXPECT_EQ(good.exit, 0);
  EXPECT_TRUE(good.out.starts_with("Good: university-0.example/r1/")) << good.out;
  EXPECT_THAT(good.out, testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(spawn(verify + world.path("proofs/document-1.proof")).exit, 3);
  EXPECT_EQ(spawn(verify + world.path("proofs/document-0.proof") + " --max-age 1m").exit, 8);
  EXPECT_EQ(spawn(verify + world.path("nothing")).exit, 8);
  EXPECT_EQ(spawn("verify").exit, 2);
  const auto json = spawn(verify + world.path("proofs/document-0.proof") + " --json");
  EXPECT_EQ(boost::json::parse(json.out).as_object().at("verdict"), "good");
  EXPECT_EQ(spawn(verify + world.path("proofs/document-0.proof") + " > /dev/full").exit, 1) << "an answer nobody got";
}

TEST(Process, EveryCommandTeaches) {
  for (const char* command : {"institution init",
                              "key protect",
                              "consortium create",
                              "node init",
                              "node status",
                              "sample class",
                              "issue",
                              "amend revoke",
                              "amend suspend",
                              "amend reinstate",
                              "amend supersede",
                              "reissue",
                              "sign",
                              "submit",
                              "status",
                              "verify",
                              "proof show",
                              "proof extract",
                              "proof refresh",
                              "proof make",
                              "salt erase",
                              "document show"}) {
    const auto help = spawn(std::string(command) + " --help");
    EXPECT_EQ(help.exit, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example:\n  testamur " + std::string(command))) << command;
  }
  EXPECT_THAT(spawn("amend --help").out, HasSubstr("--number 0-49"));
  EXPECT_EQ(spawn("").exit, 2);
  EXPECT_EQ(spawn("amend nothing").exit, 2);
  EXPECT_THAT(spawn("amend nothing --json").out, HasSubstr("found \\\"nothing\\\"; \\\"testamur amend --help"));
  EXPECT_EQ(spawn("--version").exit, 0);
}

}  // namespace
}  // namespace testamur::tool
