// A log of which damage took a part: its node has promised more than it can show. Until it is mended it is not elected, and no candidate
// behind what it promised gets its vote. What follows the hole is on its disk still, and comes back into the log once the hole is
// filled (Alagappan and others, FAST 2018): an entry's hash covers all before it, so that it is known to be what was there.
#include <algorithm>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

/// The id of the last entry that this node ever acknowledged: a candidate behind it gets no vote.
EntryId Core::freshness() const { return floor_ && !up_to_date(log_.last(), *floor_) ? *floor_ : log_.last(); }

/// The hole that damage left is mended once the log holds on disk what it ended with: then, by its hash, also what was counted as
/// committed, and that counts again. Or once others took its place, and so much is counted anew.
void Core::mend_floor() {
  if (!floor_) return;
  const EntryId synced = log_.synced();
  const bool is_whole = synced.index >= floor_->index && log_.holds(*floor_);
  if (is_whole) commit_to(std::min(promised_, floor_->index));
  if (!up_to_date(synced, *floor_) || committed_ < promised_) return;
  floor_.reset();
  floor_unwritten_ = true;
  beyond_.clear();
}

/// What is beyond the damage and follows this entry, by its hash.
std::optional<Entry> Core::follows_beyond(const EntryId& last) const {
  const auto at = beyond_.find(next(last.index));
  if (at == beyond_.end() || at->second.id.term < last.term) return std::nullopt;
  Entry entry = at->second;
  entry.previous = last.hash;
  if (entry.id.hash != options_.hash(entry)) return std::nullopt;
  return entry;
}

/// Appends an entry that was in this log before. False: not now.
bool Core::append_own(Entry entry) {
  const Index index = entry.id.index;
  // It was judged when it came first; the check has to know of it.
  if (options_.check != nullptr && entry.is_owners() &&
      !options_.check->accept(index, entry.payload, leader_.value_or(options_.self)))
    return false;
  if (entry.kind == EntryKind::configuration) {
    auto configuration = entry.payload ? decode_configuration(*entry.payload) : std::nullopt;
    if (!configuration || !may_follow_ours(*configuration)) return false;
    configurations_.emplace(index, std::move(*configuration));
  }
  log_.append(std::move(entry));
  return true;
}

void Core::take_back() {
  if (!has_hole()) return;
  while (std::optional<Entry> entry = follows_beyond(log_.last())) {
    if (!append_own(std::move(*entry))) break;
  }
  beyond_.erase(beyond_.begin(), beyond_.upper_bound(log_.last().index));
}

/// A leader sends what is missing. Where too many logs are damaged for anybody to lead, each of them may have what another lacks.
void Core::tick_damage() {
  if (!has_hole() || hears_leader() || role() != Role::follower) {
    ticks_to_ask_ = 0;
  } else if (++ticks_to_ask_ >= options_.election_ticks) {
    ticks_to_ask_ = 0;
    send_to_members(Lacking{log_.last()});
  }
}

/// Where somebody leads it is his to send entries, and nobody makes us send many.
void Core::on(const Message& message, const Lacking& lacking) {
  if (hears_leader() || role() == Role::leader) return;
  if (!log_.holds(lacking.after) || lacking.after == log_.last()) return;
  send(message.from, Found{lacking.after, entries_after(lacking.after.index, options_.max_append_entries)});
}

/// Only what leads to what was here before is taken: from anybody, then. A hole that does not fit in one message waits for a leader.
void Core::on(const Message&, const Found& found) {
  if (!has_hole() || role() != Role::follower || found.after != log_.last()) return;
  EntryId last = found.after;
  std::size_t filling = 0;
  for (std::size_t i = 0; i < found.entries.size() && filling == 0; ++i) {
    const Entry& entry = found.entries[i];
    const bool chained = entry.id.index == next(last.index) && entry.previous == last.hash &&
                         entry.id.term >= last.term && entry.id.term <= state_.term &&
                         entry.id.hash == options_.hash(entry);
    if (!chained) return;
    last = entry.id;
    if (floor_ == last || follows_beyond(last)) filling = i + 1;
  }
  const auto end = found.entries.begin() + static_cast<std::ptrdiff_t>(filling);
  if (std::all_of(found.entries.begin(), end, [this](const Entry& entry) { return append_own(entry); })) take_back();
  durable_.synced(options_.self, log_);
}

}  // namespace testamur::consensus
