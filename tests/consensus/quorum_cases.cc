// Judges the core's quorum functions by case files (case_file.h): how far an index is committed, and what votes come to.
#include <cctype>
#include <limits>

#include "case_file.h"
#include "testamur/consensus/quorum.h"

namespace testamur::consensus {
namespace {

constexpr const char* kHelp =
    "quorum_cases FILE...\n"
    "Judges the quorum functions of the consensus core by case files of the form\n"
    "  committed cfg=(1,2,3) cfgj=(2,3,4) idx=(_,5,7,_)\n"
    "  ----\n"
    "  5\n"
    "and `vote ... votes=(y,n,_)`, whose result is VotePending, VoteLost or VoteWon. `cfgj=zero` is an empty second "
    "half. Values\n"
    "are of the voters of cfg, then of cfgj, each once; `_` is none. A quorum is a majority here. The last line "
    "counts.\n"
    "Ends with 0: all cases passed; 1: some failed; 2: a file cannot be read or parsed.\n";

constexpr const char* kMismatch = "error: mismatched input (explicit or _) for voters";

std::size_t majority(std::size_t voters) { return voters == 0 ? 0 : voters / 2 + 1; }

struct Question {
  std::set<NodeId> voters;
  std::set<NodeId> outgoing;
  std::vector<NodeId> order;  // the voters as they were named, each once
  std::vector<std::string> values;
};

void add_voters(const Case& one, const Argument& argument, std::set<NodeId>& to, Question& question) {
  if (argument.key == "cfgj" && argument.values == std::vector<std::string>{"zero"}) return;
  for (const std::string& value : argument.values) {
    const NodeId node{number_in(one, value)};
    if (!question.voters.contains(node) && !question.outgoing.contains(node)) question.order.push_back(node);
    to.insert(node);
  }
}

Question question_of(const Case& one) {
  const std::string values = one.command == "committed" ? "idx" : "votes";
  if (one.command != "committed" && one.command != "vote")
    throw CaseFileError(one.place + ": no such command: " + one.command);
  Question question;
  // What was named in cfg comes first, wherever it stands.
  for (const char* key : {"cfg", "cfgj"}) {
    for (const Argument& argument : one.arguments) {
      if (argument.key != key) continue;
      add_voters(one, argument, argument.key == "cfg" ? question.voters : question.outgoing, question);
    }
  }
  for (const Argument& argument : one.arguments) {
    if (argument.key == values) {
      question.values.insert(question.values.end(), argument.values.begin(), argument.values.end());
    } else if (argument.key != "cfg" && argument.key != "cfgj") {
      throw CaseFileError(one.place + ": no such argument of " + one.command + ": " + argument.key);
    }
  }
  return question;
}

/// The core has no configuration without voters; an empty half takes part in nothing.
Configuration configuration_of(const std::set<NodeId>& voters, const std::set<NodeId>& outgoing) {
  const std::set<NodeId>& first = voters.empty() ? outgoing : voters;
  const std::set<NodeId>& second = voters.empty() ? voters : outgoing;
  Configuration configuration;
  configuration.voters = {first, majority(first.size())};
  if (!second.empty()) configuration.outgoing = {second, majority(second.size())};
  return configuration;
}

std::string committed(const Configuration& configuration, const std::map<NodeId, Index>& reached) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t index =
      configuration.voters.nodes.empty() ? kMost : quorum_index(configuration, reached).value_or(Index{}).value;
  return index == kMost ? "∞" : std::to_string(index);
}

std::string vote(const Configuration& configuration, const std::map<NodeId, bool>& votes) {
  switch (count_votes(configuration, votes)) {
    case VoteResult::pending: return "VotePending";
    case VoteResult::lost: return "VoteLost";
    case VoteResult::won: return "VoteWon";
  }
  return {};
}

/// The answer; where the halves changed places, or one stands beside itself, it is the same.
std::string in_every_order(const Question& question, const std::function<std::string(const Configuration&)>& ask) {
  const std::string answer = ask(configuration_of(question.voters, question.outgoing));
  const std::string swapped = ask(configuration_of(question.outgoing, question.voters));
  if (swapped != answer) return answer + ", but with its halves in the other order " + swapped;
  if (!question.outgoing.empty()) return answer;
  const std::string doubled = ask(configuration_of(question.voters, question.voters));
  return doubled == answer ? answer : answer + ", but joint with itself " + doubled;
}

std::string answer_to(const Case& one) {
  const Question question = question_of(one);
  if (question.values.size() != question.order.size()) return kMismatch;
  std::map<NodeId, Index> reached;
  std::map<NodeId, bool> votes;
  for (std::size_t i = 0; i < question.order.size(); ++i) {
    const std::string& value = question.values[i];
    if (value == "_") continue;
    if (one.command == "committed") {
      reached[question.order[i]] = Index{number_in(one, value)};
    } else if (value == "y" || value == "n") {
      votes[question.order[i]] = value == "y";
    } else {
      throw CaseFileError(one.place + ": no vote: " + value);
    }
  }
  return in_every_order(question, [&](const Configuration& configuration) {
    return one.command == "committed" ? committed(configuration, reached) : vote(configuration, votes);
  });
}

Verdict judge(const Case& one) {
  Verdict verdict;
  verdict.found = answer_to(one);
  if (one.expected.empty()) return verdict;
  verdict.expected = one.expected.back();
  while (!verdict.expected.empty() && std::isspace(static_cast<unsigned char>(verdict.expected.back())))
    verdict.expected.pop_back();
  // An empty configuration's picture stands on the same line.
  const std::string picture = "<empty majority quorum>";
  if (verdict.expected.starts_with(picture)) verdict.expected.erase(0, picture.size());
  verdict.passed =
      verdict.found == kMismatch ? verdict.expected.starts_with(kMismatch) : verdict.found == verdict.expected;
  return verdict;
}

}  // namespace
}  // namespace testamur::consensus

int main(int argc, char** argv) {
  return testamur::consensus::run_cases(argc, argv, testamur::consensus::kHelp,
                                        [] { return testamur::consensus::judge; });
}
