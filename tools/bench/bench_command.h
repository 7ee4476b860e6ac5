// `testamur bench`: how fast a ledger is, on this machine or on nodes that run.
#pragma once

#include "app.h"

namespace testamur::bench {

void add_bench(CLI::App& app, tool::Context& context);

}  // namespace testamur::bench
