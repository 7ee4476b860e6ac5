// The log in memory, and how much of it is on disk.
//
// Writes go to disk in the order they are asked for, each known by its sequence number. What a completed write made durable
// may since have been truncated and written anew; so what counts as synced is worked out from the writes still under way, and
// an acknowledgement of an overwritten append never covers the entries that took its place.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

class Log {
 public:
  /// A log whose entries follow `base` (index 0 for a new one) and are all on disk.
  Log(EntryId base, std::vector<Entry> entries);

  /// What the first entry follows: everything up to it was dropped, or never came here.
  const EntryId& base() const { return base_; }
  EntryId last() const { return entries_.empty() ? base_ : entries_.back().id; }
  Index first() const { return next(base_.index); }
  /// The id at an index that the log holds or begins after; nothing for others.
  std::optional<EntryId> at(Index index) const;
  const Entry& entry(Index index) const { return entries_[index.value - base_.index.value - 1]; }
  bool holds(const EntryId& id) const { return at(id.index) == id; }
  /// Of the payloads after one index, up to another; both are held, or the base.
  std::size_t bytes_between(Index after, Index last) const { return bytes_to(last) - bytes_to(after); }
  /// The last entry of an earlier term; the base where there is none.
  Index last_before(Term term) const;

  void append(Entry entry);
  /// Drops the entries from this index on.
  void truncate_from(Index index);
  /// Drops the entries up to this index, which the log holds and whose writes are done.
  void drop_to(Index index);
  /// Drops all entries; the next one follows `base`.
  void begin_after(EntryId base);

  /// What has to go to disk since the last call: what the log begins after, where to truncate, and the entries from there on.
  struct Write {
    std::optional<EntryId> base;
    bool begins = false;  ///< the log begins anew after `base`: nothing of the one before stands
    std::optional<Index> truncate_from;
    std::vector<Entry> entries;
    bool empty() const { return !base && !truncate_from && entries.empty(); }
  };
  Write take_unwritten();
  /// The log's part of write `sequence` is under way.
  void writing(std::uint64_t sequence, const Write& write);
  /// Writes up to `sequence` are on disk.
  void written(std::uint64_t sequence);
  /// The last entry that is on disk and that no write under way or to come truncates; index 0 while there is none.
  EntryId synced() const;

 private:
  struct UnderWay {
    std::uint64_t sequence;
    std::optional<Index> cut_from;  // what of the log before does not stand any more
    Index last;                     // of the log after this write
  };
  static constexpr Index kAll{1};
  std::size_t bytes_to(Index index) const {
    return index <= base_.index ? bytes_to_base_ : bytes_to_[index.value - base_.index.value - 1];
  }

  EntryId base_;
  std::deque<Entry> entries_;
  std::deque<std::size_t> bytes_to_;  // of the payloads of all entries up to each one, from some beginning on
  std::size_t bytes_to_base_ = 0;
  Index unwritten_from_;  // the first entry that no write has taken
  std::optional<Index> unwritten_truncation_;
  bool unwritten_base_ = false;
  bool unwritten_beginning_ = false;
  std::deque<UnderWay> under_way_;
  Index on_disk_;  // last index of the log after the last completed write
};

}  // namespace testamur::consensus
