#include "testamur/consensus/log.h"

#include <algorithm>

namespace testamur::consensus {

Log::Log(EntryId base, std::vector<Entry> entries)
    : base_(base), entries_(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end())) {
  for (const Entry& entry : entries_) bytes_to_.push_back(bytes_to(previous(entry.id.index)) + size_of(entry.payload));
  on_disk_ = last().index;
  unwritten_from_ = next(last().index);
}

std::optional<EntryId> Log::at(Index index) const {
  if (index == base_.index) return base_;
  if (index < base_.index || index > last().index) return std::nullopt;
  return entry(index).id;
}

Index Log::last_before(Term term) const {
  const auto first =
      std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.id.term < term; });
  return Index{base_.index.value + static_cast<std::uint64_t>(first - entries_.begin())};
}

void Log::append(Entry entry) {
  bytes_to_.push_back(bytes_to(last().index) + size_of(entry.payload));
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  if (index > last().index) return;
  entries_.resize(index.value - base_.index.value - 1);
  bytes_to_.resize(entries_.size());
  // Entries that no write has taken need no truncation on disk.
  if (index < unwritten_from_) {
    unwritten_truncation_ = unwritten_truncation_ ? std::min(*unwritten_truncation_, index) : index;
    unwritten_from_ = index;
  }
}

void Log::drop_to(Index index) {
  const auto base = at(index);
  if (!base || index == base_.index) return;
  const auto dropped = static_cast<std::ptrdiff_t>(index.value - base_.index.value);
  bytes_to_base_ = bytes_to(index);
  entries_.erase(entries_.begin(), entries_.begin() + dropped);
  bytes_to_.erase(bytes_to_.begin(), bytes_to_.begin() + dropped);
  base_ = *base;
  unwritten_base_ = true;
}

void Log::begin_after(EntryId base) {
  entries_.clear();
  bytes_to_.clear();
  bytes_to_base_ = 0;
  base_ = base;
  unwritten_base_ = unwritten_beginning_ = true;
  unwritten_truncation_.reset();
  unwritten_from_ = next(base.index);
}

Log::Write Log::take_unwritten() {
  Write write;
  if (unwritten_base_) write.base = base_;
  write.begins = unwritten_beginning_;
  write.truncate_from = unwritten_truncation_;
  for (Index i = unwritten_from_; i <= last().index; i = next(i)) write.entries.push_back(entry(i));
  unwritten_base_ = unwritten_beginning_ = false;
  unwritten_truncation_.reset();
  unwritten_from_ = next(last().index);
  return write;
}

void Log::writing(std::uint64_t sequence, const Write& write) {
  under_way_.push_back({sequence, write.begins ? kAll : write.truncate_from, last().index});
}

void Log::written(std::uint64_t sequence) {
  while (!under_way_.empty() && under_way_.front().sequence <= sequence) {
    on_disk_ = under_way_.front().last;
    under_way_.pop_front();
  }
}

EntryId Log::synced() const {
  Index synced = on_disk_;
  const auto cut = [&](const std::optional<Index>& truncation) {
    if (truncation) synced = std::min(synced, previous(*truncation));
  };
  for (const UnderWay& write : under_way_) cut(write.cut_from);
  cut(unwritten_beginning_ ? kAll : unwritten_truncation_);
  return at(synced).value_or(EntryId{});
}

}  // namespace testamur::consensus
