// One seed: a cluster begins, faults come, they go, and a write must be certified.
#pragma once

#include <optional>

#include "simulation.h"

namespace testamur::consensus::simulation {

struct SeedResult {
  std::optional<std::string> violation;
  std::uint64_t simulated_ms = 0;
  std::uint64_t committed = 0;
  std::uint64_t certified = 0;
  std::uint64_t accepted = 0;  ///< statements
  std::uint64_t refused = 0;
  Digest head{};  ///< the newest, without liars
  std::uint64_t elections = 0;
  std::uint64_t configurations = 0;
  Cluster::Counts counts;
};

/// A story ends with the step that failed, or with how all stand.
SeedResult run_seed(std::uint64_t seed, bool with_liars = false, Story* story = nullptr);

/// The seed that runs, for whoever must say so while the program dies. A broken invariant of the core's own aborts.
std::uint64_t current_seed();
/// An abort says which seed it was, and ends its story.
void name_seed_on_abort();

}  // namespace testamur::consensus::simulation
