#include "testamur/node/submit_calls.h"

#include <deque>

#include "service_answers.h"
#include "testamur/node/letters.h"

namespace testamur::node {
namespace {

namespace v1 = testamur::v1;

constexpr std::uint32_t kWaitMs = 30'000;
constexpr std::uint32_t kMaxWaitMs = 60'000;
struct Asked {
  Stage wanted = Stage::pending;
  Intake::Instant until;
};

std::optional<Asked> asked_of(const v1::SubmitRequest& request) {
  Asked asked;
  switch (request.wait()) {
    case v1::WAIT_NONE: asked.wanted = Stage::pending; break;
    case v1::WAIT_COMMITTED: asked.wanted = Stage::committed; break;
    case v1::WAIT_CERTIFIED: asked.wanted = Stage::certified; break;
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

}  // namespace

class SubmitCalls::UnaryCall : public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(SubmitCalls& all, Lane& lane) : all_(all), lane_(lane), responder_(&context_) {}

  static void listen(SubmitCalls& all, Lane& lane) {
    const auto call = std::make_shared<UnaryCall>(all, lane);
    call->active_.emplace(lane.all());
    all.service_.RequestSubmit(&call->context_, &call->request_, &call->responder_, lane.queue(), lane.queue(),
                               call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;  // the server shuts down
    listen(all_, lane_);
    const auto asked = asked_of(request_);
    if (!asked) return fail(wrong_wait());
    if (!(place_ = all_.calls_.enter())) return fail(too_many());
    all_.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
                        asked->until, [call = shared_from_this()](const SubmissionOutcome& outcome) {
                          call->lane_.post([call, outcome] { call->answer(outcome); });
                        });
  }
  void answer(const SubmissionOutcome& outcome) {
    responder_.Finish(outcome_of(outcome), grpc::Status::OK, finished_.begin(shared_from_this()));
  }
  void fail(const grpc::Status& status) { responder_.FinishWithError(status, finished_.begin(shared_from_this())); }

  SubmitCalls& all_;
  Lane& lane_;
  std::optional<Lanes::Active> active_;  // goes when all below has gone
  grpc::ServerContext context_;
  v1::SubmitRequest request_;
  grpc::ServerAsyncResponseWriter<v1::Outcome> responder_;
  Room::Place place_;
  Operation begun_{[this](bool ok) { begun(ok); }};
  Operation finished_{[](bool) {}};
};

class SubmitCalls::StreamCall : public std::enable_shared_from_this<StreamCall> {
 public:
  StreamCall(SubmitCalls& all, Lane& lane) : all_(all), lane_(lane), stream_(&context_) {}

  static void listen(SubmitCalls& all, Lane& lane) {
    const auto call = std::make_shared<StreamCall>(all, lane);
    call->active_.emplace(lane.all());
    all.service_.RequestSubmitStream(&call->context_, &call->stream_, lane.queue(), lane.queue(),
                                     call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;
    listen(all_, lane_);
    if ((place_ = all_.streams_.enter())) return read();
    status_ = too_many();
    read_ended_ = true;
    finish_if_done();
  }

  void read() { stream_.Read(&request_, have_read_.begin(shared_from_this())); }
  void write() {
    writing_ = true;
    const v1::Outcome outcome = std::move(ready_.front());
    ready_.pop_front();
    grpc::WriteOptions options;
    if (!ready_.empty()) options.set_buffer_hint();
    stream_.Write(outcome, options, written_.begin(shared_from_this()));
  }
  void finish_if_done() {
    // Where the other side is gone, nobody waits for what is under way.
    const bool all_told = under_way_ == 0 || gone_;
    if (finishing_ || !read_ended_ || writing_ || !all_told) return;
    finishing_ = true;
    stream_.Finish(status_, finished_.begin(shared_from_this()));
  }

  void have_read(bool ok) {
    const auto asked = ok ? asked_of(request_) : std::nullopt;
    if (!asked) {
      if (ok) status_ = wrong_wait();
      read_ended_ = true;
      return finish_if_done();
    }
    ++under_way_;
    all_.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
                        asked->until, [call = shared_from_this()](const SubmissionOutcome& outcome) {
                          call->lane_.post([call, outcome] { call->tell(outcome); });
                        });
    paused_ = under_way_ >= kMaxUnderWay;
    if (!paused_) read();
  }
  void tell(const SubmissionOutcome& outcome) {
    if (gone_) return;
    ready_.push_back(outcome_of(outcome));
    if (!writing_) write();
  }
  void written(bool ok) {
    writing_ = false;
    --under_way_;
    gone_ = gone_ || !ok;
    if (!gone_ && !ready_.empty()) write();
    if (paused_) read();
    paused_ = false;
    finish_if_done();
  }

  SubmitCalls& all_;
  Lane& lane_;
  std::optional<Lanes::Active> active_;
  grpc::ServerContext context_;
  v1::SubmitRequest request_;
  grpc::ServerAsyncReaderWriter<v1::Outcome, v1::SubmitRequest> stream_;
  Room::Place place_;
  grpc::Status status_;
  std::deque<v1::Outcome> ready_;
  std::size_t under_way_ = 0;
  bool paused_ = false;  // so many are under way that nothing is read
  bool writing_ = false;
  bool read_ended_ = false;
  bool gone_ = false;
  bool finishing_ = false;

  Operation begun_{[this](bool ok) { begun(ok); }};
  Operation have_read_{[this](bool ok) { have_read(ok); }};
  Operation written_{[this](bool ok) { written(ok); }};
  Operation finished_{[](bool) {}};
};

void SubmitCalls::listen(Lane& lane) {
  UnaryCall::listen(*this, lane);
  StreamCall::listen(*this, lane);
}

}  // namespace testamur::node
