// Goal: a class is issued exactly once and completely, whenever its command is killed, however often, and whatever happens to a node
// meanwhile. So is one reissued, and each old entry linked to its new one once.
// Method: `testamur issue` against four real nodes, killed with SIGKILL at random times of its run and at each kind of its telling
// system calls, before and after them; now and then a node is killed with it and comes back a run later; the same command again
// until it is done. Afterwards the whole ledger is read and held against what the commands said.
// TESTAMUR_TOOL_KILLS sets how often the command is killed (default 100).
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "bundled.h"
#include "cluster.h"
#include "files.h"
#include "testamur/identity/key_file.h"
#include "testamur/ledger/verify.h"
#include "traced_process.h"

namespace testamur::test {
namespace {

namespace fs = std::filesystem;
namespace v1 = testamur::v1;
using std::chrono::microseconds;

unsigned wanted_kills() {
  const char* asked = std::getenv("TESTAMUR_TOOL_KILLS");
  return asked == nullptr ? 100 : static_cast<unsigned>(std::strtoul(asked, nullptr, 10));
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

bool holds_file(const std::string& directory, std::string_view ending) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().string().ends_with(ending)) return true;
  }
  return false;
}

/// The most that the program had in memory while it ran, in KiB, by what the system says of it every few milliseconds.
std::uint64_t peak_of(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return 0;
  std::uint64_t peak = 0;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    std::ifstream told("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(told, line);) {
      if (line.starts_with("VmHWM:")) peak = std::max<std::uint64_t>(peak, std::stoull(line.substr(6)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return peak;
}

/// A class of documents, and the command that issues it.
struct Group {
  std::string name;
  unsigned size = 0;
  std::vector<std::string> command;
  boost::json::object report;  ///< what the command said when it was done
};

class KillCampaign : public ::testing::Test {
 protected:
  KillCampaign() {
    cluster_.start_all();
    cluster_.wait_for_leader();
    EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
    std::ofstream(path("policy"), std::ios::binary) << encode(cluster_.world().policy());
    for (const std::string person : {"a", "b"}) {
      value_of(
          identity::write_ed25519_key(path(person + ".pem"), bytes_named(World::institution_id(0) + " " + person)));
    }
  }

  std::string path(const std::string& name) const { return desk_.path() + "/" + name; }
  static std::string text_of(const std::string& name, unsigned i) { return name + " document " + std::to_string(i); }

  Group make_group(const std::string& name, unsigned size) {
    Group group = begin_group("issue", name, size);
    group.command.push_back(path(name));
    return group;
  }

  /// Documents, and all of their command but the last words.
  Group begin_group(const std::string& verb, const std::string& name, unsigned size) {
    fs::create_directories(path(name));
    for (unsigned i = 0; i < size; ++i) {
      std::ofstream(path(name) + "/" + std::to_string(i), std::ios::binary) << text_of(name, i);
    }
    Group group{name, size, {TESTAMUR_PROGRAM, verb}, {}};
    for (unsigned i = 0; i < cluster_.size(); ++i) {
      group.command.insert(group.command.end(), {"--node", cluster_.public_address(i)});
    }
    for (const std::string option : {"--register", "--policy", "--proofs", "--key", "--key", "--timeout", "--json"}) {
      group.command.push_back(option);
      if (option == "--register") group.command.push_back(World::institution_id(0) + "/r1");
      if (option == "--policy") group.command.push_back(path("policy"));
      if (option == "--proofs") group.command.push_back(path(name + ".proofs"));
      if (option == "--key") group.command.push_back(path(keys_given_++ % 2 == 0 ? "a.pem" : "b.pem"));
      if (option == "--timeout") group.command.push_back("20s");
    }
    return group;
  }

  /// The same as rows of a CSV, which are students from `first` on.
  Group make_csv_group(const std::string& verb, const std::string& name, unsigned size, unsigned first) {
    Group group = begin_group(verb, name, size);
    std::ofstream csv(path(name) + "/list.csv");
    csv << "reference,file\n";
    for (unsigned i = 0; i < size; ++i) csv << "s-" << first + i << "," << i << "\n";
    group.command.insert(group.command.end(),
                         {"--csv", path(name) + "/list.csv", "--result", path(name + ".result.csv")});
    return group;
  }

  /// A cell of each row of a result, by the reference, which is the first cell.
  std::map<std::string, std::uint64_t> read_result(const std::string& name, std::size_t cell) {
    std::ifstream stream(path(name + ".result.csv"));
    std::map<std::string, std::uint64_t> out;
    std::string line;
    for (std::getline(stream, line); std::getline(stream, line);) {
      std::vector<std::string> cells;
      std::istringstream row(line);
      for (std::string text; std::getline(row, text, ',');) cells.push_back(text);
      EXPECT_TRUE(out.emplace(cells.at(0), std::stoull(cells.at(cell))).second) << line;
    }
    return out;
  }

  /// Runs the command until it is done. That the outcome is not known, or a node is not there, is an answer to run it again on.
  void finish(Group& group) {
    for (int run = 0; run < 5; ++run) {
      if (run_process(group.command, path("said")).exit == 0) {
        group.report = boost::json::parse(read_text(path("said"))).as_object();
        return;
      }
      start_what_is_down();
    }
    FAIL() << group.name << " does not come to its end: " << read_text(path("said"));
  }

  void start_what_is_down() {
    for (unsigned i = 0; i < cluster_.size(); ++i) {
      if (!cluster_.runs(i)) cluster_.start(i);
    }
  }

  /// The statements of the log, in order; checks that it hashes to the certified root.
  std::vector<Statement> read_whole_log(unsigned i) {
    grpc::ClientContext asking;
    v1::Checkpoint head;
    EXPECT_TRUE(cluster_.node(i).GetCheckpoint(&asking, {}, &head).ok());
    merkle::CompactRange log;
    std::vector<Statement> statements;
    for (std::uint64_t height = 0; height <= head.height();) {
      grpc::ClientContext context;
      v1::GetBlocksRequest request;
      request.set_first_height(height);
      request.set_count(10'000);
      const auto stream = cluster_.node(i).GetBlocks(&context, request);
      const std::uint64_t before = height;
      for (v1::Block block; stream->Read(&block); ++height) {
        for (const std::string& data : block.leaves()) {
          log.append(merkle::leaf_hash(as_bytes(data)));
          const auto leaf = decode_statement_leaf(as_bytes(data));
          if (leaf) statements.push_back(value_of(decode_statement(leaf->statement.statement)));
        }
      }
      EXPECT_TRUE(stream->Finish().ok());
      if (height == before) break;
    }
    const auto checkpoint = value_of(decode_checkpoint(value_of(decode_signed_note(head.note())).text));
    EXPECT_EQ(log.size(), checkpoint.size);
    EXPECT_EQ(log.root(), checkpoint.root) << "the log of node " << i << " is what was certified";
    return statements;
  }

  /// The number that the document's proof shows, which must hold.
  std::uint64_t check_proof(const Group& group, unsigned i, const Bytes& proof) {
    Question question;
    question.document = sha256(as_bytes(text_of(group.name, i)));
    const Finding finding = verify(proof, cluster_.world().policy(), question);
    EXPECT_EQ(finding.verdict, Verdict::good) << group.name << " " << i << ": " << sentence(finding.verdict);
    EXPECT_TRUE(finding.document_checked);
    return finding.number.value;
  }

  /// Every proof of the group, or of a bundle those of every 50th document, which is each of its proofs at least once.
  void check_proofs(const Group& group, std::set<std::uint64_t>& numbers) {
    const auto& part = group.report.at("parts").at(0);
    const auto first = part.at("first").to_number<std::uint64_t>();
    const std::string bundle(part.at("bundle").as_string());
    for (unsigned i = 0; i < group.size; i += bundle.empty() ? 1u : 50u) {
      const std::string name = std::to_string(i);
      const Bytes proof =
          bundle.empty()
              ? Bytes(value_of(tool::read_file(path(group.name + ".proofs/" + name + ".proof"), kMaxProofBytes)))
              : encode(bundled(path(group.name + ".proofs/" + bundle), name).proof);
      const std::uint64_t number = check_proof(group, i, proof);
      EXPECT_TRUE(first <= number && number - first < group.size);
      EXPECT_TRUE(numbers.insert(number).second) << number << " was given twice";
    }
  }

  /// Every class stands on the ledger once, and nothing else does.
  void check_ledger(const std::vector<Group>& groups) {
    start_what_is_down();
    ASSERT_TRUE(wait_until([&] { return cluster_.level(); })) << "all nodes come to the same head";
    std::map<std::uint64_t, std::uint64_t> said;  // first number, count
    std::set<std::uint64_t> numbers;
    std::uint64_t together = 0;
    for (const Group& group : groups) {
      SCOPED_TRACE(group.name);
      ASSERT_EQ(group.report.at("count").to_number<unsigned>(), group.size);
      ASSERT_EQ(group.report.at("parts").as_array().size(), 1u);
      said[group.report.at("parts").at(0).at("first").to_number<std::uint64_t>()] = group.size;
      together += group.size;
      check_proofs(group, numbers);
    }
    EXPECT_EQ(said.size(), groups.size());
    for (unsigned i = 0; i < cluster_.size(); ++i) {
      EXPECT_EQ(cluster_.record(i, 0, "r1")->issued, together);
      std::map<std::uint64_t, std::uint64_t> recorded;
      for (const Statement& statement : read_whole_log(i)) {
        const IssueBody& body = std::get<IssueBody>(statement.body);
        recorded[body.first.value] = body.count;
      }
      EXPECT_EQ(recorded, said) << "node " << i;
    }
  }

  Cluster cluster_;
  ScratchDirectory desk_;
  unsigned keys_given_ = 0;
};

TEST_F(KillCampaign, AClassIsIssuedOnceWheneverItsCommandIsKilled) {
  const unsigned kills = wanted_kills();
  std::mt19937 random(20261125);
  const auto below = [&](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random);
  };
  constexpr unsigned sizes[] = {1, 3, 40, 3, 150, 1, 12, 1100};  // the last one goes into a bundle

  // How long a run takes, and how many telling calls it makes, without being disturbed.
  std::vector<Group> groups;
  std::map<unsigned, microseconds> takes;
  std::map<unsigned, unsigned> calls;
  for (const unsigned size : std::set<unsigned>(std::begin(sizes), std::end(sizes))) {
    groups.push_back(make_group("undisturbed-" + std::to_string(size), size));
    const auto traced = run_traced(groups.back().command, path("said"));
    if (traced) calls[size] = static_cast<unsigned>(traced->calls.size());
    finish(groups.back());
    groups.push_back(make_group("timed-" + std::to_string(size), size));
    takes[size] = run_process(groups.back().command, path("said")).took;
    finish(groups.back());
  }

  unsigned killed = 0;
  unsigned ended_before = 0;
  unsigned resumed = 0;
  unsigned nodes_killed = 0;
  for (unsigned i = 0; killed < kills; ++i) {
    const unsigned size = sizes[i % std::size(sizes)];
    Group group = make_group("class-" + std::to_string(i), size);
    for (std::uint64_t times = 1 + below(4); times > 0; --times) {
      const bool with_node = below(8) == 0;
      start_what_is_down();
      if (with_node) {
        cluster_.kill(static_cast<unsigned>(below(cluster_.size())));
        ++nodes_killed;
      }
      const bool at_call = !calls.empty() && below(2) == 0;
      const Ended ended =
          at_call ? run_traced(group.command, path("said"), static_cast<unsigned>(below(calls[size])), below(2) == 0)
                        .value_or(Ended{})
                  : run_process(group.command, path("said"),
                                microseconds(below(static_cast<std::uint64_t>(takes[size].count()) * 5 / 4)));
      ++(ended.exit ? ended_before : killed);
    }
    finish(group);
    if (HasFatalFailure()) return;
    resumed += group.report.at("resumed").as_bool() ? 1u : 0u;
    groups.push_back(std::move(group));
  }
  check_ledger(groups);
  EXPECT_TRUE(kills < 20 || resumed > 0) << "or nothing was cut off on its way";
  std::printf("%zu classes, %u kills, %u runs that ended before theirs, %u classes resumed, %u nodes killed\n",
              groups.size(), killed, ended_before, resumed, nodes_killed);
}

TEST_F(KillCampaign, AClassIsReissuedAndLinkedOnceWheneverItsCommandIsKilled) {
  const unsigned kills = wanted_kills();
  std::mt19937 random(20261126);
  const auto below = [&](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random);
  };
  constexpr unsigned sizes[] = {1, 3, 40, 12};
  const unsigned students = 60 * kills + 200;
  Group old = make_csv_group("issue", "old", students, 0);
  finish(old);
  if (HasFatalFailure()) return;
  unsigned taken = 0;
  const auto next_group = [&](const std::string& name, unsigned size) {
    Group group = make_csv_group("reissue", name, size, taken);
    group.command.insert(group.command.end(), {"--issued", path("old.result.csv"), "--yes"});
    taken += size;
    return group;
  };
  std::vector<Group> groups = {next_group("undisturbed", 3)};
  const auto traced = run_traced(groups.back().command, path("said"));
  const std::size_t calls = traced ? traced->calls.size() : 0;
  finish(groups.back());
  groups.push_back(next_group("timed", 40));
  const auto takes = static_cast<std::uint64_t>(run_process(groups.back().command, path("said")).took.count());
  finish(groups.back());

  unsigned killed = 0;
  unsigned between = 0;     // issued, and not all linked
  std::size_t at_call = 0;  // at each of them in turn
  for (unsigned i = 0; killed < kills && !HasFailure(); ++i) {
    Group group = next_group("class-" + std::to_string(i), sizes[i % std::size(sizes)]);
    const std::uint64_t events = cluster_.record(0, 0, "r1")->events;
    const std::uint64_t issued = cluster_.record(0, 0, "r1")->issued;
    for (std::uint64_t times = 1 + below(4); times > 0; --times) {
      start_what_is_down();
      if (below(8) == 0) cluster_.kill(1 + static_cast<unsigned>(below(cluster_.size() - 1)));
      const Ended ended =
          calls > 0 && below(2) == 0
              ? run_traced(group.command, path("said"), static_cast<unsigned>(at_call++ % calls), below(2) == 0)
                    .value_or(Ended{})
              : run_process(group.command, path("said"), microseconds(below(takes * 5 / 4)));
      killed += ended.exit ? 0u : 1u;
    }
    start_what_is_down();
    const auto now = cluster_.record(0, 0, "r1");
    between += now->issued > issued && now->events == events ? 1u : 0u;
    finish(group);
    groups.push_back(std::move(group));
  }
  if (HasFailure()) return;
  start_what_is_down();
  ASSERT_TRUE(wait_until([&] { return cluster_.level(); })) << "all nodes come to the same head";

  const auto old_numbers = read_result("old", 2);
  std::map<std::uint64_t, std::uint64_t> links;
  for (const Group& group : groups) {
    const auto made = read_result(group.name, 3);
    EXPECT_EQ(made.size(), group.size) << group.name;
    for (const auto& [reference, number] : made) links[old_numbers.at(reference)] = number;
    EXPECT_EQ(read_result(group.name, 2).size(), made.size());
  }
  EXPECT_EQ(links.size(), taken) << "each student has a new entry of their own";
  for (unsigned i = 0; i < cluster_.size(); ++i) {
    EXPECT_EQ(cluster_.record(i, 0, "r1")->issued, students + taken) << "each issued once";
    std::map<std::uint64_t, std::uint64_t> recorded;
    std::size_t classes = 0;
    for (const Statement& statement : read_whole_log(i)) {
      classes += std::holds_alternative<IssueBody>(statement.body) ? 1u : 0u;
      const auto* body = std::get_if<AmendBody>(&statement.body);
      if (body == nullptr) continue;
      for (const Change& change : body->changes) {
        ASSERT_TRUE(change.replacement && change.status == Status::superseded && change.count == 1);
        EXPECT_TRUE(recorded.emplace(change.first.value, change.replacement->number.value).second)
            << change.first.value << " was linked twice";
      }
    }
    EXPECT_EQ(recorded, links) << "node " << i;
    EXPECT_EQ(classes, groups.size() + 1);
  }
  std::printf("%zu classes reissued, %u documents, %u kills, %u between the two statements\n", groups.size(), taken,
              killed, between);
}

TEST_F(KillCampaign, TwoOfficesThatIssueAtOnceGetNumbersOfTheirOwn) {
  std::vector<Group> groups;
  for (unsigned round = 0; round < 4; ++round) {
    const std::size_t first = groups.size();
    for (const std::string office : {"north-", "south-"})
      groups.push_back(make_group(office + std::to_string(round), 5));
    std::optional<int> north;
    std::thread other([&] { north = run_process(groups[first].command, path("said-by-north")).exit; });
    const std::optional<int> south = run_process(groups[first + 1].command, path("said")).exit;
    other.join();
    EXPECT_EQ(north, 0) << read_text(path("said-by-north"));
    EXPECT_EQ(south, 0) << read_text(path("said"));
    for (const std::size_t i : {first, first + 1}) {
      finish(groups[i]);
      if (HasFatalFailure()) return;
    }
  }
  check_ledger(groups);
}

TEST_F(KillCampaign, SaltsAndStatementAreOnDiskBeforeTheStatementIsSent) {
  Group group = make_group("class", 3);
  const auto traced = run_traced(group.command, path("said"));
  if (!traced) GTEST_SKIP() << "processes cannot be traced here";
  ASSERT_EQ(traced->exit, 0) << read_text(path("said"));
  // The first two files that get their names are the batch and the statement: each synced before, and its directory after, with
  // nothing sent in between. That nothing was sent before that could be recorded is what the test below shows.
  const std::vector<TellingCall>& calls = traced->calls;
  std::vector<std::size_t> renames;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].number == SYS_rename) renames.push_back(i);
  }
  ASSERT_GE(renames.size(), 2u);
  EXPECT_THAT(calls.at(renames[0] - 1).path, ::testing::EndsWith(".batch.partial"));
  EXPECT_THAT(calls.at(renames[1] - 1).path, ::testing::EndsWith(".statement.partial"));
  for (const std::size_t at : {renames[0], renames[1]}) EXPECT_EQ(calls.at(at + 1).path, path("class.proofs"));
  EXPECT_TRUE(std::any_of(calls.begin() + static_cast<std::ptrdiff_t>(renames[1]), calls.end(),
                          [](const TellingCall& call) { return call.number == SYS_sendmsg; }));
}

/// Killed once its statement is signed and on disk, before anything is sent; then another office takes the number.
TEST_F(KillCampaign, NumbersThatAnotherOfficeTookAreGivenUpAndTheClassIsSignedAnew) {
  Group late = make_group("late", 5);
  // The second file that gets its name is the statement.
  const auto cut_off = run_traced(late.command, path("said"), 1, true, SYS_rename);
  if (!cut_off) GTEST_SKIP() << "processes cannot be traced here";
  ASSERT_FALSE(cut_off->exit);
  ASSERT_TRUE(holds_file(path("late.proofs"), ".statement"));
  ASSERT_EQ(cluster_.record(0, 0, "r1")->issued, 0u) << "it was killed before it sent anything";
  Group early = make_group("early", 7);
  finish(early);

  std::vector<std::string> without_keys;
  for (std::size_t i = 0; i < late.command.size(); ++i) {
    if (late.command[i] == "--key") {
      ++i;
    } else {
      without_keys.push_back(late.command[i]);
    }
  }
  EXPECT_EQ(run_process(without_keys, path("said")).exit, 1);
  EXPECT_THAT(read_text(path("said")),
              ::testing::AllOf(::testing::HasSubstr("wrong_first_number"), ::testing::HasSubstr("with --key")));
  finish(late);
  EXPECT_EQ(late.report.at("parts").at(0).at("first").to_number<unsigned>(), 7u);
  EXPECT_TRUE(late.report.at("resumed").as_bool());
  check_ledger({early, late});
}

TEST_F(KillCampaign, AClassThatIsThreeTimesAsLargeNeedsNoMoreMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory grows with what a program does";
#endif
  std::map<std::string, std::vector<std::uint64_t>> peaks;
  for (const unsigned count : {40'000u, 120'000u}) {
    const std::string number = std::to_string(count);
    peaks["directory"].push_back(peak_of(make_group("directory-" + number, count).command));
    peaks["csv"].push_back(peak_of(make_csv_group("issue", "csv-" + number, count, 0).command));
  }
  // 80,000 documents more; were they in memory, it would be twice this and more.
  constexpr std::uint64_t most = 8 << 10;
  for (const auto& [way, peak] : peaks) {
    std::cout << way << ": " << peak[0] << " KiB, then " << peak[1] << " KiB" << std::endl;
    EXPECT_GT(peak[0], 0u) << way;
    EXPECT_LT(peak[1], peak[0] + most) << way;
  }
}

}  // namespace
}  // namespace testamur::test
