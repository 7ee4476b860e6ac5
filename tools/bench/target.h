// What is put under load: nodes that run, and registers that this program may write in.
#pragma once

#include <grpcpp/grpcpp.h>

#include "testamur/ledger/ed25519.h"
#include "testamur/ledger/policy.h"
#include "testamur/v1/ledger.grpc.pb.h"
#include "values.h"

namespace testamur::bench {

struct LoadRegister {
  tool::RegisterName name;
  std::string key_path;
  SecretKey key;
};

struct Target {
  std::vector<std::string> nodes;
  Policy policy;
  std::vector<LoadRegister> registers;
};

/// A connection of its own for each caller, as separate programs would have.
std::shared_ptr<grpc::Channel> open_channel(const std::string& address);

/// The nodes that callers turn to: the leader first.
std::vector<std::string> leader_first(const Target& target);

}  // namespace testamur::bench
