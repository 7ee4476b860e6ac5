#include "simulated_log_store.h"

namespace testamur::consensus::simulation {
namespace {

Error conflict(const std::string& what) { return {ErrorCode::conflict, "simulated log store: " + what}; }

/// What would be stored after some writes, without a copy of the entries that stay.
struct Planned {
  const Stored& before;
  HardState state = before.state;
  std::optional<Claim> claim = before.claim;
  std::size_t keep = before.entries.size();
  std::vector<Entry> added = {};
  bool claim_truncated = false;

  EntryId last() const {
    if (!added.empty()) return added.back().id;
    return keep == 0 ? EntryId{} : before.entries[keep - 1].id;
  }
  std::size_t size() const { return keep + added.size(); }

  Result<void> add(const Write& write) {
    if (write.state) {
      if (write.state->term < state.term) return conflict("the term falls");
      if (write.state->term == state.term && state.vote && write.state->vote != state.vote)
        return conflict("a second vote in one term");
      state = *write.state;
    }
    if (write.truncate_from) {
      const std::uint64_t from = write.truncate_from->value;
      if (from == 0 || from > size() + 1) return conflict("a truncation beyond the log");
      if (claim && from <= claim->index.value) claim_truncated = true;
      added.resize(from - 1 > keep ? from - 1 - keep : 0);
      keep = std::min<std::size_t>(keep, from - 1);
    }
    for (const Entry& entry : write.entries) {
      if (entry.id.index.value != size() + 1) return conflict("a gap in the log");
      if (entry.previous != last().hash) return conflict("another hash for the entry before");
      if (entry.id.term < last().term) return conflict("the term of the entries falls");
      added.push_back(entry);
    }
    if (write.claim) {
      claim = write.claim;
      claim_truncated = false;
    }
    return {};
  }

  Result<void> check() const {
    if (claim_truncated) return conflict("what is claimed would be truncated");
    if (claim && claim->index.value > size()) return conflict("a claim beyond the log");
    if (last().term > state.term) return conflict("an entry of a term the node has not reached");
    return {};
  }
};

}  // namespace

class SimulatedLogStore final : public LogStore {
 public:
  explicit SimulatedLogStore(SimulatedDisk& disk) : disk_(disk), life_(++disk.lives_) { disk_.open_ = true; }
  ~SimulatedLogStore() override {
    if (life_ == disk_.lives_) disk_.open_ = false;
  }
  SimulatedLogStore(const SimulatedLogStore&) = delete;
  SimulatedLogStore& operator=(const SimulatedLogStore&) = delete;

  Result<Stored> load(const EntryHash& hash) override {
    if (dead()) return refused();
    EntryId last;
    for (const Entry& entry : disk_.stored_.entries) {
      const bool follows =
          entry.id.index == next(last.index) && entry.previous == last.hash && entry.id.term >= last.term;
      if (!follows || entry.id.hash != hash(entry.id.term, entry.id.index, last.hash, entry.payload))
        return Error{ErrorCode::corrupt, "simulated log store: index " + std::to_string(last.index.value + 1)};
      last = entry.id;
    }
    return disk_.stored_;
  }

  Result<void> write(std::span<const Write> writes,
                     const std::optional<std::vector<std::uint8_t>>& owner_record) override {
    if (dead()) return refused();
    Planned planned{disk_.stored_};
    for (const Write& write : writes) {
      if (auto added = planned.add(write); !added) return added;
    }
    if (auto checked = planned.check(); !checked) return checked;
    const auto failure = std::exchange(disk_.next_write_, std::nullopt);
    failed_ = failure.has_value();
    if (failure != SimulatedDisk::Afterwards::not_there) keep(std::move(planned), owner_record);
    return failed_ ? refused() : Result<void>{};
  }

 private:
  bool dead() const { return failed_ || life_ != disk_.lives_; }
  static Error refused() { return {ErrorCode::storage, "simulated log store: the disk failed or lost its power"}; }

  void keep(Planned planned, const std::optional<std::vector<std::uint8_t>>& owner_record) {
    Stored& stored = disk_.stored_;
    stored.state = planned.state;
    stored.claim = planned.claim;
    stored.entries.resize(planned.keep);
    for (Entry& entry : planned.added) stored.entries.push_back(std::move(entry));
    if (owner_record) stored.owner_record = *owner_record;
  }

  SimulatedDisk& disk_;
  std::uint64_t life_;
  bool failed_ = false;
};

void SimulatedDisk::lose_power() {
  ++lives_;
  open_ = false;
}

Result<std::unique_ptr<LogStore>> open_simulated_log_store(SimulatedDisk& disk, std::span<const std::uint8_t> owner) {
  if (disk.open_) return conflict("open already");
  if (disk.owner_ && !std::equal(disk.owner_->begin(), disk.owner_->end(), owner.begin(), owner.end()))
    return conflict("another owner's");
  disk.owner_ = std::vector<std::uint8_t>(owner.begin(), owner.end());
  return std::unique_ptr<LogStore>(std::make_unique<SimulatedLogStore>(disk));
}

}  // namespace testamur::consensus::simulation
