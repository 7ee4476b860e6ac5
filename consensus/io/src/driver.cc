#include "testamur/consensus/driver.h"

#include <pthread.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace testamur::consensus {
namespace {

namespace asio = boost::asio;

std::size_t bytes_of(const Message& message) {
  std::size_t size = sizeof(Message);
  if (const auto* entries = entries_of(message.body)) {
    for (const Entry& entry : *entries) size += sizeof(Entry) + size_of(entry.payload);
  }
  return size;
}

/// What goes to disk together.
struct Job {
  std::optional<Write> write;
  std::optional<Bytes> owner_record;
  std::vector<std::function<void()>> done;
};

}  // namespace

class Driver::Impl {
 public:
  Impl(DriverOptions options, Restart restart, std::unique_ptr<LogStore> store, DriverEvents events)
      : options_(std::move(options)),
        events_(std::move(events)),
        store_(std::move(store)),
        applied_(restart.applied),
        core_(options_.core, std::move(restart)),
        counted_term_(core_.term()),
        last_read_(options_.core.random()),  // an answer to one before a restart is for none of these
        timer_(clock_) {
    standing_ = stand();
    wait_for_tick();
    writer_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "log writer");
      write_jobs();
    });
    ticker_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "clock");
      clock_.run();
    });
    in_turn([] {});
  }

  ~Impl() {
    {
      std::unique_lock lock(turn_mutex_);
      ended_ = true;
      idle_.wait(lock, [this] { return !busy_; });
    }
    clock_.stop();
    ticker_.join();
    {
      const std::lock_guard lock(jobs_mutex_);
      stopping_ = true;
    }
    jobs_arrived_.notify_one();
    writer_.join();
  }

  /// Runs a task on the core: here and now where nobody is at it, else by whoever is. So the core has one owner at a time, and what
  /// comes to it waits for no other thread to wake up.
  void in_turn(std::function<void()> task) {
    {
      const std::lock_guard lock(turn_mutex_);
      if (ended_) return;
      tasks_.push_back(std::move(task));
      if (busy_) return;
      busy_ = true;
    }
    work();
  }

  /// Messages gather, so that many that came together cost one look at what the core wants.
  void step(Message message) {
    const std::size_t size = bytes_of(message);
    {
      const std::lock_guard lock(inbox_mutex_);
      if (inbox_bytes_ + size > options_.max_inbox_bytes) {
        ++dropped_messages_;
        return;
      }
      inbox_bytes_ += size;
      inbox_.push_back(std::move(message));
      if (inbox_.size() > 1) return;  // found with the first
    }
    in_turn([this] { read_inbox(); });
  }

  /// The record waits for the claim that handle() fetches right after, so that both go in one job.
  void applied(Index index, const std::vector<Claim>& claims, std::optional<Bytes> owner_record,
               std::function<void()> kept) {
    applied_ = index;
    for (const Claim& claim : claims) core_.derived(claim);
    core_.applied(index);
    if (!owner_record) return;
    owner_record_ = std::move(owner_record);
    owner_record_kept_ = std::move(kept);
  }

  void keep(Bytes owner_record, std::function<void()> done) {
    queue({std::nullopt, std::move(owner_record), {std::move(done)}});
  }

  void install(const Snapshot& snapshot, std::function<void(bool)> done) {
    if (!core_.install(snapshot)) return done(false);
    applied_ = snapshot.last.index;
    on_written_.push_back([done = std::move(done)] { done(true); });
  }

  void read(std::function<void(std::optional<Index>)> answer) {
    reads_.emplace(++last_read_, std::move(answer));
    core_.read(last_read_);
  }

  /// What waits is asked for when the turn ends, if the core has room; else somebody is kept waiting, and that is counted.
  void proposing() {
    const ProposeResult answer = core_.may_propose(1);
    if (answer != ProposeResult::accepted) ++refused_proposals_.at(static_cast<std::size_t>(answer));
  }

  Core& core() { return core_; }

  Written written() const { return {syncs_, entries_}; }

  Standing standing() const {
    const std::lock_guard lock(standing_mutex_);
    return standing_;
  }

  Counts counts() const {
    Counts counts{elections_started_, elections_won_, leader_changes_, dropped_messages_, {}};
    for (std::size_t i = 0; i < counts.refused_proposals.size(); ++i) {
      counts.refused_proposals[i] = refused_proposals_[i];
    }
    return counts;
  }

  std::vector<PeerProgress> progress() const {
    const std::lock_guard lock(standing_mutex_);
    return progress_;
  }

 private:
  Standing stand() const {
    return {core_.role(), core_.term(), core_.leader(), core_.log().last().index, core_.committed()};
  }

  void wait_for_tick() {
    // Counted from now, not from when it was due: a clock that was held up does not make up for lost time, which would make
    // every follower's clock run fast at once.
    timer_.expires_after(options_.tick);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      // One that waits for a turn stands for those after it.
      if (!tick_waits_.exchange(true)) {
        in_turn([this] {
          tick_waits_ = false;
          ticked_ = true;
          core_.tick();
        });
      }
      wait_for_tick();
    });
  }

  /// Whoever brought something has work of his own to go back to: after some rounds, the clock's thread goes on.
  void work() noexcept {
    std::vector<std::function<void()>> tasks;
    for (int round = 0;; ++round) {
      tasks.clear();
      if (round == kMaxRounds) return asio::post(clock_, [this] { work(); });
      {
        const std::lock_guard lock(turn_mutex_);
        if (tasks_.empty() || ended_) {
          busy_ = false;
          if (ended_) idle_.notify_all();
          return;
        }
        tasks.swap(tasks_);
      }
      // One by one: what a task leaves for handle() must not be overtaken by the next.
      for (const auto& task : tasks) {
        task();
        handle();
      }
    }
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
      if (owner_record_kept_) on_written_.push_back(std::exchange(owner_record_kept_, {}));
      queue({std::move(output.write), std::exchange(owner_record_, {}), std::exchange(on_written_, {})});
    }
    if (!output.messages.empty()) events_.send(std::move(output.messages));
    for (const Evidence& evidence : output.evidence) events_.evidence(evidence);
    if (output.refused_by_quorum) events_.refused_by_quorum();
    tell_standing();
    if (!output.committed.empty()) events_.committed(std::move(output.committed));
    if (output.agreed) events_.agreed(*output.agreed);
    if (output.behind && events_.behind) events_.behind(*output.behind);
    for (const Read& read : output.reads) {
      if (auto waiting = reads_.extract(read.id)) waiting.mapped()(read.index);
    }
  }

  void propose() {
    while (core_.may_propose(1) == ProposeResult::accepted) {
      const Index last = core_.log().last().index;
      if (last.value - applied_.value >= options_.max_proposed) return;
      Payload payload = events_.next_payload(next(last));
      if (!payload) return;
      core_.propose({std::move(payload)});
    }
  }

  void tell_standing() {
    const Standing now = stand();
    const bool changed = now.role != told_.role || now.term != told_.term || now.leader != told_.leader;
    // Not in every turn: it is a copy of all.
    const bool progress_is_due = std::exchange(ticked_, false) || changed;
    auto progress = progress_is_due ? core_.progress() : std::vector<PeerProgress>{};
    {
      const std::lock_guard lock(standing_mutex_);
      standing_ = now;
      if (progress_is_due) progress_.swap(progress);
    }
    if (changed) {
      count(now);
      events_.standing(now);
    }
    told_ = now;
    if (const Index index = core_.configuration_index(); index != told_configuration_) {
      told_configuration_ = index;
      if (events_.configuration) events_.configuration(index, core_.configuration());
    }
  }

  void count(const Standing& now) {
    // A node that stands for election votes for itself, in a new term.
    if (now.term > counted_term_ && core_.state().vote == core_.self()) ++elections_started_;
    counted_term_ = now.term;
    if (!now.leader) return;
    const std::pair leader(now.term, *now.leader);
    if (counted_leader_ == leader) return;
    counted_leader_ = leader;
    ++leader_changes_;
    if (now.role == Role::leader) ++elections_won_;
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
        in_turn([this, error = written.error()] { events_.failed(error); });
        return;
      }
      in_turn([this, jobs = std::move(jobs)] { written(jobs); });
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
    const auto began = std::chrono::steady_clock::now();
    auto result = store_->write(writes, owner_record);
    if (result && events_.synced) events_.synced(std::chrono::steady_clock::now() - began);
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
      for (const auto& done : job.done) done();
    }
  }

  static constexpr int kMaxRounds = 8;

  const DriverOptions options_;
  const DriverEvents events_;
  const std::unique_ptr<LogStore> store_;  // the writer's
  Index applied_;                          // of whoever has the turn, as all that follows up to the mutex
  Core core_;
  Standing told_;
  Term counted_term_;
  std::optional<std::pair<Term, NodeId>> counted_leader_;
  bool ticked_ = false;
  std::optional<Bytes> owner_record_;  // to go with the next write
  std::function<void()> owner_record_kept_;
  std::vector<std::function<void()>> on_written_;  // to be called when the next write is on disk
  std::optional<Index> told_configuration_;
  std::map<std::uint64_t, std::function<void(std::optional<Index>)>> reads_;  // that wait, by id
  std::uint64_t last_read_;

  std::mutex turn_mutex_;
  std::condition_variable idle_;
  std::vector<std::function<void()>> tasks_;
  bool busy_ = false;
  bool ended_ = false;

  std::mutex inbox_mutex_;
  std::vector<Message> inbox_;
  std::size_t inbox_bytes_ = 0;

  mutable std::mutex standing_mutex_;
  Standing standing_;
  std::vector<PeerProgress> progress_;

  std::mutex jobs_mutex_;
  std::condition_variable jobs_arrived_;
  std::vector<Job> jobs_;
  bool stopping_ = false;

  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::uint64_t> elections_started_ = 0;
  std::atomic<std::uint64_t> elections_won_ = 0;
  std::atomic<std::uint64_t> leader_changes_ = 0;
  std::atomic<std::uint64_t> dropped_messages_ = 0;
  std::array<std::atomic<std::uint64_t>, std::tuple_size_v<decltype(Counts::refused_proposals)>> refused_proposals_{};

  asio::io_context clock_{1};
  asio::steady_timer timer_;
  std::atomic<bool> tick_waits_ = false;
  std::thread writer_;
  std::thread ticker_;
};

Driver::Driver(DriverOptions options, Restart restart, std::unique_ptr<LogStore> store, DriverEvents events)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(restart), std::move(store), std::move(events))) {}
Driver::~Driver() = default;

void Driver::step(Message message) { impl_->step(std::move(message)); }

void Driver::reconnected(NodeId peer) {
  impl_->in_turn([this, peer] { impl_->core().reconnected(peer); });
}

/// Behind the messages that came before: they wait for their turn too.
void Driver::disconnected(NodeId peer) {
  impl_->in_turn([this, peer] { impl_->core().disconnected(peer); });
}

void Driver::propose() {
  impl_->in_turn([this] { impl_->proposing(); });
}

void Driver::applied(Index index, std::vector<Claim> claims, std::optional<Bytes> owner_record,
                     std::function<void()> kept) {
  impl_->in_turn([this, index, claims = std::move(claims), owner_record = std::move(owner_record),
                  kept = std::move(kept)] { impl_->applied(index, claims, owner_record, kept); });
}

void Driver::certified(Index index) {
  impl_->in_turn([this, index] { impl_->core().certified(index); });
}

void Driver::compact(Index index) {
  impl_->in_turn([this, index] { impl_->core().compact(index); });
}

void Driver::install(Snapshot snapshot, std::function<void(bool)> done) {
  impl_->in_turn([this, snapshot = std::move(snapshot), done = std::move(done)] { impl_->install(snapshot, done); });
}

void Driver::change(std::vector<Change> changes, std::function<void(const ChangeAnswer&)> answer) {
  impl_->in_turn(
      [this, changes = std::move(changes), answer = std::move(answer)] { answer(impl_->core().change(changes)); });
}

void Driver::transfer(std::optional<NodeId> to, std::function<void(TransferResult)> answer) {
  impl_->in_turn([this, to, answer = std::move(answer)] { answer(impl_->core().transfer(to)); });
}

void Driver::read(std::function<void(std::optional<Index>)> answer) {
  impl_->in_turn([this, answer = std::move(answer)] { impl_->read(answer); });
}

void Driver::inspect(std::function<void(const Core&)> look) {
  impl_->in_turn([this, look = std::move(look)] { look(impl_->core()); });
}

void Driver::keep(Bytes owner_record, std::function<void()> done) {
  impl_->in_turn(
      [this, owner_record = std::move(owner_record), done = std::move(done)] { impl_->keep(owner_record, done); });
}

Standing Driver::standing() const { return impl_->standing(); }
Written Driver::written() const { return impl_->written(); }
Counts Driver::counts() const { return impl_->counts(); }
std::vector<PeerProgress> Driver::progress() const { return impl_->progress(); }

}  // namespace testamur::consensus
