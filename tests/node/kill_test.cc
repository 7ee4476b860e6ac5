// Goal: a node may be killed at any moment, leading or not, alone or with others, also while it starts: nothing that was certified is
// lost, nothing is there twice, and it comes back.
// Method: four testamurd processes under load, killed with SIGKILL at moments drawn from a seed and started again at once; after each
// time what one of the killed left is read whole (a copy of it, while the node starts again): its ledger is replayed from genesis and must
// come to the very bytes that lie there; and the registers are compared with what clients were told. TESTAMUR_NODE_KILLS sets how many
// kills (default 200), TESTAMUR_CHAOS_SEED the moments.
#include <filesystem>
#include <iostream>
#include <random>

#include "from_environment.h"
#include "load.h"
#include "memory_store.h"
#include "random_ledger.h"
#include "testamur/storage/rocks.h"
#include "testamur/store/history.h"

namespace testamur::test {
namespace {

using std::chrono::milliseconds;

/// The payload that a block of sealed statements came from.
Bytes payload_of(const store::BlockLeaves& leaves) {
  std::vector<Bytes> statements;
  for (const Bytes& leaf : std::span(leaves.data).first(leaves.data.size() - 1)) {
    statements.push_back(encode(value_of(decode_statement_leaf(leaf)).statement));
  }
  Payload payload{value_of(decode_block_record(leaves.data.back())).time, {}};
  for (const Bytes& statement : statements) payload.submissions.push_back({statement});
  return encode(payload);
}

/// A ledger that nobody kills, made of the blocks that others hold.
class Replay {
 public:
  explicit Replay(const World& world) : ledger_(value_of(store::Ledger::create(store_, world.genesis_bytes()))) {}

  /// What a ledger that stands at this block holds.
  Hash contents_at(Height height, const store::History& blocks) {
    if (height < ledger_->head().height) value_of(ledger_->rollback(height));
    while (ledger_->head().height < height) apply_next(blocks);
    return contents_of(*store_);
  }

 private:
  void apply_next(const store::History& blocks) {
    const Height next{ledger_->head().height.value + 1};
    const store::LogIndex at = value_of(blocks.block_payload(next));
    // What lies between in the log of the consensus makes no block.
    while (ledger_->head().applied.value + 1 < at.value) {
      value_of(ledger_->apply(store::LogIndex{ledger_->head().applied.value + 1}, ByteView{}));
    }
    value_of(ledger_->apply(at, payload_of(value_of(blocks.block_leaves(next)))));
  }

  const std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  const std::unique_ptr<store::Ledger> ledger_;
};

class Kills : public ::testing::Test {
 protected:
  Kills() {
    // Elections take a fifth of the usual time, so that there are more deaths in an hour.
    for (unsigned i = 0; i < cluster_.size(); ++i) cluster_.set_more_config(i, "[consensus]\ntick_ms = 20\n");
    cluster_.start_all();
    cluster_.wait_for_leader();
    EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
  }

  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }

  /// One in three times the leader, else anybody; now and then two or all.
  std::set<unsigned> draw_victims() {
    const unsigned kind = draw(12);
    if (kind == 0) return {0, 1, 2, 3};
    std::set<unsigned> victims = {draw(cluster_.size())};
    if (kind == 1) victims.insert(draw(cluster_.size()));
    if (kind < 6) {
      if (const auto leader = cluster_.leader()) victims = {*leader};
    }
    return victims;
  }

  void kill(unsigned node) {
    cluster_.kill(node);
    ++kills_;
  }

  /// Every node has come to have what clients had been told by now, and never has more than they have asked for.
  void expect_registers_hold(const Load& load) {
    for (unsigned institution = 0; institution < cluster_.size(); ++institution) {
      const std::uint64_t told = load.certified_of(institution);
      const unsigned node = draw(cluster_.size());
      std::optional<RegisterRecord> record;
      ASSERT_TRUE(wait_until([&] {
        record = cluster_.record(node, institution, "r0");
        return record && record->issued >= told;
      })) << cluster_.node_name(node)
          << " lacks what was certified";
      EXPECT_EQ(record->batches, record->issued) << "one entry in each batch";
      EXPECT_LE(record->issued, load.certified_of(institution) + 1) << "only the next one is under way";
    }
  }

  /// Everything that is certified, in what a killed node left.
  void expect_whole(const std::string& directory) {
    const std::shared_ptr<storage::KeyValueStore> store = value_of(storage::open_rocks(directory, /*create=*/false));
    const auto ledger = store::Ledger::open(store);
    // Killed before it had begun a ledger.
    if (!ledger && ledger.error().code == ErrorCode::not_found) return;
    value_of((*ledger)->rollback((*ledger)->certified_height()));
    if (!(*ledger)->certified()) return;
    const auto blocks = value_of(store::History::open(store));
    EXPECT_EQ(contents_of(*store), replay_.contents_at(blocks->height(), *blocks)) << directory;
    ++checked_;
  }

  const unsigned seed_ = from_environment("TESTAMUR_CHAOS_SEED", std::random_device{}());
  std::mt19937_64 random_{seed_};
  Cluster cluster_{{.nodes = 4}};
  unsigned kills_ = 0;
  Replay replay_{cluster_.world()};
  unsigned checked_ = 0;  // ledgers
};

TEST_F(Kills, LoseAndDoubleNothing) {
  const unsigned kills = from_environment("TESTAMUR_NODE_KILLS", 200);
  std::cout << "TESTAMUR_CHAOS_SEED=" << seed_ << std::endl;
  Load load(cluster_);
  unsigned rounds = 0;
  for (; kills_ < kills && !HasFailure(); ++rounds) {
    const std::uint64_t before = load.certified() + draw(6);
    ASSERT_TRUE(wait_until([&] { return load.certified() >= before; })) << "the load goes on";
    std::this_thread::sleep_for(milliseconds(draw(10)));  // to some moment between two statements
    const std::set<unsigned> victims = draw_victims();
    for (const unsigned node : victims) kill(node);
    const std::string left = cluster_.directory() + "/left-" + std::to_string(rounds);
    std::filesystem::copy(cluster_.node_directory(*victims.begin()) + "/data/ledger", left,
                          std::filesystem::copy_options::recursive);
    for (const unsigned node : victims) cluster_.start(node);
    // While it starts: some tenths of a second, with a sanitizer more.
    for (const unsigned node : victims) {
      if (draw(3) != 0) continue;
      std::this_thread::sleep_for(milliseconds(draw(300)));
      EXPECT_FALSE(cluster_.has_ended(node)) << cluster_.node_name(node);
      kill(node);
      cluster_.start(node);
    }
    expect_whole(left);
    std::filesystem::remove_all(left);
    expect_registers_hold(load);
  }
  expect_all_there(cluster_, load.stop());
  std::cout << kills_ << " kills in " << rounds << " rounds, " << checked_ << " ledgers read whole" << std::endl;
}

}  // namespace
}  // namespace testamur::test
