// Goal: a registrar's and a verifier's day with the program and a consortium of real nodes: what is killed is finished by the same
// command, nothing is issued twice, and exit codes say what holds.
// Method: testamur and testamurd as processes; four nodes on loopback; SIGKILL at moments that the files and the ledger show.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <ctime>
#include <fstream>
#include <thread>

#include "cluster.h"
#include "testamur/identity/key_file.h"

extern char** environ;

namespace testamur::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr unsigned kClass = 50;

/// A desk with documents, the keys of two people of institution 0, a policy, and the program.
class Desk {
 public:
  explicit Desk(Cluster& cluster) : cluster_(cluster) {
    write("policy", encode(cluster.world().policy()));
    for (const std::string person : {"a", "b"}) {
      value_of(
          identity::write_ed25519_key(path(person + ".pem"), bytes_named(World::institution_id(0) + " " + person)));
    }
  }

  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }
  void make_class(const std::string& name) {
    fs::create_directories(path(name));
    for (unsigned i = 0; i < kClass; ++i) write(document(name, i), name + " document " + std::to_string(i));
  }
  /// Below the desk; the names sort by number.
  static std::string document(const std::string& name, unsigned i) { return name + "/" + std::to_string(100 + i); }
  static std::string proof(const std::string& name, unsigned i) {
    return name + ".proofs/" + std::to_string(100 + i) + ".proof";
  }

  /// A process of the program; what it says goes to `said`.
  pid_t spawn(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), TESTAMUR_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, path("said").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, path("complained").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, TESTAMUR_PROGRAM, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start " TESTAMUR_PROGRAM);
    return pid;
  }
  static int wait(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int run(const std::vector<std::string>& arguments) { return wait(spawn(arguments)); }
  /// The same with --json, whose document says the same exit code.
  int run_json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const int exit = run(arguments);
    json_ = boost::json::parse(said()).as_object();
    EXPECT_EQ(json_.at("exit").to_number<int>(), exit) << said();
    return exit;
  }
  const boost::json::object& json() const { return json_; }
  std::string said() const { return read("said"); }
  std::string complained() const { return read("complained"); }

  std::vector<std::string> issue(const std::string& name, const std::string& in) const {
    return {"issue",
            "--node",
            nodes(),
            "--register",
            reg(in),
            "--policy",
            path("policy"),
            "--key",
            path("a.pem"),
            "--key",
            path("b.pem"),
            "--proofs",
            path(name + ".proofs"),
            "--keep-order",
            path(name)};
  }
  std::vector<std::string> amend(const std::string& how, const std::string& number,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> out = {"amend",   how,           "--node",       nodes(),       "--register",
                                    reg("r1"), "--policy",    path("policy"), "--number",    number,
                                    "--key",   path("a.pem"), "--key",        path("b.pem"), "--yes"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  /// Asks the last node, which nothing is handed in at.
  std::vector<std::string> status(const std::string& subject, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> out = {"status",   subject,       "--node", cluster_.public_address(3),
                                    "--policy", path("policy")};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::vector<std::string> verify(const std::string& subject, const std::string& proof,
                                  const std::vector<std::string>& more = {}) const {
    std::vector<std::string> out = {"verify", subject, "--proof", proof, "--policy", path("policy")};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  static std::string reg(const std::string& name) { return World::institution_id(0) + "/" + name; }
  std::uint64_t issued(const std::string& name) {
    const auto record = cluster_.record(0, 0, name);
    return record ? record->issued : 0;
  }

 private:
  std::string nodes() const {
    return cluster_.public_address(0) + "," + cluster_.public_address(1) + "," + cluster_.public_address(2);
  }
  void write(const std::string& name, std::string_view contents) const {
    std::ofstream(path(name), std::ios::binary) << contents;
  }
  std::string read(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  Cluster& cluster_;
  ScratchDirectory scratch_;
  boost::json::object json_;
};

/// Four nodes that agree on their first head.
class RealNodes : public ::testing::Test {
 protected:
  RealNodes() {
    cluster_.start_all();
    cluster_.wait_for_leader();
    EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
  }
  std::string last_node() { return cluster_.public_address(3); }
  /// The node that is asked has come to where the others are.
  void settle() {
    EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
  }

  Cluster cluster_;
  Desk desk_{cluster_};
};

bool any_named(const std::string& directory, std::string_view ending) {
  std::error_code error;
  for (fs::directory_iterator it(directory, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    if (it->path().filename().string().ends_with(ending)) return true;
  }
  return false;
}

TEST_F(RealNodes, AClassThatIsKilledAtAnyMomentIsFinishedByTheSameCommand) {
  struct Moment {
    std::string name;
    std::function<bool(const std::string& proofs, std::uint64_t issued_before)> has_come;
  };
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const Moment moments[] = {
      {"start", [](const auto&, auto) { return true; }},
      {"batch", [](const auto& proofs, auto) { return any_named(proofs, ".batch"); }},
      {"statement", [](const auto& proofs, auto) { return any_named(proofs, ".statement"); }},
      {"recorded", [&](const auto&, auto before) { return desk_.issued("r1") > before; }},
      {"first-proof", [](const auto& proofs, auto) { return any_named(proofs, "100.proof"); }},
      {"some-proof", [](const auto& proofs, auto) { return any_named(proofs, "125.proof"); }},
      {"end", [](const auto& proofs, auto) { return any_named(proofs, ".json"); }},
  };
  std::uint64_t expected = 0;
  unsigned resumed = 0;
  for (const Moment& moment : moments) {
    SCOPED_TRACE(moment.name);
    desk_.make_class(moment.name);
    const auto command = desk_.issue(moment.name, "r1");
    const std::string proofs = desk_.path(moment.name + ".proofs");
    const pid_t pid = desk_.spawn(command);
    for (const auto end = now() + std::chrono::seconds(20); !moment.has_come(proofs, expected) && now() < end;) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    ::kill(pid, SIGKILL);
    Desk::wait(pid);
    expected += kClass;
    ASSERT_EQ(desk_.run_json(command), 0) << desk_.said();
    EXPECT_EQ(desk_.json().at("count").to_number<unsigned>(), kClass);
    resumed += desk_.json().at("resumed").as_bool() ? 1u : 0u;
    EXPECT_EQ(desk_.issued("r1"), expected) << "each document once";
    for (const unsigned i : {0u, 24u, kClass - 1}) {
      EXPECT_EQ(
          desk_.run(desk_.verify(desk_.path(Desk::document(moment.name, i)), desk_.path(Desk::proof(moment.name, i)))),
          0);
    }
    EXPECT_EQ(desk_.run(command), 0) << "and once more, to the same end";
    EXPECT_EQ(desk_.issued("r1"), expected);
  }
  EXPECT_GE(resumed, 1u) << "or nothing was cut off";
}

TEST_F(RealNodes, ExitCodesSayHowAnEntryStands) {
  desk_.make_class("class");
  ASSERT_EQ(desk_.run(desk_.issue("class", "r1")), 0) << desk_.complained();
  ASSERT_EQ(desk_.run_json(desk_.amend("revoke", "1", {"--reason", "fraudulent_admission"})), 0);
  ASSERT_EQ(desk_.run(desk_.amend("suspend", "2-3")), 0) << desk_.complained();
  ASSERT_EQ(desk_.run(desk_.amend("supersede", "4", {"--by", Desk::reg("r1") + "/5"})), 0) << desk_.complained();
  ASSERT_EQ(desk_.run(desk_.amend("reinstate", "3")), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(desk_.amend("reinstate", "1")), 1) << "revoked is final";
  settle();

  const int expected[] = {0, 5, 4, 0, 6};
  for (unsigned i = 0; i < std::size(expected); ++i) {
    SCOPED_TRACE(i);
    const std::string document = desk_.path(Desk::document("class", i));
    const std::string held = desk_.path(Desk::proof("class", i));
    const std::string fresh = desk_.path("fresh-" + std::to_string(i));
    EXPECT_EQ(desk_.run_json(desk_.status(document, {"--proof", held, "--save", fresh})), expected[i]) << desk_.said();
    EXPECT_EQ(desk_.run_json(desk_.status(Desk::reg("r1") + "/" + std::to_string(i))), expected[i]);
    EXPECT_EQ(desk_.run_json(desk_.verify(document, fresh)), expected[i]) << desk_.said();
    EXPECT_TRUE(desk_.json().at("document_checked").as_bool());
    EXPECT_EQ(desk_.run(desk_.verify(document, held)), 0) << "a proof shows its own time";
    EXPECT_EQ(desk_.run_json(desk_.verify(document, held, {"--max-age", "0s"})), 8) << "which says nothing of today";
  }
  EXPECT_EQ(desk_.run_json(desk_.status(Desk::reg("r1") + "/" + std::to_string(kClass))), 7);
  EXPECT_EQ(desk_.run_json(desk_.status(desk_.path(Desk::document("class", 0)))), 8)
      << "sealed, and no proof: not listed";
  EXPECT_THAT(desk_.said(), HasSubstr("not_listed"));
  EXPECT_EQ(desk_.run_json(desk_.status(desk_.path("nothing"))), 8);
  EXPECT_EQ(desk_.run_json(desk_.verify(desk_.path(Desk::document("class", 0)), desk_.path("fresh-3"))), 3);
}

/// "2026-07-01T12:30:00.123Z"
std::string now_in_words() {
  const std::uint64_t ms = clock_now().value;
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return std::string(text.data(), size) + "." + std::to_string(1000 + ms % 1000).substr(1) + "Z";
}

TEST_F(RealNodes, TheStatusBeforeARevocationStaysProvableWithNoNodeAtAll) {
  const std::string founded = now_in_words();
  desk_.make_class("class");
  ASSERT_EQ(desk_.run(desk_.issue("class", "r1")), 0) << desk_.complained();
  const std::string document = desk_.path(Desk::document("class", 7));
  const std::vector<std::string> held = {"--proof", desk_.path(Desk::proof("class", 7))};
  ASSERT_EQ(desk_.run_json(desk_.status(document, held)), 0) << desk_.said();
  const std::string then = now_in_words();
  ASSERT_EQ(desk_.run(desk_.amend("revoke", "7")), 0) << desk_.complained();
  settle();
  const std::string saved = desk_.path("then");
  EXPECT_EQ(desk_.run_json(desk_.status(document, {held[0], held[1], "--at", then, "--save", saved})), 0)
      << desk_.said();
  EXPECT_EQ(desk_.run(desk_.status(document, {held[0], held[1], "--at", founded})), 8);
  EXPECT_THAT(desk_.complained(), HasSubstr("testamur status university-0.example/r1/7 --at " + founded));
  EXPECT_EQ(desk_.run(desk_.status("university-0.example/r1/7", {"--at", "2020-01-01"})), 8) << "before the ledger";
  EXPECT_EQ(desk_.run(desk_.status("university-0.example/r1/7", {"--at", founded})), 7) << desk_.said();
  EXPECT_EQ(desk_.run(desk_.status(document, {held[0], held[1], "--at", "yesterday"})), 2);
  for (unsigned i = 0; i < cluster_.size(); ++i) cluster_.kill(i);
  EXPECT_EQ(desk_.run(desk_.verify(document, saved, {"--at", then})), 0) << desk_.said();
  EXPECT_EQ(desk_.run(desk_.verify(document, saved)), 8) << "it speaks of then, not of now: " << desk_.said();
  EXPECT_EQ(desk_.run_json(desk_.status(document, {held[0], held[1], "--timeout", "1s"})), 8);
}

TEST_F(RealNodes, TwoPeopleAtTwoMachinesIssueAClassThatOthersOvertake) {
  desk_.make_class("class");
  desk_.make_class("other");
  const auto without_keys = [&](const std::string& name) {
    auto out = desk_.issue(name, "r1");
    const auto keys = std::find(out.begin(), out.end(), "--key");
    out.erase(keys, keys + 4);
    return out;
  };
  auto prepare = without_keys("class");
  const std::string file = desk_.path("to.sign");
  prepare.insert(prepare.end(), {"--prepare", file});
  const std::vector<std::string> submit = {
      "submit", file, "--node", cluster_.public_address(1), "--policy", desk_.path("policy")};
  const auto sign = [&](const std::string& person) {
    return desk_.run({"sign", file, "--yes", "--key", desk_.path(person + ".pem")});
  };
  ASSERT_EQ(desk_.run(prepare), 0) << desk_.complained();
  ASSERT_EQ(sign("a"), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(submit), 1);
  EXPECT_THAT(desk_.complained(), HasSubstr("[not_enough_signatures]"));
  ASSERT_EQ(sign("b"), 0) << desk_.complained();
  ASSERT_EQ(desk_.run(desk_.issue("other", "r1")), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(submit), 1);
  EXPECT_THAT(desk_.complained(), HasSubstr("[wrong_first_number]"));
  EXPECT_EQ(desk_.issued("r1"), kClass);

  ASSERT_EQ(desk_.run(prepare), 0) << desk_.complained();
  ASSERT_EQ(sign("a") + sign("b"), 0) << desk_.complained();
  // Killed at any moment, handed in again it is recorded once.
  const pid_t cut_off = desk_.spawn(submit);
  ::kill(cut_off, SIGKILL);
  Desk::wait(cut_off);
  EXPECT_EQ(desk_.run(submit), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(submit), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(without_keys("class")), 0) << desk_.complained();
  EXPECT_EQ(desk_.issued("r1"), 2 * kClass);
  EXPECT_EQ(desk_.run(desk_.verify(desk_.path(Desk::document("class", 7)), desk_.path(Desk::proof("class", 7)))), 0);

  fs::remove(file);
  ASSERT_EQ(desk_.run({"amend", "revoke", "--node", cluster_.public_address(2), "--register", Desk::reg("r1"),
                       "--policy", desk_.path("policy"), "--number", "0-49", "--prepare", file}),
            0)
      << desk_.complained();
  ASSERT_EQ(sign("b") + sign("a"), 0) << desk_.complained();
  EXPECT_EQ(desk_.run(submit), 0) << desk_.complained();
  EXPECT_EQ(cluster_.record(1, 0, "r1")->events, 1u) << "a whole batch is one change";
  settle();
  EXPECT_EQ(desk_.run(desk_.status(Desk::reg("r1") + "/49")), 5) << desk_.said();
}

TEST_F(RealNodes, AReissueThatIsKilledAtAnyMomentIsFinishedByTheSameCommand) {
  desk_.make_class("class");
  ASSERT_EQ(desk_.run(desk_.issue("class", "r1")), 0) << desk_.complained();
  const auto events = [&] { return cluster_.record(0, 0, "r1")->events; };
  const std::string proofs = desk_.path("new.proofs");
  const std::function<bool(unsigned)> moments[] = {
      [](unsigned) { return true; },
      [&](unsigned i) { return any_named(proofs, ".statement") || events() > i; },  // it is gone soon
      [&](unsigned i) { return desk_.issued("r1") > kClass + i; },
      [&](unsigned i) { return any_named(proofs, "new-" + std::to_string(i) + ".proof"); },
      [&](unsigned i) { return events() > i; },
  };
  for (unsigned i = 0; i < std::size(moments); ++i) {
    SCOPED_TRACE(i);
    const std::string name = "new-" + std::to_string(i);
    std::ofstream(desk_.path(name)) << name;
    const std::vector<std::string> command = {"reissue",
                                              "--node",
                                              cluster_.public_address(0) + "," + last_node(),
                                              "--register",
                                              Desk::reg("r1"),
                                              "--policy",
                                              desk_.path("policy"),
                                              "--number",
                                              std::to_string(i),
                                              "--proofs",
                                              proofs,
                                              "--key",
                                              desk_.path("a.pem"),
                                              "--key",
                                              desk_.path("b.pem"),
                                              "--yes",
                                              desk_.path(name)};
    const pid_t pid = desk_.spawn(command);
    EXPECT_TRUE(wait_until([&] { return moments[i](i); }));
    ::kill(pid, SIGKILL);
    Desk::wait(pid);
    ASSERT_EQ(desk_.run_json(command), 0) << desk_.said();
    EXPECT_EQ(desk_.json().at("new").as_string(), Desk::reg("r1") + "/" + std::to_string(kClass + i));
    EXPECT_EQ(desk_.issued("r1"), kClass + i + 1) << "issued once";
    EXPECT_EQ(events(), i + 1) << "superseded once";
    settle();
    EXPECT_EQ(desk_.run(desk_.status(Desk::reg("r1") + "/" + std::to_string(i))), 6) << desk_.said();
    EXPECT_EQ(desk_.run(desk_.verify(desk_.path(name), proofs + "/" + name + ".proof")), 0);
  }
}

TEST_F(RealNodes, AListOfAmendmentsThatIsKilledIsDoneOnce) {
  desk_.make_class("class");
  ASSERT_EQ(desk_.run(desk_.issue("class", "r1")), 0) << desk_.complained();
  std::ofstream(desk_.path("list.csv")) << "number,reason\n1,court_order\n7-9,\n20,\n";
  const std::vector<std::string> command = {"amend",      "revoke",
                                            "--node",     cluster_.public_address(1),
                                            "--register", Desk::reg("r1"),
                                            "--policy",   desk_.path("policy"),
                                            "--csv",      desk_.path("list.csv"),
                                            "--key",      desk_.path("a.pem"),
                                            "--key",      desk_.path("b.pem"),
                                            "--yes"};
  const auto events = [&] { return cluster_.record(0, 0, "r1")->events; };
  for (const unsigned at : {0u, 3u}) {
    const pid_t pid = desk_.spawn(command);
    EXPECT_TRUE(wait_until([&] { return events() >= at; }));
    ::kill(pid, SIGKILL);
    Desk::wait(pid);
  }
  ASSERT_EQ(desk_.run_json(command), 0) << desk_.said();
  EXPECT_EQ(desk_.json().at("outcomes").at("already").to_number<int>(), 3);
  EXPECT_EQ(events(), 3u);
  settle();
  for (const char* number : {"1", "8", "20"}) EXPECT_EQ(desk_.run(desk_.status(Desk::reg("r1") + "/" + number)), 5);
}

TEST_F(RealNodes, NodeStatusWaitsUntilTheyAgree) {
  const std::vector<std::string> both = {"node", "status", "--node", cluster_.public_address(0) + "," + last_node()};
  const auto with_wait = [&](const std::string& wait) {
    auto out = both;
    out.insert(out.end(), {"--wait", wait});
    return out;
  };
  cluster_.kill(3);
  EXPECT_EQ(desk_.run_json(with_wait("1s")), 1);
  EXPECT_FALSE(desk_.json().at("agree").as_bool());
  cluster_.submit(0, cluster_.one_entry(0, "r0", 0));
  const pid_t waiting = desk_.spawn(with_wait("30s"));
  cluster_.start(3);
  EXPECT_EQ(Desk::wait(waiting), 0) << desk_.said();
  EXPECT_EQ(desk_.run_json(both), 0);
  EXPECT_EQ(desk_.json().at("nodes").at(0).at("root"), desk_.json().at("nodes").at(1).at("root"));
}

}  // namespace
}  // namespace testamur::test
