#include "testamur/node/cluster_service.h"

#include <condition_variable>
#include <fstream>

#include "testamur/node/log.h"

namespace testamur::node {
namespace {

constexpr std::chrono::seconds kLongest{5};
constexpr std::size_t kMaxCertificateBytes = 64u << 10;

/// An answer that another thread brings; it may come when nobody waits any more.
struct Awaited {
  std::mutex mutex;
  std::condition_variable came;
  std::optional<Reply> reply;
};

}  // namespace

grpc::Status ClusterService::ask(grpc::ServerContext& context, const Question& question, Reply& reply) {
  const auto caller = identity::caller(context, pins_);
  if (!caller) return {grpc::StatusCode::PERMISSION_DENIED, "expected the key of an operator that node.toml names"};
  if (!question.has_status())
    log_info("operator_asks", {{"operator", *caller}, {"question", question.ShortDebugString()}});
  const auto awaited = std::make_shared<Awaited>();
  const std::uint64_t id = operators_.ask(question, [awaited](const Reply& answer) {
    const std::lock_guard lock(awaited->mutex);
    awaited->reply = answer;
    awaited->came.notify_all();
  });
  std::unique_lock lock(awaited->mutex);
  awaited->came.wait_for(lock, kLongest, [&] { return awaited->reply.has_value(); });
  if (!awaited->reply) {
    operators_.forget(id);
    return {grpc::StatusCode::UNAVAILABLE, "the leader does not answer; ask again in a moment"};
  }
  reply = *awaited->reply;
  return grpc::Status::OK;
}

grpc::Status ClusterService::order(grpc::ServerContext& context, const Question& question,
                                   cluster::v1::Answer& answer) {
  Reply reply;
  const grpc::Status asked = ask(context, question, reply);
  if (asked.ok()) answer = reply.answer();
  return asked;
}

grpc::Status ClusterService::GetStatus(grpc::ServerContext* context, const cluster::v1::GetStatusRequest* request,
                                       cluster::v1::ClusterStatus* status) {
  Question question;
  *question.mutable_status() = *request;
  Reply reply;
  const grpc::Status asked = ask(*context, question, reply);
  if (!asked.ok()) return asked;
  if (!reply.has_status()) return {grpc::StatusCode::UNAVAILABLE, reply.answer().detail()};
  *status = reply.status();
  return grpc::Status::OK;
}

grpc::Status ClusterService::Transfer(grpc::ServerContext* context, const cluster::v1::TransferRequest* request,
                                      cluster::v1::Answer* answer) {
  Question question;
  *question.mutable_transfer() = *request;
  return order(*context, question, *answer);
}

grpc::Status ClusterService::Change(grpc::ServerContext* context, const cluster::v1::ChangeRequest* request,
                                    cluster::v1::Answer* answer) {
  Question question;
  *question.mutable_change() = *request;
  return order(*context, question, *answer);
}

Result<identity::Pins> read_operators(const std::vector<std::filesystem::path>& certificates) {
  identity::Pins pins;
  for (const std::filesystem::path& path : certificates) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{ErrorCode::not_found, path.string() + ": expected an operator's certificate, found none"};
    std::string pem(kMaxCertificateBytes + 1, '\0');
    file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
    pem.resize(static_cast<std::size_t>(file.gcount()));
    const auto spki = identity::spki_of_certificate(pem);
    if (!spki) return Error{spki.error().code, path.string() + ": " + spki.error().message};
    pins.emplace(*spki, path.filename().string());
  }
  return pins;
}

}  // namespace testamur::node
