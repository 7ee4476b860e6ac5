// What the tests of snapshots share: a ledger with uncertified blocks above its newest certified one, and sending a snapshot of it.
#pragma once

#include <map>

#include "random_ledger.h"
#include "testamur/store/snapshot.h"

namespace testamur::test {

inline constexpr std::uint64_t kSnapshotSeed = 11;
inline constexpr std::uint64_t kCertifiedHeight = 41;

inline World snapshot_world() { return World({.institutions = 2, .registers = 2}); }

/// A block that issues, lists, suspends and restores, whatever came before.
inline void apply_certified_block(TestLedger& test) {
  const RegisterRecord record = test.record(0, "r0");
  const World& world = test.world();
  const Class listed = make_class("listed at the end", 20, true);
  const EntryNumber first{record.issued};
  const auto amend = [&](std::uint64_t next_event, Status status) {
    return Handed{world.sign(0, world.amend(0, "r0", next_event, {{first, 5, status, 0, {}, {}}}, test.now())), {}};
  };
  const Statement issue = world.issue(0, "r0", record.issued, 20, listed.root, true, test.now());
  const auto applied = test.apply({{world.sign(0, issue), listed.commitments},
                                   amend(record.events, Status::suspended),
                                   amend(record.events + 1, Status::good)});
  for (const store::Outcome& outcome : applied.outcomes) {
    if (outcome.code != Acceptance::ok) throw std::runtime_error("expected acceptance");
  }
}

/// Applies the seeded blocks up to this height. Block 41 is certified, 42 to 45 are not. Some payloads make no block, so that the log
/// of the consensus and the heights differ.
inline void apply_up_to(TestLedger& test, std::uint64_t height) {
  while (test.ledger().head().height.value < height) {
    const store::Head head = test.ledger().head();
    if (head.height.value % 4 == 2) value_of(test.ledger().apply(store::LogIndex{head.applied.value + 1}, Bytes{1}));
    if (head.height.value + 1 == kCertifiedHeight) {
      apply_certified_block(test);
      test.certify();
    } else {
      apply_seeded_block(test, kSnapshotSeed);
    }
  }
}

/// Sends what is missing; returns the chunks that were sent.
inline std::vector<Bytes> send_rest(const store::SnapshotSource& source, store::SnapshotReceiver& receiver) {
  std::vector<Bytes> chunks;
  while (!receiver.complete()) {
    chunks.push_back(value_of(source.chunk(receiver.after())));
    value_of(receiver.take(chunks.back()));
  }
  return chunks;
}

/// A whole snapshot of this ledger, taken into the directory.
inline std::shared_ptr<storage::KeyValueStore> receive(const TestLedger& from, const std::string& directory) {
  const auto source = value_of(store::SnapshotSource::open(from.store()));
  const auto receiver =
      value_of(store::SnapshotReceiver::open(directory, from.world().genesis_bytes(), source->manifest()));
  send_rest(*source, *receiver);
  return value_of(receiver->finish());
}

/// Every key and value but the store's own.
inline std::map<Bytes, Bytes> entries_of(const storage::KeyValueStore& store) {
  std::map<Bytes, Bytes> out;
  store.view()->scan({}, {}, [&](ByteView key, ByteView value) {
    if (key[0] != 0) out.emplace(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    return true;
  });
  return out;
}

}  // namespace testamur::test
