#include "traced_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace testamur::test {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

bool is_telling(std::uint64_t call) {
  constexpr std::array telling = {
      SYS_fsync,  SYS_syncfs, SYS_sendmsg, SYS_pwrite64, SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat,
#ifdef SYS_rename
      SYS_rename, SYS_unlink, SYS_mkdir,
#endif
  };
  return std::any_of(telling.begin(), telling.end(), [&](long one) { return static_cast<std::uint64_t>(one) == call; });
}

/// This process's environment; for a traced program with no search for leaks at its end, which is itself done by tracing.
std::vector<std::string> environment_for(bool traced) {
  std::vector<std::string> variables;
  std::string sanitizer = "ASAN_OPTIONS=detect_leaks=0";
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (traced && text.starts_with("ASAN_OPTIONS=")) {
      sanitizer = std::string(text) + ":detect_leaks=0";
    } else {
      variables.emplace_back(text);
    }
  }
  if (traced) variables.push_back(sanitizer);
  return variables;
}

std::vector<char*> as_argv(const std::vector<std::string>& strings) {
  std::vector<char*> argv;
  for (const std::string& string : strings) argv.push_back(const_cast<char*>(string.c_str()));
  argv.push_back(nullptr);
  return argv;
}

/// Everything that is made here is made before the fork: the child of a process with threads calls the system alone.
pid_t fork_program(const std::vector<std::string>& arguments, const std::string& said, bool traced) {
  const std::vector<char*> argv = as_argv(arguments);
  const std::vector<std::string> variables = environment_for(traced);
  const std::vector<char*> environment = as_argv(variables);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot start " + arguments[0]);
  if (pid > 0) return pid;
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (traced && ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  ::execve(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

TellingCall call_of(pid_t pid, const __ptrace_syscall_info& info) {
  TellingCall call{info.entry.nr, {}};
  if (call.number == SYS_fsync) {
    std::error_code gone;
    const std::string link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(info.entry.args[0]);
    call.path = std::filesystem::read_symlink(link, gone).string();
  }
  return call;
}

std::optional<int> exit_of(int status) { return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt; }

}  // namespace

Ended run_process(const std::vector<std::string>& arguments, const std::string& said,
                  std::optional<microseconds> killed_after) {
  const auto begun = steady_clock::now();
  const pid_t pid = fork_program(arguments, said, false);
  if (killed_after) {
    // The moment is the point, whatever the process has come to.
    std::this_thread::sleep_until(begun + *killed_after);
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {exit_of(status), {}, std::chrono::duration_cast<microseconds>(steady_clock::now() - begun)};
}

std::optional<Ended> run_traced(const std::vector<std::string>& arguments, const std::string& said,
                                std::optional<unsigned> killed_at, bool done, std::optional<std::uint64_t> only) {
  const auto begun = steady_clock::now();
  const pid_t pid = fork_program(arguments, said, true);
  Ended ended;
  int status = 0;
  ::waitpid(pid, &status, 0);  // stops as the program begins
  if (WIFEXITED(status) && WEXITSTATUS(status) == 126) return std::nullopt;
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  int signal = 0;
  bool at_it = false;
  while (WIFSTOPPED(status)) {
    signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      signal = 0;
      __ptrace_syscall_info info{};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
      const bool entering = info.op == PTRACE_SYSCALL_INFO_ENTRY;
      if (entering) {
        const bool telling = only ? info.entry.nr == *only : is_telling(info.entry.nr);
        at_it = telling && ended.calls.size() == killed_at;
        if (telling) ended.calls.push_back(call_of(pid, info));
      }
      if (at_it && entering != done) ::kill(pid, SIGKILL);
    } else if (signal == SIGTRAP) {
      signal = 0;
    }
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
    if (::waitpid(pid, &status, 0) != pid) break;
  }
  ended.exit = exit_of(status);
  ended.took = std::chrono::duration_cast<microseconds>(steady_clock::now() - begun);
  return ended;
}

}  // namespace testamur::test
