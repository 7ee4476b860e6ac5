// Goal: whatever befalls a consortium under load (partitions, one-way cuts, delays, killed and frozen nodes, slow disks, leaders that
// change, members removed and added), every statement that was certified is there in the end, none twice, and all heads are equal;
// and whenever the trouble ends, statements are certified again.
// Method: five testamurd processes in network namespaces (network.h); each round one or two troubles are drawn from a seed, hold for up
// to some seconds, and end. Skipped where namespaces are not permitted.
// TESTAMUR_CHAOS_SECONDS sets how long it goes on (default 40), TESTAMUR_CHAOS_SEED what is drawn; it is printed.
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "app.h"
#include "from_environment.h"
#include "load.h"
#include "network.h"

namespace testamur::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned kNodes = 5;

/// What has befallen them, and what ends it.
struct Trouble {
  std::string what;
  std::function<void()> end;
};

class Chaos : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_network().empty()) GTEST_SKIP() << why_no_network();
    seed_ = from_environment("TESTAMUR_CHAOS_SEED", static_cast<unsigned>(std::random_device{}()));
    std::cout << "TESTAMUR_CHAOS_SEED=" << seed_ << std::endl;
    random_.seed(seed_);
    network_ = std::make_unique<Network>(kNodes);
    cluster_ = std::make_unique<Cluster>(ClusterOptions{.nodes = kNodes, .hosts = network_->hosts()});
    network_->carry(*cluster_);
    for (unsigned i = 0; i < kNodes; ++i) cluster_->set_more_config(i, "[testing]\nslow_disk = \"slow-disk\"\n");
    cluster_->start_all();
    cluster_->wait_for_leader();
    ASSERT_TRUE(wait_until([&] { return cluster_->level(); }));
  }
  void TearDown() override {
    if (HasFailure()) std::cout << "again with TESTAMUR_CHAOS_SEED=" << seed_ << std::endl;
  }

  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }
  milliseconds draw_time(milliseconds least, milliseconds most) {
    return least + milliseconds(draw(static_cast<unsigned>((most - least).count())));
  }
  /// Half the time the leader; never one that is down already.
  unsigned somebody() {
    if (draw(2) == 0) {
      if (const auto leader = cluster_->leader(); leader && !away_.contains(*leader)) return *leader;
    }
    unsigned found = draw(kNodes);
    while (away_.contains(found)) found = (found + 1) % kNodes;
    return found;
  }
  std::set<unsigned> others_of(unsigned node, unsigned how_many) {
    std::vector<unsigned> others;
    for (unsigned i = 0; i < kNodes; ++i) {
      if (i != node) others.push_back(i);
    }
    std::shuffle(others.begin(), others.end(), random_);
    return {others.begin(), others.begin() + how_many};
  }
  static std::string names(const std::set<unsigned>& nodes) {
    std::string text;
    for (const unsigned node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node);
    return text;
  }

  // The troubles.

  Trouble partition() {
    std::set<unsigned> some = {somebody()};
    if (draw(2) == 0) some.insert(draw(kNodes));
    network_->part(some);
    return {names(some) + " cut off", [this] { network_->heal(); }};
  }
  /// Two halves that only one node sees both of.
  Trouble bridge() {
    const unsigned between = somebody();
    const std::set<unsigned> half = others_of(between, 2);
    for (const unsigned one : half) {
      for (unsigned other = 0; other < kNodes; ++other) {
        if (other == between || half.contains(other)) continue;
        network_->lose(one, other);
        network_->lose(other, one);
      }
    }
    return {names(half) + " see the others through " + std::to_string(between) + " alone",
            [this] { network_->heal(); }};
  }
  Trouble packets_lost_one_way() {
    const unsigned from = somebody();
    const std::set<unsigned> to = others_of(from, 1 + draw(kNodes - 1));
    for (const unsigned other : to) network_->lose(from, other);
    return {"packets of " + std::to_string(from) + " to " + names(to) + " lost", [this] { network_->heal(); }};
  }
  Trouble unheard() {
    const unsigned from = somebody();
    const std::set<unsigned> to = others_of(from, 1 + draw(kNodes - 1));
    for (const unsigned other : to) network_->swallow(from, other);
    return {std::to_string(from) + " unheard by " + names(to), [this] { network_->heal(); }};
  }
  Trouble deaf() {
    const unsigned to = somebody();
    const std::set<unsigned> from = others_of(to, 1 + draw(kNodes - 1));
    for (const unsigned other : from) network_->swallow(other, to);
    return {std::to_string(to) + " deaf for " + names(from), [this] { network_->heal(); }};
  }
  Trouble delay() {
    const unsigned node = somebody();
    const milliseconds by = draw_time(milliseconds(10), milliseconds(200));
    for (unsigned other = 0; other < kNodes; ++other) {
      if (other == node) continue;
      network_->delay(node, other, by);
      network_->delay(other, node, by);
    }
    return {std::to_string(node) + " " + std::to_string(by.count()) + " ms away", [this] { network_->heal(); }};
  }
  Trouble killed() {
    const unsigned node = somebody();
    away_.insert(node);
    cluster_->kill(node);
    return {std::to_string(node) + " killed", [this, node] { cluster_->start(node); }};
  }
  Trouble stopped() {
    const unsigned node = somebody();
    away_.insert(node);
    EXPECT_EQ(cluster_->stop(node), 0);
    return {std::to_string(node) + " stopped", [this, node] { cluster_->start(node); }};
  }
  Trouble frozen() {
    const unsigned node = somebody();
    away_.insert(node);
    cluster_->freeze(node);
    return {std::to_string(node) + " frozen", [this, node] { cluster_->thaw(node); }};
  }
  Trouble slow_disk() {
    const unsigned node = somebody();
    const milliseconds by = draw_time(milliseconds(20), milliseconds(1000));
    const std::string file = cluster_->node_directory(node) + "/slow-disk";
    std::ofstream(file) << by.count();
    return {"disk of " + std::to_string(node) + " " + std::to_string(by.count()) + " ms slow",
            [file] { std::filesystem::remove(file); }};
  }
  Trouble transfer() {
    const unsigned to = somebody();
    const bool done = order({"transfer", cluster_->node_name(to), "--wait", "2s"});
    return {"leadership " + std::string(done ? "" : "not ") + "handed to " + std::to_string(to), [] {}};
  }
  Trouble removed() {
    const unsigned node = somebody();
    const bool done = order({"remove", cluster_->node_name(node), "--wait", "3s"});
    return {std::to_string(node) + (done ? " removed" : " not removed"), [this, node] { to_add_.insert(node); }};
  }

  Trouble some_trouble() {
    switch (draw(12)) {
      case 0: return partition();
      case 1: return bridge();
      case 2: return packets_lost_one_way();
      case 3: return unheard();
      case 4: return deaf();
      case 5: return delay();
      case 6: return killed();
      case 7: return stopped();
      case 8: return frozen();
      case 9: return slow_disk();
      case 10: return transfer();
      default: return removed();
    }
  }

  /// `testamur cluster WORDS` as the operator of the node that leads, if any does; whether it did what it was told.
  bool order(std::vector<std::string> words) {
    const auto leader = cluster_->leader();
    if (!leader) return false;
    const unsigned node = *leader;
    words.insert(words.begin(), "cluster");
    for (const std::string& more : {std::string("--directory"), cluster_->node_directory(node), std::string("--node"),
                                    cluster_->operator_address(node)}) {
      words.push_back(more);
    }
    std::ostringstream out, err;
    tool::Context context{out, err, clock_now, {}};
    return tool::run(words, context) == 0;
  }
  /// Gives those that were removed their vote again.
  bool add_removed() {
    std::erase_if(to_add_, [&](unsigned node) { return order({"add", cluster_->node_name(node), "--wait", "20s"}); });
    return to_add_.empty();
  }
  void expect_all_run() {
    for (unsigned i = 0; i < kNodes; ++i) EXPECT_FALSE(cluster_->has_ended(i)) << cluster_->node_name(i) << " ended";
  }

  unsigned seed_ = 0;
  std::mt19937_64 random_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Cluster> cluster_;
  std::set<unsigned> away_;    // killed, stopped or frozen in this round
  std::set<unsigned> to_add_;  // removed
};

TEST_F(Chaos, LosesAndDoublesNothingAndEndsWithOneHead) {
  Load load(*cluster_);
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  };
  const seconds length(from_environment("TESTAMUR_CHAOS_SECONDS", 40));
  unsigned rounds = 0;
  for (; passed() < length && !HasFailure(); ++rounds) {
    std::cout << passed().count() << " ms, " << load.certified() << " certified:" << std::flush;
    std::vector<Trouble> troubles;
    for (unsigned left = 1 + draw(2); left > 0; --left) {
      troubles.push_back(some_trouble());
      std::cout << " " << troubles.back().what << ";" << std::flush;
    }
    // This is how long it lasts.
    std::this_thread::sleep_for(draw_time(milliseconds(200), milliseconds(4000)));
    for (const Trouble& trouble : troubles) trouble.end();
    away_.clear();
    const auto ended = std::chrono::steady_clock::now();
    const std::uint64_t then = load.certified();
    ASSERT_TRUE(wait_until([&] { return load.certified() > then + 10; })) << "it goes on once the trouble is over";
    ASSERT_TRUE(wait_until([&] { return add_removed(); })) << names(to_add_) << " cannot be added again";
    std::cout << " again after "
              << std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - ended).count() << " ms"
              << std::endl;
    expect_all_run();
  }
  const auto certified = load.stop();
  expect_all_there(*cluster_, certified);
  std::cout << rounds << " rounds in " << passed().count() / 1000 << " s; certified for each institution:";
  for (const std::uint64_t count : certified) std::cout << " " << count;
  std::cout << std::endl;
}

}  // namespace
}  // namespace testamur::test
