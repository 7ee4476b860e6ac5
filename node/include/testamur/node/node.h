// One running node: its consensus, its ledger, its two listeners. Wiring, and the order in which things start and stop.
#pragma once

#include <functional>
#include <memory>

#include "testamur/node/setup.h"

namespace testamur::node {

/// Called from any thread; in both cases the node then has to be destroyed.
struct NodeEvents {
  /// It cannot go on: a disk that fails.
  std::function<void(const Error&)> failed;
  /// It goes on from a snapshot: its stores have to be opened again.
  std::function<void()> again;
};

class RunningNode {
 public:
  /// Starts everything. Errors: conflict (an address in use), invalid.
  static Result<std::unique_ptr<RunningNode>> start(const Config& config, Self self, Stores stores, NodeEvents events);
  /// Stops gracefully: callers get their answers, writes that were asked for are done, the state is flushed.
  ~RunningNode();

 private:
  class Impl;
  explicit RunningNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::node
