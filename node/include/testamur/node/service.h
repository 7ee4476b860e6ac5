// The public service (proto/testamur/v1/ledger.proto): answers from the certified ledger. Statements are taken in by
// SubmitCalls, and proofs are made by ProofCalls.
#pragma once

#include <atomic>

#include "testamur/node/heads.h"
#include "testamur/node/intake.h"
#include "testamur/node/lanes.h"
#include "testamur/node/open_histories.h"
#include "testamur/node/room.h"

namespace testamur::node {

class LedgerService final : public LanedService {
 public:
  /// Answers with the log index up to which one must have applied to speak of what holds now; nothing: it cannot be said.
  using ReadIndex = std::function<void(std::function<void(std::optional<store::LogIndex>)> answer)>;

  /// `max_long_calls`: that wait or stream, at once. Each takes a thread for as long as its caller likes, so they must leave some to
  /// those who only ask.
  LedgerService(OpenHistories& histories, Intake& intake, const Heads& heads, std::size_t max_long_calls,
                std::function<testamur::v1::NodeStatus()> status, ReadIndex read_index);

  /// Long calls end soon.
  void stop() { stopping_ = true; }

  grpc::Status GetSubmission(grpc::ServerContext* context, const testamur::v1::GetSubmissionRequest* request,
                             testamur::v1::Outcome* answer) override;
  grpc::Status GetLedger(grpc::ServerContext* context, const testamur::v1::GetLedgerRequest* request,
                         testamur::v1::LedgerInfo* answer) override;
  grpc::Status GetRegister(grpc::ServerContext* context, const testamur::v1::GetRegisterRequest* request,
                           testamur::v1::Register* answer) override;
  grpc::Status GetEntry(grpc::ServerContext* context, const testamur::v1::GetEntryRequest* request,
                        testamur::v1::Entry* answer) override;
  grpc::Status FindListed(grpc::ServerContext* context, const testamur::v1::FindListedRequest* request,
                          testamur::v1::FindListedResponse* answer) override;
  grpc::Status GetCheckpoint(grpc::ServerContext* context, const testamur::v1::GetCheckpointRequest* request,
                             testamur::v1::Checkpoint* answer) override;
  grpc::Status GetBlocks(grpc::ServerContext* context, const testamur::v1::GetBlocksRequest* request,
                         grpc::ServerWriter<testamur::v1::Block>* stream) override;
  grpc::Status WatchHeads(grpc::ServerContext* context, const testamur::v1::WatchHeadsRequest* request,
                          grpc::ServerWriter<testamur::v1::Checkpoint>* stream) override;
  grpc::Status GetNode(grpc::ServerContext* context, const testamur::v1::GetNodeRequest* request,
                       testamur::v1::NodeStatus* answer) override;

 private:
  grpc::Status fresh_checkpoint(grpc::ServerContext& context, testamur::v1::Checkpoint& answer);

  OpenHistories& histories_;
  Intake& intake_;
  const Heads& heads_;
  const std::function<testamur::v1::NodeStatus()> status_;
  const ReadIndex read_index_;
  std::atomic<bool> stopping_ = false;
  Room long_calls_;
};

}  // namespace testamur::node
