// A load on a cluster of real nodes, of which every certified statement is remembered.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include "cluster.h"

namespace testamur::test {

/// Clients that issue entries one by one, each in a register of its own, for as long as the load lasts.
class Load {
 public:
  explicit Load(Cluster& cluster, unsigned first_institution = 0) : cluster_(cluster) {
    for (unsigned institution = first_institution; institution < cluster.size(); ++institution) {
      clients_.emplace_back([this, institution] { issue(institution); });
    }
  }
  ~Load() { stop(); }

  /// Numbers certified, by institution.
  std::vector<std::uint64_t> stop() {
    stopping_ = true;
    for (std::thread& client : clients_) client.join();
    clients_.clear();
    return {certified_.begin(), certified_.begin() + cluster_.size()};
  }
  std::uint64_t certified() const {
    std::uint64_t together = 0;
    for (const auto& count : certified_) together += count;
    return together;
  }
  std::uint64_t certified_of(unsigned institution) const { return certified_.at(institution); }
  /// In which nothing was certified, `then` being the earliest beginning.
  std::chrono::milliseconds longest_gap_since(std::chrono::steady_clock::time_point then) const {
    const std::lock_guard lock(mutex_);
    std::chrono::steady_clock::duration longest{};
    for (std::size_t i = 1; i < moments_.size(); ++i) {
      if (moments_[i] > then) longest = std::max(longest, moments_[i] - std::max(moments_[i - 1], then));
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
  }

 private:
  void issue(unsigned institution) try {
    for (std::uint64_t number = 0; !stopping_; ++number) {
      const testamur::v1::Outcome outcome = cluster_.submit(static_cast<unsigned>(number) % cluster_.size(),
                                                            cluster_.one_entry(institution, "r0", number));
      ASSERT_EQ(outcome.code(), "ok") << "institution " << institution << " number " << number << ": "
                                      << outcome.detail();
      const std::lock_guard lock(mutex_);
      moments_.push_back(std::chrono::steady_clock::now());
      ++certified_[institution];
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << "institution " << institution << ": " << error.what();
  }

  Cluster& cluster_;
  std::atomic<bool> stopping_ = false;
  std::array<std::atomic<std::uint64_t>, 8> certified_{};
  mutable std::mutex mutex_;
  std::vector<std::chrono::steady_clock::time_point> moments_;  ///< at which one was certified
  std::vector<std::thread> clients_;
};

/// All nodes come to one head, and have what was certified (Load::stop), each number once.
inline void expect_all_there(Cluster& cluster, const std::vector<std::uint64_t>& certified) {
  ASSERT_TRUE(wait_until([&] { return cluster.level(); })) << "all come to the same head";
  for (unsigned node = 0; node < cluster.size(); ++node) {
    for (unsigned institution = 0; institution < cluster.size(); ++institution) {
      // Numbers are given in order, and each statement asks for the next: none is lost or doubled when there are as many.
      const auto record = cluster.record(node, institution, "r0");
      ASSERT_TRUE(record) << cluster.node_name(node);
      EXPECT_EQ(record->issued, certified[institution]) << cluster.node_name(node);
      EXPECT_EQ(record->batches, certified[institution]) << cluster.node_name(node);
    }
    EXPECT_FALSE(cluster.log_holds(node, "evidence")) << "honest nodes are not accused";
  }
}

}  // namespace testamur::test
