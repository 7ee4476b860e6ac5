// What a command needs to ask nodes and to check their answers: which nodes, for how long, under which policy.
#pragma once

#include "failure.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {

struct Reach {
  std::vector<std::string> nodes;
  std::uint64_t timeout_ms = 0;
  Policy policy;
};

/// Reads --node, --timeout and --policy as they were given.
std::optional<Failure> read_reach(const std::vector<std::string>& nodes, const std::string& timeout,
                                  const std::string& policy, Reach& reach);

}  // namespace testamur::tool
