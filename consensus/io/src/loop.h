// The one thread that serves all streams of a transport. What gRPC is asked to do for a stream ends on it, so streams need no locks
// against themselves, and what arrives is handed on without waking another thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace testamur::consensus {

/// Something that gRPC does for a stream. It keeps the stream alive until it is done. One thread may begin it, and the loop end it:
/// gRPC orders the two, and the flag says so where gRPC's own locks are not seen.
class Operation {
 public:
  explicit Operation(std::function<void(bool ok)> then) : then_(std::move(then)) {}

  void* begin(std::shared_ptr<void> stream) {
    stream_ = std::move(stream);
    under_way_.store(true, std::memory_order_release);
    return this;
  }
  void complete(bool ok) {
    under_way_.exchange(false, std::memory_order_acq_rel);
    const auto stream = std::move(stream_);
    then_(ok);
  }

 private:
  const std::function<void(bool)> then_;
  std::shared_ptr<void> stream_;
  std::atomic<bool> under_way_ = false;
};

class Loop {
 public:
  /// Held by whatever may still begin an operation.
  class Active {
   public:
    explicit Active(Loop& loop) : loop_(loop) {
      const std::lock_guard lock(loop_.mutex_);
      ++loop_.active_;
    }
    ~Active() {
      const std::lock_guard lock(loop_.mutex_);
      if (--loop_.active_ == 0) loop_.ended_.notify_all();
    }
    Active(const Active&) = delete;
    Active& operator=(const Active&) = delete;

   private:
    Loop& loop_;
  };

  explicit Loop(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}
  /// Waits until nothing is active any more.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

 private:
  void run();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t active_ = 0;
  std::thread thread_;
};

}  // namespace testamur::consensus
