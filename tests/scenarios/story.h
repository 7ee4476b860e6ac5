// A story: a text file, one step a line, read as a whole before anything of it happens. README.md describes the language.
#pragma once

#include <functional>

#include "words.h"

namespace testamur::consensus::scenarios {

/// What a story is about while it is told.
struct Telling {
  Cluster cluster;
  std::string remembered;  ///< the standing of all nodes, for "expect unchanged"
};
using Action = std::function<void(Telling&)>;

/// A word that lines begin with.
struct Command {
  std::string_view name;
  std::string_view arguments;
  std::string_view meaning;
  Action (*read)(Words& words);
};

const std::vector<Command>& commands();      // commands.cc
const std::vector<Command>& expectations();  // expectations.cc; what follows "expect"

/// One of the lines that come before all others: what there is.
struct Declaration {
  std::string_view name;
  std::string_view arguments;
  std::string_view meaning;
  void (*read)(Words& words, Setup& setup);
};
const std::vector<Declaration>& declarations();  // story.cc

struct Step {
  std::size_t line = 0;
  std::string text;
  Action action;
};

struct Story {
  std::string file;
  std::vector<std::string> declared;  ///< the lines of `setup`
  Setup setup;
  std::vector<Step> steps;
};

/// Throws SyntaxError, whose words name file and line.
Story read_story(const std::string& file, std::istream& in);

/// What went wrong, and in which line: nothing when the story came true. `trace` is told how all nodes stand after each line.
struct Failure {
  std::size_t line = 0;  ///< 0: the ending
  std::string text;
  std::string reason;
};
std::optional<Failure> tell(const Story& story, std::ostream* trace);
/// Of its steps only those so numbered. One that is not possible is left out, and taken from `kept`.
std::optional<Failure> tell_some(const Story& story, std::vector<std::size_t>& kept);
/// The step that is being told, for whoever must say so while the program dies.
const Step* current_step();

}  // namespace testamur::consensus::scenarios
