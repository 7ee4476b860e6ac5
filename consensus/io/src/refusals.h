// Tells the owner who was refused and why, in a log that stays readable: somebody who is refused tries again every second.
// The same thing is told once a minute, and of things that are new, however a stranger varies them, no more than so many.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace testamur::consensus {

class Refusals {
 public:
  explicit Refusals(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

  /// Tells the sentence, unless something of the same subject was told within the last minute. The subject leaves out what
  /// changes at each try (a port number).
  void tell(const std::string& subject, const std::string& sentence);
  /// Whether something of this subject may be told now; it then counts as told. For those who tell it elsewhere.
  bool due(const std::string& subject);
  /// Nothing is told any more once this returns. gRPC may check a key in a thread of its own after its channel is gone.
  void close();

 private:
  bool due_locked(const std::string& subject);

  static constexpr std::chrono::minutes kInterval{1};
  static constexpr std::size_t kMaxSubjects = 128;

  std::function<void(const std::string&)> tell_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::map<std::string, std::chrono::steady_clock::time_point> last_;
  int telling_ = 0;
  bool closed_ = false;
};

/// A text that somebody else chose, fit for a log: printable, and not long.
std::string for_log(const std::string& text);

}  // namespace testamur::consensus
