// How nodes are: one line each.
#pragma once

#include <vector>

#include "context.h"

namespace testamur::tool {

/// Asks every node and prints a table. kFailed when one does not answer.
int node_status(const std::vector<std::string>& addresses, Context& context);

}  // namespace testamur::tool
