// A network of their own for nodes on one machine: each in a network namespace, on one switch, where packets can be lost between any
// two of them in either direction, and where every stream between two nodes goes through a proxy that can delay or swallow it.
//
// A node is known to the others by the address 10.78.0.N. In each other node's namespace that address is a local one, and a proxy
// answers there, which goes on to the node itself, 10.77.0.N, over the switch. So one address in genesis stands for a proxy of its own
// for each pair and direction. The test and its clients are on the switch too, and nothing ever comes between them and the nodes.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster.h"

namespace testamur::test {

/// Gives this process a network namespace of its own, in a user namespace of its own where it is not root. To be called before there
/// is a second thread (network_main.cc).
void enter_own_network();
/// Empty, or why that is not permitted here.
const std::string& why_no_network();

class Network {
 public:
  /// For so many nodes; why_no_network() is empty. Throws when it cannot be made.
  explicit Network(unsigned nodes);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Where the nodes of a cluster are.
  std::vector<Host> hosts() const;
  /// Begins to carry what they say to one another.
  void carry(const Cluster& cluster);

  /// Packets from one node to another are lost from now on. Connections stay as they are.
  void lose(unsigned from, unsigned to);
  /// No packet passes between a node of `some` and any other, in either direction.
  void part(const std::set<unsigned>& some);
  /// What the streams that `from` opened to `to` carry arrives later, by this much to twice as much.
  void delay(unsigned from, unsigned to, std::chrono::milliseconds by);
  /// What `from` says on its streams to `to` is swallowed, while what `to` says on its own arrives. New streams are accepted, and
  /// swallowed too.
  void swallow(unsigned from, unsigned to);
  /// Everything arrives again. Streams of which something was swallowed are broken.
  void heal();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::test
