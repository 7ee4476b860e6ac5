// A node of the test's own: the public service over a TestLedger that makes a certified block of every statement at once. It can be
// told to answer otherwise, as real nodes do on bad days.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <mutex>

#include "test_ledger.h"
#include "testamur/v1/ledger.grpc.pb.h"

namespace testamur::test {

class TestService final : public v1::Ledger::Service {
 public:
  explicit TestService(TestLedger& ledger);
  ~TestService() override;

  const std::string& address() const { return address_; }

  /// Answers for the next submissions, one each; a null one lets the submission through.
  using Answer = std::function<std::optional<v1::Outcome>(const v1::SubmitRequest&)>;
  void next_submissions(std::deque<Answer> answers);
  /// Changes proofs on their way out.
  std::function<void(EntryNumber, Proof&)> tamper;
  /// Called when proofs are asked for, by as many callers at once as ask.
  std::function<void()> asked;
  /// Every statement that was handed in.
  std::vector<std::string> handed_in() const;
  std::uint32_t proofs_sent() const { return proofs_sent_; }

  /// What the ledger makes of a submission.
  v1::Outcome take(const v1::SubmitRequest& request);

  grpc::Status Submit(grpc::ServerContext*, const v1::SubmitRequest* request, v1::Outcome* outcome) override;
  grpc::Status GetRegister(grpc::ServerContext*, const v1::GetRegisterRequest* request, v1::Register* answer) override;
  grpc::Status FindListed(grpc::ServerContext*, const v1::FindListedRequest* request,
                          v1::FindListedResponse* answer) override;
  grpc::Status GetProofs(grpc::ServerContext*, const v1::GetProofsRequest* request,
                         grpc::ServerWriter<v1::EntryProof>* out) override;
  grpc::Status GetNode(grpc::ServerContext*, const v1::GetNodeRequest*, v1::NodeStatus* status) override;

 private:
  mutable std::mutex mutex_;
  TestLedger& ledger_;
  std::deque<Answer> answers_;
  std::vector<std::string> handed_in_;
  std::uint32_t proofs_sent_ = 0;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace testamur::test
