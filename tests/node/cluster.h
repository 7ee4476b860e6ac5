// A consortium of real nodes: testamurd processes on loopback or on hosts of their own, each with its own directory, keys and
// node.toml.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "free_port.h"
#include "scratch.h"
#include "testamur/v1/ledger.grpc.pb.h"
#include "world.h"

namespace testamur::test {

/// Polls until it holds, within a bound; false when it did not come to hold.
bool wait_until(const std::function<bool()>& holds, std::chrono::seconds bound = std::chrono::seconds(120));

/// Milliseconds since 1970.
Time clock_now();

/// Where a node runs (network.h).
struct Host {
  std::string address = "127.0.0.1";    ///< on which it listens
  std::string known_as = "127.0.0.1";   ///< to the other nodes
  std::vector<std::string> enter = {};  ///< the words that start a command there
};

struct ClusterOptions {
  unsigned nodes = 4;
  unsigned registers = 2;
  std::vector<Host> hosts = {};  ///< of the nodes; empty: all on loopback
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});
  /// Kills what still runs, and prints the ends of the nodes' logs when the test has failed.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const World& world() const { return world_; }
  const std::string& directory() const { return scratch_.path(); }
  unsigned size() const { return static_cast<unsigned>(nodes_.size()); }
  std::string node_name(unsigned i) const { return world_.consortium().nodes[i].name; }
  std::string node_directory(unsigned i) const;

  /// Lines for a node.toml beyond the usual ones; from the next start on.
  void set_more_config(unsigned i, std::string lines) { nodes_[i].more_config = std::move(lines); }
  void set_data(unsigned i, std::string path) { nodes_[i].data = std::move(path); }

  /// Node i listens where a node of another cluster does.
  void use_ports_of(unsigned i, const Cluster& other, unsigned j);
  /// Process `to` goes by the name and keys of node `from`.
  void give_identity(unsigned from, unsigned to);

  /// With these arguments beyond the usual ones.
  void start(unsigned i, const std::vector<std::string>& more = {});
  void start_all();
  /// SIGKILL.
  void kill(unsigned i);
  /// SIGSTOP and SIGCONT.
  void freeze(unsigned i) { ::kill(nodes_[i].pid, SIGSTOP); }
  void thaw(unsigned i) { ::kill(nodes_[i].pid, SIGCONT); }
  /// Statements are not handed in at this node for now.
  void leave_out(unsigned i, bool out) { nodes_[i].left_out = out; }
  /// SIGTERM; returns the exit code.
  int stop(unsigned i);
  /// Waits for a process to end by itself; its exit code, or nothing when it did not.
  std::optional<int> wait_for_exit(unsigned i);
  bool runs(unsigned i) const { return nodes_[i].pid != 0; }
  pid_t pid(unsigned i) const { return nodes_[i].pid; }
  int peer_port(unsigned i) const { return nodes_[i].peer_port; }
  int public_port(unsigned i) const { return nodes_[i].public_port; }
  int operator_port(unsigned i) const { return nodes_[i].operator_port; }
  /// The process has ended by itself; its exit code is still to be fetched.
  bool has_ended(unsigned i) const;
  std::string log(unsigned i) const;
  bool log_holds(unsigned i, std::string_view text) const { return log(i).find(text) != std::string::npos; }

  testamur::v1::Ledger::StubInterface& node(unsigned i) { return *nodes_[i].stub; }
  std::string public_address(unsigned i) const;
  /// Where the node answers its operator, whose keys are in the node's directory.
  std::string operator_address(unsigned i) const;
  std::optional<testamur::v1::NodeStatus> status(unsigned i);
  /// The node that leads, once a node that runs says so of itself and has something certified.
  std::optional<unsigned> leader();
  unsigned wait_for_leader();
  /// All that run have applied and certified the same head, at least of this height.
  bool level(std::uint64_t height = 0);
  /// The node has a certified head, so it takes statements.
  bool has_certified(unsigned i);

  /// Hands in at node i and waits until it is certified; on anything short of an answer tries again, at the next node that runs,
  /// with the same bytes.
  testamur::v1::Outcome submit(unsigned i, const Bytes& signed_statement, const std::vector<Hash>& listed = {},
                               std::chrono::seconds bound = std::chrono::seconds(180));
  /// One try.
  std::optional<testamur::v1::Outcome> try_submit(unsigned i, const Bytes& signed_statement,
                                                  const std::vector<Hash>& listed, testamur::v1::Wait wait,
                                                  unsigned wait_ms);
  /// A statement that issues one sealed entry with this number.
  Bytes one_entry(unsigned institution, std::string_view register_name, std::uint64_t number) const;
  std::optional<RegisterRecord> record(unsigned i, unsigned institution, const std::string& name);

 private:
  struct Process {
    std::atomic<pid_t> pid = 0;          // clients of other threads look whether it runs
    std::atomic<bool> left_out = false;  // and whether it takes calls
    std::string name;
    Host host;
    int peer_port = 0;
    int public_port = 0;
    int operator_port = 0;
    std::string data = "data";
    std::string more_config;
    std::unique_ptr<testamur::v1::Ledger::StubInterface> stub;
  };

  void make_site(unsigned i);
  void write_config(unsigned i) const;

  ScratchDirectory scratch_;
  World world_;
  std::vector<Process> nodes_;
};

}  // namespace testamur::test
