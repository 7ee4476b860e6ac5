#include "story.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include "describe.h"

namespace testamur::consensus::scenarios {
namespace {

// A story that grows beyond is two.
constexpr std::size_t kMaxNodes = 16;

void declare(Words& words, std::vector<NodeId>& nodes) {
  while (!words.at_end()) {
    const NodeId id = words.any_node();
    if (id == NodeId{} || id.value > 255 || nodes.size() == kMaxNodes)
      throw SyntaxError("expected up to 16 nodes with numbers from 1 to 255");
    nodes.push_back(id);
  }
  if (nodes.empty()) words.any_node();
}

void set_limit(Words& words, Setup& setup) {
  const std::string name = words.one_of({"max-append-entries", "max-in-flight", "max-unapplied", "max-uncertified",
                                         "max-append-bytes", "max-held", "max-reads", "election-ticks"},
                                        "a limit");
  const std::uint64_t value = words.number("its value");
  if (name == "max-append-entries") setup.limits.max_append_entries = value;
  if (name == "max-in-flight") setup.limits.max_in_flight = value;
  if (name == "max-unapplied") setup.limits.max_unapplied = value;
  if (name == "max-uncertified") setup.limits.max_uncertified = value;
  if (name == "max-append-bytes") setup.limits.max_append_bytes = value;
  if (name == "max-held") setup.limits.max_held.entries = value;
  if (name == "max-reads") setup.limits.max_reads = value;
  if (name == "election-ticks") setup.limits.election_ticks = static_cast<unsigned>(value);
}

template <class Table>
const auto& find(const Table& table, Words& words, std::string_view what) {
  for (const auto& each : table) {
    if (words.accept(each.name)) return each;
  }
  throw SyntaxError("expected " + std::string(what) + ", found \"" + words.word(what) + "\"");
}

bool declares(Words words) {
  return std::any_of(declarations().begin(), declarations().end(),
                     [&](const Declaration& each) { return words.accept(each.name); });
}

void read_line(const std::string& text, std::size_t number, Story& story) {
  Words words(text, story.setup);
  if (words.at_end()) return;
  if (declares(words)) {
    if (!story.steps.empty()) throw SyntaxError("expected what the story declares before its first step");
    find(declarations(), words, "a declaration").read(words, story.setup);
    story.declared.push_back(text);
    return words.expect_end();
  }
  if (story.setup.voters.empty()) throw SyntaxError("expected \"nodes\" before the first step");
  const bool is_expectation = words.accept("expect");
  const Command& command = is_expectation ? find(expectations(), words, "something that can be expected")
                                          : find(commands(), words, "a command");
  const Action action = command.read(words);
  words.expect_end();
  story.steps.push_back({number, text, action});
}

const Step* telling_step = nullptr;

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

const std::vector<Declaration>& declarations() {
  static const std::vector<Declaration> table = {
      {"nodes", "NODE...", "the voters", [](Words& words, Setup& setup) { declare(words, setup.voters); }},
      {"learners", "NODE...", "members without a vote",
       [](Words& words, Setup& setup) { declare(words, setup.learners); }},
      {"spare", "NODE...", "nodes that are up and no members yet",
       [](Words& words, Setup& setup) { declare(words, setup.spare); }},
      {"liars", "NODE...", "of the voters: they do not run, and the story tells what others hear of them",
       [](Words& words, Setup& setup) { declare(words, setup.liars); }},
      {"threshold", "COUNT", "how many voters decide; otherwise a quorum",
       [](Words& words, Setup& setup) { setup.threshold = words.number("a number of voters"); }},
      {"quorum", "majority", "how many decide, whoever the voters are; otherwise a Byzantine quorum",
       [](Words& words, Setup& setup) {
         words.expect("majority");
         setup.quorum_of = [](std::size_t voters) { return voters / 2 + 1; };
       }},
      {"disks", "real", "log stores in RocksDB, on a file system that loses power; otherwise in memory",
       [](Words& words, Setup& setup) {
         words.expect("real");
         setup.disks = Disk::Kind::real;
       }},
      {"state", "ledger",
       "payloads make blocks of a ledger in RocksDB, on a file system that loses power; otherwise only heads",
       [](Words& words, Setup& setup) {
         words.expect("ledger");
         setup.ledger = true;
       }},
      {"by-itself", "nothing",
       "nodes are down until they are restarted; their disks, applying, certified heads and snapshots wait for "
       "\"write\", "
       "\"apply\", \"certify\" and \"install\"; only payloads make heads",
       [](Words& words, Setup& setup) {
         words.expect("nothing");
         setup.by_hand = true;
       }},
      {"limit", "LIMIT NUMBER", "one of a core's options: max-append-entries, max-in-flight, ...", set_limit},
  };
  return table;
}

Story read_story(const std::string& file, std::istream& in) {
  Story story;
  story.file = file;
  std::size_t number = 0;
  const auto fail = [&](const std::string& what) {
    throw SyntaxError(file + ":" + std::to_string(number) + ": " + what);
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    try {
      read_line(trimmed(line), number, story);
    } catch (const SyntaxError& error) {
      fail(error.what());
    }
  }
  if (story.setup.by_hand && (story.setup.ledger || story.setup.disks == Disk::Kind::real))
    fail("expected simulated disks, and no ledger, where nothing happens by itself");
  if (story.setup.has_liars() && !story.setup.by_hand) fail("expected \"by-itself nothing\" where there are liars");
  if (story.steps.empty()) fail("expected at least one step, found the end of the file");
  const std::size_t threshold = story.setup.configuration().voters.threshold;
  if (threshold == 0 || threshold > story.setup.voters.size())
    fail("expected a threshold of 1 to the number of voters");
  return story;
}

const Step* current_step() { return telling_step; }

namespace {

/// `do_steps` does the steps; then comes the ending.
template <class DoSteps>
std::optional<Failure> tell(const Story& story, const DoSteps& do_steps) {
  static const Step ending{0, "the ending: all is healed and restarted, and a fresh write must be committed", {}};
  telling_step = nullptr;
  try {
    Telling telling{Cluster(story.setup), {}};
    do_steps(telling);
    telling_step = &ending;
    // What liars leave behind may need people (README).
    if (!story.setup.has_liars()) telling.cluster.end();
  } catch (const Violation& violation) {
    const Step& step = telling_step != nullptr ? *telling_step : ending;
    return Failure{step.line, step.text, violation.what()};
  }
  telling_step = nullptr;
  return std::nullopt;
}

}  // namespace

std::optional<Failure> tell(const Story& story, std::ostream* trace) {
  return tell(story, [&](Telling& telling) {
    for (const Step& step : story.steps) {
      telling_step = &step;
      step.action(telling);
      telling.cluster.check();
      if (trace != nullptr) *trace << step.line << ": " << step.text << "\n    " << telling.cluster.standing() << "\n";
    }
  });
}

std::optional<Failure> tell_some(const Story& story, std::vector<std::size_t>& kept) {
  const std::vector<std::size_t> wanted = std::move(kept);
  kept.clear();
  return tell(story, [&](Telling& telling) {
    for (const std::size_t number : wanted) {
      telling_step = &story.steps[number];
      kept.push_back(number);
      try {
        story.steps[number].action(telling);
        telling.cluster.check();
      } catch (const NotPossible&) {
        kept.pop_back();
      }
    }
  });
}

}  // namespace testamur::consensus::scenarios
