// One node of four, and what the others may do to it: any messages, in any order, among ticks, writes that are done late, losses of power
// and damage. All others lie, so nothing is said of what they agree on. What this node says and keeps is its own:
// it does not stop; its term and what it counted as committed do not fall, nor change; what it promises is on its disk before it leaves; and
// what it sends, others can read. The disk (simulated_log_store.h) refuses a second vote in a term and a log with a gap.
#include <set>

#include "core_steps.h"
#include "fuzz.h"
#include "liar.h"
#include "simulated_log_store.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

using fuzz::require;
using fuzz::Step;
using fuzz::StepKind;

constexpr NodeId kSelf{1};
constexpr std::array<std::uint8_t, 1> kOwner{1};

/// Some payloads do not please.
class Check final : public PayloadCheck {
 public:
  bool accept(Index, const Payload& payload, NodeId) override { return payload->empty() || payload->front() < 0xf0; }
  void truncated(Index) override {}
};

template <class T>
T value_of(Result<T> result) {
  require(static_cast<bool>(result));
  return *std::move(result);
}

class Node {
 public:
  Node() { start(); }

  void step(const Step& step) {
    switch (step.kind) {
      case StepKind::message:
      case StepKind::liar: hear(step); break;
      case StepKind::ticks:
        for (int left = step.argument % 16 + 1; left > 0; --left) core_->tick();
        break;
      case StepKind::disk:
        for (std::size_t left = step.argument % 2 == 0 ? 1 : writes_.size(); left > 0; --left) write_oldest();
        break;
      case StepKind::owner: owner(step.argument); break;
      case StepKind::link:
        if (step.argument % 2 == 0) core_->reconnected(other(step.argument / 2u));
        if (step.argument % 2 == 1) core_->disconnected(other(step.argument / 2u));
        break;
      case StepKind::power: lose_power(step.argument); break;
      case StepKind::kinds: break;
    }
    take();
    check();
  }

 private:
  /// Three voters, three who may be members one day, and one whom nobody knows.
  static NodeId other(unsigned argument) { return NodeId{2 + argument % 7}; }

  void start() {
    Options options;
    options.self = kSelf;
    options.configuration.voters = {{NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}}, 3};
    for (std::uint64_t node = 1; node <= 7; ++node) options.known.insert(NodeId{node});
    options.hash = some_hash;
    options.random = [this] { return ++drawn_; };
    options.check = &payloads_;
    options.max_append_entries = 3;
    options.max_in_flight = 2;
    options.max_unapplied = 8;
    options.max_uncertified = 4;
    options.max_held = {6, 1024};
    options.max_left_behind = {12, 4096};
    options.max_reads = 4;
    store_ = value_of(simulation::open_simulated_log_store(disk_, kOwner));
    Stored found = value_of(store_->salvage(some_hash)).stored;
    const bool is_whole = !found.floor;
    core_.emplace(std::move(options), Restart{found.state, found.base, std::move(found.entries), found.claim, applied_,
                                              certified_, found.floor, std::move(found.beyond)});
    require(!is_whole || core_->committed() >= applied_);
    term_ = core_->term();
    committed_ = handed_out_ = core_->log().base().index;
    waiting_reads_.clear();
  }

  void lose_power(unsigned argument) {
    disk_.lose_power();
    const Stored& stored = disk_.stored();
    const std::uint64_t at = applied_.value + 1 + argument / 2;
    const bool is_there = at > stored.base.id.index.value && at - stored.base.id.index.value <= stored.entries.size();
    if (argument % 2 == 1 && is_there) disk_.damage(Index{at}, simulation::SimulatedDisk::Damage::changed);
    writes_.clear();
    to_apply_.clear();
    // What was neither applied nor claimed may be counted anew.
    counted_.erase(counted_.upper_bound(applied_), counted_.end());
    start();
  }

  void hear(const Step& step) {
    peer::v1::Message sent;
    if (!sent.ParseFromArray(step.message.data(), static_cast<int>(step.message.size()))) return;
    auto message = wire::decode(sent, other(step.argument), kSelf);
    if (!message) return require(!message.error().message.empty());
    if (step.kind == StepKind::liar) fuzz::Liar(*core_, heads_, campaign_).fit(*message);
    core_->step(*message);
  }

  void write_oldest() {
    if (writes_.empty()) return;
    require(static_cast<bool>(store_->write(std::span(&writes_.front(), 1), std::nullopt)));
    const std::uint64_t sequence = writes_.front().sequence;
    writes_.pop_front();
    core_->persisted(sequence);
    take();
  }

  void owner(unsigned argument) {
    for (const Entry& entry : std::exchange(to_apply_, {})) {
      applied_ = std::max(applied_, entry.id.index);
      if (!entry.is_owners() || size_of(entry.payload) % 4 == 3) continue;
      const auto [at, is_new] =
          heads_.try_emplace(entry.id.index, Claim{entry.id.index, heads_.size() + 1, entry.id.hash});
      require(at->second.head == entry.id.hash);
      core_->derived(at->second);
    }
    core_->applied(applied_);
    const unsigned rest = argument / 8;
    switch (argument % 8) {
      case 1:
        if (!heads_.empty()) core_->certified(certified_ = heads_.rbegin()->first);
        break;
      case 2: core_->compact(applied_); break;
      case 3: core_->propose({payload("proposed")}); break;
      case 4:
        waiting_reads_.insert(++read_);
        core_->read(read_);
        break;
      case 5: {
        const Change change{Change::Kind{static_cast<std::uint8_t>(rest % 3)}, NodeId{1 + rest / 3 % 7}, rest >= 21};
        core_->change(std::span(&change, 1));
        break;
      }
      case 6: core_->transfer(rest % 2 == 0 ? std::nullopt : std::optional(other(rest / 2))); break;
      default: break;
    }
  }

  void take() {
    Output output = core_->take();
    if (output.write) writes_.push_back(std::move(*output.write));
    for (const Message& message : output.messages) sent(message);
    for (Entry& entry : output.committed) {
      require(entry.id.index == next(handed_out_));
      handed_out_ = entry.id.index;
      to_apply_.push_back(std::move(entry));
    }
    require(handed_out_ == core_->committed());
    for (const Read& read : output.reads) require(waiting_reads_.erase(read.id) == 1);
    if (output.agreed) {
      require(heads_.at(output.agreed->index) == *output.agreed);
      require(disk_.stored().claim && disk_.stored().claim->height >= output.agreed->height);
    }
  }

  void sent(const Message& message) {
    require(message.from == kSelf && message.to != kSelf && message.term <= core_->term());
    require(wire::within_bounds(message));
    peer::v1::Message written;
    wire::encode(message, written);
    require(static_cast<bool>(wire::decode(written, message.from, message.to)));
    std::visit([&](const auto& body) { rests_on_disk(message, body); }, message.body);
  }

  bool is_on_disk(const EntryId& id) const {
    const Stored& stored = disk_.stored();
    if (id.index < stored.base.id.index || id == stored.base.id) return true;
    const auto at = id.index.value - stored.base.id.index.value;
    return at >= 1 && at <= stored.entries.size() && stored.entries[at - 1].id == id;
  }
  void is_voted(const Message& message, NodeId candidate) const {
    require(disk_.stored().state == HardState{message.term, candidate});
  }
  void rests_on_disk(const Message& message, const VoteRequest&) { is_voted(message, kSelf); }
  void rests_on_disk(const Message& message, const VoteResponse& body) {
    if (body.granted) is_voted(message, message.to);
  }
  void rests_on_disk(const Message& message, const AppendResponse& body) {
    require(disk_.stored().state.term == message.term);
    if (acknowledges(body.outcome)) require(is_on_disk(body.at));
  }
  void rests_on_disk(const Message& message, const HeartbeatResponse&) {
    require(disk_.stored().state.term == message.term);
  }
  void rests_on_disk(const Message& message, const Durable& body) {
    require(disk_.stored().state.term == message.term && body.last.term == message.term && is_on_disk(body.last));
  }
  void rests_on_disk(const Message&, const Derived& body) {
    require(disk_.stored().claim && disk_.stored().claim->height >= body.claim.height);
    require(heads_.at(body.claim.index) == body.claim);
  }
  void rests_on_disk(const Message&, const PreVoteRequest& body) { campaign_ = body.campaign; }
  template <class Other>
  void rests_on_disk(const Message&, const Other&) {}

  void check() {
    const Log& log = core_->log();
    require(core_->term() >= term_ && core_->committed() >= committed_);
    term_ = core_->term();
    committed_ = core_->committed();
    require(committed_ <= log.last().index && log.last().term <= term_);
    EntryId last = log.base();
    for (Index index = log.first(); index <= log.last().index; index = next(index)) {
      const Entry& entry = log.entry(index);
      require(entry.id.index == index && entry.previous == last.hash && entry.id.term >= last.term);
      require(entry.id.hash == some_hash(entry));
      last = entry.id;
      if (index > committed_) continue;
      require(counted_.try_emplace(index, entry.id).first->second == entry.id);
    }
    require(what_is_wrong(core_->configuration()).empty());
    require(core_->role() != Role::leader || core_->leader() == kSelf);
  }

  Check payloads_;
  simulation::SimulatedDisk disk_;
  std::unique_ptr<LogStore> store_;
  std::optional<Core> core_;
  std::deque<Write> writes_;  // under way
  std::uint64_t drawn_ = 0;
  std::uint64_t campaign_ = 0;  // the newest that it asked for
  std::uint64_t read_ = 0;
  std::set<std::uint64_t> waiting_reads_;
  // Of the present life.
  Term term_;
  Index committed_;
  Index handed_out_;
  // What the owner has, on a disk of its own.
  std::vector<Entry> to_apply_;
  Index applied_;
  Index certified_;
  std::map<Index, Claim> heads_;
  std::map<Index, EntryId> counted_;
};

}  // namespace
}  // namespace testamur::consensus

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  testamur::consensus::Node node;
  for (testamur::ByteView bytes(data, size); !bytes.empty();) node.step(testamur::fuzz::next_step(bytes));
  return 0;
}
