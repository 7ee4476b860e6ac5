// Goal: how long nothing is certified when the leader goes: killed, told to stop, or silent all at once. Printed, for people; what is asserted is that it
// goes on, and that nothing is lost or doubled.
// Method: five testamurd processes with election timeouts of one second (ten ticks of 100 ms, and up to half as many more) under load. A gap
// is the longest time after the leader's end in which no client is told that a statement is certified.
// TESTAMUR_GAPS sets how many leaders end in each way (default 10), TESTAMUR_CHAOS_SEED the moments.
#include <iostream>
#include <random>

#include "from_environment.h"
#include "load.h"
#include "network.h"

namespace testamur::test {
namespace {

using std::chrono::milliseconds;

class Gap : public ::testing::Test {
 protected:
  void begin(std::vector<Host> hosts = {}) {
    cluster_ = std::make_unique<Cluster>(ClusterOptions{.nodes = 5, .hosts = std::move(hosts)});
    if (network_) network_->carry(*cluster_);
    cluster_->start_all();
    cluster_->wait_for_leader();
    ASSERT_TRUE(wait_until([&] { return cluster_->level(); }));
  }

  /// Every node has what the leader had a moment ago: four of five decide, so once the leader is gone none can be waited for.
  bool all_follow() {
    const auto height = cluster_->status(cluster_->wait_for_leader()).value_or(testamur::v1::NodeStatus()).height();
    return wait_until([&] {
      for (unsigned i = 0; i < cluster_->size(); ++i) {
        const auto is = cluster_->status(i);
        if (!is || is->certified_height() < height) return false;
      }
      return true;
    });
  }

  /// Ends the leader and brings it back, again and again, and prints how long the gaps were.
  void measure(const std::string& what, const std::function<void(unsigned leader)>& end,
               const std::function<void(unsigned leader)>& bring_back) {
    Load load(*cluster_);
    std::vector<milliseconds> gaps;
    for (unsigned rounds = from_environment("TESTAMUR_GAPS", 10); rounds > 0; --rounds) {
      const std::uint64_t before = load.certified() + 5 + random_() % 40;
      ASSERT_TRUE(wait_until([&] { return load.certified() > before; })) << "the load goes on";
      ASSERT_TRUE(all_follow());
      const unsigned leader = cluster_->wait_for_leader();
      const auto then = std::chrono::steady_clock::now();
      end(leader);
      const std::uint64_t at_end = load.certified();
      ASSERT_TRUE(wait_until([&] { return load.certified() > at_end + 20; })) << "the others go on";
      gaps.push_back(load.longest_gap_since(then));
      bring_back(leader);
    }
    expect_all_there(*cluster_, load.stop());
    std::sort(gaps.begin(), gaps.end());
    const auto at = [&](std::size_t per_cent) { return gaps[(gaps.size() - 1) * per_cent / 100].count(); };
    std::cout << "leader " << what << ", " << gaps.size() << " times: nothing certified for p50 " << at(50)
              << " ms, p90 " << at(90) << " ms, p99 " << at(99) << " ms, at most " << gaps.back().count() << " ms"
              << std::endl;
  }

  std::mt19937_64 random_{from_environment("TESTAMUR_CHAOS_SEED", 1)};
  std::unique_ptr<Network> network_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Gap, AfterALeadersDeath) {
  begin();
  measure(
      "killed", [&](unsigned leader) { cluster_->kill(leader); }, [&](unsigned leader) { cluster_->start(leader); });
}

TEST_F(Gap, WhenALeaderIsToldToStop) {
  begin();
  measure(
      "stopped", [&](unsigned leader) { EXPECT_EQ(cluster_->stop(leader), 0); },
      [&](unsigned leader) { cluster_->start(leader); });
}

/// As when its machine loses power, or its cable: no connection ends.
TEST_F(Gap, WhenALeaderFallsSilent) {
  if (!why_no_network().empty()) GTEST_SKIP() << why_no_network();
  network_ = std::make_unique<Network>(5);
  begin(network_->hosts());
  measure(
      "silent",
      [&](unsigned leader) {
        cluster_->leave_out(leader, true);
        network_->part({leader});
      },
      [&](unsigned leader) {
        network_->heal();
        cluster_->leave_out(leader, false);
      });
}

}  // namespace
}  // namespace testamur::test
