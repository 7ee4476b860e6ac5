// Judges the core's changes of members, and what is kept of each member's progress, by case files (case_file.h). The cases of a
// file follow one another.
#include <algorithm>
#include <cctype>
#include <sstream>

#include "case_file.h"
#include "testamur/consensus/configuration.h"

namespace testamur::consensus {
namespace {

constexpr const char* kHelp =
    "confchange_cases FILE...\n"
    "Judges the changes of members of the consensus core by case files of the form\n"
    "  enter-joint autoleave=true\n"
    "  v2 l3 r1\n"
    "  ----\n"
    "  voters=(2)&&(1) learners=(3) autoleave\n"
    "  1: StateProbe match=0 next=1\n"
    "  2: StateProbe match=0 next=2\n"
    "  3: StateProbe match=0 next=2 learner\n"
    "with `simple`, `enter-joint` and `leave-joint`; vN makes N a voter, lN a learner, rN removes it, uN does nothing. "
    "Each file\n"
    "begins without members, and each case is one entry of the log. Of a progress, match, next and learner count. A "
    "quorum is a\n"
    "majority here. A progress begins at 1 before the log does, or at 0 where the first case of a file has that and no "
    "commit.\n"
    "Ends with 0: all cases passed; 1: some failed; 2: a file cannot be read or parsed.\n";

std::size_t majority(std::size_t voters) { return voters / 2 + 1; }

struct Known {
  std::uint64_t match = 0;
  std::uint64_t next = 0;
};

/// What is compared of a progress: `2: match=0 next=1 learner`.
std::string line_of(const std::string& node, const std::string& match, const std::string& next, bool learner) {
  return node + ": match=" + match + " next=" + next + (learner ? " learner" : "");
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "\n            ") + line;
  return out;
}

/// A line of what is expected, without the fields that do not count.
std::string what_counts(std::string line) {
  std::istringstream in(line);
  std::string node, word, match, next;
  bool learner = false;
  in >> node;
  const bool numbered =
      node.size() > 1 && node.back() == ':' && node.find_first_not_of("0123456789") == node.size() - 1;
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
  if (!numbered) return line;
  node.pop_back();
  while (in >> word) {
    if (word.starts_with("match=")) match = word.substr(6);
    if (word.starts_with("next=")) next = word.substr(5);
    learner |= word == "learner";
  }
  return line_of(node, match, next, learner);
}

class Judge {
 public:
  Verdict operator()(const Case& one) {
    std::vector<std::string> expected;
    for (const std::string& line : one.expected) {
      expected.push_back(what_counts(line));
      // The first case alone tells of which versions the file is; those with `commit` never had 0.
      if (last_index_ == 0 && expected.back().find(" next=0") != std::string::npos &&
          line.find(" commit=") == std::string::npos)
        least_next_ = 0;
    }
    const std::vector<std::string> found = run(one);
    ++last_index_;
    return {found == expected, joined(expected), joined(found)};
  }

 private:
  std::vector<std::string> run(const Case& one) {
    std::vector<Change> changes;
    if (std::string wrong = read_changes(one, changes); !wrong.empty()) return {wrong};
    Changed changed;
    if (one.command == "simple") {
      changed = change_simply(now_, changes, majority);
    } else if (one.command == "enter-joint") {
      changed = enter_joint(now_, auto_leave(one), changes, majority);
    } else if (one.command != "leave-joint") {
      return {"unknown command"};
    } else if (!changes.empty()) {
      return {"this command takes no input"};
    } else {
      changed = leave_joint(now_);
    }
    if (!changed.error.empty()) return {changed.error};
    if (const std::string wrong = what_is_wrong(changed.configuration); !wrong.empty()) return {wrong};
    now_ = std::move(changed.configuration);
    keep_members(known_, now_.members(), changed.fresh, [&] { return Known{0, std::max(last_index_, least_next_)}; });
    return describe();
  }

  static std::string read_changes(const Case& one, std::vector<Change>& changes) {
    std::istringstream in(one.input);
    for (std::string word; in >> word;) {
      if (word.size() < 2) return "unknown token " + word;
      Change change;
      switch (word[0]) {
        case 'v': change.kind = Change::Kind::voter; break;
        case 'l': change.kind = Change::Kind::learner; break;
        case 'r': change.kind = Change::Kind::remove; break;
        case 'u': change.kind = Change::Kind::update; break;
        default: return "unknown input: " + word;
      }
      change.node = NodeId{number_in(one, word.substr(1))};
      changes.push_back(change);
    }
    return {};
  }

  static bool auto_leave(const Case& one) {
    // All that Go reads as a truth value.
    static const std::set<std::string> kTrue = {"true", "True", "TRUE", "t", "T", "1"};
    static const std::set<std::string> kFalse = {"false", "False", "FALSE", "f", "F", "0"};
    bool leave = false;
    for (const Argument& argument : one.arguments) {
      const std::string value = argument.values.size() == 1 ? argument.values[0] : "";
      leave = kTrue.contains(value);
      if (argument.key != "autoleave" || !(leave || kFalse.contains(value)))
        throw CaseFileError(one.place + ": no argument of enter-joint: " + argument.key + ", or no true or false");
    }
    return leave;
  }

  std::vector<std::string> describe() const {
    std::vector<std::string> lines = {to_string(now_)};
    for (const auto& [node, known] : known_) {
      lines.push_back(line_of(std::to_string(node.value), std::to_string(known.match), std::to_string(known.next),
                              now_.learners.contains(node)));
    }
    return lines;
  }

  Configuration now_;
  std::map<NodeId, Known> known_;
  std::uint64_t last_index_ = 0;
  /// Of a progress that begins before the log does; etcd-io/raft had 0 there before it had 1.
  std::uint64_t least_next_ = 1;
};

}  // namespace
}  // namespace testamur::consensus

int main(int argc, char** argv) {
  return testamur::consensus::run_cases(argc, argv, testamur::consensus::kHelp,
                                        [] { return testamur::consensus::Judge(); });
}
