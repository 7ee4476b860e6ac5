// Makes a story that fails shorter: takes out steps, more and more of them one by one, as long as it fails for the same reason.
#pragma once

#include <chrono>

#include "story.h"

namespace testamur::consensus::scenarios {

struct Shrunk {
  std::vector<std::string> lines;
  Failure failure;  ///< of the last line, or of the ending
};

/// Several ticks in one line are as many lines. For read_story(), before shrink().
std::string unfolded(std::istream& in);
/// What fails in a step fails in a step, what fails in the ending there. Nothing where the story comes true, or fails only by what it
/// expects after its last "heal" and not in its ending. Each try runs in a process of its own, since a core whose invariants break
/// stops it.
std::optional<Shrunk> shrink(const Story& story, std::chrono::seconds at_most);
/// A reason without its numbers: what two failures have in common that are of one kind.
std::string without_numbers(const std::string& reason);

}  // namespace testamur::consensus::scenarios
