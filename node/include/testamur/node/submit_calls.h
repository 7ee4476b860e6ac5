// Taking statements in: one at a time, and as a stream with many under way. No thread waits for a block: a few threads serve all calls,
// each from a completion queue of its own.
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

  using Queues = std::vector<std::unique_ptr<grpc::ServerCompletionQueue>>;
  /// Signatures are checked by the threads that serve these queues, one each.
  SubmitCalls(Service& service, Intake& intake, Limits limits, Queues queues);
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
  class Lane;

  Service& service_;
  Intake& intake_;
  Room calls_;
  Room streams_;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t active_ = 0;  // calls that have begun and not ended
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace testamur::node
