// The workloads of the bench, against a target.
#pragma once

#include <optional>

#include "callers.h"
#include "run.h"

namespace testamur::bench {

struct Conditions {
  const Target& target;
  const Cluster* cluster = nullptr;  ///< nothing: somebody else's
  Period period;
  bool spread = false;  ///< callers turn to all nodes, and not to the leader alone
};

/// Each client writes in a register of its own.
Result<Run> run_statements(const Conditions& conditions, unsigned clients, StatementCaller::Wish wish,
                           tool::Context& context);
Result<Run> run_lookups(const Conditions& conditions, unsigned clients, tool::Context& context);
/// Writers of one-entry statements and readers at once: a run of each.
Result<std::vector<Run>> run_mix(const Conditions& conditions, unsigned writers, unsigned readers,
                                 tool::Context& context);

/// More callers than the nodes have room for, which come back at once when they are refused; and a few before and after.
struct Overload {
  Run before;
  Run during;
  Run after;
  std::uint64_t lost = 0;     ///< entries acknowledged as certified that the registers do not hold
  std::uint64_t doubled = 0;  ///< entries that the registers hold beyond those that were handed in
};
Result<Overload> run_overload(const Conditions& conditions, unsigned clients, tool::Context& context);

/// Issues listed batches until the target holds so many entries.
std::optional<tool::Failure> preload(const Conditions& conditions, std::uint64_t entries, tool::Context& context);

/// How long a sealed class took, in seconds.
struct SealedClass {
  std::uint64_t documents = 0;
  double hashing = 0;  ///< reading and hashing the files, alone
  double whole = 0;    ///< the command, which hashes them too, to the bundle of verified proofs
  double beside() const { return whole - hashing; }
};
/// Makes the files in `directory`, and issues them as `testamur issue` does.
std::optional<tool::Failure> run_sealed(const Conditions& conditions, std::uint64_t documents,
                                        const std::string& directory, tool::Context& context, SealedClass& out);

}  // namespace testamur::bench
