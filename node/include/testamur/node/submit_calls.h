// Taking statements in: one at a time, and as a stream with many under way. No thread waits for a block: calls come from a completion
// queue, and whoever brings the news of an outcome begins to write it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "testamur/node/intake.h"
#include "testamur/node/room.h"
#include "testamur/v1/ledger.grpc.pb.h"

namespace testamur::node {

class SubmitCalls {
 public:
  using Service = testamur::v1::Ledger::WithAsyncMethod_Submit<
      testamur::v1::Ledger::WithAsyncMethod_SubmitStream<testamur::v1::Ledger::Service>>;

  struct Limits {
    std::size_t calls = 4096;   ///< single submissions under way
    std::size_t streams = 512;  ///< each with as many as kMaxUnderWay
  };
  /// Of one stream; the next is read when one of them has its outcome.
  static constexpr std::size_t kMaxUnderWay = 1024;

  SubmitCalls(Service& service, Intake& intake, Limits limits, std::unique_ptr<grpc::ServerCompletionQueue> queue);
  /// The server has shut down before, and the intake answers everybody: waits until every call has ended.
  ~SubmitCalls();
  SubmitCalls(const SubmitCalls&) = delete;
  SubmitCalls& operator=(const SubmitCalls&) = delete;

  /// Once the server runs.
  void start();

 private:
  class Operation;
  class UnaryCall;
  class StreamCall;
  class Active;

  void run();

  Service& service_;
  Intake& intake_;
  Room calls_;
  Room streams_;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t active_ = 0;  // calls that have begun and not ended
};

}  // namespace testamur::node
