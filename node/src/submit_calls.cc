#include "testamur/node/submit_calls.h"

#include <algorithm>
#include <deque>

#include "service_answers.h"
#include "testamur/node/letters.h"

namespace testamur::node {
namespace {

namespace v1 = testamur::v1;

constexpr std::uint32_t kWaitMs = 30'000;
constexpr std::uint32_t kMaxWaitMs = 60'000;
/// Signatures are checked on these threads.
constexpr unsigned kMaxThreads = 4;

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

/// Something that gRPC does for a call. It keeps the call alive until it is done.
class SubmitCalls::Operation {
 public:
  explicit Operation(std::function<void(bool ok)> then) : then_(std::move(then)) {}

  void* begin(std::shared_ptr<void> call) {
    call_ = std::move(call);
    return this;
  }
  void complete(bool ok) {
    const auto call = std::move(call_);
    then_(ok);
  }

 private:
  const std::function<void(bool)> then_;
  std::shared_ptr<void> call_;
};

/// Held by a call from its beginning to its end.
class SubmitCalls::Active {
 public:
  explicit Active(SubmitCalls& all) : all_(all) {
    const std::lock_guard lock(all_.mutex_);
    ++all_.active_;
  }
  ~Active() {
    const std::lock_guard lock(all_.mutex_);
    if (--all_.active_ == 0) all_.ended_.notify_all();
  }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  SubmitCalls& all_;
};

class SubmitCalls::UnaryCall : public std::enable_shared_from_this<UnaryCall> {
 public:
  explicit UnaryCall(SubmitCalls& all) : all_(all), responder_(&context_) {}

  static void listen(SubmitCalls& all) {
    const auto call = std::make_shared<UnaryCall>(all);
    all.service_.RequestSubmit(&call->context_, &call->request_, &call->responder_, all.queue_.get(), all.queue_.get(),
                               call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;  // the server shuts down
    active_.emplace(all_);
    listen(all_);
    const auto asked = asked_of(request_);
    if (!asked) return fail(wrong_wait());
    if (!(place_ = all_.calls_.enter())) return fail(too_many());
    all_.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
                        asked->until, [call = shared_from_this()](const SubmissionOutcome& outcome) {
                          call->responder_.Finish(outcome_of(outcome), grpc::Status::OK, call->finished_.begin(call));
                        });
  }
  void fail(const grpc::Status& status) { responder_.FinishWithError(status, finished_.begin(shared_from_this())); }

  SubmitCalls& all_;
  std::optional<Active> active_;  // goes when all below has gone
  grpc::ServerContext context_;
  v1::SubmitRequest request_;
  grpc::ServerAsyncResponseWriter<v1::Outcome> responder_;
  Room::Place place_;
  Operation begun_{[this](bool ok) { begun(ok); }};
  Operation finished_{[](bool) {}};
};

class SubmitCalls::StreamCall : public std::enable_shared_from_this<StreamCall> {
 public:
  explicit StreamCall(SubmitCalls& all) : all_(all), stream_(&context_) {}

  static void listen(SubmitCalls& all) {
    const auto call = std::make_shared<StreamCall>(all);
    all.service_.RequestSubmitStream(&call->context_, &call->stream_, all.queue_.get(), all.queue_.get(),
                                     call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;
    active_.emplace(all_);
    listen(all_);
    const std::lock_guard lock(mutex_);
    if ((place_ = all_.streams_.enter())) return read();
    status_ = too_many();
    read_ended_ = true;
    finish_if_done();
  }

  // With the lock held.

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

  // Without.

  void have_read(bool ok) {
    const auto asked = ok ? asked_of(request_) : std::nullopt;
    {
      const std::lock_guard lock(mutex_);
      if (!asked) {
        if (ok) status_ = wrong_wait();
        read_ended_ = true;
        return finish_if_done();
      }
      ++under_way_;
    }
    all_.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
                        asked->until,
                        [call = shared_from_this()](const SubmissionOutcome& outcome) { call->tell(outcome); });
    const std::lock_guard lock(mutex_);
    paused_ = under_way_ >= kMaxUnderWay;
    if (!paused_) read();
  }
  void tell(const SubmissionOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    ready_.push_back(outcome_of(outcome));
    if (!writing_) write();
  }
  void written(bool ok) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    --under_way_;
    gone_ = gone_ || !ok;
    if (!gone_ && !ready_.empty()) write();
    if (paused_) read();
    paused_ = false;
    finish_if_done();
  }

  SubmitCalls& all_;
  std::optional<Active> active_;
  grpc::ServerContext context_;
  v1::SubmitRequest request_;  // of whoever reads, or takes in what was read
  grpc::ServerAsyncReaderWriter<v1::Outcome, v1::SubmitRequest> stream_;
  Room::Place place_;

  std::mutex mutex_;
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

SubmitCalls::SubmitCalls(Service& service, Intake& intake, Limits limits,
                         std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : service_(service),
      intake_(intake),
      calls_(limits.calls, 0),
      streams_(limits.streams, 0),
      queue_(std::move(queue)) {}

void SubmitCalls::start() {
  UnaryCall::listen(*this);
  StreamCall::listen(*this);
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void SubmitCalls::run() {
  void* operation = nullptr;
  bool ok = false;
  while (queue_->Next(&operation, &ok)) static_cast<Operation*>(operation)->complete(ok);
}

SubmitCalls::~SubmitCalls() {
  {
    // Nothing may be begun on a queue that has shut down, so the calls end first.
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return active_ == 0; });
  }
  queue_->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  // A server that was never started leaves the queue to be emptied here.
  if (threads_.empty()) run();
}

}  // namespace testamur::node
