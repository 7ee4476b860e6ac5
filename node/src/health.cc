#include "testamur/node/health.h"

#include "service_answers.h"
#include "testamur/v1/ledger.grpc.pb.h"

namespace testamur::node {
namespace {

constexpr std::chrono::milliseconds kLookForCancelled{500};

/// The whole server, or the one service that it has for the public.
bool is_known(const std::string& service) {
  return service.empty() || service == testamur::v1::Ledger::service_full_name();
}

}  // namespace

void HealthService::set_serving(bool serving) {
  const std::lock_guard lock(mutex_);
  status_ = serving ? Response::SERVING : Response::NOT_SERVING;
  changed_.notify_all();
}

void HealthService::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

grpc::Status HealthService::Check(grpc::ServerContext*, const grpc::health::v1::HealthCheckRequest* request,
                                  Response* answer) {
  if (!is_known(request->service())) return {grpc::StatusCode::NOT_FOUND, "service name unknown"};
  const std::lock_guard lock(mutex_);
  answer->set_status(status_);
  return grpc::Status::OK;
}

grpc::Status HealthService::Watch(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::ServerWriter<Response>* stream) {
  const Room::Place place = watchers_.enter();
  if (!place) return too_many();
  const bool known = is_known(request->service());
  std::optional<Response::ServingStatus> told;
  while (!context->IsCancelled()) {
    Response response;
    {
      std::unique_lock lock(mutex_);
      const auto status = [&] { return known ? status_ : Response::SERVICE_UNKNOWN; };
      changed_.wait_for(lock, kLookForCancelled, [&] { return stopping_ || told != status(); });
      if (stopping_) break;
      if (told == status()) continue;
      told = status();
      response.set_status(*told);
    }
    if (!stream->Write(response)) break;
  }
  return grpc::Status::OK;
}

}  // namespace testamur::node
