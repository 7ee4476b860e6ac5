// Goal: a process killed at any moment leaves the ledger as it was after some block, with nothing that was applied lost.
// Method: a child applies blocks and says each height when it is applied; it is killed after a random time; the ledger is
// opened, must stand at the height last said or the one after, and hold the very bytes of a ledger that was never killed.
// TESTAMUR_KILLS sets how often (default 25).
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>

#include "random_ledger.h"

extern char** environ;

namespace testamur::test {
namespace {

constexpr std::uint64_t kBlocks = 120;
constexpr std::uint64_t kSeed = 5;

/// The contents after each block of a ledger that nobody killed.
std::map<std::uint64_t, Hash> undisturbed() {
  TestLedger test(World({.institutions = 2, .registers = 2}));
  std::map<std::uint64_t, Hash> out = {{0, contents_of(*test.store())}};
  while (test.ledger().head().height.value < kBlocks) {
    apply_seeded_block(test, kSeed);
    out[test.ledger().head().height.value] = contents_of(*test.store());
  }
  return out;
}

/// Runs the writer for a while and kills it; returns the last height it said, or nothing where it said none.
std::optional<std::uint64_t> run_and_kill(const std::string& directory, std::chrono::microseconds after) {
  int fds[2];
  if (pipe(fds) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
  posix_spawn_file_actions_addclose(&actions, fds[0]);
  std::string program = TESTAMUR_LEDGER_WRITER;
  std::string path = directory;
  std::string seed = std::to_string(kSeed);
  std::string blocks = std::to_string(kBlocks);
  char* argv[] = {program.data(), path.data(), seed.data(), blocks.data(), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), &actions, nullptr, argv, environ) != 0) throw std::runtime_error("spawn");
  posix_spawn_file_actions_destroy(&actions);
  close(fds[1]);
  std::this_thread::sleep_for(after);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = read(fds[0], buffer, sizeof buffer)) > 0;) said.append(buffer, static_cast<std::size_t>(n));
  close(fds[0]);
  said.resize(said.rfind('\n') == said.npos ? 0 : said.rfind('\n'));
  if (said.empty()) return std::nullopt;
  const auto line = said.rfind('\n');
  return from_decimal(std::string_view(said).substr(line == said.npos ? 0 : line + 1));
}

TEST(Store, SurvivesSigkillAtAnyMoment) {
  const auto expected = undisturbed();
  const char* asked = std::getenv("TESTAMUR_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 25;
  std::mt19937_64 random(1);
  ScratchDirectory scratch;
  int ledgers = 0;
  std::string directory = scratch.path() + "/0";
  for (int k = 0; k < kills; ++k) {
    const auto said = run_and_kill(directory, std::chrono::microseconds(random() % 400'000));
    // The same code as normal running opens it; creation itself may have been killed.
    TestLedger test(World({.institutions = 2, .registers = 2}), directory);
    const std::uint64_t height = test.ledger().head().height.value;
    if (said) {
      // A seeded block may be under way: applied, rolled back, applied again. So one more, or it again, or one less.
      ASSERT_GE(height, *said);
      ASSERT_LE(height, *said + 1);
    }
    ASSERT_EQ(contents_of(*test.store()), expected.at(height)) << "killed at height " << height;
    if (height == kBlocks) directory = scratch.path() + "/" + std::to_string(++ledgers);
  }
}

}  // namespace
}  // namespace testamur::test
