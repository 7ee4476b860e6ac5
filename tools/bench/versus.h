// Testamur and etcd by turns, on the same disk and with the same number of clients.
#pragma once

#include "workloads.h"

namespace testamur::bench {

struct VersusWish {
  std::vector<unsigned> clients;
  unsigned rounds = 3;
  std::size_t value_bytes = 256;  ///< of etcd's puts
  Period period;
};

/// What each round measured, in the order of `clients`.
struct Versus {
  unsigned clients = 0;
  std::vector<Run> puts;
  std::vector<Run> committed;
  std::vector<Run> certified;
};

/// One cluster runs at a time.
std::optional<tool::Failure> run_versus(TestamurCluster& ours, EtcdCluster& etcd, const VersusWish& wish,
                                        tool::Context& context, std::vector<Versus>& out);

void say(tool::Context& context, const std::vector<Versus>& versus);
boost::json::array to_json(const std::vector<Versus>& versus);

}  // namespace testamur::bench
