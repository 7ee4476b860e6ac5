// A snapshot of a small ledger that has something in each section, in chunks of an entry or two.
#pragma once

#include "snapshot_format.h"
#include "test_ledger.h"

namespace testamur::test {

class SnapshotOfALedger {
 public:
  SnapshotOfALedger() : ledger_(World({.institutions = 1, .registers = 1})) {
    const Class listed = make_class("listed", 5, true);
    const Class sealed = make_class("sealed", 3, false);
    ledger_.issue(0, "r0", listed);
    ledger_.issue(0, "r0", sealed);
    ledger_.amend(0, "r0", {{EntryNumber{0}, 2, Status::suspended, 0, {}, {}}});
    ledger_.amend(0, "r0", {{EntryNumber{6}, 1, Status::revoked, 0, {}, {}}});
    ledger_.certify();
    constexpr std::size_t small = 256;
    source_ = value_of(store::SnapshotSource::open(ledger_.store(), small));
    for (store::SnapshotPlace after; chunks_.empty() || !chunks_.back().last;
         after = chunks_.back().entries.back().place)
      chunks_.push_back(value_of(store::decode_snapshot_chunk(value_of(source_->chunk(after)))));
  }

  Bytes genesis() const { return ledger_.world().genesis_bytes(); }
  const store::SnapshotManifest& manifest() const { return source_->manifest(); }
  const store::SnapshotSource& source() const { return *source_; }
  const std::vector<store::SnapshotChunk>& chunks() const { return chunks_; }

 private:
  TestLedger ledger_;
  std::unique_ptr<store::SnapshotSource> source_;
  std::vector<store::SnapshotChunk> chunks_;
};

}  // namespace testamur::test
