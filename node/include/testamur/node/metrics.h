// The node's metrics, for Prometheus to fetch over HTTP: what is counted here as it happens, and what is read from the node at each
// fetch. deploy/metrics.md says what each of them means.
//
// Counting is done always and costs next to nothing; a listener is there only where the configuration wants one. It tells numbers and the
// names of nodes, nothing of what is recorded, and asks nobody who they are: it belongs on an address that only the operator reaches.
#pragma once

#include <chrono>
#include <memory>

#include "testamur/node/intake.h"
#include "testamur/node/readings.h"

namespace testamur::node {

class Metrics {
 public:
  struct Names {
    std::string node;
    std::string institution;
    std::vector<std::string> others;  ///< the consortium's other nodes
  };

  explicit Metrics(const Names& names);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Answers on http://`listen`/metrics until stop_serving(). `read` is called at each fetch, from threads of the listener, and must not
  /// wait. Errors: conflict (in use), invalid (no address of this machine).
  Result<void> serve(const std::string& listen, std::function<Readings()> read);
  /// `read` is not called any more.
  void stop_serving();

  // From any thread. The names of nodes are those of `Names::others`.
  void log_synced(std::chrono::nanoseconds took);
  /// This node proposed a payload as the leader; it is told by its address when it comes back as committed.
  void proposed(const consensus::Payload& payload);
  void committed(const std::vector<consensus::Entry>& entries);
  void certified(consensus::Index index);
  /// What was proposed and is not committed is somebody else's now.
  void leads_no_more();
  void stepped_down();
  void answered(const SubmissionOutcome& outcome);
  void evidence(const std::string& said_by);
  void block_refused(const std::string& leader);
  void cosignature_not_counted(const std::string& voter);
  void letter_dropped(const std::string& from);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::node
