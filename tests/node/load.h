// A load on a cluster of real nodes, of which every certified statement is remembered.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
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

 private:
  void issue(unsigned institution) try {
    for (std::uint64_t number = 0; !stopping_; ++number) {
      const testamur::v1::Outcome outcome = cluster_.submit(static_cast<unsigned>(number) % cluster_.size(),
                                                            cluster_.one_entry(institution, "r0", number));
      ASSERT_EQ(outcome.code(), "ok") << "institution " << institution << " number " << number << ": "
                                      << outcome.detail();
      ++certified_[institution];
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << "institution " << institution << ": " << error.what();
  }

  Cluster& cluster_;
  std::atomic<bool> stopping_ = false;
  std::array<std::atomic<std::uint64_t>, 8> certified_{};
  std::vector<std::thread> clients_;
};

}  // namespace testamur::test
