// Tells stories: run_scenario FILE... Ends with 0 when all came true, and with 1 when one did not, or cannot be read.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "describe.h"
#include "shrink.h"

namespace testamur::consensus::scenarios {
namespace {

constexpr std::string_view kUsage =
    "run_scenario [--trace] FILE...         tells the stories in these files\n"
    "run_scenario --shrink FILE [SECONDS]   writes a shorter story that fails for the same reason\n"
    "run_scenario --language                what the lines of a story may say\n"
    "\n"
    "A story is a text file, one step a line. After every line all invariants are checked; in the end everything is "
    "healed\n"
    "and restarted, and a fresh write must be committed by all. For a story that does not come true the line is "
    "printed,\n"
    "and why. --trace prints how every node stands after each line.\n"
    "Ends with 0 when all stories came true, 1 otherwise.\n";

template <class Table>
void print(std::string_view title, std::string_view before, const Table& table) {
  std::cout << title << "\n";
  for (const auto& each : table) {
    std::string usage = std::string(before) + std::string(each.name);
    if (!each.arguments.empty()) usage += " " + std::string(each.arguments);
    std::cout << "  " << usage << "\n      " << each.meaning << "\n";
  }
}

void print_language() {
  print("First, what there is:", "", declarations());
  print("Then what happens:", "", commands());
  print("And what is to be seen:", "expect ", expectations());
  std::cout << "NODES is 2, or 1,3, or all. LINKS is NODES -> NODES, or NODES <-> NODES for both ways.\n"
               "SELECTION is [LINKS] [KIND] [first|last], of the messages in flight. The kinds of messages:\n ";
  for (const std::string_view kind : message_kinds()) std::cout << " " << kind;
  std::cout << "\nEverything from a # to the end of its line is for the reader.\n";
}

std::string place(const std::string& file, std::size_t line) {
  return line == 0 ? file : file + ":" + std::to_string(line);
}

std::string told_file;

/// A core whose invariants break stops its process; the line that did it is worth knowing.
void say_where(int) {
  const Step* step = current_step();
  const std::string text = place(told_file, step != nullptr ? step->line : 0) + ": " +
                           (step != nullptr ? step->text : "") + "\n  the core stopped its process\n";
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, text.data(), text.size());
  _exit(1);
}

bool tell_file(const std::string& file, bool trace) {
  told_file = file;
  std::ifstream in(file);
  if (!in) {
    std::cout << file << ": cannot be read: " << std::strerror(errno) << "\n";
    return false;
  }
  const Story story = read_story(file, in);
  const auto failure = tell(story, trace ? &std::cout : nullptr);
  if (failure) {
    std::cout << place(file, failure->line) << ": " << failure->text << "\n  " << failure->reason << "\n";
  } else {
    std::cout << file << ": came true, " << story.steps.size() << " steps\n";
  }
  return !failure;
}

constexpr unsigned kShrinkSeconds = 60;

/// Writes it to the standard output, and ends with 0, where the story fails.
int shrink_file(const std::string& file, std::chrono::seconds at_most) {
  std::ifstream in(file);
  if (!in) {
    std::cerr << file << ": cannot be read: " << std::strerror(errno) << "\n";
    return 1;
  }
  std::istringstream unfolded_in(unfolded(in));
  const auto shrunk = shrink(read_story(file, unfolded_in), at_most);
  if (!shrunk) {
    std::cerr << file << ": does not fail in a way that a shorter story could\n";
    return 1;
  }
  std::cout << "# " << shrunk->failure.reason.substr(0, shrunk->failure.reason.find('\n')) << "\n";
  for (const std::string& line : shrunk->lines) std::cout << line << "\n";
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() > 1 && arguments.size() < 4 && arguments[0] == "--shrink") {
    try {
      return shrink_file(arguments[1],
                         std::chrono::seconds(arguments.size() == 3 ? std::stoul(arguments[2]) : kShrinkSeconds));
    } catch (const std::exception& error) {
      std::cerr << error.what() << "\n";
      return 1;
    }
  }
  bool trace = false;
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::cout << kUsage;
      return 0;
    }
    if (argument == "--language") {
      print_language();
      return 0;
    }
    if (argument == "--trace") {
      trace = true;
    } else if (argument.starts_with("-")) {
      std::cerr << "run_scenario: unknown option " << argument << "\n\n" << kUsage;
      return 1;
    } else {
      files.push_back(argument);
    }
  }
  if (files.empty()) {
    std::cerr << kUsage;
    return 1;
  }
  int failed = 0;
  for (const std::string& file : files) {
    try {
      if (!tell_file(file, trace)) ++failed;
    } catch (const SyntaxError& error) {
      std::cout << error.what() << "\n";
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace testamur::consensus::scenarios

int main(int argc, char** argv) {
  using namespace testamur::consensus::scenarios;
  signal(SIGABRT, say_where);
  return run({argv + 1, argv + argc});
}
