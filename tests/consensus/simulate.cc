// Simulates seeds: `simulate --seeds N --start S`, or one with its story.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "run_seed.h"

namespace testamur::consensus::simulation {
namespace {

struct Asked {
  std::uint64_t seeds = 2000;
  std::uint64_t start = 1;
  bool all = false;  ///< goes on after a failure, and counts
  bool liars = false;
  std::string story;
};

int usage() {
  std::fprintf(stderr,
               "usage: simulate [--seeds N] [--start S] [--all] [--liars] | --one SEED [--liars] [--story FILE]\n");
  return 2;
}

struct Sums {
  std::uint64_t simulated_ms = 0, committed = 0, certified = 0, accepted = 0, refused = 0, elections = 0,
                configurations = 0, slowest_ms = 0;
  Cluster::Counts counts;
  std::uint64_t failed = 0;

  void add(const SeedResult& one) {
    simulated_ms += one.simulated_ms;
    committed += one.committed;
    certified += one.certified;
    accepted += one.accepted;
    refused += one.refused;
    elections += one.elections;
    configurations += one.configurations;
    slowest_ms = std::max(slowest_ms, one.counts.heal_ms);
    counts.crashes += one.counts.crashes;
    counts.damages += one.counts.damages;
    counts.lost_logs += one.counts.lost_logs;
    counts.failed_writes += one.counts.failed_writes;
    counts.snapshots += one.counts.snapshots;
    counts.reads += one.counts.reads;
    counts.transfers += one.counts.transfers;
    counts.evidence += one.counts.evidence;
    counts.blockless += one.counts.blockless;
    counts.contradicted += one.counts.contradicted;
    counts.repeated += one.counts.repeated;
    counts.strangers += one.counts.strangers;
    simulation::add(counts.lies, one.counts.lies);
    for (std::size_t i = 0; i < kKindsOfCaught; ++i) counts.caught[i] += one.counts.caught[i];
    if (one.violation) ++failed;
  }
};

void print(const Cluster::Counts& counts) {
  const Lies& lies = counts.lies;
  const std::pair<const char*, std::uint64_t> told[] = {
      {"entries of another story", lies.forked},
      {"entries under another's hash", lies.wrong_hash},
      {"times too far ahead", lies.too_far_ahead},
      {"times ahead", lies.ahead},
      {"times past", lies.behind},
      {"requests withheld", lies.withheld},
      {"leaderships without election", lies.leading},
      {"terms far ahead", lies.terms},
      {"other members", lies.members},
      {"false durability", lies.durable},
      {"votes for all", lies.votes},
      {"false heads", lies.heads},
      {"cosignatures for all", lies.cosignatures},
      {"double cosignatures", lies.double_cosignatures},
      {"places of snapshots", lies.places},
  };
  std::printf("lies:");
  for (const auto& [what, count] : told) std::printf(" %llu %s;", static_cast<unsigned long long>(count), what);
  std::printf("\ncaught, and named in the evidence:");
  for (std::size_t i = 0; i < kKindsOfCaught; ++i)
    std::printf(" %llu by %s;", static_cast<unsigned long long>(counts.caught[i]), name_of(Caught(i)).data());
  std::printf("\n");
}

void print(const Sums& sums, std::uint64_t seeds, double seconds) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  const double simulated = static_cast<double>(sums.simulated_ms) / 1000;
  std::printf("%llu seeds, %llu failed; %.0f simulated s in %.1f s: %.0f a second, %.0f seeds a second\n",
              number(seeds), number(sums.failed), simulated, seconds, simulated / seconds,
              static_cast<double>(seeds) / seconds);
  if (sums.counts.lies.votes > 0) print(sums.counts);
  if (sums.counts.evidence > 0) {
    std::printf(
        "%llu pieces of evidence, of which %llu name an honest node that repeats what it was told; in %llu seeds a "
        "liar left honest nodes "
        "with different uncertified blocks\n",
        number(sums.counts.evidence), number(sums.counts.repeated), number(sums.counts.contradicted));
  }
  if (sums.accepted > 0) {
    std::printf("%llu statements accepted, %llu refused; %llu payloads made no block\n", number(sums.accepted),
                number(sums.refused), number(sums.counts.blockless));
  }
  std::printf(
      "%llu payloads committed, %llu blocks certified, %llu elections, %llu configurations, %llu transfers, %llu "
      "reads, %llu messages of strangers, "
      "%llu crashes, %llu failed writes, %llu damages, %llu lost logs, %llu snapshots; slowest to heal: %.1f s\n",
      number(sums.committed), number(sums.certified), number(sums.elections), number(sums.configurations),
      number(sums.counts.transfers), number(sums.counts.reads), number(sums.counts.strangers),
      number(sums.counts.crashes), number(sums.counts.failed_writes), number(sums.counts.damages),
      number(sums.counts.lost_logs), number(sums.counts.snapshots), static_cast<double>(sums.slowest_ms) / 1000);
}

/// Runs seeds until one dies, if one does. What comes of them goes where a parent process sees it.
struct Progress {
  std::uint64_t next = 0;  ///< the seed to run next
  bool stop = false;
  Sums sums;
};

void run_seeds(const Asked& asked, Progress& progress) {
  while (progress.next < asked.start + asked.seeds && !progress.stop) {
    const std::uint64_t seed = progress.next;
    std::ofstream file(asked.story);
    file << std::unitbuf;
    std::optional<Story> story;
    if (!asked.story.empty()) story.emplace(file);
    const SeedResult result = run_seed(seed, asked.liars, story ? &*story : nullptr);
    progress.sums.add(result);
    ++progress.next;
    if (result.violation)
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), result.violation->c_str());
    if (result.violation && !asked.all) progress.stop = true;
  }
  std::fflush(stdout);
}

/// In a process of their own where all are wanted: a broken invariant of the core's own aborts, and is one seed that failed.
void run_all(const Asked& asked, Progress& progress) {
  while (progress.next < asked.start + asked.seeds && !progress.stop) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      run_seeds(asked, progress);
      ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ++progress.sums.failed;
    ++progress.next;
  }
}

int simulate(const Asked& asked) {
  void* const shared = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  Progress& progress = *new (shared) Progress{asked.start, false, {}};
  const auto began = std::chrono::steady_clock::now();
  asked.all ? run_all(asked, progress) : run_seeds(asked, progress);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  print(progress.sums, progress.next - asked.start, took.count());
  return progress.sums.failed == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  Asked asked;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--all") {
      asked.all = true;
      continue;
    }
    if (option == "--liars") {
      asked.liars = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const char* value = argv[++i];
    if (option == "--story") {
      asked.story = value;
      continue;
    }
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(value, &end, 10);
    if (*value == '\0' || *end != '\0') return usage();
    if (option == "--seeds") {
      asked.seeds = number;
    } else if (option == "--start") {
      asked.start = number;
    } else if (option == "--one") {
      asked.start = number;
      asked.seeds = 1;
    } else {
      return usage();
    }
  }
  name_seed_on_abort();
  return simulate(asked);
}

}  // namespace
}  // namespace testamur::consensus::simulation

int main(int argc, char** argv) { return testamur::consensus::simulation::main(argc, argv); }
