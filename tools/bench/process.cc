#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

extern char** environ;

namespace testamur::bench {
namespace {

constexpr std::chrono::seconds kToStop{10};

/// The number after "Name:" in /proc/PID/status, in KiB.
std::uint64_t kib_after(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name);
  return at == status.npos ? 0 : std::strtoull(status.c_str() + at + name.size(), nullptr, 10);
}

std::string contents(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

Result<Process> Process::start(std::vector<std::string> arguments, const std::string& log) {
  // So that it ends with this process, however that ends.
  arguments.insert(arguments.begin(), {"setpriv", "--pdeathsig", "KILL"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error{ErrorCode::storage, "cannot start " + arguments[3]};
  return Process(pid);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

Process::~Process() { kill(); }

void Process::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool Process::has_ended() const {
  siginfo_t is{};
  return pid_ == 0 ||
         (::waitid(P_PID, static_cast<id_t>(pid_), &is, WEXITED | WNOHANG | WNOWAIT) == 0 && is.si_pid != 0);
}

void Process::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  const auto end = std::chrono::steady_clock::now() + kToStop;
  while (!has_ended() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  kill();
}

std::optional<Use> use_of(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const std::string stat = contents(directory + "/stat");
  // The name, in parentheses, may hold anything; user and system time are the 12th and 13th fields after it.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == stat.npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  const auto ticks_a_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::string status = contents(directory + "/status");
  return Use{(user + system) * 1'000'000 / ticks_a_second, kib_after(status, "VmRSS:") * 1024,
             kib_after(status, "VmHWM:") * 1024};
}

int free_port() {
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  return tcp::acceptor(io, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

}  // namespace testamur::bench
