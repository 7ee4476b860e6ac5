// Goal: whatever the network, the disks, the clocks, the power and the operators do, nothing that was committed is lost, doubled or
// contradicted; and once they stop, the cluster goes on. Method: seeds; each draws its size and its fault rates. Invariants after
// every step. TESTAMUR_SIMULATION_SEEDS sets how many (default 2000), TESTAMUR_SIMULATION_START the first.
#include <gtest/gtest.h>

#include <cstdlib>

#include "run_seed.h"

namespace testamur::consensus::simulation {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* asked = std::getenv(name);
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : otherwise;
}

TEST(Simulation, SafeUnderFaultsAndLiveAfterThem) {
  const std::uint64_t seeds = from_environment("TESTAMUR_SIMULATION_SEEDS", 2000);
  const std::uint64_t start = from_environment("TESTAMUR_SIMULATION_START", 1);
  name_seed_on_abort();
  std::uint64_t certified = 0, accepted = 0, refused = 0;
  for (std::uint64_t seed = start; seed < start + seeds; ++seed) {
    const SeedResult result = run_seed(seed);
    ASSERT_FALSE(result.violation) << "seed " << seed << ": " << *result.violation;
    certified += result.certified;
    accepted += result.accepted;
    refused += result.refused;
  }
  EXPECT_GT(certified, seeds) << "the simulation must have done something";
  EXPECT_GT(accepted, seeds) << "statements among it";
  EXPECT_GT(refused, seeds);
}

/// Fewer than a third lie, in every way the protocol leaves them: different entries to different followers, entries withheld, wrong
/// times, durability and heads that are not, votes for all, cosignatures for all, leadership without an election. No two heads that
/// honest nodes agree on, or that are certified, contradict each other; and whoever contradicts himself is named in the evidence of each
/// honest node that heard it, while an honest node never does.
TEST(Simulation, LiarsGetNothingCertifiedThatContradicts) {
  const std::uint64_t seeds = from_environment("TESTAMUR_SIMULATION_SEEDS", 2000) / 4;
  const std::uint64_t start = from_environment("TESTAMUR_SIMULATION_START", 1);
  name_seed_on_abort();
  std::uint64_t certified = 0;
  Lies lies;
  std::array<std::uint64_t, kKindsOfCaught> caught{};
  for (std::uint64_t seed = start; seed < start + seeds; ++seed) {
    const SeedResult result = run_seed(seed, /*with_liars=*/true);
    ASSERT_FALSE(result.violation) << "seed " << seed << ", with liars: " << *result.violation;
    certified += result.certified;
    add(lies, result.counts.lies);
    for (std::size_t kind = 0; kind < caught.size(); ++kind) caught[kind] += result.counts.caught[kind];
  }
  EXPECT_GE(certified, seeds) << "the simulation must have done something";
  if (seeds < 50) return;
  for (const std::uint64_t told : {lies.forked, lies.wrong_hash, lies.too_far_ahead, lies.ahead, lies.behind,
                                   lies.withheld, lies.leading, lies.terms, lies.members, lies.durable, lies.votes,
                                   lies.heads, lies.cosignatures, lies.double_cosignatures, lies.places})
    EXPECT_GT(told, 0u) << "each lie is told";
  for (std::size_t kind = 0; kind < caught.size(); ++kind)
    EXPECT_GT(caught[kind], 0u) << "nobody was caught by " << name_of(Caught(kind));
}

TEST(Simulation, TheSameSeedFindsTheSame) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SeedResult once = run_seed(seed);
    const SeedResult again = run_seed(seed);
    EXPECT_EQ(once.simulated_ms, again.simulated_ms);
    EXPECT_EQ(once.committed, again.committed);
    EXPECT_EQ(once.elections, again.elections);
    EXPECT_EQ(once.counts.reads, again.counts.reads);
    EXPECT_EQ(once.accepted, again.accepted);
    EXPECT_EQ(once.refused, again.refused);
    EXPECT_EQ(once.head, again.head);
  }
}

}  // namespace
}  // namespace testamur::consensus::simulation
