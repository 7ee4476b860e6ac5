// Goal: what goes wrong in a consortium's life loses nothing and doubles nothing, and says so in words: impostors, full disks, wrong
// clocks, nodes that were away.
// Method: testamurd processes, killed with SIGKILL or started wrongly; every statement certified is looked for afterwards.
// TESTAMUR_FLIPS sets how many bytes are flipped (default 16).
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "load.h"
#include "testamur/identity/tls.h"
#include "testamur/storage/rocks.h"

namespace testamur::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
namespace v1 = testamur::v1;

TEST(Faults, AllAreKilledAtOnceAndComeBackWithEveryAnswer) {
  Cluster cluster;
  cluster.start_all();
  cluster.wait_for_leader();
  const Bytes statement = cluster.one_entry(0, "r1", 0);
  const v1::Outcome before = cluster.submit(2, statement);
  ASSERT_EQ(before.code(), "ok");
  {
    Load load(cluster);
    ASSERT_TRUE(wait_until([&] { return load.certified() > 50; }));
    for (unsigned i = 0; i < cluster.size(); ++i) cluster.kill(i);
    cluster.start_all();
    const std::uint64_t then = load.certified();
    ASSERT_TRUE(wait_until([&] { return load.certified() > then + 50; }));
  }
  EXPECT_EQ(cluster.submit(1, statement).SerializeAsString(), before.SerializeAsString());
  EXPECT_TRUE(wait_until([&] { return cluster.level(); }));
}

TEST(Faults, ANodeAThousandBlocksBehindCatchesUp) {
  Cluster cluster;
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(3);
  const unsigned leader = cluster.wait_for_leader();
  std::uint64_t number = 0;
  std::uint64_t height = 0;
  while (height < 1000) {
    const v1::Outcome outcome = cluster.submit(leader, cluster.one_entry(0, "r0", number++));
    ASSERT_EQ(outcome.code(), "ok");
    height = outcome.height();
  }
  cluster.start(3);
  EXPECT_TRUE(wait_until([&] { return cluster.level(height); }));
  EXPECT_EQ(cluster.record(3, 0, "r0").value().issued, number);
}

/// Issues entries one after another until the ledger is this high; returns how many.
std::uint64_t issue_until(Cluster& cluster, unsigned by, std::uint64_t first, std::uint64_t height) {
  std::uint64_t number = first;
  for (std::uint64_t reached = 0; reached < height;) {
    const v1::Outcome outcome = cluster.submit(by, cluster.one_entry(0, "r0", number++));
    EXPECT_EQ(outcome.code(), "ok") << outcome.detail();
    reached = outcome.height();
  }
  return number;
}

/// All that a stopped node's ledger holds, but for which cosignatures it has of the newest head, how to take blocks back, and how often
/// it wrote.
std::map<Bytes, Bytes> all_of_ledger(const Cluster& cluster, unsigned i) {
  const auto store = value_of(storage::open_rocks(cluster.node_directory(i) + "/data/ledger", /*create=*/false));
  std::map<Bytes, Bytes> all;
  store->view()->scan({}, {}, [&](ByteView key, ByteView value) {
    constexpr std::string_view kOwn("KU\0", 3);
    if (kOwn.find(static_cast<char>(key[0])) == kOwn.npos)
      all.emplace(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    return true;
  });
  return all;
}

void expect_same(const std::map<Bytes, Bytes>& expected, const std::map<Bytes, Bytes>& found) {
  for (const auto& [key, value] : expected) {
    const auto at = found.find(key);
    if (at == found.end()) {
      ADD_FAILURE() << "missing: " << to_hex(key);
    } else {
      EXPECT_EQ(to_hex(at->second), to_hex(value)) << "of " << to_hex(key);
    }
  }
  for (const auto& [key, value] : found) EXPECT_TRUE(expected.contains(key)) << "too much: " << to_hex(key);
}

TEST(Faults, ANodeThatTheLogHasLeftBehindGoesOnFromASnapshot) {
  Cluster cluster;
  for (unsigned i = 0; i < cluster.size(); ++i) cluster.set_more_config(i, "[consensus]\nkeep_entries = 16\n");
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(3);
  const unsigned leader = cluster.wait_for_leader();
  std::uint64_t numbers = issue_until(cluster, leader, 0, 100);
  ASSERT_TRUE(wait_until([&] { return cluster.log_holds(leader, "log_cut"); }));
  cluster.start(3);
  EXPECT_TRUE(wait_until([&] { return cluster.log_holds(3, "snapshot_taken"); }));
  ASSERT_TRUE(wait_until([&] { return cluster.level(100); }));
  EXPECT_EQ(cluster.record(3, 0, "r0").value().issued, numbers);
  // It counts again, and what it has is kept.
  unsigned gone = 0;
  while (gone == 3 || gone == cluster.wait_for_leader()) ++gone;
  cluster.kill(gone);
  numbers = issue_until(cluster, 3, numbers, 110);
  ASSERT_EQ(cluster.stop(3), 0);
  cluster.start(3);
  ASSERT_TRUE(wait_until([&] { return cluster.level(110); }));
  EXPECT_EQ(cluster.record(3, 0, "r0").value().issued, numbers);
  // Older blocks are filled in behind it, until it holds the very bytes of one that replayed them all.
  EXPECT_TRUE(wait_until([&] { return cluster.log_holds(3, "history_is_whole"); }));
  const unsigned other = cluster.runs(2) ? 2 : 1;
  ASSERT_TRUE(wait_until([&] { return cluster.level(110); }));
  for (const unsigned i : {3u, other}) ASSERT_EQ(cluster.stop(i), 0);
  expect_same(all_of_ledger(cluster, other), all_of_ledger(cluster, 3));
}

TEST(Faults, ANodeKilledAgainAndAgainOnItsWayThroughASnapshotGetsThere) {
  Cluster cluster;
  for (unsigned i = 0; i < cluster.size(); ++i) cluster.set_more_config(i, "[consensus]\nkeep_entries = 16\n");
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(3);
  const unsigned leader = cluster.wait_for_leader();
  const std::uint64_t numbers = issue_until(cluster, leader, 0, 100);
  Load load(cluster, 1);
  for (int round = 0; round < 12; ++round) {
    cluster.start(3);
    // At another moment each time, from before it listens to after it has begun again.
    std::this_thread::sleep_for(std::chrono::milliseconds(60 + round * 45));
    cluster.kill(3);
  }
  cluster.start(3);
  load.stop();
  ASSERT_TRUE(wait_until([&] { return cluster.level(100); }));
  EXPECT_EQ(cluster.record(3, 0, "r0").value().issued, numbers);
  EXPECT_TRUE(cluster.log_holds(3, "snapshot_taken"));
}

TEST(Faults, AGracefulStopAnswersAndEndsWithZero) {
  Cluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  // With two nodes gone nothing can be decided: the statement is taken, and nobody knows.
  cluster.kill((leader + 1) % 4);
  cluster.kill((leader + 2) % 4);
  const unsigned other = (leader + 3) % 4;
  ASSERT_TRUE(wait_until([&] { return cluster.status(other).has_value(); }));
  const Bytes statement = cluster.one_entry(0, "r0", 0);
  const auto pending = cluster.try_submit(other, statement, {}, v1::WAIT_CERTIFIED, 200);
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->stage(), v1::STAGE_PENDING);
  std::optional<v1::Outcome> told;
  std::jthread client([&] { told = cluster.try_submit(other, statement, {}, v1::WAIT_CERTIFIED, 60'000); });
  ASSERT_TRUE(wait_until([&] { return cluster.status(other).value_or(v1::NodeStatus()).pending() == 1; }));
  EXPECT_EQ(cluster.stop(other), 0);
  client.join();
  if (told) {
    EXPECT_EQ(told->stage(), v1::STAGE_UNKNOWN) << "an honest answer: " << told->detail();
  }
  EXPECT_EQ(cluster.stop(leader), 0);
  // Once a quorum is back the same bytes get their answer.
  cluster.start_all();
  EXPECT_EQ(cluster.submit(other, statement).code(), "ok");
}

TEST(Faults, AGracefulStopUnderLoadEndsWithZero) {
  Cluster cluster;
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  Load load(cluster);
  for (unsigned round = 0; round < 8; ++round) {
    const std::uint64_t before = load.certified();
    ASSERT_TRUE(wait_until([&] { return load.certified() > before + 20; })) << "the load goes on";
    ASSERT_EQ(cluster.stop(round % 4), 0) << "round " << round;
    cluster.start(round % 4);
  }
  load.stop();
  EXPECT_TRUE(wait_until([&] { return cluster.level(); }));
}

TEST(Faults, ThoseWhoWaitLeaveRoomForThoseWhoAsk) {
  Cluster cluster({.nodes = 1});
  cluster.set_more_config(0, "max_calls = 16\n");
  cluster.start_all();
  cluster.wait_for_leader();
  // More than there is room for wait for heads that do not come.
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderInterface<v1::Checkpoint>>> watchers;
  unsigned watching = 0;
  for (int i = 0; i < 24; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    watchers.push_back(cluster.node(0).WatchHeads(contexts.back().get(), {}));
    v1::Checkpoint head;
    if (watchers.back()->Read(&head)) ++watching;
  }
  EXPECT_GE(watching, 8u);
  EXPECT_LT(watching, 16u);
  EXPECT_TRUE(cluster.status(0).has_value()) << "who only asks is answered";
  EXPECT_EQ(watchers.back()->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  watchers.pop_back();
  // The room of one who goes is there for another.
  contexts.front()->TryCancel();
  EXPECT_TRUE(wait_until([&] {
    grpc::ClientContext context;
    const auto watcher = cluster.node(0).WatchHeads(&context, {});
    v1::Checkpoint head;
    const bool heard = watcher->Read(&head);
    context.TryCancel();
    return heard;
  }));
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& watcher : watchers) watcher->Finish();
}

TEST(Faults, ReadersWhoDoNotReadLeaveRoomForStatements) {
  Cluster cluster({.nodes = 1, .registers = 2});
  cluster.set_more_config(0, "max_calls = 16\n");
  cluster.start_all();
  cluster.wait_for_leader();
  const World& world = cluster.world();
  const auto issue = [&](const std::string& name) {
    const Class entries = make_class(name, 300, false);
    return cluster.submit(0, world.sign(0, world.issue(0, name, 0, 300, entries.root, false, clock_now())));
  };
  ASSERT_EQ(issue("r0").code(), "ok");
  const auto ask = [&](grpc::ClientContext& context, std::uint32_t count) {
    v1::GetProofsRequest request;
    request.set_institution(World::institution_id(0));
    request.set_register_("r0");
    request.set_count(count);
    return cluster.node(0).GetProofs(&context, request);
  };
  // Each asks for far more proofs than a connection takes in unread, and reads one.
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderInterface<v1::EntryProof>>> readers;
  v1::EntryProof proof;
  for (int i = 0; i < 16; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(ask(*contexts.back(), 1u << 20));
    ASSERT_TRUE(readers.back()->Read(&proof)) << i;
  }
  {
    grpc::ClientContext context;
    const auto reader = ask(context, 1);
    EXPECT_FALSE(reader->Read(&proof));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE) << "there is room for 16";
  }
  EXPECT_EQ(issue("r1").code(), "ok");
  EXPECT_TRUE(cluster.status(0).has_value());
  // The room of those who go is there for others.
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& reader : readers) reader->Finish();
  EXPECT_TRUE(wait_until([&] {
    grpc::ClientContext context;
    const auto reader = ask(context, 1);
    return reader->Read(&proof) && !reader->Read(&proof) && reader->Finish().ok();
  }));
}

/// Rewrites what a stopped node goes by.
void replace_file(const std::string& path, std::string_view contents) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << contents;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Faults, ANodeWithAnotherKeyIsRefusedAndNamed) {
  Cluster cluster;
  // The thief has node 3's name and address, and a key of its own; its genesis says that the key is right.
  const auto tls = value_of(identity::make_tls_identity(cluster.node_name(3)));
  replace_file(cluster.node_directory(3) + "/tls.pem", tls.key_pem);
  replace_file(cluster.node_directory(3) + "/tls.crt", tls.certificate_pem);
  Genesis genesis = cluster.world().genesis;
  std::get<ConsortiumRecord>(genesis.records[0]).nodes[3].tls_spki = tls.spki;
  replace_file(cluster.node_directory(3) + "/genesis", as_text(encode(genesis)));
  cluster.start_all();
  cluster.wait_for_leader();
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(wait_until([&] { return cluster.log_holds(i, "warning refused"); })) << cluster.node_name(i);
  }
  // It is not told why, as TLS 1.3 has it; its own log says what that may mean.
  EXPECT_TRUE(wait_until([&] { return cluster.log_holds(3, "key is not pinned there"); }));
  // The others go on without it.
  EXPECT_EQ(cluster.submit(0, cluster.one_entry(0, "r0", 0)).code(), "ok");
  EXPECT_EQ(cluster.status(3).value().height(), 0u);
}

TEST(Faults, ANodeOfAnotherLedgerIsRefusedAndNamed) {
  Cluster cluster;
  Genesis genesis = cluster.world().genesis;
  genesis.created.value -= 1;
  replace_file(cluster.node_directory(3) + "/genesis", as_text(encode(genesis)));
  cluster.start_all();
  cluster.wait_for_leader();
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(wait_until([&] {
      const std::string log = cluster.log(i);
      return log.find("warning refused") != std::string::npos && log.find("ledger") != std::string::npos;
    }));
  }
  EXPECT_EQ(cluster.submit(0, cluster.one_entry(0, "r0", 0)).code(), "ok");
  // And its own directory belongs to its ledger for good.
  cluster.kill(3);
  replace_file(cluster.node_directory(3) + "/genesis", as_text(cluster.world().genesis_bytes()));
  cluster.start(3);
  EXPECT_EQ(cluster.wait_for_exit(3), 1);
  EXPECT_THAT(cluster.log(3), HasSubstr("another"));
}

TEST(Faults, AKeyThatGenesisDoesNotNameIsFoundAtTheStart) {
  Cluster cluster({.nodes = 1});
  std::filesystem::copy_file(cluster.node_directory(0) + "/note.pem", cluster.node_directory(0) + "/cosigner.pem",
                             std::filesystem::copy_options::overwrite_existing);
  cluster.start(0);
  EXPECT_EQ(cluster.wait_for_exit(0), 1);
  EXPECT_THAT(cluster.log(0), HasSubstr("cosigner.pem: expected the cosigner key"));
}

TEST(Faults, APortInUseIsSaid) {
  Cluster cluster({.nodes = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  Cluster other({.nodes = 1});
  other.use_ports_of(0, cluster, 0);
  other.start(0);
  EXPECT_EQ(other.wait_for_exit(0), 1);
  EXPECT_THAT(other.log(0), HasSubstr("in use"));
}

TEST(Faults, ADirectoryThatCannotBeWrittenIsSaid) {
  Cluster cluster({.nodes = 1});
  cluster.set_data(0, "/proc/testamur");
  cluster.start(0);
  EXPECT_EQ(cluster.wait_for_exit(0), 1);
  EXPECT_THAT(cluster.log(0), HasSubstr("/proc/testamur"));
}

TEST(Faults, TwoProcessesDoNotShareADirectory) {
  Cluster cluster({.nodes = 2});
  cluster.start(0);
  ASSERT_TRUE(wait_until([&] { return cluster.status(0).has_value(); }));
  // The other one has ports of its own, and the same data.
  cluster.give_identity(0, 1);
  cluster.set_data(1, cluster.node_directory(0) + "/data");
  cluster.start(1);
  EXPECT_EQ(cluster.wait_for_exit(1), 1);
  EXPECT_THAT(cluster.log(1), HasSubstr("another process"));
}

TEST(Faults, ANodeThatLostItsLogDoesNotVoteAsIfItWereNew) {
  Cluster cluster({.nodes = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  cluster.submit(0, cluster.one_entry(0, "r0", 0));
  cluster.kill(0);
  std::filesystem::remove_all(cluster.node_directory(0) + "/data/log");
  cluster.start(0);
  EXPECT_EQ(cluster.wait_for_exit(0), 1);
  EXPECT_THAT(cluster.log(0), HasSubstr("must not vote"));
}

/// A file system of its own with so many bytes, gone with its owner.
class SmallDisk {
 public:
  SmallDisk(std::string path, std::size_t bytes) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    const std::string options = "size=" + std::to_string(bytes);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  /// Leaves no room at all.
  void fill() const {
    std::ofstream stream(path_ + "/full", std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (stream.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST(Faults, AFullDiskStopsTheNodeWithItsReasonAsTheLastWords) {
  Cluster cluster;
  const std::string path = cluster.directory() + "/small";
  const SmallDisk disk(path, 256u << 20);
  if (!disk.mounted()) GTEST_SKIP() << "a file system of its own cannot be mounted here";
  cluster.set_data(3, path + "/data");
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  disk.fill();
  // RocksDB has room that it took beforehand; large batches use it up.
  std::uint64_t number = 0;
  for (int batch = 0; batch < 60 && !cluster.has_ended(3); ++batch, number += 60'000) {
    const Class listed = make_class("class " + std::to_string(batch), 60'000, true);
    const Bytes statement =
        cluster.world().sign(0, cluster.world().issue(0, "r0", number, 60'000, listed.root, true, clock_now()));
    ASSERT_EQ(cluster.submit(1, statement, listed.commitments).code(), "ok");
  }
  EXPECT_EQ(cluster.wait_for_exit(3), 3);
  EXPECT_EQ(cluster.submit(1, cluster.one_entry(1, "r0", 0)).code(), "ok") << "the others go on";
  EXPECT_THAT(cluster.log(3), HasSubstr("testamurd: stopped: "));
  EXPECT_THAT(cluster.log(3), HasSubstr("No space left"));
  // With room again it starts where it stopped, and catches up.
  std::filesystem::remove(path + "/full");
  cluster.start(3);
  EXPECT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(3);  // before its disk goes
}

TEST(Faults, AClockAnHourAheadIsRefusedAndNamed) {
  Cluster cluster;
  // It gets to lead, since its election comes first, and again as soon as it may.
  cluster.set_more_config(0, "[consensus]\ntick_ms = 40\n[testing]\nclock_offset_ms = 3600000\n");
  for (unsigned i = 1; i < 4; ++i) cluster.set_more_config(i, "[consensus]\ntick_ms = 200\n");
  cluster.start_all();
  ASSERT_TRUE(wait_until([&] { return cluster.leader() == 0u; }));
  // What the node with the wrong clock proposes is refused by the others; they lead in its place.
  EXPECT_EQ(cluster.submit(1, cluster.one_entry(1, "r0", 0)).code(), "ok");
  EXPECT_NE(cluster.leader(), 0u);
  EXPECT_THAT(cluster.log(0), HasSubstr("is its clock right?"));
  for (unsigned i = 1; i < 4; ++i) {
    EXPECT_THAT(cluster.log(i), HasSubstr("payload_refused leader=" + cluster.node_name(0)));
    EXPECT_TRUE(
        wait_until([&] { return cluster.log_holds(i, "cosignature_not_counted node=" + cluster.node_name(0)); }));
  }
}

/// Turns one bit of a file.
void flip_byte(const std::filesystem::path& file, std::uintmax_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 0x20));
}

TEST(Faults, AFlippedByteInAStoppedNodesFilesNeverMakesAnotherHead) {
  Cluster cluster;
  cluster.start_all();
  cluster.wait_for_leader();
  std::uint64_t height = 0;
  for (std::uint64_t number = 0; number < 40; ++number) {
    height = cluster.submit(0, cluster.one_entry(0, "r0", number)).height();
  }
  ASSERT_TRUE(wait_until([&] { return cluster.level(height); }));
  cluster.kill(3);
  const std::filesystem::path data = cluster.node_directory(3) + "/data";
  const std::filesystem::path good = cluster.directory() + "/good";
  std::filesystem::rename(data, good);
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(good)) {
    if (file.is_regular_file() && file.file_size() > 0) files.push_back(std::filesystem::relative(file, good));
  }
  const char* flips = std::getenv("TESTAMUR_FLIPS");
  std::mt19937_64 random(11);
  int refused = 0;
  for (int trial = flips != nullptr ? std::atoi(flips) : 16; trial > 0; --trial) {
    std::filesystem::remove_all(data);
    std::filesystem::copy(good, data, std::filesystem::copy_options::recursive);
    const auto& file = files[static_cast<std::size_t>(trial) % files.size()];
    // What is written lies at the front; files may have room taken beforehand.
    const std::uintmax_t at = random() % std::min<std::uintmax_t>(std::filesystem::file_size(data / file), 20'000);
    flip_byte(data / file, at);
    SCOPED_TRACE(file.string() + " at " + std::to_string(at));
    cluster.start(3);
    // It says that it is damaged, or comes to the head of the others.
    ASSERT_TRUE(wait_until([&] { return cluster.has_ended(3) || cluster.level(height); }));
    if (cluster.has_ended(3)) {
      const auto code = cluster.wait_for_exit(3);
      EXPECT_TRUE(code == 1 || code == 3) << *code;
      ++refused;
    }
    cluster.kill(3);
  }
  EXPECT_GT(refused, 0) << "some damage must have been met";
}

}  // namespace
}  // namespace testamur::test
