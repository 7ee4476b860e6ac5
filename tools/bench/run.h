// One measured run: a workload, what it came to, and what every process used meanwhile.
#pragma once

#include <boost/json/object.hpp>

#include "closed_loop.h"
#include "clusters.h"
#include "context.h"
#include "failure.h"

namespace testamur::bench {

/// What a process used in the measured time.
struct UseInRun {
  std::string name;
  double cpu = 0;  ///< cores: 1 is one core the whole time
  std::uint64_t rss_before_bytes = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t peak_rss_bytes = 0;  ///< since it started
  double syncs = 0;                  ///< of its consensus log, a second; nodes only
  double entries_a_sync = 0;         ///< log entries that one of them wrote
};

struct Run {
  std::string what;  ///< "one-entry statements to committed", ...
  std::string unit;  ///< what the rate counts: "statements", "entries", "look-ups", "puts"
  unsigned clients = 0;
  std::uint32_t units = 1;  ///< of each call
  Measured measured;
  std::vector<UseInRun> processes;

  double rate() const { return measured.rate() * units; }
};

/// Watches the processes of a cluster, and this one, over the measured time.
class Watch {
 public:
  /// `cluster`: nothing, for one that somebody else started: then only the nodes' own counts are known. `nodes`: addresses, may be
  /// empty.
  Watch(const Cluster* cluster, std::vector<std::string> nodes) : cluster_(cluster), nodes_(std::move(nodes)) {}
  void begin() { begun_ = look(); }
  void end() { ended_ = look(); }
  std::vector<UseInRun> use() const;

 private:
  struct Log {
    std::uint64_t syncs = 0;
    std::uint64_t entries = 0;
  };
  struct Look {
    std::chrono::steady_clock::time_point at;
    std::map<std::string, Use> use;
    std::vector<Log> logs;  ///< in the order of `nodes`
  };
  Look look() const;

  const Cluster* cluster_;
  const std::vector<std::string> nodes_;
  Look begun_;
  Look ended_;
};

/// Drives the callers for the period, with progress.
Run run(Run described, std::vector<std::unique_ptr<Caller>>& callers, Period period, Watch watch,
        tool::Context& context);

void say(tool::Context& context, const Run& run);
boost::json::object to_json(const Run& run);

}  // namespace testamur::bench
