#include "harm.h"

#include <algorithm>

namespace testamur::consensus::simulation {
namespace {

/// Whether a configuration that nobody has committed is anywhere, in memory or on a disk.
bool is_changing(const Conditions& conditions, Index committed) {
  return std::any_of(conditions.begin(), conditions.end(), [&](const auto& each) {
    const Condition& condition = each.second;
    if (condition.core != nullptr && condition.core->configuration_index() > committed) return true;
    const auto& entries = condition.disk->entries;
    return std::any_of(entries.rbegin(), entries.rend(), [&](const Entry& entry) {
      return entry.id.index > committed && entry.kind == EntryKind::configuration;
    });
  });
}

std::size_t impaired_members(const Conditions& conditions, const Configuration& configuration) {
  std::size_t impaired = 0;
  for (const NodeId member : configuration.members())
    if (is_impaired(member, conditions.at(member), configuration)) ++impaired;
  return impaired;
}

}  // namespace

bool is_impaired(NodeId node, const Condition& condition, const Configuration& configuration) {
  return condition.harmed || condition.disk->floor.has_value() || condition.life != configuration.life_of(node);
}

std::size_t most_voters_impaired(const Configuration& configuration, const Configuration& first) {
  const std::size_t needed = std::max(configuration.voters.threshold, first.voters.threshold);
  const std::size_t voters = configuration.voters.nodes.size();
  return voters - std::min(voters, needed);
}

bool may_be_harmed(NodeId node, const Conditions& conditions, const Invariants& invariants,
                   const Configuration& first) {
  const Configuration configuration = invariants.newest_configuration().value_or(first);
  if (configuration.is_joint() || is_changing(conditions, invariants.newest_committed())) return false;
  const std::size_t one_more = is_impaired(node, conditions.at(node), configuration) ? 0 : 1;
  return impaired_members(conditions, configuration) + one_more <= most_voters_impaired(configuration, first);
}

bool may_be_asked(std::span<const Change> changes, const Configuration& now, const Conditions& conditions,
                  const Configuration& first) {
  for (const Change& change : changes)
    if (change.kind == Change::Kind::voter && is_impaired(change.node, conditions.at(change.node), now)) return false;
  const Changed after = enter_joint(now, /*auto_leave=*/true, changes, byzantine_quorum);
  if (!after.error.empty()) return false;
  return impaired_members(conditions, after.configuration) <= most_voters_impaired(after.configuration, first);
}

}  // namespace testamur::consensus::simulation
