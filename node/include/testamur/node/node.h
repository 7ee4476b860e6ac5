// One running node: its consensus, its ledger, its two listeners. Wiring, and the order in which things start and stop.
#pragma once

#include <functional>
#include <memory>

#include "testamur/node/setup.h"

namespace testamur::node {

class RunningNode {
 public:
  /// Starts everything. `failed` is called, from any thread, when the node cannot go on (a disk that fails): it then has to be
  /// destroyed. Errors: conflict (an address in use), invalid.
  static Result<std::unique_ptr<RunningNode>> start(const Config& config, Self self, Stores stores,
                                                    std::function<void(const Error&)> failed);
  /// Stops gracefully: callers get their answers, writes that were asked for are done, the state is flushed.
  ~RunningNode();

 private:
  class Impl;
  explicit RunningNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::node
