#include "closed_loop.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <numeric>

namespace testamur::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kTick{200};

/// A caller in the loop. The address of a Slot is the tag of its events.
struct Slot {
  Caller* caller = nullptr;
  Clock::time_point begun;
  grpc::Alarm pause;
  bool pausing = false;
};

class Loop {
 public:
  Loop(std::vector<std::unique_ptr<Caller>>& callers, Period period, const LoopEvents& events)
      : events_(events), period_(period), slots_(callers.size()) {
    for (std::size_t i = 0; i < callers.size(); ++i) slots_[i].caller = callers[i].get();
  }

  Measured run() {
    for (Slot& slot : slots_) make_call(slot);
    // From when all have begun: their first calls may take long to make.
    begins_ = Clock::now() + period_.warm_up;
    ends_ = begins_ + period_.measured;
    while (Clock::now() < ends_) {
      void* tag = nullptr;
      bool ok = false;
      const auto next = queue_.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kTick);
      look_at_clock();
      if (next == grpc::CompletionQueue::GOT_EVENT) on_event(*static_cast<Slot*>(tag), ok);
    }
    measured_.seconds = std::chrono::duration<double>(Clock::now() - std::min(begun_, ends_)).count();
    if (events_.ends) events_.ends();
    drain();
    return std::move(measured_);
  }

 private:
  void look_at_clock() {
    const auto now = Clock::now();
    if (!measuring_ && now >= begins_) {
      measuring_ = true;
      begun_ = now;
      if (events_.begins) events_.begins();
    }
    if (events_.tick && now >= ticked_ + kTick) {
      ticked_ = now;
      events_.tick();
    }
  }

  void make_call(Slot& slot) {
    slot.begun = Clock::now();
    slot.caller->call(queue_, &slot);
  }

  void on_event(Slot& slot, bool ok) {
    if (slot.pausing) {
      slot.pausing = false;
      slot.caller->call(queue_, &slot);  // the same call goes on: its time has run since it was first made
      return;
    }
    const Step step = slot.caller->on_event(queue_, &slot, ok);
    switch (step.kind) {
      case Step::Kind::more: return;
      case Step::Kind::done:
        if (measuring_) {
          const auto took = std::chrono::duration_cast<microseconds>(Clock::now() - slot.begun).count();
          measured_.latencies.add(static_cast<std::uint64_t>(took));
        }
        return make_call(slot);
      case Step::Kind::again:
        if (measuring_) ++measured_.again;
        return pause(slot, step.pause_ms);
      case Step::Kind::failed:
        if (measuring_) ++measured_.failed[step.why];
        return pause(slot, step.pause_ms);
    }
  }

  void pause(Slot& slot, std::uint32_t ms) {
    slot.pausing = true;
    slot.pause.Set(&queue_, std::chrono::system_clock::now() + milliseconds(ms), &slot);
  }

  /// What is under way ends before the callers do.
  void drain() {
    std::size_t open = slots_.size();
    for (Slot& slot : slots_) slot.pausing ? slot.pause.Cancel() : slot.caller->cancel();
    void* tag = nullptr;
    bool ok = false;
    while (open > 0 && queue_.Next(&tag, &ok)) {
      Slot& slot = *static_cast<Slot*>(tag);
      if (slot.pausing || slot.caller->on_event(queue_, &slot, ok).kind != Step::Kind::more) --open;
    }
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
  }

  const LoopEvents& events_;
  const Period period_;
  Clock::time_point begins_;
  Clock::time_point ends_;
  Clock::time_point begun_ = Clock::time_point::max();
  Clock::time_point ticked_{};
  bool measuring_ = false;
  Measured measured_;
  grpc::CompletionQueue queue_;
  std::vector<Slot> slots_;
};

}  // namespace

std::uint64_t Latencies::at(double q) const {
  if (us_.empty()) return 0;
  const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(us_.size() - 1));
  std::nth_element(us_.begin(), us_.begin() + place, us_.end());
  return us_[static_cast<std::size_t>(place)];
}

std::uint64_t Measured::failures() const {
  return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& one) { return sum + one.second; });
}

Measured run_closed_loop(std::vector<std::unique_ptr<Caller>>& callers, Period period, const LoopEvents& events) {
  return Loop(callers, period, events).run();
}

}  // namespace testamur::bench
