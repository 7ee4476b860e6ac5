// Taking statements in: one at a time, and as a stream with many under way.
#include <condition_variable>
#include <deque>
#include <future>
#include <thread>

#include "service_answers.h"
#include "testamur/node/letters.h"
#include "testamur/node/service.h"

namespace testamur::node {
namespace {

constexpr std::uint32_t kWaitMs = 30'000;
constexpr std::uint32_t kMaxWaitMs = 60'000;
constexpr std::size_t kMaxUnderWay = 1024;  // of one stream

struct Asked {
  Stage wanted = Stage::pending;
  Intake::Instant until;
};

std::optional<Asked> asked_of(const testamur::v1::SubmitRequest& request) {
  Asked asked;
  switch (request.wait()) {
    case testamur::v1::WAIT_NONE: asked.wanted = Stage::pending; break;
    case testamur::v1::WAIT_COMMITTED: asked.wanted = Stage::committed; break;
    case testamur::v1::WAIT_CERTIFIED: asked.wanted = Stage::certified; break;
    default: return std::nullopt;
  }
  const std::uint32_t wait_ms = request.wait_ms() == 0 ? kWaitMs : request.wait_ms();
  if (wait_ms > kMaxWaitMs) return std::nullopt;
  asked.until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  return asked;
}

grpc::Status wrong_wait() {
  return {grpc::StatusCode::INVALID_ARGUMENT,
          "wait: expected a way to wait that the service knows, and at most 60,000 ms"};
}

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

/// The outcomes of one stream on their way back. Outlives the call, since outcomes may come after it ended.
class Returns {
 public:
  /// Waits for room for one more under way; false when the stream has ended.
  bool begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ < kMaxUnderWay || closed_; });
    ++under_way_;
    return !closed_;
  }
  void add(const SubmissionOutcome& outcome) {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(outcome);
    }
    changed_.notify_all();
  }
  /// No more will be begun.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
  }
  /// The other side is gone.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }
  /// The next outcome; nothing when all have been given back, or the other side is gone.
  std::optional<SubmissionOutcome> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty() || closed_ || (ended_ && under_way_ == 0); });
    if (ready_.empty() || closed_) return std::nullopt;
    SubmissionOutcome outcome = std::move(ready_.front());
    ready_.pop_front();
    --under_way_;
    lock.unlock();
    changed_.notify_all();
    return outcome;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SubmissionOutcome> ready_;
  std::size_t under_way_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace

grpc::Status LedgerService::Submit(grpc::ServerContext*, const testamur::v1::SubmitRequest* request,
                                   testamur::v1::Outcome* answer) {
  const auto asked = asked_of(*request);
  if (!asked) return wrong_wait();
  Room::Place place;
  if (asked->wanted != Stage::pending && !(place = long_calls_.enter())) return too_many();
  auto done = std::make_shared<std::promise<SubmissionOutcome>>();
  auto outcome = done->get_future();
  intake_.submit(handed_of(request->signed_statement(), request->listed_commitments()), asked->wanted, asked->until,
                 [done](const SubmissionOutcome& is) { done->set_value(is); });
  *answer = outcome_of(outcome.get());
  return grpc::Status::OK;
}

grpc::Status LedgerService::SubmitStream(
    grpc::ServerContext*, grpc::ServerReaderWriter<testamur::v1::Outcome, testamur::v1::SubmitRequest>* stream) {
  const Room::Place place = long_calls_.enter();
  if (!place) return too_many();
  auto returns = std::make_shared<Returns>();
  std::thread writer([&] {
    while (const auto outcome = returns->next()) {
      if (!stream->Write(outcome_of(*outcome))) returns->close();
    }
  });
  grpc::Status status = grpc::Status::OK;
  testamur::v1::SubmitRequest request;
  while (stream->Read(&request)) {
    const auto asked = asked_of(request);
    if (!asked) {
      status = wrong_wait();
      break;
    }
    if (!returns->begin()) break;
    intake_.submit(handed_of(request.signed_statement(), request.listed_commitments()), asked->wanted, asked->until,
                   [returns](const SubmissionOutcome& outcome) { returns->add(outcome); });
  }
  returns->end();
  writer.join();
  return status;
}

grpc::Status LedgerService::GetSubmission(grpc::ServerContext*, const testamur::v1::GetSubmissionRequest* request,
                                          testamur::v1::Outcome* answer) {
  const auto id = hash_of(request->submission());
  if (!id) return expected_hash("submission", request->submission().size());
  *answer = outcome_of(intake_.look_up(*id));
  return grpc::Status::OK;
}

}  // namespace testamur::node
