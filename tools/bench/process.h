// Programs that run beside this one, and what they use.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::bench {

/// A process that does not outlive this one. Its output goes to a file.
class Process {
 public:
  /// Errors: storage, when it cannot be started.
  static Result<Process> start(std::vector<std::string> arguments, const std::string& log);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  /// Ended by SIGKILL, if it still runs.
  ~Process();

  pid_t pid() const { return pid_; }
  bool has_ended() const;
  /// SIGTERM, and SIGKILL after a while.
  void stop();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  void kill();

  pid_t pid_ = 0;
};

/// What a process has used so far. CPU time in microseconds, of the process alone; memory in bytes: now, and at most.
struct Use {
  std::uint64_t cpu_us = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t peak_rss_bytes = 0;
};
/// Nothing: there is no such process.
std::optional<Use> use_of(pid_t pid);

/// A loopback port that nobody listens on now.
int free_port();

}  // namespace testamur::bench
