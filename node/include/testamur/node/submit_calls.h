// Taking statements in: one at a time, and as a stream with many under way. No thread waits for a block: a few lanes serve all calls.
#pragma once

#include "testamur/node/intake.h"
#include "testamur/node/lanes.h"
#include "testamur/node/room.h"

namespace testamur::node {

class SubmitCalls {
 public:
  struct Limits {
    std::size_t calls = 4096;   ///< single submissions under way
    std::size_t streams = 512;  ///< each with as many as kMaxUnderWay
  };
  /// Of one stream; the next is read when one of them has its outcome.
  static constexpr std::size_t kMaxUnderWay = 1024;

  /// Signatures are checked by the lanes' threads. Outlives the lanes, at whose end the intake answers everybody.
  SubmitCalls(LanedService& service, Intake& intake, Limits limits)
      : service_(service), intake_(intake), calls_(limits.calls, 0), streams_(limits.streams, 0) {}

  /// Takes calls in on this lane, on its thread.
  void listen(Lane& lane);

 private:
  class UnaryCall;
  class StreamCall;

  LanedService& service_;
  Intake& intake_;
  Room calls_;
  Room streams_;
};

}  // namespace testamur::node
