#include "run_seed.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>

namespace testamur::consensus::simulation {
namespace {

constexpr unsigned kCertifiedWithinMs = 60'000;
volatile std::uint64_t seed_under_way = 0;
Story* story_under_way = nullptr;

extern "C" void name_seed(int) {
  // The core's own word stops the program between two steps of it, so this is no worse a place than any.
  if (story_under_way != nullptr) story_under_way->finish();
  // Only what is allowed in a signal handler.
  char line[64];
  const int size = std::snprintf(line, sizeof(line), "seed %llu\n", static_cast<unsigned long long>(seed_under_way));
  if (::write(STDERR_FILENO, line, static_cast<std::size_t>(size)) < 0) return;
}

}  // namespace

std::uint64_t current_seed() { return seed_under_way; }
void name_seed_on_abort() { std::signal(SIGABRT, name_seed); }

SeedResult run_seed(std::uint64_t seed, bool with_liars, Story* story) {
  seed_under_way = seed;
  story_under_way = story;
  SeedResult result;
  const Setup setup = with_liars ? draw_setup_with_liars(seed) : draw_setup(seed);
  Cluster cluster(setup, story);
  try {
    cluster.run(3000);
    cluster.begin_faults();
    cluster.run(setup.faults_ms);
    cluster.heal();
    cluster.expect_certified(kCertifiedWithinMs);
    cluster.try_out();
    cluster.books().check_log();
    cluster.tell_how_all_stand();
  } catch (const Violation& violation) {
    result.violation = violation.what();
    if (story != nullptr) {
      story->note(*result.violation);
      if (dynamic_cast<const OwnersViolation*>(&violation) != nullptr)
        story->note("a scenario has no ledger to find this in: the story is for reading; simulate --one " +
                    std::to_string(seed) + (with_liars ? " --liars" : "") + " runs it again");
    }
  }
  if (story != nullptr) story->finish();
  story_under_way = nullptr;
  result.simulated_ms = cluster.now_ms();
  result.committed = cluster.invariants().committed_payloads();
  result.certified = cluster.invariants().certified_height();
  result.accepted = cluster.books().accepted();
  result.head = cluster.books().head();
  result.refused = cluster.books().refused();
  result.elections = cluster.invariants().elections();
  result.configurations = cluster.invariants().configurations();
  result.counts = cluster.counts();
  return result;
}

}  // namespace testamur::consensus::simulation
