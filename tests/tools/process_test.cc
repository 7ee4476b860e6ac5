// Goal: the program as a shell sees it: exit codes, what goes to which stream, and no colours into files.
// Method: a ledger of the recent past, so that the real clock finds its proofs fresh; the real binary.
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <thread>

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

/// The most that the program had in memory while it ran, in KiB, by what the system says of it every few milliseconds.
std::uint64_t peak_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TESTAMUR_PROGRAM);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return 0;
  std::uint64_t peak = 0;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    std::ifstream told("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(told, line);) {
      if (line.starts_with("VmHWM:")) peak = std::max<std::uint64_t>(peak, std::stoull(line.substr(6)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return peak;
}

TEST(Process, AClassNeedsNoMoreMemoryThatIsThreeTimesAsLarge) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory grows with what a program does";
#endif
  test::ToolWorld world{recent_world()};
  std::vector<std::uint64_t> from_directory;
  std::vector<std::uint64_t> from_csv;
  for (const unsigned count : {40'000u, 120'000u}) {
    const std::string name = "class-" + std::to_string(count);
    const std::string documents = world.make_documents(name, count);
    std::string csv = "reference\n";
    for (unsigned i = count; i-- > 0;) {
      csv += "document-" + std::to_string(i) + "\n";
      std::filesystem::rename(documents + "/document-" + std::to_string(i),
                              documents + "/document-" + std::to_string(i) + ".pdf");
    }
    const auto peak = [&](const std::string& proofs, const std::vector<std::string>& more) {
      std::vector<std::string> arguments = {"issue",
                                            "--node",
                                            world.service().address(),
                                            "--register",
                                            World::institution_id(0) + "/r1",
                                            "--policy",
                                            world.path("policy"),
                                            "--key",
                                            world.key_file("a"),
                                            "--key",
                                            world.key_file("b"),
                                            "--proofs",
                                            world.path(proofs),
                                            documents};
      arguments.insert(arguments.end(), more.begin(), more.end());
      return peak_of(arguments);
    };
    from_directory.push_back(peak("proofs-" + name, {}));
    from_csv.push_back(peak("csv-proofs-" + name,
                            {"--csv", world.write(name + ".csv", csv), "--result", world.path(name + ".result")}));
  }
  RecordProperty("directory", std::to_string(from_directory[0]) + " " + std::to_string(from_directory[1]));
  RecordProperty("csv", std::to_string(from_csv[0]) + " " + std::to_string(from_csv[1]));
  // 80,000 documents more; were the documents in memory, that would be twice this and more.
  constexpr std::uint64_t most = 8 << 10;
  EXPECT_GT(from_directory[0], 0u);
  EXPECT_LT(from_directory[1], from_directory[0] + most);
  EXPECT_LT(from_csv[1], from_csv[0] + most);
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
