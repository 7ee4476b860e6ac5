#include "cluster.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "testamur/identity/key_file.h"
#include "testamur/identity/tls.h"

extern char** environ;

namespace testamur::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void write_file(const std::string& path, std::string_view contents) {
  std::ofstream stream(path, std::ios::binary);
  stream << contents;
  if (!stream.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

bool wait_until(const std::function<bool()>& holds, seconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

Time clock_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Time{static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count())};
}

Cluster::Cluster(ClusterOptions options)
    : world_({.institutions = options.nodes, .registers = options.registers}), nodes_(options.nodes) {
  // These nodes go by the machine's clock.
  const Time created{clock_now().value - 60'000};
  world_.genesis.created = created;
  for (Record& record : world_.genesis.records) {
    if (auto* institution = std::get_if<InstitutionRecord>(&record)) {
      for (Key& key : institution->keys) key.added_at = created;
    }
  }
  for (unsigned i = 0; i < options.nodes; ++i) {
    if (!options.hosts.empty()) nodes_[i].host = options.hosts.at(i);
    make_site(i);
  }
  for (unsigned i = 0; i < options.nodes; ++i) {
    write_file(node_directory(i) + "/genesis", as_text(world_.genesis_bytes()));
    // A node that comes back is found at once.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
    nodes_[i].stub = testamur::v1::Ledger::NewStub(
        grpc::CreateCustomChannel(public_address(i), grpc::InsecureChannelCredentials(), arguments));
  }
}

Cluster::~Cluster() {
  for (unsigned i = 0; i < size(); ++i) kill(i);
  // A sanitizer in a node speaks in its log alone.
  for (unsigned i = 0; i < size(); ++i) {
    for (const char* word : {"Sanitizer", "runtime error:"}) {
      EXPECT_FALSE(log_holds(i, word)) << node_name(i) << " has been found fault with";
    }
  }
  if (!::testing::Test::HasFailure()) return;
  constexpr std::size_t kShown = 8 << 10;
  for (unsigned i = 0; i < size(); ++i) {
    const std::string all = log(i);
    std::cerr << "--- the end of the log of " << node_name(i) << "\n"
              << all.substr(all.size() - std::min(all.size(), kShown)) << "\n";
  }
}

std::string Cluster::node_directory(unsigned i) const { return scratch_.path() + "/" + node_name(i); }

std::string Cluster::public_address(unsigned i) const {
  return nodes_[i].host.address + ":" + std::to_string(nodes_[i].public_port);
}

std::string Cluster::operator_address(unsigned i) const {
  return nodes_[i].host.address + ":" + std::to_string(nodes_[i].operator_port);
}

void Cluster::make_site(unsigned i) {
  const std::string directory = node_directory(i);
  std::filesystem::create_directories(directory);
  Process& process = nodes_[i];
  process.name = node_name(i);
  process.peer_port = free_port();
  process.public_port = free_port();
  process.operator_port = free_port();
  const auto tls = value_of(identity::make_tls_identity(node_name(i)));
  value_of(identity::write_secret_file(directory + "/tls.pem", tls.key_pem));
  write_file(directory + "/tls.crt", tls.certificate_pem);
  std::filesystem::create_directories(directory + "/keys");
  write_file(directory + "/keys/tls.crt", tls.certificate_pem);
  const auto operators = value_of(identity::make_tls_identity("operator"));
  value_of(identity::write_secret_file(directory + "/operator.pem", operators.key_pem));
  write_file(directory + "/operator.crt", operators.certificate_pem);
  for (const std::string kind : {"note", "cosigner"}) {
    value_of(identity::write_ed25519_key(directory + "/" + kind + ".pem", bytes_named(node_name(i) + " " + kind)));
  }
  Node& node = world_.consortium().nodes[i];
  node.tls_spki = tls.spki;
  node.address = process.host.known_as + ":" + std::to_string(process.peer_port);
}

void Cluster::write_config(unsigned i) const {
  const Process& process = nodes_[i];
  std::ostringstream out;
  out << "[node]\nname = \"" << process.name << "\"\ngenesis = \"genesis\"\ndata = \"" << process.data << "\"\n"
      << "[keys]\nnote = \"note.pem\"\ncosigner = \"cosigner.pem\"\ntls_key = \"tls.pem\"\n"
      << "tls_certificate = \"tls.crt\"\n"
      << "[peer]\nlisten = \"" << process.host.address << ":" << process.peer_port << "\"\n"
      << "[operator]\nlisten = \"" << operator_address(i) << "\"\ncertificates = [\"operator.crt\"]\n"
      << "[public]\nlisten = \"" << public_address(i) << "\"\n"
      << process.more_config;
  write_file(node_directory(i) + "/node.toml", out.str());
}

void Cluster::use_ports_of(unsigned i, const Cluster& other, unsigned j) {
  nodes_[i].peer_port = other.nodes_[j].peer_port;
  nodes_[i].public_port = other.nodes_[j].public_port;
}

void Cluster::give_identity(unsigned from, unsigned to) {
  nodes_[to].name = nodes_[from].name;
  for (const std::string file : {"tls.pem", "tls.crt", "note.pem", "cosigner.pem"}) {
    std::filesystem::copy_file(node_directory(from) + "/" + file, node_directory(to) + "/" + file,
                               std::filesystem::copy_options::overwrite_existing);
  }
}

void Cluster::start(unsigned i, const std::vector<std::string>& more) {
  write_config(i);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log_file = node_directory(i) + "/log";
  posix_spawn_file_actions_addopen(&actions, 2, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  // A node does not outlive its test: else one that crashes would leave nodes behind, and whoever waits for the end of its output
  // would wait for theirs.
  std::vector<std::string> words = nodes_[i].host.enter;
  for (const std::string& word : {std::string("setpriv"), std::string("--pdeathsig"), std::string("KILL"),
                                  std::string(TESTAMURD), std::string("--config"), node_directory(i) + "/node.toml"}) {
    words.push_back(word);
  }
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) {
    throw std::runtime_error("cannot start " + words[0]);
  }
  nodes_[i].pid = pid;
  nodes_[i].left_out = false;
  posix_spawn_file_actions_destroy(&actions);
}

void Cluster::start_all() {
  for (unsigned i = 0; i < size(); ++i) start(i);
}

void Cluster::kill(unsigned i) {
  if (!runs(i)) return;
  ::kill(nodes_[i].pid, SIGKILL);
  waitpid(nodes_[i].pid, nullptr, 0);
  nodes_[i].pid = 0;
}

int Cluster::stop(unsigned i) {
  nodes_[i].left_out = true;
  ::kill(nodes_[i].pid, SIGTERM);
  return wait_for_exit(i).value_or(-1);
}

bool Cluster::has_ended(unsigned i) const {
  siginfo_t is{};
  return waitid(P_PID, static_cast<id_t>(nodes_[i].pid), &is, WEXITED | WNOHANG | WNOWAIT) == 0 && is.si_pid != 0;
}

std::optional<int> Cluster::wait_for_exit(unsigned i) {
  int status = 0;
  const bool ended = wait_until([&] { return waitpid(nodes_[i].pid, &status, WNOHANG) == nodes_[i].pid; });
  if (!ended) return std::nullopt;
  nodes_[i].pid = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Cluster::log(unsigned i) const {
  std::ifstream stream(node_directory(i) + "/log");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::optional<testamur::v1::NodeStatus> Cluster::status(unsigned i) {
  if (!runs(i)) return std::nullopt;
  grpc::ClientContext context;
  // A call that waits for the connection also drives it; one that fails at once leaves it to a timer of five seconds.
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + seconds(1));
  testamur::v1::NodeStatus status;
  if (!node(i).GetNode(&context, {}, &status).ok()) return std::nullopt;
  return status;
}

std::optional<unsigned> Cluster::leader() {
  for (unsigned i = 0; i < size(); ++i) {
    const auto is = status(i);
    if (is && is->role() == "leader" && has_certified(i)) return i;
  }
  return std::nullopt;
}

unsigned Cluster::wait_for_leader() {
  std::optional<unsigned> found;
  if (!wait_until([&] { return (found = leader()).has_value(); })) throw std::runtime_error("nobody leads");
  return *found;
}

bool Cluster::level(std::uint64_t height) {
  std::optional<testamur::v1::NodeStatus> first;
  for (unsigned i = 0; i < size(); ++i) {
    if (!runs(i)) continue;
    const auto is = status(i);
    if (!is || is->height() < height || is->certified_height() != is->height() || !has_certified(i)) return false;
    if (first && (first->root() != is->root() || first->height() != is->height())) return false;
    first = is;
  }
  return first.has_value();
}

bool Cluster::has_certified(unsigned i) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + seconds(1));
  testamur::v1::Checkpoint head;
  return node(i).GetCheckpoint(&context, {}, &head).ok();
}

std::optional<testamur::v1::Outcome> Cluster::try_submit(unsigned i, const Bytes& signed_statement,
                                                         const std::vector<Hash>& listed, testamur::v1::Wait wait,
                                                         unsigned wait_ms) {
  if (!runs(i) || nodes_[i].left_out) return std::nullopt;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + milliseconds(wait_ms + 2000));
  testamur::v1::SubmitRequest request;
  request.set_signed_statement(std::string(as_text(signed_statement)));
  const auto* bytes = reinterpret_cast<const char*>(listed.data());
  request.set_listed_commitments(std::string(bytes, bytes + listed.size() * sizeof(Hash)));
  request.set_wait(wait);
  request.set_wait_ms(wait_ms);
  testamur::v1::Outcome outcome;
  if (!node(i).Submit(&context, request, &outcome).ok()) return std::nullopt;
  return outcome;
}

testamur::v1::Outcome Cluster::submit(unsigned i, const Bytes& signed_statement, const std::vector<Hash>& listed,
                                      seconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (std::chrono::steady_clock::now() < end) {
    const auto outcome = try_submit(i, signed_statement, listed, testamur::v1::WAIT_CERTIFIED, 3000);
    if (outcome &&
        (outcome->stage() == testamur::v1::STAGE_CERTIFIED || outcome->stage() == testamur::v1::STAGE_NOT_TAKEN)) {
      return *outcome;
    }
    // Nothing is known: the same bytes again, elsewhere.
    std::this_thread::sleep_for(milliseconds(50));
    i = (i + 1) % size();
  }
  throw std::runtime_error("no answer within the bound");
}

Bytes Cluster::one_entry(unsigned institution, std::string_view register_name, std::uint64_t number) const {
  const Hash commitment = bytes_named(std::string(register_name) + " entry " + std::to_string(number));
  return world_.sign(institution, world_.issue(institution, register_name, number, 1, merkle::leaf_hash(commitment),
                                               false, clock_now()));
}

std::optional<RegisterRecord> Cluster::record(unsigned i, unsigned institution, const std::string& name) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + seconds(10));
  testamur::v1::GetRegisterRequest request;
  request.set_institution(World::institution_id(institution));
  request.set_register_(name);
  testamur::v1::Register answer;
  if (!node(i).GetRegister(&context, request, &answer).ok()) return std::nullopt;
  auto record = decode_record(as_bytes(answer.record()));
  if (!record) return std::nullopt;
  return std::get<RegisterRecord>(*record);
}

}  // namespace testamur::test
