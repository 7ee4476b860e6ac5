#include "testamur/node/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "readings_families.h"
#include "testamur/consensus/address.h"
#include "testamur/node/version.h"

namespace testamur::node {
namespace {

using prometheus::Counter;
using prometheus::Histogram;
using Clock = std::chrono::steady_clock;

// Upper bounds in seconds. A sync on a good disk takes less than a millisecond, a block some of them.
const Histogram::BucketBoundaries kSyncSeconds = {.0001, .00025, .0005, .001, .0025, .005, .01, .025,
                                                  .05,   .1,     .25,   .5,   1,     2.5,  5,   10};
const Histogram::BucketBoundaries kBlockSeconds = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};

double seconds_of(std::chrono::nanoseconds took) { return std::chrono::duration<double>(took).count(); }

/// A counter for each value that one label may have, all there from the start, at zero: what appears with its first event has no rate.
class CounterBy {
 public:
  CounterBy(prometheus::Registry& registry, const char* name, const char* help, const char* label,
            const std::vector<std::string>& values) {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    for (const std::string& value : values) counters_.emplace(value, &family.Add({{label, value}}));
  }
  void increment(std::string_view value) {
    if (const auto found = counters_.find(value); found != counters_.end()) found->second->Increment();
  }

 private:
  std::map<std::string, Counter*, std::less<>> counters_;
};

/// The word for an outcome: its code, or where it has none how far the submission has come.
std::string_view word_of(const SubmissionOutcome& outcome) {
  if (!outcome.code.empty()) return outcome.code;
  switch (outcome.stage) {
    case Stage::busy: return "busy";
    case Stage::pending: return "pending";
    default: return "unknown";
  }
}

std::vector<std::string> outcome_words() {
  std::vector<std::string> words = {"busy", "pending", "unknown"};
  for (auto code = std::uint8_t{0}; code <= static_cast<std::uint8_t>(Acceptance::forbidden_transition); ++code) {
    words.emplace_back(name(static_cast<Acceptance>(code)));
  }
  return words;
}

/// What this node proposed and when, until it is certified. Entries share their payloads with whoever proposed them, so that one is told
/// by its address: an entry of another leader in its place is another payload.
class OwnBlocks {
 public:
  void proposed(const consensus::Payload& payload) {
    const std::lock_guard lock(mutex_);
    proposed_.push_back({payload, {}, Clock::now()});
  }
  /// How long it took, for those of the entries that are this node's.
  std::vector<Clock::duration> committed(const std::vector<consensus::Entry>& entries) {
    const std::lock_guard lock(mutex_);
    std::vector<Clock::duration> took;
    for (const consensus::Entry& entry : entries) {
      const auto found = std::find_if(proposed_.begin(), proposed_.end(),
                                      [&](const Block& block) { return block.payload == entry.payload; });
      if (found == proposed_.end()) continue;
      took.push_back(Clock::now() - found->since);
      committed_.push_back({nullptr, entry.id.index, found->since});
      // Those before it were replaced by another leader's.
      proposed_.erase(proposed_.begin(), std::next(found));
    }
    return took;
  }
  std::vector<Clock::duration> certified(consensus::Index index) {
    const std::lock_guard lock(mutex_);
    std::vector<Clock::duration> took;
    for (; !committed_.empty() && committed_.front().index <= index; committed_.pop_front()) {
      took.push_back(Clock::now() - committed_.front().since);
    }
    return took;
  }
  void forget_proposed() {
    const std::lock_guard lock(mutex_);
    proposed_.clear();
  }

 private:
  struct Block {
    consensus::Payload payload;
    consensus::Index index;
    Clock::time_point since;
  };
  std::mutex mutex_;
  std::deque<Block> proposed_;
  std::deque<Block> committed_;
};

}  // namespace

class Metrics::Impl {
 public:
  explicit Impl(const Names& names)
      : log_sync(histogram("testamur_log_sync_seconds",
                           "How long a write of the consensus log took, its sync included.", kSyncSeconds)),
        append(histogram("testamur_append_seconds",
                         "From proposing a block to counting it as committed, at the leader that proposed it.",
                         kBlockSeconds)),
        certify(histogram("testamur_certify_seconds",
                          "From proposing a block to its certified head, at the leader that proposed it.",
                          kBlockSeconds)),
        stepped_down(prometheus::BuildCounter()
                         .Name("testamur_stepped_down_total")
                         .Help("Times that the node led and a quorum refused its blocks.")
                         .Register(*registry_)
                         .Add({})),
        submissions(*registry_, "testamur_submissions_total",
                    "Submissions handed in at this node, by what was answered.", "code", outcome_words()),
        evidence(*registry_, "testamur_evidence_total",
                 "Two stories about one thing, by the node that told the second.", "node", names.others),
        blocks_refused(*registry_, "testamur_blocks_refused_total",
                       "Times that this node was found refusing blocks of that leader, at most one in ten seconds.",
                       "node", names.others),
        cosignatures_not_counted(*registry_, "testamur_cosignatures_not_counted_total",
                                 "Cosignatures of that voter that do not verify or contradict what this node holds.",
                                 "node", names.others),
        letters_dropped(*registry_, "testamur_peer_letters_dropped_total",
                        "Submissions, cosignatures and heads of the other node that were dropped for want of room.",
                        "node", names.others) {
    info("testamur_build_info", "Always 1; the label says what runs.", {{"version", kVersion}});
    info("testamur_node_info", "Always 1; the labels say who this is.",
         {{"node", names.node}, {"institution", names.institution}});
  }

  Result<void> serve(const std::string& listen, std::function<Readings()> read) {
    if (const auto can = consensus::check_can_listen(listen); !can) {
      return Error{can.error().code, "metrics.listen: " + can.error().message};
    }
    try {
      // Two threads: one who says nothing for long does not keep the other waiting.
      exposer_ = std::make_unique<prometheus::Exposer>(
          std::vector<std::string>{"listening_ports", listen, "num_threads", "2", "request_timeout_ms", "5000"});
    } catch (const std::exception&) {
      // It says no more than that it is not possible.
      return Error{ErrorCode::conflict, "metrics.listen: cannot listen on " + listen + "; is the port in use?"};
    }
    readings_ = std::make_shared<ReadingsFamilies>(std::move(read));
    exposer_->RegisterCollectable(readings_);
    exposer_->RegisterCollectable(registry_);
    exposer_->RegisterCollectable(process_);
    return {};
  }

  void stop_serving() { exposer_.reset(); }

 private:
  Histogram& histogram(const char* name, const char* help, const Histogram::BucketBoundaries& bounds) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_).Add({}, bounds);
  }
  void info(const char* name, const char* help, const prometheus::Labels& labels) {
    prometheus::BuildGauge().Name(name).Help(help).Register(*registry_).Add(labels).Set(1);
  }

  const std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  const std::shared_ptr<ProcessFamilies> process_ = std::make_shared<ProcessFamilies>();
  std::shared_ptr<ReadingsFamilies> readings_;
  std::unique_ptr<prometheus::Exposer> exposer_;

 public:
  Histogram& log_sync;
  Histogram& append;
  Histogram& certify;
  Counter& stepped_down;
  CounterBy submissions;
  CounterBy evidence;
  CounterBy blocks_refused;
  CounterBy cosignatures_not_counted;
  CounterBy letters_dropped;
  OwnBlocks own_blocks;
};

Metrics::Metrics(const Names& names) : impl_(std::make_unique<Impl>(names)) {}
Metrics::~Metrics() = default;

Result<void> Metrics::serve(const std::string& listen, std::function<Readings()> read) {
  return impl_->serve(listen, std::move(read));
}
void Metrics::stop_serving() { impl_->stop_serving(); }

void Metrics::log_synced(std::chrono::nanoseconds took) { impl_->log_sync.Observe(seconds_of(took)); }

void Metrics::proposed(const consensus::Payload& payload) { impl_->own_blocks.proposed(payload); }

void Metrics::committed(const std::vector<consensus::Entry>& entries) {
  for (const auto took : impl_->own_blocks.committed(entries)) impl_->append.Observe(seconds_of(took));
}

void Metrics::certified(consensus::Index index) {
  for (const auto took : impl_->own_blocks.certified(index)) impl_->certify.Observe(seconds_of(took));
}

void Metrics::leads_no_more() { impl_->own_blocks.forget_proposed(); }
void Metrics::stepped_down() { impl_->stepped_down.Increment(); }
void Metrics::answered(const SubmissionOutcome& outcome) { impl_->submissions.increment(word_of(outcome)); }
void Metrics::evidence(const std::string& said_by) { impl_->evidence.increment(said_by); }
void Metrics::block_refused(const std::string& leader) { impl_->blocks_refused.increment(leader); }
void Metrics::cosignature_not_counted(const std::string& voter) { impl_->cosignatures_not_counted.increment(voter); }
void Metrics::letter_dropped(const std::string& from) { impl_->letters_dropped.increment(from); }

}  // namespace testamur::node
