#include "testamur/consensus/driver.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace testamur::consensus {
namespace {

namespace asio = boost::asio;

std::size_t bytes_of(const Message& message) {
  std::size_t size = sizeof(Message);
  if (const auto* request = std::get_if<AppendRequest>(&message.body)) {
    for (const Entry& entry : request->entries) size += sizeof(Entry) + size_of(entry.payload);
  }
  return size;
}

/// What goes to disk together.
struct Job {
  std::optional<Write> write;
  std::optional<Bytes> owner_record;
  std::function<void()> done;
};

}  // namespace

class Driver::Impl {
 public:
  Impl(DriverOptions options, Restart restart, std::unique_ptr<LogStore> store, DriverEvents events)
      : options_(std::move(options)),
        events_(std::move(events)),
        store_(std::move(store)),
        core_(options_.core, std::move(restart)),
        work_(asio::make_work_guard(loop_)),
        timer_(loop_) {
    standing_ = stand();
    asio::post(loop_, [this] { handle(); });
    wait_for_tick();
    writer_ = std::thread([this] { write_jobs(); });
    runner_ = std::thread([this] { loop_.run(); });
  }

  ~Impl() {
    work_.reset();
    loop_.stop();
    runner_.join();
    {
      const std::lock_guard lock(jobs_mutex_);
      stopping_ = true;
    }
    jobs_arrived_.notify_one();
    writer_.join();
  }

  template <class Function>
  void on_loop(Function function) {
    asio::post(loop_, [this, function = std::move(function)]() mutable {
      function();
      handle();
    });
  }

  /// Messages gather, so that many that came together cost one look at what the core wants.
  void step(Message message) {
    const std::size_t size = bytes_of(message);
    {
      const std::lock_guard lock(inbox_mutex_);
      if (inbox_bytes_ + size > options_.max_inbox_bytes) return;
      inbox_bytes_ += size;
      inbox_.push_back(std::move(message));
      if (inbox_.size() > 1) return;  // the loop will find it with the first
    }
    on_loop([this] { read_inbox(); });
  }

  /// The record waits for the claim that handle() fetches right after, so that both go in one job.
  void derived(const std::vector<Claim>& claims, std::optional<Bytes> owner_record, std::function<void()> kept) {
    for (const Claim& claim : claims) core_.derived(claim);
    owner_record_ = std::move(owner_record);
    owner_record_kept_ = std::move(kept);
  }

  void keep(Bytes owner_record, std::function<void()> done) {
    queue({std::nullopt, std::move(owner_record), std::move(done)});
  }

  Core& core() { return core_; }

  Written written() const { return {syncs_, entries_}; }

  Standing standing() const {
    const std::lock_guard lock(standing_mutex_);
    return standing_;
  }

 private:
  Standing stand() const {
    return {core_.role(), core_.term(), core_.leader(), core_.log().last().index, core_.committed()};
  }

  void wait_for_tick() {
    // Counted from now, not from when it was due: a loop that was held up does not make up for lost time, which would make
    // every follower's clock run fast at once.
    timer_.expires_after(options_.tick);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      core_.tick();
      handle();
      wait_for_tick();
    });
  }

  void read_inbox() {
    std::vector<Message> messages;
    {
      const std::lock_guard lock(inbox_mutex_);
      messages.swap(inbox_);
      inbox_bytes_ = 0;
    }
    for (const Message& message : messages) core_.step(message);
  }

  /// Does what the core asks for, until it asks for nothing more.
  void handle() {
    propose();
    Output output = core_.take();
    // The write first, so that it is under way while the messages leave.
    if (output.write || owner_record_) {
      queue({std::move(output.write), std::exchange(owner_record_, {}), std::exchange(owner_record_kept_, {})});
    }
    for (Message& message : output.messages) events_.send(std::move(message));
    for (const Evidence& evidence : output.evidence) events_.evidence(evidence);
    if (output.refused_by_quorum) events_.refused_by_quorum();
    tell_standing();
    if (!output.committed.empty()) events_.committed(std::move(output.committed));
    if (output.agreed) events_.agreed(*output.agreed);
  }

  void propose() {
    while (core_.may_propose(1) == ProposeResult::accepted) {
      const Index last = core_.log().last().index;
      if (last.value - core_.committed().value >= options_.max_proposed) return;
      Payload payload = events_.next_payload(next(last));
      if (!payload) return;
      core_.propose({std::move(payload)});
    }
  }

  void tell_standing() {
    const Standing now = stand();
    const bool changed = now.role != told_.role || now.term != told_.term || now.leader != told_.leader;
    {
      const std::lock_guard lock(standing_mutex_);
      standing_ = now;
    }
    if (changed) events_.standing(now);
    told_ = now;
  }

  void queue(Job job) {
    {
      const std::lock_guard lock(jobs_mutex_);
      jobs_.push_back(std::move(job));
    }
    jobs_arrived_.notify_one();
  }

  void write_jobs() {
    while (true) {
      std::vector<Job> jobs;
      {
        std::unique_lock lock(jobs_mutex_);
        jobs_arrived_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        jobs.swap(jobs_);
      }
      if (const auto written = write(jobs); !written) {
        // Nothing is written after a failure, and nobody is told that it was.
        asio::post(loop_, [this, error = written.error()] { events_.failed(error); });
        return;
      }
      on_loop([this, jobs = std::move(jobs)] { written(jobs); });
    }
  }

  Result<void> write(std::vector<Job>& jobs) {
    std::vector<Write> writes;
    std::optional<std::vector<std::uint8_t>> owner_record;
    ++syncs_;
    for (Job& job : jobs) {
      if (job.write) {
        entries_ += job.write->entries.size();
        writes.push_back(std::move(*job.write));
      }
      if (job.owner_record) owner_record = std::move(job.owner_record);
    }
    auto result = store_->write(writes, owner_record);
    // Only the numbers are still of use.
    std::size_t at = 0;
    for (Job& job : jobs) {
      if (!job.write) continue;
      Write number;
      number.sequence = writes[at++].sequence;
      job.write = std::move(number);
    }
    return result;
  }

  void written(const std::vector<Job>& jobs) {
    for (const Job& job : jobs) {
      if (job.write) core_.persisted(job.write->sequence);
      if (job.done) job.done();
    }
  }

  const DriverOptions options_;
  const DriverEvents events_;
  const std::unique_ptr<LogStore> store_;  // the writer's
  Core core_;                              // the loop's, as all that follows up to the inbox
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  Standing told_;
  std::optional<Bytes> owner_record_;  // to go with the next write
  std::function<void()> owner_record_kept_;

  std::mutex inbox_mutex_;
  std::vector<Message> inbox_;
  std::size_t inbox_bytes_ = 0;

  mutable std::mutex standing_mutex_;
  Standing standing_;

  std::mutex jobs_mutex_;
  std::condition_variable jobs_arrived_;
  std::vector<Job> jobs_;
  bool stopping_ = false;

  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> entries_ = 0;

  std::thread writer_;
  std::thread runner_;
};

Driver::Driver(DriverOptions options, Restart restart, std::unique_ptr<LogStore> store, DriverEvents events)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(restart), std::move(store), std::move(events))) {}
Driver::~Driver() = default;

void Driver::step(Message message) { impl_->step(std::move(message)); }

void Driver::reconnected(NodeId peer) {
  impl_->on_loop([this, peer] { impl_->core().reconnected(peer); });
}

void Driver::propose() {
  impl_->on_loop([] {});
}

void Driver::derived(std::vector<Claim> claims, std::optional<Bytes> owner_record, std::function<void()> kept) {
  impl_->on_loop(
      [this, claims = std::move(claims), owner_record = std::move(owner_record), kept = std::move(kept)]() mutable {
        impl_->derived(claims, std::move(owner_record), std::move(kept));
      });
}

void Driver::certified(Index index) {
  impl_->on_loop([this, index] { impl_->core().certified(index); });
}

void Driver::keep(Bytes owner_record, std::function<void()> done) {
  impl_->on_loop([this, owner_record = std::move(owner_record), done = std::move(done)]() mutable {
    impl_->keep(std::move(owner_record), std::move(done));
  });
}

Standing Driver::standing() const { return impl_->standing(); }
Written Driver::written() const { return impl_->written(); }

}  // namespace testamur::consensus
