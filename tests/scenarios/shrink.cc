#include "shrink.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <numeric>
#include <set>
#include <sstream>

namespace testamur::consensus::scenarios {
namespace {

// A try that takes longer is no shorter story.
constexpr unsigned kTrySeconds = 20;

using Steps = std::vector<std::size_t>;  // by number, rising

struct Outcome {
  std::optional<Failure> failure;
  Steps kept;
};

std::string read_all(int from) {
  std::string all;
  char part[4096];
  for (ssize_t size = 0; (size = ::read(from, part, sizeof part)) > 0;)
    all.append(part, static_cast<std::size_t>(size));
  ::close(from);
  return all;
}

/// What the child says: line and text of the failure, its reason, and the steps it kept.
void say(const std::optional<Failure>& failure, const Steps& kept) {
  std::ostringstream out;
  if (failure) out << failure->line << '\n' << failure->text << '\n' << failure->reason << '\n';
  if (!failure) out << "none\n\n\n";
  for (const std::size_t step : kept) out << step << ' ';
  const std::string said = out.str();
  std::size_t written = 0;
  while (written < said.size()) {
    const ssize_t size = ::write(STDERR_FILENO, said.data() + written, said.size() - written);
    if (size <= 0) break;
    written += static_cast<std::size_t>(size);
  }
}

/// Where the core stops the process, its last word comes before what the process says.
const Steps* kept_so_far = nullptr;
void say_where(int) {
  const Step* step = current_step();
  say(Failure{step != nullptr ? step->line : 0, step != nullptr ? step->text : "", "the core stopped its process"},
      *kept_so_far);
  ::_exit(1);
}

std::optional<Outcome> outcome_of(const std::string& said) {
  std::istringstream in(said);
  Failure failure;
  std::string line;
  std::string last_word;
  std::getline(in, line);
  if (line.starts_with("testamur consensus: ")) {
    last_word = ": " + line;
    std::getline(in, line);
  }
  std::getline(in, failure.text);
  std::getline(in, failure.reason);
  failure.reason += last_word;
  Steps kept;
  for (std::size_t step = 0; in >> step;) kept.push_back(step);
  if (line == "none") return Outcome{std::nullopt, kept};
  if (line.empty() || line.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  failure.line = std::stoul(line);
  return Outcome{failure, kept};
}

/// Nothing where the process ended otherwise, or took too long.
std::optional<Outcome> try_steps(const Story& story, const Steps& steps) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe: " + std::string(std::strerror(errno)));
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kTrySeconds);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    Steps kept = steps;
    kept_so_far = &kept;
    std::signal(SIGABRT, say_where);
    const auto failure = tell_some(story, kept);
    say(failure, kept);
    ::_exit(0);
  }
  ::close(ends[1]);
  if (child < 0) throw std::runtime_error("no process: " + std::string(std::strerror(errno)));
  const std::string said = read_all(ends[0]);
  ::waitpid(child, nullptr, 0);
  return outcome_of(said);
}

class Shrinking {
 public:
  Shrinking(const Story& story, std::chrono::seconds at_most)
      : story_(story), until_(std::chrono::steady_clock::now() + at_most) {}

  /// Whether it fails, so that there is something to do.
  bool begin() {
    steps_.resize(story_.steps.size());
    std::iota(steps_.begin(), steps_.end(), std::size_t{0});
    if (!fails(steps_)) return false;
    if (failure_.text != "expect level") return true;
    // What comes once all is well again is the ending's matter.
    const auto heal = std::find_if(steps_.rbegin(), steps_.rend(),
                                   [&](std::size_t step) { return story_.steps[step].text == "heal"; });
    if (heal == steps_.rend()) return false;
    wanted_.clear();
    return fails(Steps(steps_.begin(), heal.base() - 1)) && failure_.line == 0;
  }

  void run() {
    for (std::size_t before = 0; before != steps_.size() && !is_over();) {
      before = steps_.size();
      remove_by_words(1);
      remove_by_words(2);
      for (std::size_t size = std::max<std::size_t>(1, steps_.size() / 2); size > 0 && !is_over(); size /= 2)
        remove_chunks(size);
    }
  }

  Shrunk result() const {
    Shrunk shrunk{story_.declared, failure_};
    unsigned ticks = 1;
    for (std::size_t place = 0; place < steps_.size(); ++place) {
      const std::string text = without_comment(steps_[place]);
      const bool goes_on = place + 1 < steps_.size() && without_comment(steps_[place + 1]) == text;
      if (text.starts_with("tick ") && goes_on) {
        ++ticks;
        continue;
      }
      shrunk.lines.push_back(ticks > 1 ? text + " " + std::to_string(ticks) : text);
      ticks = 1;
    }
    return shrunk;
  }

 private:
  std::string without_comment(std::size_t step) const {
    const std::string& text = story_.steps[step].text;
    return text.substr(0, text.find("  #"));
  }
  bool is_over() const { return std::chrono::steady_clock::now() >= until_; }

  /// Takes these steps when they fail for the reason wanted, or, when none is wanted yet, for any.
  bool fails(const Steps& tried) {
    std::optional<Outcome> outcome = try_steps(story_, tried);
    if (!outcome || !outcome->failure) return false;
    const std::string reason = without_numbers(outcome->failure->reason);
    const bool in_ending = outcome->failure->line == 0;
    if (!wanted_.empty() && (reason != wanted_ || in_ending != (failure_.line == 0))) return false;
    wanted_ = reason;
    failure_ = *outcome->failure;
    steps_ = std::move(outcome->kept);
    return true;
  }

  bool try_without(const std::function<bool(std::size_t place)>& goes) {
    Steps tried;
    for (std::size_t place = 0; place < steps_.size(); ++place)
      if (!goes(place)) tried.push_back(steps_[place]);
    return tried.size() < steps_.size() && fails(tried);
  }

  /// All steps that begin with the same so many words.
  void remove_by_words(unsigned count) {
    const auto beginning = [&](std::size_t step) {
      std::istringstream in(story_.steps[step].text);
      std::string all, word;
      for (unsigned i = 0; i < count && in >> word; ++i) all += word + " ";
      return all;
    };
    std::set<std::string> beginnings;
    for (const std::size_t step : steps_) beginnings.insert(beginning(step));
    for (const std::string& each : beginnings) {
      if (is_over()) return;
      try_without([&](std::size_t place) { return beginning(steps_[place]) == each; });
    }
  }

  /// From the end on: what came late is needed least.
  void remove_chunks(std::size_t size) {
    for (std::size_t end = steps_.size(); end > 0 && !is_over();) {
      const std::size_t begin = end > size ? end - size : 0;
      try_without([&](std::size_t place) { return place >= begin && place < end; });
      end = std::min(begin, steps_.size());
    }
  }

  const Story& story_;
  std::chrono::steady_clock::time_point until_;
  Steps steps_;
  std::string wanted_;
  Failure failure_;
};

}  // namespace

std::string unfolded(std::istream& in) {
  std::string out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    std::uint64_t node = 0;
    std::uint64_t ticks = 0;
    if (words >> word >> node >> ticks && word == "tick") {
      for (; ticks > 0; --ticks) out += "tick " + std::to_string(node) + "\n";
    } else {
      out += line + "\n";
    }
  }
  return out;
}

std::string without_numbers(const std::string& reason) {
  // The ending says after a colon how all stand.
  std::string kind = reason.substr(0, reason.starts_with("no fresh write") ? reason.find(':') : reason.size());
  std::erase_if(kind, [](char c) { return c == ' ' || (c >= '0' && c <= '9'); });
  return kind;
}

std::optional<Shrunk> shrink(const Story& story, std::chrono::seconds at_most) {
  Shrinking shrinking(story, at_most);
  if (!shrinking.begin()) return std::nullopt;
  shrinking.run();
  return shrinking.result();
}

}  // namespace testamur::consensus::scenarios
