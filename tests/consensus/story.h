// What a simulation did, step by step, in the words of the scenarios (tests/scenarios): for whoever has to find out why a seed
// failed. What the scenarios have no word for is told in comments.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

class Story {
 public:
  void begin(std::size_t voters, std::size_t nodes);
  void step(const std::string& what, NodeId node, const std::string& how = {});
  void deliver(const Message& message);
  void change(NodeId leader, std::span<const Change> changes);
  /// Told where it is another than before.
  void stand(const Core& core);
  void note(const std::string& text) { lines_.push_back("# " + text); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
  std::map<NodeId, std::string> stands_;
};

}  // namespace testamur::consensus::simulation
