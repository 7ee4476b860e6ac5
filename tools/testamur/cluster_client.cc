#include "cluster_client.h"

#include <grpcpp/grpcpp.h>

#include "files.h"
#include "site.h"
#include "testamur/cluster/v1/cluster.grpc.pb.h"
#include "testamur/identity/tls.h"

namespace testamur::tool {
namespace {

constexpr std::uint64_t kCallMs = 10'000;
constexpr std::size_t kMaxCertificateBytes = 64u << 10;

}  // namespace

struct ClusterClient::Impl {
  std::string address;
  std::unique_ptr<cluster::v1::Cluster::Stub> stub;

  template <class Request, class Response>
  Called<Response> call(grpc::Status (cluster::v1::Cluster::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                           Response*),
                        const Request& request) {
    grpc::ClientContext context;
    set_deadline(context, kCallMs);
    Response response;
    const grpc::Status status = ((*stub).*method)(&context, request, &response);
    if (!status.ok()) return {std::nullopt, failure_of(status, address)};
    return {std::move(response), {}};
  }
};

ClusterClient::ClusterClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClusterClient::ClusterClient(ClusterClient&&) noexcept = default;
ClusterClient::~ClusterClient() = default;

Result<ClusterClient> ClusterClient::open(const std::string& directory, const std::string& address) {
  const auto own = identity::read_tls_identity(directory + "/" + std::string(kOperatorKey),
                                               directory + "/" + std::string(kOperatorCertificate));
  if (!own) return own.error();
  const std::string path = directory + "/" + std::string(kNodeKeys) + "/tls.crt";
  const auto certificate = read_text_file(path, kMaxCertificateBytes);
  if (!certificate) return certificate.error();
  const auto spki = identity::spki_of_certificate(*certificate);
  if (!spki) return Error{spki.error().code, path + ": " + spki.error().message};
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // It decides nothing: the node's key does.
  arguments.SetSslTargetNameOverride("node");
  auto impl = std::make_unique<Impl>();
  impl->address = address;
  impl->stub = cluster::v1::Cluster::NewStub(grpc::CreateCustomChannel(
      address, identity::channel_credentials(*own, *spki, [](const std::string&) {}), arguments));
  return ClusterClient(std::move(impl));
}

Called<cluster::v1::ClusterStatus> ClusterClient::status() {
  return impl_->call(&cluster::v1::Cluster::Stub::GetStatus, cluster::v1::GetStatusRequest{});
}

Called<cluster::v1::Answer> ClusterClient::transfer(const std::string& to) {
  cluster::v1::TransferRequest request;
  request.set_to(to);
  return impl_->call(&cluster::v1::Cluster::Stub::Transfer, request);
}

Called<cluster::v1::Answer> ClusterClient::change(const cluster::v1::ChangeRequest& request) {
  return impl_->call(&cluster::v1::Cluster::Stub::Change, request);
}

}  // namespace testamur::tool
