// Says whether this node serves (grpc.health.v1). gRPC has such a service of its own; that one brings a thread which then serves a part of
// the server's connections, and wakes another for each of their calls.
#pragma once

#include <condition_variable>
#include <mutex>

#include "grpc/health/v1/health.grpc.pb.h"
#include "testamur/node/room.h"

namespace testamur::node {

class HealthService final : public grpc::health::v1::Health::Service {
 public:
  /// So many may watch at once.
  explicit HealthService(std::size_t max_watchers) : watchers_(max_watchers, 0) {}

  void set_serving(bool serving);
  /// Ends what is watched, so that the server can end.
  void stop();

  grpc::Status Check(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* answer) override;
  grpc::Status Watch(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::ServerWriter<grpc::health::v1::HealthCheckResponse>* stream) override;

 private:
  using Response = grpc::health::v1::HealthCheckResponse;

  std::mutex mutex_;
  std::condition_variable changed_;
  Response::ServingStatus status_ = Response::NOT_SERVING;
  bool stopping_ = false;
  Room watchers_;
};

}  // namespace testamur::node
