#include "memory_store.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace testamur::test {

using storage::KeyValue;
using storage::View;
using storage::WriteSet;

bool MemoryStore::Less::operator()(ByteView a, ByteView b) const {
  const std::size_t both = std::min(a.size(), b.size());
  const int order = both == 0 ? 0 : std::memcmp(a.data(), b.data(), both);
  return order != 0 ? order < 0 : a.size() < b.size();
}

class MemoryStore::MemoryView final : public View {
 public:
  explicit MemoryView(const MemoryStore& store)
      : store_(store), write_(store.last_write_), place_(store.views_.insert(write_)) {}
  ~MemoryView() override { store_.views_.erase(place_); }
  MemoryView(const MemoryView&) = delete;
  MemoryView& operator=(const MemoryView&) = delete;

  std::optional<Bytes> get(ByteView key) const override {
    const auto found = store_.entries_.find(key);
    const Bytes* value = found == store_.entries_.end() ? nullptr : value_at(found->second, write_);
    return value == nullptr ? std::nullopt : std::optional(*value);
  }

  std::optional<KeyValue> last_up_to(ByteView key, std::size_t prefix) const override {
    const ByteView shared = key.first(prefix);
    for (auto at = store_.entries_.upper_bound(key); at != store_.entries_.begin();) {
      --at;
      if (!begins_with(at->first, shared)) return std::nullopt;
      if (const Bytes* value = value_at(at->second, write_)) return KeyValue{at->first, *value};
    }
    return std::nullopt;
  }

  void scan(ByteView from, ByteView prefix,
            const std::function<bool(ByteView key, ByteView value)>& visit) const override {
    for (auto at = store_.entries_.lower_bound(from); at != store_.entries_.end(); ++at) {
      if (!begins_with(at->first, prefix)) return;
      const Bytes* value = value_at(at->second, write_);
      if (value != nullptr && !visit(at->first, *value)) return;
    }
  }

 private:
  static bool begins_with(ByteView key, ByteView prefix) {
    return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
  }

  const MemoryStore& store_;
  std::uint64_t write_;
  std::multiset<std::uint64_t>::iterator place_;
};

/// Null where it is not there.
const Bytes* MemoryStore::value_at(const Versions& versions, std::uint64_t write) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->write <= write) return version->value ? &*version->value : nullptr;
  }
  return nullptr;
}

std::uint64_t MemoryStore::oldest_needed() const {
  const std::uint64_t flushed = last_write_ - changed_.size();
  return views_.empty() ? flushed : std::min(flushed, *views_.begin());
}

/// Lets go of what nothing can ask for any more. The key itself stays: iterators to it are kept.
void MemoryStore::prune(Entries::iterator entry) {
  Versions& versions = entry->second;
  const std::uint64_t oldest = oldest_needed();
  auto first = versions.begin();
  while (std::next(first) != versions.end() && std::next(first)->write <= oldest) ++first;
  versions.erase(versions.begin(), first);
}

std::unique_ptr<View> MemoryStore::view() const { return std::make_unique<MemoryView>(*this); }

std::unique_ptr<MemoryStore> MemoryStore::copy() const {
  auto other = std::make_unique<MemoryStore>();
  for (const auto& [key, versions] : entries_) {
    if (const Bytes* value = value_at(versions, last_write_)) {
      other->entries_.emplace_hint(other->entries_.end(), key, Versions{{0, *value}});
    }
  }
  return other;
}

void MemoryStore::write(const WriteSet& writes) {
  ++last_write_;
  std::vector<Entries::iterator>& changed = changed_.emplace_back();
  for (const WriteSet::Write& write : writes.writes) {
    const auto entry = entries_.try_emplace(write.key).first;
    Versions& versions = entry->second;
    if (!versions.empty() && versions.back().write == last_write_) {
      versions.back().value = write.value;  // of several for one key the last counts
      continue;
    }
    versions.push_back({last_write_, write.value});
    prune(entry);
    changed.push_back(entry);
  }
}

void MemoryStore::flush() {
  const auto changed = std::exchange(changed_, {});
  std::vector<Entries::iterator> gone;
  for (const auto& of_one : changed) {
    for (const auto entry : of_one) {
      Versions& versions = entry->second;
      if (versions.empty()) continue;  // seen already: more than one write deleted it
      prune(entry);
      // What a view still sees stays.
      if (versions.size() != 1 || versions.front().value || !views_.empty()) continue;
      versions.clear();
      gone.push_back(entry);
    }
  }
  for (const auto entry : gone) entries_.erase(entry);
}

void MemoryStore::lose_power(std::size_t kept) {
  if (!views_.empty()) throw std::logic_error("a view is open while the power goes");
  for (; changed_.size() > kept; changed_.pop_back(), --last_write_) {
    for (const auto entry : changed_.back()) {
      entry->second.pop_back();
      if (entry->second.empty()) entries_.erase(entry);
    }
  }
  flush();  // what stayed is on disk
}

}  // namespace testamur::test
