// Goal: whatever byte of a stopped log is changed, and wherever one of its files is cut, the log is the same or an error: never shorter,
// never with another vote or claim.
// Method: a made-up history is written by another process, which is killed while it waits, or closed; some of it lies in table files and
// some in the write-ahead log. In copies of the directory one byte is flipped, or one file cut or taken away; then the log is
// loaded. Small files are tried at every byte, others at random ones. TESTAMUR_DAMAGES sets how many of those a file (default 24).
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "hand.h"
#include "log_history.h"
#include "scratch.h"
#include "testamur/storage/rocks.h"

extern char** environ;

namespace testamur::consensus {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 21;
constexpr std::uint64_t kSteps = 36;
constexpr std::size_t kEveryByteUpTo = 256;
const std::vector<std::uint8_t> kOwner = {1, 2, 3};

std::uint64_t damages() {
  const char* asked = std::getenv("TESTAMUR_DAMAGES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 24;
}

Stored expected() {
  LogHistory history(kSeed, 2000);
  while (history.steps() < kSteps) history.next();
  return history.stored();
}

/// Has the history written by a process that is then killed.
void write_and_kill(const std::string& directory, std::size_t write_buffer_bytes) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
  posix_spawn_file_actions_addclose(&actions, fds[0]);
  std::vector<std::string> words = {TESTAMUR_LOG_WRITER, directory, std::to_string(kSeed), std::to_string(kSteps),
                                    std::to_string(write_buffer_bytes)};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  ASSERT_EQ(posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(fds[1]);
  char said = 0;
  EXPECT_EQ(read(fds[0], &said, 1), 1) << "the writer ended before its time";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(fds[0]);
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_bytes(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

/// Damages copies of a directory, and counts what came of it.
class Trial {
 public:
  explicit Trial(fs::path good) : good_(std::move(good)) {}

  /// Gives the file these bytes in a copy, or takes it away, and loads.
  void load_with(const fs::path& name, const std::optional<std::string>& bytes, const std::string& what) {
    SCOPED_TRACE(name.string() + " " + what);
    const fs::path copy = scratch_.path() + "/copy";
    fs::remove_all(copy);
    fs::create_directory(copy);
    for (const auto& file : fs::directory_iterator(good_)) {
      if (file.path().filename() != name && !is_told(file.path())) fs::copy(file, copy / file.path().filename());
    }
    if (bytes) put_bytes(copy / name, *bytes);
    const auto store = open_log_store(copy, kOwner);
    if (!store) return expect_refusal(store.error());
    const auto stored = (*store)->load(some_hash);
    if (!stored) return expect_refusal(stored.error());
    EXPECT_TRUE(same(*stored, expected_)) << summary(*stored) << "; expected " << summary(expected_);
    ++unharmed_;
  }

  /// What RocksDB tells people, and reads never.
  static bool is_told(const fs::path& file) { return file.filename().string().starts_with("LOG"); }

  int refused() const { return refused_; }
  int unharmed() const { return unharmed_; }

 private:
  void expect_refusal(const Error& error) {
    EXPECT_TRUE(error.code == ErrorCode::corrupt || error.code == ErrorCode::storage) << error.message;
    EXPECT_NE(error.message.find(scratch_.path()), std::string::npos) << error.message;
    ++refused_;
  }

  fs::path good_;
  test::ScratchDirectory scratch_;
  Stored expected_ = expected();
  int refused_ = 0;
  int unharmed_ = 0;
};

void damage_every_file(const fs::path& good) {
  std::mt19937_64 random(4);
  Trial trial(good);
  int files = 0;
  for (const auto& file : fs::directory_iterator(good)) {
    const fs::path name = file.path().filename();
    const std::string bytes = bytes_of(file);
    if (Trial::is_told(name) || bytes.empty()) continue;
    ++files;
    const std::size_t tries = bytes.size() <= kEveryByteUpTo ? bytes.size() : damages();
    for (std::size_t i = 0; i < tries; ++i) {
      const std::size_t at = tries == bytes.size() ? i : random() % bytes.size();
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (random() % 8)));
      trial.load_with(name, flipped, "flipped at " + std::to_string(at));
    }
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, bytes.size() / 3, bytes.size() / 2, bytes.size()}) {
      if (cut <= bytes.size())
        trial.load_with(name, bytes.substr(0, bytes.size() - cut), "cut by " + std::to_string(cut));
    }
    for (std::uint64_t i = 0; i < damages() / 4; ++i) {
      const std::size_t to = random() % bytes.size();
      trial.load_with(name, bytes.substr(0, to), "cut to " + std::to_string(to));
    }
    trial.load_with(name, std::nullopt, "taken away");
    if (testing::Test::HasFailure()) return;
  }
  std::printf("%d files: %d damages refused, %d harmless\n", files, trial.refused(), trial.unharmed());
  EXPECT_GT(trial.refused(), 100) << "the damage must have hit what matters";
}

std::size_t count(const fs::path& directory, const std::string& extension) {
  std::size_t found = 0;
  for (const auto& file : fs::directory_iterator(directory)) {
    if (file.path().extension() == extension && file.file_size() > 0) ++found;
  }
  return found;
}

TEST(LogDamage, OfALogWhoseNodeWasKilled) {
  test::ScratchDirectory scratch;
  const std::string good = scratch.path() + "/good";
  write_and_kill(good, 32u << 20);
  ASSERT_EQ(count(good, ".sst"), 0u) << "everything is in the write-ahead log";
  damage_every_file(good);
}

TEST(LogDamage, OfALogInTablesAndInTheWriteAheadLog) {
  test::ScratchDirectory scratch;
  const std::string good = scratch.path() + "/good";
  write_and_kill(good, 64u << 10);
  ASSERT_GT(count(good, ".sst"), 0u);
  ASSERT_GT(count(good, ".log"), 0u);
  damage_every_file(good);
}

TEST(LogDamage, OfALogThatWasClosed) {
  test::ScratchDirectory scratch;
  const std::string good = scratch.path() + "/good";
  write_and_kill(good, 32u << 20);
  {
    // Recovery moves everything to table files; a last write stays in the write-ahead log.
    const auto store = open_log_store(good, kOwner);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->write({}, expected().owner_record));
  }
  damage_every_file(good);
}

/// Flips a bit of a record behind the back of the database's own checksums.
void change_record(const std::string& directory, std::string_view key, std::size_t at) {
  storage::RocksOptions options;
  options.synced = true;
  auto kv = storage::open_rocks(directory, false, options);
  ASSERT_TRUE(kv) << kv.error().message;
  const Bytes name(key.begin(), key.end());
  std::optional<Bytes> value = (*kv)->view()->get(name);
  ASSERT_TRUE(value);
  (*value)[at] ^= 1;
  storage::WriteSet writes;
  writes.put(name, *value);
  (*kv)->write(writes);
}

TEST(LogDamage, OfARecordIsFoundByItsOwnChecksum) {
  test::ScratchDirectory scratch;
  const std::string good = scratch.path() + "/good";
  write_and_kill(good, 32u << 20);
  for (const std::string_view key : {"owner", "state", "claim", "record"}) {
    for (const std::size_t at : {0u, 3u}) {
      const std::string copy = scratch.path() + "/copy";
      fs::remove_all(copy);
      fs::copy(good, copy);
      change_record(copy, key, at);
      auto store = open_log_store(copy, kOwner);
      const Result<Stored> stored = store ? (*store)->load(some_hash) : Result<Stored>(store.error());
      ASSERT_FALSE(stored) << key;
      EXPECT_EQ(stored.error().code, ErrorCode::corrupt);
      EXPECT_NE(stored.error().message.find(key), std::string::npos) << stored.error().message;
    }
  }
}

std::string key_of(Index index) {
  std::string key = "e";
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(index.value >> shift));
  return key;
}

/// The log in a directory, as far as it can be read.
Stored salvaged_from(const std::string& directory, const std::function<void(LogStore&, const Stored&)>& then = {}) {
  const auto store = open_log_store(directory, kOwner);
  if (!store) throw std::runtime_error(store.error().message);
  auto salvaged = (*store)->salvage(some_hash);
  if (!salvaged) throw std::runtime_error(salvaged.error().message);
  if (then) then(**store, salvaged->stored);
  return std::move(salvaged->stored);
}

TEST(LogDamage, TwoLogsThatAreDamagedInOtherPlacesMendOneAnother) {
  test::ScratchDirectory scratch;
  const std::vector<std::string> logs = {scratch.path() + "/one", scratch.path() + "/two"};
  const std::vector<Index> rotten = {Index{7}, Index{12}};
  Write promised;
  promised.state = HardState{Term{1}, NodeId{1}};
  for (int i = 0; i < 20; ++i)
    promised.entries.push_back(
        following(i == 0 ? EntryId{} : promised.entries.back().id, Term{1}, payload("entry " + std::to_string(i))));
  for (std::size_t log = 0; log < logs.size(); ++log) {
    {
      const auto store = open_log_store(logs[log], kOwner);
      ASSERT_TRUE(store) << store.error().message;
      ASSERT_TRUE((*store)->write(std::span(&promised, 1), std::nullopt));
    }
    change_record(logs[log], key_of(rotten[log]), 45);
    // The first thing that a node that starts writes is where its log ended.
    const Stored before = salvaged_from(logs[log], [](LogStore& store, const Stored& stored) {
      Write write;
      write.floor = stored.floor;
      ASSERT_TRUE(store.write(std::span(&write, 1), std::nullopt));
    });
    EXPECT_EQ(before.entries.size(), rotten[log].value - 1);
    EXPECT_EQ(before.beyond.size(), promised.entries.size() - before.entries.size()) << "the rotten one among them";
    EXPECT_EQ(before.floor, promised.entries.back().id);
  }
  // What the first lacks the second has; then it is whole, and has all that the second lacks.
  for (std::size_t log = 0; log < logs.size(); ++log) {
    const Stored others = salvaged_from(logs[1 - log]);
    ASSERT_GE(others.entries.size(), rotten[log].value);
    salvaged_from(logs[log], [&](LogStore& store, const Stored&) {
      Write write;
      write.entries = {others.entries[rotten[log].value - 1]};
      ASSERT_TRUE(store.write(std::span(&write, 1), std::nullopt));
    });
    const Stored mended = salvaged_from(logs[log]);
    EXPECT_EQ(mended.entries.size(), promised.entries.size());
    EXPECT_TRUE(mended.beyond.empty());
  }
}

}  // namespace
}  // namespace testamur::consensus
