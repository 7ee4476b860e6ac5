#include "testamur/node/submit_calls.h"

#include <grpcpp/alarm.h>
#include <pthread.h>

#include <atomic>
#include <deque>
#include <future>

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

/// A completion queue and the one thread that serves it. What gRPC does for a call of this lane is begun and ended on that thread
/// alone; so calls need no locks, and the outcomes of a block wake it once.
class SubmitCalls::Lane {
 public:
  Lane(SubmitCalls& calls, std::unique_ptr<grpc::ServerCompletionQueue> queue) : all(calls), queue_(std::move(queue)) {}
  /// No call of this lane is left.
  ~Lane() {
    queue_->Shutdown();
    if (thread_.joinable()) {
      thread_.join();
    } else {
      run();  // of a server that was never started, the queue is emptied here
    }
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void start();
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  /// Runs the task on the lane's thread. From any thread.
  void post(std::function<void()> task) {
    if (std::this_thread::get_id() == id_) return task();
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) alarm_.Set(queue_.get(), std::chrono::system_clock::now(), &rung_);
  }

  /// Returns when the lane has begun, and has run what was posted to it before.
  void come_to_now() {
    if (!thread_.joinable()) return;
    std::promise<void> come;
    post([&come] { come.set_value(); });
    come.get_future().wait();
  }

  SubmitCalls& all;

 private:
  void run() {
    void* operation = nullptr;
    bool ok = false;
    while (queue_->Next(&operation, &ok)) static_cast<Operation*>(operation)->complete(ok);
  }
  void run_tasks() {
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  std::atomic<std::thread::id> id_;  // of the thread, by itself
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  grpc::Alarm alarm_;  // set when there are tasks
  Operation rung_{[this](bool) { run_tasks(); }};
};

class SubmitCalls::UnaryCall : public std::enable_shared_from_this<UnaryCall> {
 public:
  explicit UnaryCall(Lane& lane) : lane_(lane), responder_(&context_) {}

  static void listen(Lane& lane) {
    const auto call = std::make_shared<UnaryCall>(lane);
    lane.all.service_.RequestSubmit(&call->context_, &call->request_, &call->responder_, lane.queue(), lane.queue(),
                                    call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;  // the server shuts down
    active_.emplace(lane_.all);
    listen(lane_);
    const auto asked = asked_of(request_);
    if (!asked) return fail(wrong_wait());
    if (!(place_ = lane_.all.calls_.enter())) return fail(too_many());
    lane_.all.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
                             asked->until, [call = shared_from_this()](const SubmissionOutcome& outcome) {
                               call->lane_.post([call, outcome] { call->answer(outcome); });
                             });
  }
  void answer(const SubmissionOutcome& outcome) {
    responder_.Finish(outcome_of(outcome), grpc::Status::OK, finished_.begin(shared_from_this()));
  }
  void fail(const grpc::Status& status) { responder_.FinishWithError(status, finished_.begin(shared_from_this())); }

  Lane& lane_;
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
  explicit StreamCall(Lane& lane) : lane_(lane), stream_(&context_) {}

  static void listen(Lane& lane) {
    const auto call = std::make_shared<StreamCall>(lane);
    lane.all.service_.RequestSubmitStream(&call->context_, &call->stream_, lane.queue(), lane.queue(),
                                          call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;
    active_.emplace(lane_.all);
    listen(lane_);
    if ((place_ = lane_.all.streams_.enter())) return read();
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
    lane_.all.intake_.submit(handed_of(request_.signed_statement(), request_.listed_commitments()), asked->wanted,
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

  Lane& lane_;
  std::optional<Active> active_;
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

void SubmitCalls::Lane::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "submissions");
    id_ = std::this_thread::get_id();
    UnaryCall::listen(*this);
    StreamCall::listen(*this);
    run();
  });
}

SubmitCalls::SubmitCalls(Service& service, Intake& intake, Limits limits, Queues queues)
    : service_(service), intake_(intake), calls_(limits.calls, 0), streams_(limits.streams, 0) {
  for (auto& queue : queues) lanes_.push_back(std::make_unique<Lane>(*this, std::move(queue)));
}

void SubmitCalls::start() {
  for (const auto& lane : lanes_) lane->start();
}

SubmitCalls::~SubmitCalls() {
  // What the lanes have still to see of calls that came before the end.
  for (const auto& lane : lanes_) lane->come_to_now();
  // Nothing may be begun on a queue that has shut down, so the calls end first.
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return active_ == 0; });
}

}  // namespace testamur::node
