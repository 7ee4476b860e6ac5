// The operators' service: on a listener of its own, for callers whose key the node's settings pin.
#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <map>
#include <vector>

#include "testamur/cluster/v1/cluster.grpc.pb.h"
#include "testamur/identity/tls.h"
#include "testamur/node/operators.h"

namespace testamur::node {

class ClusterService final : public cluster::v1::Cluster::Service {
 public:
  ClusterService(Operators& operators, identity::Pins pins) : operators_(operators), pins_(std::move(pins)) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const cluster::v1::GetStatusRequest* request,
                         cluster::v1::ClusterStatus* status) override;
  grpc::Status Transfer(grpc::ServerContext* context, const cluster::v1::TransferRequest* request,
                        cluster::v1::Answer* answer) override;
  grpc::Status Change(grpc::ServerContext* context, const cluster::v1::ChangeRequest* request,
                      cluster::v1::Answer* answer) override;

 private:
  /// Waits for the answer within a bound.
  grpc::Status ask(grpc::ServerContext& context, const Question& question, Reply& reply);
  grpc::Status order(grpc::ServerContext& context, const Question& question, cluster::v1::Answer& answer);

  Operators& operators_;
  const identity::Pins pins_;
};

/// The keys in these certificates, each under the name of its file. Errors: not_found, malformed, naming the file.
Result<identity::Pins> read_operators(const std::vector<std::filesystem::path>& certificates);

}  // namespace testamur::node
