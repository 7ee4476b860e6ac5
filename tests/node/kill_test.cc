// Goal: a node may be killed at any moment, leading or not, alone or with others, also while it starts: nothing that was certified is
// lost, nothing is there twice, and it comes back.
// Method: four testamurd processes under load, killed with SIGKILL at moments drawn from a seed and started again at once; after each
// time the registers are compared with what clients were told. TESTAMUR_NODE_KILLS sets how many kills (default 100), TESTAMUR_CHAOS_SEED
// the moments.
#include <iostream>
#include <random>

#include "from_environment.h"
#include "load.h"

namespace testamur::test {
namespace {

using std::chrono::milliseconds;

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

  const unsigned seed_ = from_environment("TESTAMUR_CHAOS_SEED", std::random_device{}());
  std::mt19937_64 random_{seed_};
  Cluster cluster_{{.nodes = 4}};
  unsigned kills_ = 0;
};

TEST_F(Kills, LoseAndDoubleNothing) {
  const unsigned kills = from_environment("TESTAMUR_NODE_KILLS", 100);
  std::cout << "TESTAMUR_CHAOS_SEED=" << seed_ << std::endl;
  Load load(cluster_);
  unsigned rounds = 0;
  for (; kills_ < kills && !HasFailure(); ++rounds) {
    const std::uint64_t before = load.certified() + draw(6);
    ASSERT_TRUE(wait_until([&] { return load.certified() >= before; })) << "the load goes on";
    std::this_thread::sleep_for(milliseconds(draw(10)));  // to some moment between two statements
    const std::set<unsigned> victims = draw_victims();
    for (const unsigned node : victims) kill(node);
    for (const unsigned node : victims) cluster_.start(node);
    // While it starts: some tenths of a second, with a sanitizer more.
    for (const unsigned node : victims) {
      if (draw(3) != 0) continue;
      std::this_thread::sleep_for(milliseconds(draw(300)));
      EXPECT_FALSE(cluster_.has_ended(node)) << cluster_.node_name(node);
      kill(node);
      cluster_.start(node);
    }
    expect_registers_hold(load);
  }
  expect_all_there(cluster_, load.stop());
  std::cout << kills_ << " kills in " << rounds << " rounds" << std::endl;
}

}  // namespace
}  // namespace testamur::test
