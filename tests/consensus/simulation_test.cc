// Goal: whatever the network, the disks and the power do, nothing that was committed is lost, doubled or contradicted; and once
// they stop, the cluster goes on. Method: seeds; each draws its size and its fault rates. Invariants after every step.
// TESTAMUR_SIMULATION_SEEDS sets how many (default 2000), TESTAMUR_SIMULATION_START the first.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "simulation.h"

namespace testamur::consensus::simulation {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* asked = std::getenv(name);
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : otherwise;
}

Faults draw_faults(std::mt19937_64& random) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  Faults faults;
  faults.lose_percent = below(3) == 0 ? below(30) : below(3);
  faults.double_percent = below(10);
  faults.max_delay_ms = below(3) == 0 ? below(120) : below(10);
  faults.max_write_ms = 1 + (below(3) == 0 ? below(150) : below(10));
  faults.crash_per_mille = below(2) == 0 ? below(15) : 0;
  faults.partition_per_mille = below(2) == 0 ? below(20) : 0;
  faults.refuse_percent = below(3) == 0 ? below(30) : 0;
  return faults;
}

TEST(Simulation, SafeUnderFaultsAndLiveAfterThem) {
  const std::uint64_t seeds = from_environment("TESTAMUR_SIMULATION_SEEDS", 2000);
  const std::uint64_t start = from_environment("TESTAMUR_SIMULATION_START", 1);
  std::uint64_t committed = 0;
  std::uint64_t elections = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = start; seed < start + seeds; ++seed) {
    std::mt19937_64 random(seed);
    constexpr std::array<std::size_t, 6> sizes = {1, 2, 3, 4, 5, 7};
    Cluster cluster(seed, sizes[random() % sizes.size()]);
    try {
      cluster.run(500);
      cluster.faults() = draw_faults(random);
      cluster.run(4000);
      cluster.heal();
      ASSERT_TRUE(cluster.reaches_a_commit(5000)) << "seed " << seed << ": no commit after everything was well again";
    } catch (const Violation& violation) {
      FAIL() << "seed " << seed << ": " << violation.what();
    }
    committed += cluster.committed_payloads();
    elections += cluster.elections();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%llu seeds, %.0f a second; %llu payloads committed, %llu elections\n",
              static_cast<unsigned long long>(seeds), static_cast<double>(seeds) / took.count(),
              static_cast<unsigned long long>(committed), static_cast<unsigned long long>(elections));
  EXPECT_GT(committed, seeds) << "the simulation must have done something";
}

}  // namespace
}  // namespace testamur::consensus::simulation
