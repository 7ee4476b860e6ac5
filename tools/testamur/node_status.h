// How nodes are: one line each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "context.h"

namespace testamur::tool {

/// Asks every node and prints a table. kFailed when one does not answer. With `wait_ms` it asks again for so long until they agree:
/// all answer, know the same leader, and have certified the same head; kFailed when they do not come to.
int node_status(const std::vector<std::string>& addresses, std::optional<std::uint64_t> wait_ms, Context& context);

}  // namespace testamur::tool
