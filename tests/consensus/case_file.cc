#include "case_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace testamur::consensus {
namespace {

constexpr std::string_view kSeparator = "----";
constexpr const char* kSpaces = " \t\r\n";

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpaces) - first + 1));
}

/// Reads a command line piece by piece: `datadriven` needs no space after a list, and its values may hold parentheses of their own.
class CommandLine {
 public:
  CommandLine(const std::string& line, const std::string& place) : line_(line), place_(place), left_(line_) {}

  void read(Case& into) {
    into.command = until(kSpaces);
    if (into.command.find_first_of("=()") != std::string::npos || into.command == kSeparator)
      throw CaseFileError(place_ + ": a command was expected: " + line_);
    for (skip_spaces(); !left_.empty(); skip_spaces()) into.arguments.push_back(argument());
  }

 private:
  std::string until(const std::string& ends) {
    const std::string_view piece = left_.substr(0, left_.find_first_of(ends));
    left_.remove_prefix(piece.size());
    return std::string(piece);
  }

  void skip_spaces() { left_.remove_prefix(std::min(left_.find_first_not_of(kSpaces), left_.size())); }

  Argument argument() {
    Argument read{until(std::string(kSpaces) + "="), {}};
    if (read.key.empty()) throw CaseFileError(place_ + ": an argument without its name: " + line_);
    if (!left_.starts_with('=')) return read;
    left_.remove_prefix(1);
    if (left_.starts_with('(')) {
      read.values = list();
    } else {
      read.values = {until(kSpaces)};
    }
    return read;
  }

  std::vector<std::string> list() {
    left_.remove_prefix(1);
    std::vector<std::string> values;
    std::size_t begin = 0;
    std::size_t depth = 0;
    for (std::size_t at = 0; at < left_.size(); ++at) {
      const char c = left_[at];
      if (depth == 0 && (c == ',' || c == ')')) {
        values.push_back(trimmed(left_.substr(begin, at - begin)));
        begin = at + 1;
      }
      if (c == ')' && depth == 0) {
        left_.remove_prefix(begin);
        if (values.size() == 1 && values[0].empty()) values.clear();
        return values;
      }
      depth += c == '(' ? 1 : 0;
      depth -= c == ')' ? 1 : 0;
    }
    throw CaseFileError(place_ + ": a parenthesis is not closed: " + line_);
  }

  const std::string& line_;
  const std::string& place_;
  std::string_view left_;
};

/// Indented it is none; spaces at its end show nowhere and count for nothing.
bool is_separator(std::string_view line) { return line.starts_with(kSeparator) && trimmed(line) == kSeparator; }

class CaseReader {
 public:
  explicit CaseReader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_.is_open()) throw CaseFileError(path + ": cannot be opened: " + std::strerror(errno));
  }

  std::vector<Case> read() {
    std::vector<Case> cases;
    while (next_line()) {
      std::string line = trimmed(line_);
      if (line.empty() || line.front() == '#') continue;
      Case read{path_ + ":" + std::to_string(number_), {}, {}, {}, {}};
      while (line.ends_with('\\') && next_line()) line = line.substr(0, line.size() - 1) + " " + trimmed(line_);
      line = trimmed(line);
      if (line.empty()) continue;
      CommandLine(line, read.place).read(read);
      if (read.command == "subtest") continue;  // a heading
      read_input(read);
      read_expected(read);
      cases.push_back(std::move(read));
    }
    if (in_.bad()) throw CaseFileError(path_ + ": cannot be read: " + std::strerror(errno));
    // Nothing judged is nothing shown.
    if (cases.empty()) throw CaseFileError(path_ + ":" + std::to_string(number_) + ": the file ends without a case");
    return cases;
  }

 private:
  bool next_line() {
    if (!std::getline(in_, line_)) return false;
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    ++number_;
    return true;
  }

  void read_input(Case& into) {
    while (next_line()) {
      if (is_separator(line_)) {
        into.input = trimmed(into.input);
        return;
      }
      into.input += line_ + "\n";
    }
    throw CaseFileError(into.place + ": no ---- after this command");
  }

  /// Up to an empty line; after a double separator, up to the next double one.
  void read_expected(Case& into) {
    if (!next_line()) return;
    if (!is_separator(line_)) {
      do {
        if (trimmed(line_).empty()) return;
        into.expected.push_back(line_);
      } while (next_line());
      return;
    }
    while (next_line()) {
      if (is_separator(line_)) {
        if (!next_line()) break;
        if (is_separator(line_)) return;
        into.expected.emplace_back(kSeparator);
      }
      into.expected.push_back(line_);
    }
    throw CaseFileError(into.place + ": the double ---- of what is expected is not closed");
  }

  std::string path_;
  std::ifstream in_;
  std::string line_;
  std::size_t number_ = 0;
};

}  // namespace

std::vector<Case> read_cases(const std::string& path) { return CaseReader(path).read(); }

std::uint64_t number_in(const Case& at, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    throw CaseFileError(at.place + ": no number: " + text);
  return number;
}

int run_cases(int argc, char** argv, const char* help,
              const std::function<std::function<Verdict(const Case&)>()>& make_judge) {
  if (argc >= 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
    std::fputs(help, stdout);
    return 0;
  }
  if (argc < 2) {
    std::fputs(help, stderr);
    return 2;
  }
  std::size_t cases = 0;
  std::size_t failed = 0;
  bool unreadable = false;
  for (int i = 1; i < argc; ++i) {
    try {
      const auto judge = make_judge();
      for (const Case& one : read_cases(argv[i])) {
        ++cases;
        const Verdict verdict = judge(one);
        if (verdict.passed) continue;
        ++failed;
        std::printf("%s: %s: failed\n  expected: %s\n  found:    %s\n", one.place.c_str(), one.command.c_str(),
                    verdict.expected.c_str(), verdict.found.c_str());
      }
    } catch (const CaseFileError& error) {
      std::fprintf(stderr, "%s\n", error.what());
      unreadable = true;
    }
  }
  std::printf("%zu of %zu cases passed\n", cases - failed, cases);
  return unreadable ? 2 : failed > 0 ? 1 : 0;
}

}  // namespace testamur::consensus
