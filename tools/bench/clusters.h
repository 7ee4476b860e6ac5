// Clusters that the bench starts itself, all on this machine: of Testamur nodes, and of etcd to compare them with.
#pragma once

#include <map>

#include "process.h"
#include "target.h"

namespace testamur::bench {

struct ClusterWish {
  unsigned nodes = 3;
  unsigned registers = 1;         ///< one at least for each writing caller, spread over the institutions
  std::string directory;          ///< new, or one that an earlier bench made with the same wish
  std::string program;            ///< testamurd
  std::uint64_t max_pending = 0;  ///< statements that may wait at each node; 0: as many as a node takes by itself
};

/// Named processes that run together.
class Cluster {
 public:
  virtual ~Cluster() = default;
  /// Starts what does not run, and waits until it serves. Errors: storage, with the end of a log.
  virtual Result<void> start() = 0;
  void stop();
  /// By name.
  std::map<std::string, Use> use() const;

 protected:
  std::map<std::string, Process> processes_;
};

class TestamurCluster final : public Cluster {
 public:
  /// Makes the sites, or finds them. Errors: conflict when the directory holds a cluster of another wish.
  static Result<std::unique_ptr<TestamurCluster>> make(const ClusterWish& wish);
  Result<void> start() override;
  const Target& target() const { return target_; }

 private:
  explicit TestamurCluster(ClusterWish wish) : wish_(std::move(wish)) {}
  Result<void> make_sites();
  Result<void> read_sites();
  std::string site(unsigned i) const { return wish_.directory + "/site-" + std::to_string(i); }

  const ClusterWish wish_;
  Target target_;
};

class EtcdCluster final : public Cluster {
 public:
  /// Three members. Errors: not_found when etcd is not installed.
  static Result<std::unique_ptr<EtcdCluster>> make(const std::string& directory, unsigned members);
  Result<void> start() override;
  /// The leader's address first.
  Result<std::vector<std::string>> leader_first() const;

 private:
  struct Member {
    std::string name;
    int client_port = 0;
    int peer_port = 0;
  };
  explicit EtcdCluster(std::string directory) : directory_(std::move(directory)) {}
  std::vector<std::string> arguments_of(const Member& member) const;

  const std::string directory_;
  std::vector<Member> members_;
};

}  // namespace testamur::bench
