// Making proofs for whoever asks: look-ups, and streams of proofs for a whole class.
#pragma once

#include <atomic>

#include "testamur/node/lanes.h"
#include "testamur/node/open_histories.h"
#include "testamur/node/room.h"

namespace testamur::node {

class ProofCalls {
 public:
  /// `max_calls`: under way at once. A call makes one proof at a time, and the next when the reader has room for it; the calls of a lane
  /// take turns. Outlives the lanes.
  ProofCalls(LanedService& service, OpenHistories& histories, std::size_t max_calls)
      : service_(service), histories_(histories), room_(max_calls, 0) {}

  /// Takes calls in on this lane, on its thread.
  void listen(Lane& lane);
  /// Calls with more than one proof end soon.
  void stop() { stopping_ = true; }

 private:
  class Call;

  LanedService& service_;
  OpenHistories& histories_;
  Room room_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace testamur::node
