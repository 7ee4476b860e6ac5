// What a simulation did, step by step, in the words of the scenarios (tests/scenarios): for whoever has to find out why a seed
// failed. What the scenarios have no word for is told in comments.
#pragma once

#include <fstream>
#include <map>
#include <span>
#include <string>

#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

class Story {
 public:
  /// Each line is written at once: the program may be about to die.
  explicit Story(const std::string& file) : out_(file) { out_ << std::unitbuf; }

  void begin(std::size_t voters, std::size_t nodes);
  void step(const std::string& what, NodeId node, const std::string& how = {});
  void deliver(const Message& message);
  void change(NodeId leader, std::span<const Change> changes);
  /// Told where it is another than before.
  void stand(const Core& core);
  void note(const std::string& text) { line("# " + text); }

 private:
  void line(const std::string& text) { out_ << text << '\n'; }

  std::ofstream out_;
  std::map<NodeId, std::string> stands_;
};

}  // namespace testamur::consensus::simulation
