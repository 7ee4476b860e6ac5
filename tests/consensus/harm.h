// How much of a cluster may be harmed at a time. Damaged and lost disks are mended by the others, as far as enough of them are whole:
// what a simulation, or a story of one, does to them stays within that, and so do the operators who change the members.
#pragma once

#include "invariants.h"

namespace testamur::consensus::simulation {

/// What is known of a node.
struct Condition {
  const Core* core = nullptr;  ///< null while it is down
  const Stored* disk = nullptr;
  bool harmed = false;     ///< its disk is damaged or lost, and it is not mended yet
  std::uint64_t life = 0;  ///< not 0: it lost its disk
};
using Conditions = std::map<NodeId, Condition>;

/// It cannot do all that the configuration counts on it for.
bool is_impaired(NodeId node, const Condition& condition, const Configuration& configuration);
/// So many voters can be done without. `first`: of the log's beginning; its threshold is what certifies.
std::size_t most_voters_impaired(const Configuration& configuration, const Configuration& first);
/// Never more than what the others can mend: one that holds what a quorum can spare, while nothing is changing.
bool may_be_harmed(NodeId node, const Conditions& conditions, const Invariants& invariants, const Configuration& first);
/// Operators see to it that enough whole nodes stay, and make no voter of one that is not.
bool may_be_asked(std::span<const Change> changes, const Configuration& now, const Conditions& conditions,
                  const Configuration& first);

}  // namespace testamur::consensus::simulation
