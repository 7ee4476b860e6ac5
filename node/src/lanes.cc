#include "testamur/node/lanes.h"

#include <grpcpp/alarm.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <thread>

namespace testamur::node {
namespace {

constexpr unsigned kMaxLanes = 4;
/// To look at the queue costs as much as a short turn.
constexpr unsigned kTurnsInARow = 16;
constexpr unsigned kEventsInARow = 256;

}  // namespace

class Lanes::Thread final : public Lane {
 public:
  Thread(Lanes& all, std::unique_ptr<grpc::ServerCompletionQueue> queue) : all_(all), queue_(std::move(queue)) {}
  /// No call of this lane is left.
  ~Thread() {
    queue_->Shutdown();
    if (thread_.joinable()) {
      thread_.join();
    } else {
      run();  // of a server that was never started, the queue is emptied here
    }
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void start(const std::function<void(Lane&)>& listen) {
    thread_ = std::thread([this, listen] {
      ::pthread_setname_np(::pthread_self(), all_.name_.c_str());
      id_ = std::this_thread::get_id();
      listen(*this);
      run();
    });
  }

  Lanes& all() override { return all_; }
  grpc::ServerCompletionQueue* queue() override { return queue_.get(); }

  void post(std::function<void()> task) override {
    if (std::this_thread::get_id() == id_) return task();
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) alarm_.Set(queue_.get(), std::chrono::system_clock::now(), &rung_);
  }

  void take_turn(std::function<void()> task) override { turns_.push_back(std::move(task)); }

  /// Returns when the lane has begun, and has run what was posted to it before.
  void come_to_now() {
    if (!thread_.joinable()) return;
    std::promise<void> come;
    post([&come] { come.set_value(); });
    come.get_future().wait();
  }

 private:
  void run() {
    const auto at_once = std::chrono::system_clock::time_point{};
    void* operation = nullptr;
    bool ok = false;
    unsigned turns = 0;   // since events were looked for
    unsigned events = 0;  // since then
    while (true) {
      if (turns_.empty()) {
        if (!queue_->Next(&operation, &ok)) return;
        static_cast<Operation*>(operation)->complete(ok);
      } else if (turns < kTurnsInARow) {
        ++turns;
        const auto turn = std::move(turns_.front());
        turns_.pop_front();
        turn();
      } else if (events < kEventsInARow &&
                 queue_->AsyncNext(&operation, &ok, at_once) == grpc::CompletionQueue::GOT_EVENT) {
        ++events;
        static_cast<Operation*>(operation)->complete(ok);
      } else {
        turns = events = 0;
      }
    }
  }
  void run_tasks() {
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

  Lanes& all_;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  std::atomic<std::thread::id> id_;  // of the thread, by itself
  std::deque<std::function<void()>> turns_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  grpc::Alarm alarm_;  // set when there are tasks
  Operation rung_{[this](bool) { run_tasks(); }};
};

Lanes::Active::Active(Lanes& all) : all_(all) {
  const std::lock_guard lock(all_.mutex_);
  ++all_.active_;
}

Lanes::Active::~Active() {
  const std::lock_guard lock(all_.mutex_);
  if (--all_.active_ == 0) all_.ended_.notify_all();
}

Lanes::Queues Lanes::queues_of(grpc::ServerBuilder& builder) {
  Queues queues;
  for (unsigned i = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxLanes); i > 0; --i) {
    queues.push_back(builder.AddCompletionQueue());
  }
  return queues;
}

Lanes::Lanes(std::string name, Queues queues) : name_(std::move(name)) {
  for (auto& queue : queues) lanes_.push_back(std::make_unique<Thread>(*this, std::move(queue)));
}

void Lanes::start(const std::function<void(Lane&)>& listen) {
  for (const auto& lane : lanes_) lane->start(listen);
}

Lanes::~Lanes() {
  // A lane that has not begun to listen has nothing active yet.
  for (const auto& lane : lanes_) lane->come_to_now();
  // Nothing may be begun on a queue that has shut down, so the calls end first.
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return active_ == 0; });
}

}  // namespace testamur::node
