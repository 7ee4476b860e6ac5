// Lanes serve the calls of the public service for which no thread waits: each is a completion queue, and the one thread that serves it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "testamur/v1/ledger.grpc.pb.h"

namespace testamur::node {

/// The public service, with the calls that lanes serve.
using LanedService = testamur::v1::Ledger::WithAsyncMethod_GetProofs<testamur::v1::Ledger::WithAsyncMethod_Submit<
    testamur::v1::Ledger::WithAsyncMethod_SubmitStream<testamur::v1::Ledger::Service>>>;

/// Something that gRPC does for a call. It keeps the call alive until it is done.
class Operation {
 public:
  explicit Operation(std::function<void(bool ok)> then) : then_(std::move(then)) {}

  void* begin(std::shared_ptr<void> call) {
    call_ = std::move(call);
    return this;
  }
  void complete(bool ok) {
    const auto call = std::move(call_);
    then_(ok);
  }

 private:
  const std::function<void(bool)> then_;
  std::shared_ptr<void> call_;
};

class Lanes;

/// What gRPC does for a call of this lane is begun and ended on the lane's thread alone; so calls need no locks, and what comes for many
/// of them wakes it once.
class Lane {
 public:
  virtual Lanes& all() = 0;
  virtual grpc::ServerCompletionQueue* queue() = 0;
  /// Runs the task on the lane's thread. From any thread.
  virtual void post(std::function<void()> task) = 0;
  /// Runs the task soon, for what takes longer than a call's other steps: such tasks take turns, in order, and every few of them the lane
  /// first sees to all that gRPC has for it, so that others are let in, or refused, however much there is to do. On the lane's thread.
  virtual void take_turn(std::function<void()> task) = 0;

 protected:
  ~Lane() = default;
};

class Lanes {
 public:
  using Queues = std::vector<std::unique_ptr<grpc::ServerCompletionQueue>>;

  /// For one lane a core, four at most.
  static Queues queues_of(grpc::ServerBuilder& builder);

  /// `name`: of the threads.
  Lanes(std::string name, Queues queues);
  /// The server has shut down before, and nothing waits for anybody else: waits until every call has ended.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// Once the server runs; `listen` asks, on each lane's thread, for the first calls.
  void start(const std::function<void(Lane&)>& listen);

  /// Held by a call from when it listens to its end.
  class Active {
   public:
    explicit Active(Lanes& all);
    ~Active();
    Active(const Active&) = delete;
    Active& operator=(const Active&) = delete;

   private:
    Lanes& all_;
  };

 private:
  class Thread;

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t active_ = 0;  // calls that listen or have not ended
  std::vector<std::unique_ptr<Thread>> lanes_;
};

}  // namespace testamur::node
