// Puts to etcd, as many bytes each as asked for, under keys that do not repeat.
#pragma once

#include <grpcpp/grpcpp.h>

#include <optional>

#include "closed_loop.h"
#include "etcd.grpc.pb.h"

namespace testamur::bench {

class PutCaller final : public Caller {
 public:
  PutCaller(const std::string& address, std::string name, std::size_t value_bytes);

  void call(grpc::CompletionQueue& queue, void* tag) override;
  Step on_event(grpc::CompletionQueue& queue, void* tag, bool ok) override;
  void cancel() override { context_->TryCancel(); }

 private:
  const std::unique_ptr<etcdserverpb::KV::Stub> stub_;
  const std::string name_;
  std::uint64_t count_ = 0;
  etcdserverpb::PutRequest request_;
  etcdserverpb::PutResponse answer_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::PutResponse>> reader_;
};

}  // namespace testamur::bench
