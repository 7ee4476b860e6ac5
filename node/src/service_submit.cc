// What the service says of a submission.
#include "service_answers.h"
#include "testamur/node/service.h"

namespace testamur::node {
namespace {

testamur::v1::Stage stage_of(Stage stage) {
  switch (stage) {
    case Stage::not_taken: return testamur::v1::STAGE_NOT_TAKEN;
    case Stage::busy: return testamur::v1::STAGE_BUSY;
    case Stage::pending: return testamur::v1::STAGE_PENDING;
    case Stage::committed: return testamur::v1::STAGE_COMMITTED;
    case Stage::certified: return testamur::v1::STAGE_CERTIFIED;
    case Stage::unknown: break;
  }
  return testamur::v1::STAGE_UNKNOWN;
}

}  // namespace

testamur::v1::Outcome outcome_of(const SubmissionOutcome& outcome) {
  testamur::v1::Outcome out;
  out.set_submission(text_of(outcome.id));
  out.set_stage(stage_of(outcome.stage));
  out.set_code(outcome.code);
  out.set_detail(outcome.detail);
  out.set_retry_after_ms(outcome.retry_after_ms);
  if (outcome.placed) {
    out.set_height(outcome.placed->height.value);
    out.set_leaf_index(outcome.placed->leaf.value);
    out.set_recorded_at(outcome.placed->recorded_at.value);
  }
  return out;
}

grpc::Status LedgerService::GetSubmission(grpc::ServerContext*, const testamur::v1::GetSubmissionRequest* request,
                                          testamur::v1::Outcome* answer) {
  const auto id = hash_of(request->submission());
  if (!id) return expected_hash("submission", request->submission().size());
  *answer = outcome_of(intake_.look_up(*id));
  return grpc::Status::OK;
}

}  // namespace testamur::node
