// Case files: a command, its input, `----`, and what is expected of it; the format of Go's `datadriven` package, in which other
// Raft libraries keep their cases of quorums and of changes of members. A file is read as a whole or refused with the place.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace testamur::consensus {

/// What cannot be read; it says where.
struct CaseFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Argument {
  std::string key;
  std::vector<std::string> values;  ///< `key=(a, b)` has two, `key=a` and `key=` one, `key` and `key=()` none
};

struct Case {
  std::string place;  ///< file:line of its command
  std::string command;
  std::vector<Argument> arguments;
  std::string input;
  std::vector<std::string> expected;  ///< its lines
};

/// Throws CaseFileError.
std::vector<Case> read_cases(const std::string& path);
/// A number as an argument or input has it. Throws CaseFileError, naming the case.
std::uint64_t number_in(const Case& at, const std::string& text);

/// What a case came to: what to print of both sides, and whether they agree.
struct Verdict {
  bool passed = false;
  std::string expected;
  std::string found;
};

/// The whole of such a program: reads each file, judges its cases with a judge made anew for the file, prints what failed and a
/// summary. 0: all passed; 1: some failed; 2: a file could not be read or parsed or has none, or there was no file.
int run_cases(int argc, char** argv, const char* help,
              const std::function<std::function<Verdict(const Case&)>()>& make_judge);

}  // namespace testamur::consensus
