// A closed loop: each of C callers has one call under way at a time, and makes the next as soon as it has its answer.
#pragma once

#include <grpcpp/completion_queue.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace testamur::bench {

/// Where a call has come to.
struct Step {
  enum class Kind : std::uint8_t {
    more,    ///< it goes on: another event will come
    done,    ///< it brought what was asked for
    again,   ///< politely refused for now: to be made again after `pause_ms`
    failed,  ///< to be made again after `pause_ms`, and counted
  };
  Kind kind = Kind::more;
  std::uint32_t pause_ms = 0;
  std::string why;  ///< of a failure
};

class Caller {
 public:
  virtual ~Caller() = default;
  /// Makes a call whose events bear `tag`; again after `failed` or `again`, with what was not answered.
  virtual void call(grpc::CompletionQueue& queue, void* tag) = 0;
  virtual Step on_event(grpc::CompletionQueue& queue, void* tag, bool ok) = 0;
  /// Gives up what is under way: its last event comes soon.
  virtual void cancel() = 0;
};

/// How long calls took, in microseconds.
class Latencies {
 public:
  void add(std::uint64_t us) { us_.push_back(us); }
  std::size_t count() const { return us_.size(); }
  /// Quantile q of 0 to 1; 0 where there are none.
  std::uint64_t at(double q) const;

 private:
  mutable std::vector<std::uint64_t> us_;
};

struct Measured {
  double seconds = 0;
  Latencies latencies;      ///< of the calls that ended well in that time, from before anything was signed
  std::uint64_t again = 0;  ///< politely refused
  std::map<std::string, std::uint64_t> failed;  ///< by what was said
  std::uint64_t failures() const;
  double rate() const { return static_cast<double>(latencies.count()) / seconds; }
};

struct Period {
  std::chrono::milliseconds warm_up{2000};  ///< not counted
  std::chrono::milliseconds measured{60'000};
};

/// Runs the callers on this thread. `begins` is called when the measured time begins, `ends` when it ends; `tick`, some times a second.
struct LoopEvents {
  std::function<void()> begins;
  std::function<void()> ends;
  std::function<void()> tick;
};
Measured run_closed_loop(std::vector<std::unique_ptr<Caller>>& callers, Period period, const LoopEvents& events);

}  // namespace testamur::bench
