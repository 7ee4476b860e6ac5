#include "simulated_log_store.h"

#include <map>

namespace testamur::consensus::simulation {
namespace {

Error conflict(const std::string& what) { return {ErrorCode::conflict, "simulated log store: " + what}; }

/// What would be stored after some writes, without a copy of the entries that stay.
struct Planned {
  const Stored& before;
  HardState state = before.state;
  std::optional<Claim> claim = before.claim;
  EntryId base = before.base.id;
  std::optional<Base> new_base = {};
  std::optional<EntryId> floor = before.floor;
  std::size_t drop = 0;                      // so many of the entries before go at the front,
  std::size_t keep = before.entries.size();  // those up to here stay,
  std::vector<Entry> added = {};             // and these follow
  bool claim_truncated = false;

  EntryId last() const {
    if (!added.empty()) return added.back().id;
    return keep == drop ? base : before.entries[keep - 1].id;
  }
  std::uint64_t size() const { return last().index.value; }

  Result<void> add(const Write& write) {
    if (write.state) {
      if (write.state->term < state.term) return conflict("the term falls");
      if (write.state->term == state.term && state.vote && write.state->vote != state.vote)
        return conflict("a second vote in one term");
      state = *write.state;
    }
    if (write.floor) floor = write.floor->index == Index{} ? std::nullopt : write.floor;
    if (write.base) {
      if (auto begun = begin_after(*write.base, write.begins); !begun) return begun;
    }
    if (write.truncate_from) {
      const std::uint64_t from = write.truncate_from->value;
      if (from <= base.index.value || from > size() + 1) return conflict("a truncation beyond the log");
      if (claim && from <= claim->index.value) claim_truncated = true;
      const std::size_t stay = from - 1 - base.index.value;
      added.resize(stay > keep - drop ? stay - (keep - drop) : 0);
      keep = std::min(keep, drop + stay);
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

  Result<void> begin_after(const Base& to, bool anew) {
    if (anew) {
      claim_truncated |= claim && claim->index > to.id.index;
      drop = keep;
      added.clear();
    } else {
      const std::uint64_t gone = to.id.index.value - base.index.value;
      if (to.id.index < base.index || to.id.index > last().index || id_at(gone) != to.id)
        return conflict("a beginning that is not in the log");
      const std::size_t of_before = std::min<std::size_t>(gone, keep - drop);
      drop += of_before;
      added.erase(added.begin(), added.begin() + static_cast<std::ptrdiff_t>(gone - of_before));
    }
    base = to.id;
    new_base = to;
    return {};
  }

  /// Of the entry so many after the base.
  EntryId id_at(std::uint64_t after) const {
    if (after == 0) return base;
    return after <= keep - drop ? before.entries[drop + after - 1].id : added[after - (keep - drop) - 1].id;
  }

  Result<void> check() const {
    if (last().term > state.term) return conflict("an entry of a term the node has not reached");
    if (floor) return {};
    if (claim_truncated) return conflict("what is claimed would be truncated");
    if (claim && claim->index.value > size()) return conflict("a claim beyond the log");
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
    const Stored stored = put_together(hash);
    if (!stored.beyond.empty()) return damage_after(stored);
    disk_.stored_ = stored;
    return stored;
  }

  Result<Salvaged> salvage(const EntryHash& hash) override {
    if (dead()) return refused();
    const std::vector<Entry> all = all_entries();
    Salvaged salvaged{put_together(hash), {}};
    Stored& stored = salvaged.stored;
    end_.reset();
    if (!stored.beyond.empty()) {
      salvaged.damage = damage_after(stored);
      end_ = end_of(all, stored, hash);
      if (!stored.floor || !up_to_date(*stored.floor, *end_)) stored.floor = end_;
    }
    // The floor is on disk at once here, where the store in RocksDB has it with the first write.
    disk_.stored_ = stored;
    return salvaged;
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
  std::vector<Entry> all_entries() const {
    std::vector<Entry> all = disk_.stored_.entries;
    all.insert(all.end(), disk_.stored_.beyond.begin(), disk_.stored_.beyond.end());
    return all;
  }

  /// What is stored, with entries as far as each follows the one before, and what is beyond.
  Stored put_together(const EntryHash& hash) const {
    Stored stored = disk_.stored_;
    stored.entries.clear();
    stored.beyond.clear();
    EntryId last = stored.base.id;
    std::map<Index, Entry> beyond;
    for (Entry& entry : all_entries()) {
      const bool follows = beyond.empty() && entry.id.index == next(last.index) && entry.previous == last.hash &&
                           entry.id.term >= last.term && entry.id.hash == hash(entry);
      if (follows) {
        last = entry.id;
        stored.entries.push_back(std::move(entry));
      } else {
        beyond.emplace(entry.id.index, std::move(entry));
      }
    }
    for (auto& [index, entry] : beyond) stored.beyond.push_back(std::move(entry));
    return stored;
  }

  /// Where a damaged log ended, or beyond, as the store in RocksDB has it.
  static EntryId end_of(const std::vector<Entry>& all, const Stored& stored, const EntryHash& hash) {
    const Entry& last = all.back();
    // Entries lie one after another here, so one that was written in another's place shows by its index.
    const bool in_place = all.size() < 2 || last.id.index > all[all.size() - 2].id.index;
    const bool readable = in_place && last.id.hash == hash(last) && last.id.term <= stored.state.term;
    // Where it is known by its key, which here is what it says, or where it lies.
    const Index place{std::max(stored.base.id.index.value + all.size(), last.id.index.value)};
    return readable ? last.id : EntryId{stored.state.term, place, {}};
  }
  static Error damage_after(const Stored& stored) {
    const std::uint64_t good = stored.base.id.index.value + stored.entries.size();
    return {ErrorCode::corrupt, "simulated log store: index " + std::to_string(good + 1)};
  }
  bool dead() const { return failed_ || life_ != disk_.lives_; }
  static Error refused() { return {ErrorCode::storage, "simulated log store: the disk failed or lost its power"}; }

  void keep(Planned planned, const std::optional<std::vector<std::uint8_t>>& owner_record) {
    Stored& stored = disk_.stored_;
    const EntryId last = planned.last();
    stored.state = planned.state;
    stored.claim = planned.claim;
    if (planned.new_base) stored.base = std::move(*planned.new_base);
    stored.floor = planned.floor;
    stored.entries.resize(planned.keep);
    stored.entries.erase(stored.entries.begin(), stored.entries.begin() + static_cast<std::ptrdiff_t>(planned.drop));
    const bool keeps_beyond = stored.floor && end_ && up_to_date(*end_, last);
    std::erase_if(stored.beyond, [&](const Entry& entry) { return !keeps_beyond || entry.id.index <= last.index; });
    for (Entry& entry : planned.added) stored.entries.push_back(std::move(entry));
    if (owner_record) stored.owner_record = *owner_record;
  }

  SimulatedDisk& disk_;
  std::uint64_t life_;
  std::optional<EntryId> end_;  // of what followed a damage when it was found
  bool failed_ = false;
};

void SimulatedDisk::damage(Index index, Damage damage, Index other) {
  const auto entry = [&](Index at) {
    return stored_.entries.begin() + static_cast<std::ptrdiff_t>(at.value - stored_.base.id.index.value - 1);
  };
  switch (damage) {
    case Damage::changed: entry(index)->id.hash[0] ^= 1; return;
    case Damage::misdirected: *entry(index) = *entry(other); return;
    case Damage::gone: stored_.entries.erase(entry(index)); return;
  }
}

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
