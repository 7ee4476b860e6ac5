#include "case_file.h"

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

/// The words of a command line; spaces within parentheses part nothing.
std::vector<std::string> words_of(const std::string& line, const std::string& place) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (const char c : line) {
    if (c == '(' || c == ')') {
      if (inside == (c == '(')) throw CaseFileError(place + ": parentheses do not match: " + line);
      inside = c == '(';
    }
    if (!inside && std::strchr(kSpaces, c) != nullptr) {
      finish();
    } else {
      word += c;
    }
  }
  if (inside) throw CaseFileError(place + ": a parenthesis is not closed: " + line);
  finish();
  return words;
}

std::vector<std::string> values_of(std::string_view list) {
  std::vector<std::string> values;
  if (trimmed(list).empty()) return values;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = list.find(',');
    values.push_back(trimmed(list.substr(0, comma)));
    if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  }
  return values;
}

Argument argument_of(const std::string& word, const std::string& place) {
  const auto equals = word.find('=');
  const std::string key = word.substr(0, equals);
  if (key.empty() || key.find_first_of("()") != std::string::npos)
    throw CaseFileError(place + ": no argument: " + word);
  if (equals == std::string::npos) return {key, {}};
  const std::string value = word.substr(equals + 1);
  if (value.empty()) throw CaseFileError(place + ": an argument without its value: " + word);
  if (value.front() != '(') {
    if (value.find_first_of("()") != std::string::npos) throw CaseFileError(place + ": no argument: " + word);
    return {key, {value}};
  }
  if (value.find(')') != value.size() - 1) throw CaseFileError(place + ": no argument: " + word);
  return {key, values_of(std::string_view(value).substr(1, value.size() - 2))};
}

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
      while (line.back() == '\\' && next_line()) line = line.substr(0, line.size() - 1) + " " + trimmed(line_);
      read_command(line, read);
      if (read.command == "subtest") continue;  // a heading
      read_input(read);
      read_expected(read);
      cases.push_back(std::move(read));
    }
    if (in_.bad()) throw CaseFileError(path_ + ": cannot be read: " + std::strerror(errno));
    return cases;
  }

 private:
  bool next_line() {
    if (!std::getline(in_, line_)) return false;
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    ++number_;
    return true;
  }

  static void read_command(const std::string& line, Case& into) {
    const std::vector<std::string> words = words_of(line, into.place);
    if (words.empty() || words[0].find_first_of("=()") != std::string::npos || words[0] == kSeparator)
      throw CaseFileError(into.place + ": a command was expected: " + line);
    into.command = words[0];
    for (std::size_t i = 1; i < words.size(); ++i) into.arguments.push_back(argument_of(words[i], into.place));
  }

  void read_input(Case& into) {
    while (next_line()) {
      if (trimmed(line_) == kSeparator) {
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
    if (line_ != kSeparator) {
      do {
        if (trimmed(line_).empty()) return;
        into.expected.push_back(line_);
      } while (next_line());
      return;
    }
    while (next_line()) {
      if (line_ == kSeparator) {
        if (!next_line()) break;
        if (line_ == kSeparator) return;
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
  if (unreadable) return 2;
  // Nothing judged is nothing shown.
  if (cases == 0) std::fputs("no cases in these files\n", stderr);
  return cases == 0 ? 2 : failed > 0 ? 1 : 0;
}

}  // namespace testamur::consensus
