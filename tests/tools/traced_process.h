// A process of the program that is killed at a chosen moment: after a time, or at one of the system calls by which it leaves something
// behind or says something.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace testamur::test {

struct TellingCall {
  std::uint64_t number = 0;
  std::string path;  ///< of what is synced
};

struct Ended {
  std::optional<int> exit;         ///< nothing: it was killed
  std::vector<TellingCall> calls;  ///< its telling system calls, where it was traced
  std::chrono::microseconds took{0};
};

/// Runs it to its end, unless the time is over before: then it gets SIGKILL. What it says goes to the file `said`.
Ended run_process(const std::vector<std::string>& arguments, const std::string& said,
                  std::optional<std::chrono::microseconds> killed_after = {});

/// The same under ptrace, killed at its telling system call number `killed_at`, before the call (`done` false) or after it. Its
/// telling calls are those of its first thread that sync, rename, unlink, make directories, or send; where `only` is given, that one.
/// Nothing when this system does not let processes be traced.
std::optional<Ended> run_traced(const std::vector<std::string>& arguments, const std::string& said,
                                std::optional<unsigned> killed_at = {}, bool done = false,
                                std::optional<std::uint64_t> only = {});

}  // namespace testamur::test
