// testamurd: one institution's node.
#include <signal.h>

#include <absl/synchronization/mutex.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "testamur/node/log.h"
#include "testamur/node/node.h"
#include "testamur/node/version.h"

namespace {

using namespace testamur;
using namespace testamur::node;

// What the exit says.
enum Exit : int { kStopped = 0, kCannotStart = 1, kUsage = 2, kFailed = 3 };

int say(int code, const Error& error) {
  std::fprintf(stderr, "testamurd: %s (%s)\n", error.message.c_str(), std::string(name(error.code)).c_str());
  return code;
}

/// What ends the node: a signal, or a failure.
class Ending {
 public:
  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    changed_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  /// The node has to be opened again.
  void begin_again() {
    const std::lock_guard lock(mutex_);
    again_ = true;
    changed_.notify_all();
  }
  /// The failure, or nothing when it was told to stop, or to begin again.
  std::optional<Error> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || again_ || error_; });
    return error_;
  }
  /// Whether it is to begin again; told once.
  bool takes_again() {
    const std::lock_guard lock(mutex_);
    return std::exchange(again_, false) && !stopped_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool again_ = false;
  std::optional<Error> error_;
};

/// Waits for the signals that end a program; they are blocked in all threads, and taken by this one.
void stop_at_signals(Ending& ending) {
  std::thread([&ending] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    int signal = 0;
    sigwait(&set, &signal);
    ending.stop();
  }).detach();
}

int run_once(const Config& config, Ending& ending) {
  auto self = read_self(config);
  if (!self) return say(kCannotStart, self.error());
  auto stores = open_stores(config, *self);
  if (!stores) return say(kCannotStart, stores.error());
  const std::string ledger = to_hex(self->ledger);
  const std::string institution = self->node().institution;
  auto node = RunningNode::start(config, std::move(*self), std::move(*stores),
                                 {[&](const Error& error) { ending.fail(error); }, [&] { ending.begin_again(); }});
  if (!node) return say(kCannotStart, node.error());
  log_info("started", {{"node", config.name},
                       {"institution", institution},
                       {"ledger", ledger},
                       {"peers_on", config.peer_listen},
                       {"public_on", config.public_listen},
                       {"version", kVersion}});
  if (config.clock_offset_for_tests.count() != 0) {
    log_warn("clock_offset_for_tests", {{"milliseconds", std::to_string(config.clock_offset_for_tests.count())}});
  }
  const auto failure = ending.wait();
  if (failure) {
    // A disk that failed may hang a graceful stop; what was promised is on it already.
    log_error("failed", {{"why", failure->message}});
    std::fprintf(stderr, "testamurd: stopped: %s (%s)\n", failure->message.c_str(),
                 std::string(name(failure->code)).c_str());
    std::fflush(stderr);
    std::_Exit(kFailed);
  }
  log_info("stopping");
  node->reset();
  log_info("stopped");
  return kStopped;
}

int run(const Config& config) {
  // The thread that takes signals has it to the end.
  static Ending ending;
  stop_at_signals(ending);
  int exit = kStopped;
  do {
    exit = run_once(config, ending);
  } while (exit == kStopped && ending.takes_again());
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "One institution's node of a Testamur consortium. It agrees with the others on what is recorded, keeps the "
      "ledger, and answers "
      "anyone who asks. `testamur node init` writes its configuration.\n\n"
      "Exit codes: 0 stopped as told, 1 could not start, 2 wrong usage or configuration, 3 stopped by a failure, whose "
      "reason is the last "
      "line.");
  app.footer(
      "Settings of node.toml that may be left out:\n"
      "  [public] max_calls = 512          calls of the public under way at once, 16 to 4096\n"
      "  [operator] listen, certificates   where operators are answered, host:port, and a list of the certificates of "
      "those\n"
      "                                    who are (`testamur cluster`); off when left out\n"
      "  [consensus] tick_ms = 100         a heartbeat, 10 to 1000; an election takes ten to twenty of them\n"
      "  [consensus] cosign_every_s = 60   an idle head is cosigned anew so often, 1 to 86400\n"
      "  [limits] max_pending = 16384      statements that wait for a block, 1 to 1048576\n"
      "  [limits] max_pending_bytes = 268435456   the same in bytes, 4 MiB to 16 GiB\n"
      "  [metrics] listen = \"127.0.0.1:9464\"     metrics for Prometheus, at /metrics; off when left out. Whoever\n"
      "                                    reaches it can read them: keep it to an address of the monitoring\n"
      "  [log] level = \"info\"             debug, info, warn or error\n"
      "  [log] json = false                one JSON object a line instead of logfmt");
  std::filesystem::path file;
  bool check_only = false;
  bool rejoin = false;
  bool not_cosigned = false;
  std::optional<std::uint64_t> recover;
  app.add_option("--config", file, "The node's configuration, node.toml")->required();
  app.add_flag("--check-config", check_only, "Check configuration, genesis and keys, and end");
  auto* rejoining =
      app.add_flag("--rejoin", rejoin,
                   "For a node that lost its log or a part of it: set what is left aside and begin anew, without "
                   "a vote until the others have given it one");
  auto* recovering =
      app.add_option("--recover", recover,
                     "Take back everything after the certified block of this height, and end. The last resort of a "
                     "quorum's operators "
                     "together; see testamur cluster recover --help")
          ->excludes(rejoining);
  app.add_flag("--not-cosigned", not_cosigned,
               "With --recover, where the node does not know whether it cosigned a later block: the operators found "
               "that it did not")
      ->needs(recovering);
  app.set_version_flag("--version", kVersion);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kStopped : kUsage;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Each thread of gRPC's waits for its own connections only. With epoll one waits for all of them and wakes the others in turn: two
  // or three wake-ups for each message, and the public's connections among those of the other nodes.
  setenv("GRPC_POLL_STRATEGY", "poll", /*overwrite=*/0);
  // Debian builds Abseil with its search for deadlocks on: a table of all locks, asked whenever gRPC takes one of its own.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  const auto config = read_config(file);
  if (!config) return say(kUsage, config.error());
  auto self = read_self(*config);
  if (!self) return say(check_only ? kUsage : kCannotStart, self.error());
  if (check_only) {
    std::printf("%s: well. %s of %s, ledger %s, %zu nodes, %u of %zu voters decide.\n", file.c_str(),
                self->node().name.c_str(), self->node().institution.c_str(), to_hex(self->ledger).c_str(),
                self->consortium.nodes.size(), unsigned{self->consortium.threshold}, voters(self->consortium).size());
    return kStopped;
  }
  start_log(config->log_level, config->log_json);
  if (recover) {
    const auto back = return_to_certified(*config, *self, Height{*recover}, not_cosigned);
    if (!back) return say(kCannotStart, back.error());
    std::printf("%s: back at the certified block %llu.\n", file.c_str(), static_cast<unsigned long long>(*recover));
    return kStopped;
  }
  if (rejoin) {
    if (const auto begun = begin_new_life(*config, *self); !begun) return say(kCannotStart, begun.error());
  }
  return run(*config);
}
