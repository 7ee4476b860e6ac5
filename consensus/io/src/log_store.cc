#include "testamur/consensus/log_store.h"

#include <algorithm>

#include "log_records.h"
#include "testamur/storage/rocks.h"

namespace testamur::consensus {
namespace {

using storage::StorageFault;

// The log is read once, when the node starts.
constexpr std::size_t kBlockCacheBytes = 8u << 20;

std::string name_of(Index index) { return "index " + std::to_string(index.value); }
std::string name_of(Term term) { return "term " + std::to_string(term.value); }

template <class T>
T value_or_fault(Result<T> result) {
  if (!result) throw StorageFault(result.error().code, result.error().message);
  return std::move(*result);
}

template <class Decode>
auto read(const storage::View& view, std::string_view name, Decode decode)
    -> std::optional<std::decay_t<decltype(*decode(ByteView{}))>> {
  const std::optional<Bytes> bytes = view.get(records::key(name));
  if (!bytes) return std::nullopt;
  return value_or_fault(decode(*bytes));
}

/// What later writes have to follow.
struct Tail {
  EntryId base;
  EntryId last;
  HardState state;
  std::optional<Claim> claim;
  bool has_floor = false;
};

/// What some writes come to: which of the stored entries stay, and what follows them.
struct Change {
  Index keep;
  std::vector<const Entry*> entries;
  Tail tail;
  std::optional<Base> new_base;
  std::optional<EntryId> new_floor;
  bool new_state = false;
  bool new_claim = false;
};

/// Adds up writes in their order.
class Sum {
 public:
  /// `stored` gives the id of an entry that is stored.
  Sum(const Tail& tail, std::function<EntryId(Index)> stored) : stored_(std::move(stored)) {
    change_.keep = tail.last.index;
    change_.tail = tail;
  }

  /// What speaks against the write, if anything does.
  std::optional<std::string> add(const Write& write) {
    if (write.state) {
      if (auto wrong = set_state(*write.state)) return wrong;
    }
    if (write.floor) {
      change_.new_floor = write.floor;
      change_.tail.has_floor = write.floor->index != Index{};
    }
    if (write.base) {
      if (auto wrong = begin_after(*write.base, write.begins)) return wrong;
    }
    if (write.truncate_from) {
      if (auto wrong = truncate_from(*write.truncate_from)) return wrong;
    }
    for (const Entry& entry : write.entries) {
      if (auto wrong = append(entry)) return wrong;
    }
    if (write.claim) {
      change_.tail.claim = write.claim;
      change_.new_claim = true;
      claim_truncated_ = false;
    }
    return std::nullopt;
  }

  std::optional<std::string> wrong_in_the_end() const {
    const Tail& tail = change_.tail;
    if (tail.last.term > tail.state.term)
      return "an entry of " + name_of(tail.last.term) + " while the node is in " + name_of(tail.state.term);
    // What damage took is on its way here again; until then the claim is ahead of the log.
    if (tail.has_floor) return std::nullopt;
    if (claim_truncated_) return "entries up to " + name_of(tail.claim->index) + " are claimed and would be truncated";
    if (tail.claim && tail.claim->index > tail.last.index)
      return "claim at " + name_of(tail.claim->index) + " beyond the last, " + name_of(tail.last.index);
    return std::nullopt;
  }

  const Change& change() const { return change_; }

 private:
  std::optional<std::string> set_state(const HardState& state) {
    const HardState& before = change_.tail.state;
    if (state.term < before.term) return "from " + name_of(before.term) + " back to " + name_of(state.term);
    if (state.term == before.term && before.vote && state.vote != before.vote)
      return "a second vote in " + name_of(state.term);
    change_.tail.state = state;
    change_.new_state = true;
    return std::nullopt;
  }

  std::optional<std::string> begin_after(const Base& base, bool anew) {
    Tail& tail = change_.tail;
    if (anew) {
      if (tail.claim && tail.claim->index > base.id.index) claim_truncated_ = true;
      change_.keep = base.id.index;
      change_.entries.clear();
      tail.last = base.id;
    } else if (base.id.index < tail.base.index || base.id.index > tail.last.index || id_at(base.id.index) != base.id) {
      return "a log that begins after " + name_of(base.id.index) + ", which is not in it";
    }
    tail.base = base.id;
    change_.new_base = base;
    return std::nullopt;
  }

  EntryId id_at(Index index) const {
    if (index == change_.tail.base.index) return change_.tail.base;
    return index <= change_.keep ? stored_(index) : change_.entries[index.value - change_.keep.value - 1]->id;
  }

  std::optional<std::string> truncate_from(Index from) {
    EntryId& last = change_.tail.last;
    if (from <= change_.tail.base.index || from > next(last.index))
      return "truncation at " + name_of(from) + " of a log that ends at " + name_of(last.index);
    if (change_.tail.claim && from <= change_.tail.claim->index) claim_truncated_ = true;
    const Index end = previous(from);
    if (end <= change_.keep) {
      last = id_at(end);
      change_.keep = end;
      change_.entries.clear();
    } else {
      change_.entries.resize(end.value - change_.keep.value);
      last = change_.entries.back()->id;
    }
    return std::nullopt;
  }

  std::optional<std::string> append(const Entry& entry) {
    EntryId& last = change_.tail.last;
    if (entry.id.index != next(last.index)) return name_of(entry.id.index) + " after " + name_of(last.index);
    if (entry.previous != last.hash) return name_of(entry.id.index) + " with another hash for the entry before";
    if (entry.id.term < last.term)
      return name_of(entry.id.index) + " of " + name_of(entry.id.term) + " after " + name_of(last.term);
    change_.entries.push_back(&entry);
    last = entry.id;
    return std::nullopt;
  }

  std::function<EntryId(Index)> stored_;
  Change change_;
  bool claim_truncated_ = false;
};

class RocksLogStore final : public LogStore {
 public:
  RocksLogStore(std::string directory, std::unique_ptr<storage::KeyValueStore> store)
      : directory_(std::move(directory)), store_(std::move(store)) {}

  /// Reads whose log this is, or makes it the owner's; and what the next write has to follow.
  Result<void> begin(ByteView owner, std::uint64_t life) {
    return without_faults([&]() -> Result<void> {
      const auto view = store_->view();
      const std::optional<Bytes> found = read(*view, records::kOwner, records::decode_owner);
      if (found && !std::equal(found->begin(), found->end(), owner.begin(), owner.end())) {
        return Error{ErrorCode::conflict, directory_ + " holds the log of another owner: expected " + to_hex(owner) +
                                              ", found " + to_hex(*found)};
      }
      read_tail(*view);
      if (!found) {
        if (tail_.last != EntryId{} || tail_.state != HardState{})
          throw StorageFault(ErrorCode::corrupt, "expected the owner of the log, found none");
        storage::WriteSet writes;
        writes.put(records::key(records::kOwner), records::encode_owner(owner));
        if (life != 0) writes.put(records::key(records::kLife), records::encode_life(life));
        store_->write(writes);
      }
      return {};
    });
  }

  Result<Stored> load(const EntryHash& hash) override {
    return without_faults([&]() -> Result<Stored> {
      const auto view = store_->view();
      Stored stored = read_records(*view);
      read_entries(*view, hash, stored);
      check(stored);
      return stored;
    });
  }

  Result<Salvaged> salvage(const EntryHash& hash) override {
    return without_faults([&]() -> Result<Salvaged> {
      const auto view = store_->view();
      Salvaged salvaged{read_records(*view), {}};
      Stored& stored = salvaged.stored;
      end_.reset();
      try {
        read_entries(*view, hash, stored);
        check(stored);
      } catch (const StorageFault& fault) {
        if (fault.error().code != ErrorCode::corrupt) throw;
        salvaged.damage = Error{fault.error().code, "log store " + directory_ + ": " + fault.error().message};
        end_ = last_readable(*view, stored, hash);
        // One that was damaged before, and is not mended yet, ended where it did then.
        if (!stored.floor || !up_to_date(*stored.floor, *end_)) stored.floor = end_;
        tail_.has_floor = true;
        tail_.last = stored.entries.empty() ? stored.base.id : stored.entries.back().id;
        stored.beyond = read_beyond(*view, tail_.last.index);
      }
      is_damaged_ = false;
      return salvaged;
    });
  }

  Result<void> write(std::span<const Write> writes,
                     const std::optional<std::vector<std::uint8_t>>& owner_record) override {
    return without_faults([&]() -> Result<void> {
      if (is_damaged_) throw StorageFault(ErrorCode::corrupt, "the last entry is damaged");
      Sum sum(tail_, [this](Index index) { return stored_id(*store_->view(), index); });
      std::optional<std::string> wrong;
      for (const Write& write : writes) {
        if ((wrong = sum.add(write))) break;
      }
      if (!wrong) wrong = sum.wrong_in_the_end();
      if (wrong) return Error{ErrorCode::conflict, "log store " + directory_ + ": refused to write " + *wrong};
      const storage::WriteSet set = to_keys(sum.change(), owner_record);
      if (set.writes.empty()) return {};
      store_->write(set);
      const bool keeps = keeps_beyond(sum.change().tail);
      tail_ = sum.change().tail;
      last_stored_ = keeps ? std::max(last_stored_, tail_.last.index) : tail_.last.index;
      return {};
    });
  }

 private:
  /// The store throws what a disk may do at any read; here it becomes a value, and says whose disk.
  template <class Action>
  auto without_faults(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (const StorageFault& fault) {
      return Error{fault.error().code, "log store " + directory_ + ": " + fault.error().message};
    }
  }

  static EntryId stored_id(const storage::View& view, Index index) {
    const std::optional<Bytes> bytes = view.get(records::entry_key(index));
    if (!bytes) throw StorageFault(ErrorCode::corrupt, name_of(index) + ": expected an entry, found none");
    return value_or_fault(records::decode_entry(index, *bytes)).id;
  }

  static Stored read_records(const storage::View& view) {
    Stored stored;
    stored.state = read(view, records::kState, records::decode_state).value_or(HardState{});
    stored.claim = read(view, records::kClaim, records::decode_claim);
    stored.owner_record = read(view, records::kOwnerRecord, records::decode_owner_record).value_or(Bytes{});
    stored.base = read(view, records::kBase, records::decode_base).value_or(Base{});
    stored.floor = read(view, records::kFloor, records::decode_floor);
    if (stored.floor && stored.floor->index == Index{}) stored.floor.reset();
    stored.life = read(view, records::kLife, records::decode_life).value_or(0);
    return stored;
  }

  static void read_entries(const storage::View& view, const EntryHash& hash, Stored& stored) {
    const Bytes prefix = records::key(records::kEntries);
    view.scan(prefix, prefix, [&](ByteView key, ByteView value) {
      const EntryId last = stored.entries.empty() ? stored.base.id : stored.entries.back().id;
      stored.entries.push_back(decode_following(last, key, value, hash));
      return true;
    });
  }

  /// What follows a damage, as far as it can be read; whether it is what was written there shows when the entry before is here.
  static std::vector<Entry> read_beyond(const storage::View& view, Index last) {
    std::vector<Entry> beyond;
    const Bytes prefix = records::key(records::kEntries);
    try {
      view.scan(records::entry_key(next(last)), prefix, [&](ByteView key, ByteView value) {
        const std::optional<Index> index = records::entry_index(key);
        if (!index) return true;
        if (auto entry = records::decode_entry(*index, value)) beyond.push_back(std::move(*entry));
        return true;
      });
    } catch (const StorageFault& fault) {
      if (fault.error().code != ErrorCode::corrupt) throw;
    }
    return beyond;
  }

  /// Where a damaged log ended: what its node acknowledged, or more. Where the last entry cannot be read, or is not what its hash was
  /// made from, its place is known by its key, and its term may be any up to the node's own. Without a key: beyond any entry that there
  /// may be.
  static EntryId last_readable(const storage::View& view, const Stored& stored, const EntryHash& hash) {
    EntryId at_most{stored.state.term, Index{~std::uint64_t{0} >> 1}, {}};
    try {
      const Bytes beyond = records::entry_key(Index{~std::uint64_t{0}});
      const auto last = view.last_up_to(beyond, records::kEntries.size());
      const auto index = last ? records::entry_index(last->key) : std::nullopt;
      if (!index) return at_most;
      at_most.index = *index;
      Entry entry = value_or_fault(records::decode_entry(*index, last->value));
      const Index before = previous(*index);
      entry.previous = before == stored.base.id.index ? stored.base.id.hash : stored_id(view, before).hash;
      if (entry.id.hash == hash(entry) && entry.id.term <= stored.state.term) return entry.id;
    } catch (const StorageFault&) {
    }
    return at_most;
  }

  void read_tail(const storage::View& view) {
    const Stored stored = read_records(view);
    tail_.state = stored.state;
    tail_.claim = stored.claim;
    tail_.base = tail_.last = stored.base.id;
    tail_.has_floor = stored.floor.has_value();
    const Bytes beyond = records::entry_key(Index{~std::uint64_t{0}});
    if (const auto last = view.last_up_to(beyond, records::kEntries.size())) {
      const std::optional<Index> index = records::entry_index(last->key);
      if (!index) throw StorageFault(ErrorCode::corrupt, "expected the key of an entry, found " + to_hex(last->key));
      last_stored_ = *index;
      // A damaged one is told when the log is loaded; until it is salvaged, nothing can be written.
      if (const auto entry = records::decode_entry(*index, last->value)) {
        tail_.last = entry->id;
      } else {
        is_damaged_ = true;
      }
    }
    last_stored_ = std::max(last_stored_, tail_.last.index);
  }

  static Entry decode_following(const EntryId& last, ByteView key, ByteView value, const EntryHash& hash) {
    const Index expected = next(last.index);
    const std::optional<Index> index = records::entry_index(key);
    if (index != expected) {
      throw StorageFault(ErrorCode::corrupt,
                         name_of(expected) + ": expected an entry, found " + (index ? name_of(*index) : to_hex(key)));
    }
    Entry entry = value_or_fault(records::decode_entry(expected, value));
    entry.previous = last.hash;
    if (entry.id.term < last.term)
      throw StorageFault(ErrorCode::corrupt, name_of(expected) + ": expected " + name_of(last.term) +
                                                 " or a later one, found " + name_of(entry.id.term));
    const Digest derived = hash(entry);
    if (entry.id.hash != derived)
      throw StorageFault(ErrorCode::corrupt, name_of(expected) + ": expected the hash " + to_hex(derived) + ", found " +
                                                 to_hex(entry.id.hash));
    return entry;
  }

  static void check(const Stored& stored) {
    const EntryId last = stored.entries.empty() ? stored.base.id : stored.entries.back().id;
    if (!stored.floor && stored.claim && stored.claim->index > last.index)
      throw StorageFault(ErrorCode::corrupt, name_of(next(last.index)) + ": expected entries up to the claim at " +
                                                 name_of(stored.claim->index) + ", found none");
    if (stored.state.term < last.term)
      throw StorageFault(ErrorCode::corrupt, name_of(last.index) + ": expected an entry of at most the node's " +
                                                 name_of(stored.state.term) + ", found " + name_of(last.term));
  }

  /// What follows a damage stays while it may come back into the log. It is never older than what the log ends with, so that a second
  /// damage still tells where the log ended.
  bool keeps_beyond(const Tail& tail) const { return tail.has_floor && end_ && up_to_date(*end_, tail.last); }

  storage::WriteSet to_keys(const Change& change, const std::optional<std::vector<std::uint8_t>>& owner_record) const {
    storage::WriteSet set;
    if (change.new_state) set.put(records::key(records::kState), records::encode_state(change.tail.state));
    if (change.new_claim) set.put(records::key(records::kClaim), records::encode_claim(*change.tail.claim));
    if (owner_record) set.put(records::key(records::kOwnerRecord), records::encode_owner_record(*owner_record));
    if (change.new_base) set.put(records::key(records::kBase), records::encode_base(*change.new_base));
    if (change.new_floor) set.put(records::key(records::kFloor), records::encode_floor(*change.new_floor));
    for (const Entry* entry : change.entries) {
      if (entry->id.index > change.tail.base.index)
        set.put(records::entry_key(entry->id.index), records::encode_entry(*entry));
    }
    const auto remove = [&](Index from, Index to) {
      for (Index gone = std::max(from, next(tail_.base.index)); gone <= std::min(to, last_stored_); gone = next(gone))
        set.remove(records::entry_key(gone));
    };
    remove(Index{1}, change.tail.base.index);
    remove(next(change.tail.last.index), keeps_beyond(change.tail) ? tail_.last.index : last_stored_);
    return set;
  }

  std::string directory_;
  std::unique_ptr<storage::KeyValueStore> store_;
  Tail tail_;
  Index last_stored_;           // beyond the tail only while what follows a damage is there
  std::optional<EntryId> end_;  // of what followed a damage when it was found
  bool is_damaged_ = false;
};

}  // namespace

Result<std::unique_ptr<LogStore>> open_log_store(const std::string& directory, std::span<const std::uint8_t> owner,
                                                 const LogStoreOptions& options) {
  storage::RocksOptions rocks;
  rocks.synced = true;
  rocks.block_cache_bytes = kBlockCacheBytes;
  rocks.write_buffer_bytes = options.write_buffer_bytes;
  rocks.env = options.env;
  auto opened = storage::open_rocks(directory, /*create=*/true, rocks);
  if (!opened) return opened.error();
  auto store = std::make_unique<RocksLogStore>(directory, std::move(*opened));
  if (const Result<void> begun = store->begin(owner, options.life); !begun) return begun.error();
  return std::unique_ptr<LogStore>(std::move(store));
}

}  // namespace testamur::consensus
