// Calls of an operator to his node, over mutual TLS: it knows his key, and he knows the node's.
#pragma once

#include "client.h"
#include "testamur/cluster/v1/cluster.pb.h"

namespace testamur::tool {

class ClusterClient {
 public:
  /// The directory holds the operator's key and certificate, and the node's certificate. Errors: not_found, invalid, malformed.
  static Result<ClusterClient> open(const std::string& directory, const std::string& address);
  ClusterClient(ClusterClient&&) noexcept;
  ~ClusterClient();

  Called<cluster::v1::ClusterStatus> status();
  Called<cluster::v1::Answer> transfer(const std::string& to);
  Called<cluster::v1::Answer> change(const cluster::v1::ChangeRequest& request);

 private:
  struct Impl;
  explicit ClusterClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testamur::tool
