// Goal: a snapshot is taken only where it is the state at the certified head, whatever happens to it on its way and whoever sends it;
// and then it answers as the ledger that it was taken of.
// Method: a random ledger with uncertified blocks above its certified one is sent, on real disks, in chunks: as it is; with the
// receiver closed between any two; with each chunk lost, doubled or damaged; and with a lie in each of its entries, under a right checksum.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "snapshot_derivation.h"
#include "snapshot_format.h"
#include "snapshots.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

using store::Ledger;
using store::SnapshotChunk;
using store::SnapshotEntry;
using store::SnapshotManifest;
using store::SnapshotPlace;
using store::SnapshotReceiver;
using store::SnapshotSource;
using ::testing::HasSubstr;

/// A node that sends, and one that never had the uncertified blocks.
class Snapshot : public ::testing::Test {
 protected:
  Snapshot() { apply_up_to(node_, kCertifiedHeight + 4); }

  std::string directory(const std::string& name) const { return scratch_.path() + "/" + name; }
  std::unique_ptr<SnapshotReceiver> receiver(const std::string& name, const SnapshotSource& source) const {
    return value_of(SnapshotReceiver::open(directory(name), node_.world().genesis_bytes(), source.manifest()));
  }

  ScratchDirectory scratch_;
  TestLedger node_{snapshot_world()};
};

/// Every answer about now is the other's, proofs to the byte; and they verify.
void expect_same_answers(const TestLedger& node, const store::History& history) {
  const auto expected = node.history();
  ASSERT_EQ(history.height(), expected->height());
  const Policy policy = node.world().policy();
  std::set<Verdict> verdicts;
  for (unsigned institution = 0; institution < 2; ++institution) {
    for (const char* name : {"r0", "r1"}) {
      const std::string id = World::institution_id(institution);
      const RegisterRecord record = value_of(history.register_at(id, name, history.height()));
      EXPECT_EQ(value_of(history.statuses_at(id, name, EntryNumber{0}, record.issued, history.height())),
                value_of(expected->statuses_at(id, name, EntryNumber{0}, record.issued, history.height())));
      for (std::uint64_t number = 0; number < record.issued; number += 1 + record.issued / 40) {
        const EntryNumber entry{number};
        const Bytes proof = encode(value_of(history.prove({id, name, entry})));
        ASSERT_EQ(proof, encode(value_of(expected->prove({id, name, entry}))));
        ASSERT_EQ(value_of(history.statement_of(id, name, entry)), value_of(expected->statement_of(id, name, entry)));
        Question question;
        question.entry = Question::Entry{id, name, entry};
        const Finding finding = verify(proof, policy, question);
        EXPECT_TRUE(finding.signatures_checked) << finding.detail;
        verdicts.insert(finding.verdict);
      }
    }
  }
  EXPECT_GE(verdicts.size(), 3u) << "good, suspended, revoked";
}

TEST_F(Snapshot, AnswersEveryPresentQuestionAndGoesOn) {
  {
    const auto kv = receive(node_, directory("side"));
    const auto ledger = value_of(Ledger::open(kv));
    TestLedger reference(snapshot_world());
    apply_up_to(reference, kCertifiedHeight);
    EXPECT_EQ(ledger->head(), reference.ledger().head()) << "nothing of the uncertified blocks came along";
    EXPECT_EQ(ledger->certified_height().value, kCertifiedHeight);
    expect_same_answers(node_, *value_of(store::History::open(kv)));
  }
  // With rollbacks on the way, and blocks certified.
  TestLedger side(node_.world(), directory("side"));
  while (node_.ledger().head().height.value < 70) {
    const std::uint64_t next = node_.ledger().head().height.value + 1;
    apply_up_to(node_, next);
    apply_up_to(side, next);
    ASSERT_EQ(side.ledger().head(), node_.ledger().head());
  }
  ASSERT_GT(node_.ledger().certified_height().value, kCertifiedHeight + 10);
  expect_same_answers(node_, *side.history());
  // And it can send a snapshot itself, the same to the byte.
  const auto source = value_of(SnapshotSource::open(node_.store()));
  const auto side_source = value_of(SnapshotSource::open(side.store()));
  EXPECT_EQ(encode(side_source->manifest()), encode(source->manifest()));
  EXPECT_EQ(send_rest(*side_source, *receiver("second", *source)), send_rest(*source, *receiver("third", *source)));
}

bool is_of_kind(const Bytes& key, std::string_view kinds) {
  return kinds.find(static_cast<char>(key[0])) != std::string_view::npos;
}

TEST_F(Snapshot, HoldsNothingButWhatAReplayHolds) {
  TestLedger reference(snapshot_world());
  apply_up_to(reference, kCertifiedHeight);
  const auto expected = entries_of(*reference.store());
  const auto found = entries_of(*receive(node_, directory("side")));
  const std::uint64_t size = reference.ledger().head().size;
  std::size_t missing = 0;
  for (const auto& [key, value] : expected) {
    const auto at = found.find(key);
    // What is kept by version, and by height, is the gap's. Of the leaves the issue statements are there, genesis and the head.
    bool is_needed = is_of_kind(key, "AGlnBbEevCcK");
    if (key[0] == 'L') {
      is_needed = store::issue_in(value) || key == store::keys::leaf(LeafIndex{0}) ||
                  key == store::keys::leaf(LeafIndex{size - 1});
    }
    if (is_needed) {
      ASSERT_NE(at, found.end()) << to_hex(key);
      ASSERT_EQ(at->second, value) << to_hex(key);
    } else {
      missing += at == found.end();
    }
  }
  EXPECT_GT(missing, 100u);
  for (const auto& [key, value] : found) {
    if (is_of_kind(key, "RrsF")) continue;
    ASSERT_TRUE(expected.contains(key)) << to_hex(key);
  }
}

TEST_F(Snapshot, GoesOnFromAnyChunkAlsoFromAnotherNode) {
  TestLedger other(snapshot_world());
  apply_up_to(other, kCertifiedHeight);
  constexpr std::size_t small = 2000;
  const auto whole = value_of(SnapshotSource::open(node_.store(), small));
  const auto chunks = send_rest(*whole, *receiver("whole", *whole));
  ASSERT_GT(chunks.size(), 20u);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    // Each time the receiver is a new one, and the source is the other node's.
    const auto source = value_of(SnapshotSource::open(i % 2 == 0 ? node_.store() : other.store(), small));
    const auto resumed = receiver("resumed", *source);
    const Bytes chunk = value_of(source->chunk(resumed->after()));
    ASSERT_EQ(chunk, chunks[i]) << i;
    value_of(resumed->take(chunk));
    ASSERT_EQ(resumed->complete(), i + 1 == chunks.size());
  }
  const auto kv = value_of(receiver("resumed", *whole)->finish());
  EXPECT_EQ(entries_of(*kv), entries_of(*value_of(receiver("whole", *whole)->finish())));
}

TEST_F(Snapshot, TheNodeGoesOnWorkingWhileItIsSent) {
  const auto source = value_of(SnapshotSource::open(node_.store(), 3000));
  const auto side = receiver("side", *source);
  while (!side->complete()) {
    value_of(side->take(value_of(source->chunk(side->after()))));
    if (node_.ledger().head().height.value < 70) apply_seeded_block(node_, kSnapshotSeed);
  }
  ASSERT_GT(node_.ledger().certified_height().value, kCertifiedHeight);
  const auto ledger = value_of(Ledger::open(value_of(side->finish())));
  EXPECT_EQ(ledger->head().height.value, kCertifiedHeight);
}

TEST_F(Snapshot, AnotherBlockStartsAnew) {
  const auto source = value_of(SnapshotSource::open(node_.store(), 3000));
  Bytes old_chunk;
  {
    const auto side = receiver("side", *source);
    for (int i = 0; i < 5; ++i) value_of(side->take(value_of(source->chunk(side->after()))));
    old_chunk = value_of(source->chunk(side->after()));
  }
  apply_up_to(node_, kCertifiedHeight + 6);
  const auto newer = value_of(SnapshotSource::open(node_.store(), 3000));
  ASSERT_GT(newer->manifest().block.height.value, kCertifiedHeight);
  const auto side = receiver("side", *newer);
  EXPECT_EQ(side->after(), SnapshotPlace{});
  EXPECT_EQ(side->take(old_chunk).error().code, ErrorCode::conflict);
  EXPECT_EQ(side->take(value_of(source->chunk({}))).error().code, ErrorCode::conflict);
  send_rest(*newer, *side);
  EXPECT_EQ(value_of(Ledger::open(value_of(side->finish())))->head().height, newer->manifest().block.height);
}

TEST_F(Snapshot, ARefusedOneThatCouldNotBeRemovedStartsAnew) {
  const auto source = value_of(SnapshotSource::open(node_.store(), 3000));
  {
    const auto side = receiver("side", *source);
    send_rest(*source, *side);
  }
  {
    const auto kv = value_of(storage::open_rocks(directory("side"), false));
    storage::WriteSet mark;
    mark.put(store::keys::snapshot(), {});
    kv->write(mark);
  }
  const auto side = receiver("side", *source);
  EXPECT_EQ(side->after(), SnapshotPlace{});
  send_rest(*source, *side);
  EXPECT_TRUE(side->finish());
}

TEST_F(Snapshot, LostDoubledAndDamagedChunksChangeNothing) {
  const auto source = value_of(SnapshotSource::open(node_.store(), 2000));
  const auto side = receiver("side", *source);
  std::vector<Bytes> taken;
  std::mt19937_64 random(1);
  while (!side->complete()) {
    const SnapshotPlace after = side->after();
    const Bytes chunk = value_of(source->chunk(after));
    for (const Bytes& doubled : taken) ASSERT_EQ(side->take(doubled).error().code, ErrorCode::conflict);
    const SnapshotChunk decoded = value_of(store::decode_snapshot_chunk(chunk));
    if (!decoded.last) {
      const Bytes next = value_of(source->chunk(decoded.entries.back().place));
      ASSERT_EQ(side->take(next).error().code, ErrorCode::conflict) << "the one before was lost";
    }
    for (std::size_t at = 0; at < chunk.size(); ++at) {
      Bytes damaged = chunk;
      damaged[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      ASSERT_EQ(side->take(damaged).error().code, ErrorCode::malformed) << at;
      ASSERT_EQ(side->take(ByteView(chunk).first(at)).error().code, ErrorCode::malformed) << at;
    }
    ASSERT_EQ(side->take(Bytes(store::kMaxSnapshotChunkBytes + 1)).error().code, ErrorCode::malformed);
    ASSERT_EQ(side->finish().error().code, ErrorCode::conflict) << "not complete";
    ASSERT_EQ(side->after(), after);
    value_of(side->take(chunk));
    taken = {taken.empty() ? chunk : taken.front(), chunk};
  }
  EXPECT_EQ(value_of(Ledger::open(value_of(side->finish())))->head().height.value, kCertifiedHeight);
}

TEST_F(Snapshot, AnUnfinishedOneIsNoLedgerAndALedgerIsNotThrownAway) {
  const auto source = value_of(SnapshotSource::open(node_.store()));
  {
    const auto side = receiver("side", *source);
    send_rest(*source, *side);
  }
  {
    std::shared_ptr<storage::KeyValueStore> kv = value_of(storage::open_rocks(directory("side"), false));
    EXPECT_EQ(Ledger::open(kv).error().code, ErrorCode::not_found);
    EXPECT_EQ(store::History::open(kv).error().code, ErrorCode::not_found);
  }
  value_of(receiver("side", *source)->finish());
  const auto again = SnapshotReceiver::open(directory("side"), node_.world().genesis_bytes(), source->manifest());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  std::shared_ptr<storage::KeyValueStore> kv = value_of(storage::open_rocks(directory("side"), false));
  EXPECT_TRUE(Ledger::open(kv));
}

TEST_F(Snapshot, FinishingBeginsAgainAfterAnyOfItsSteps) {
  const auto source = value_of(SnapshotSource::open(node_.store()));
  const auto expected = entries_of(*receive(node_, directory("whole")));
  const Genesis& genesis = node_.world().genesis;
  using store::SnapshotDerivation;
  const std::vector<void (SnapshotDerivation::*)()> steps = {
      &SnapshotDerivation::make_log, &SnapshotDerivation::make_records, &SnapshotDerivation::make_batches,
      &SnapshotDerivation::make_events};
  for (std::size_t done = 0; done <= steps.size(); ++done) {
    const std::string name = "cut" + std::to_string(done);
    {
      const auto side = receiver(name, *source);
      send_rest(*source, *side);
    }
    {
      const auto kv = value_of(storage::open_rocks(directory(name), false));
      SnapshotDerivation derivation(*kv, source->manifest(), genesis);
      for (std::size_t i = 0; i < done; ++i) (derivation.*steps[i])();
    }
    EXPECT_EQ(entries_of(*value_of(receiver(name, *source)->finish())), expected) << done;
  }
}

TEST_F(Snapshot, TheManifestMustBeCertifiedByTheConsortiumOfGenesis) {
  const SnapshotManifest good = value_of(SnapshotSource::open(node_.store()))->manifest();
  EXPECT_EQ(encode(value_of(store::decode_snapshot_manifest(encode(good)))), encode(good));
  const Bytes genesis = node_.world().genesis_bytes();
  const auto refused = [&](const std::function<void(SnapshotManifest&)>& change) {
    SnapshotManifest manifest = good;
    change(manifest);
    const auto opened = SnapshotReceiver::open(directory("side"), genesis, manifest);
    EXPECT_FALSE(std::filesystem::exists(directory("side")));
    return opened ? "taken" : std::string(name(opened.error().code));
  };
  EXPECT_EQ(refused([](auto& m) { m.certified.cosignatures.pop_back(); }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.certified.cosignatures[0].signature[5] ^= 1; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.certified.cosignatures[0] = m.certified.cosignatures[1]; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.certified.checkpoint.size += 1; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.certified.checkpoint.root[0] ^= 1; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.certified.checkpoint.origin += "0"; }), "conflict");
  EXPECT_EQ(refused([](auto& m) { m.block.registry_root[0] ^= 1; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.block.height.value -= 1; }), "invalid");
  EXPECT_EQ(refused([](auto& m) { m.block_path.pop_back(); }), "invalid");
  World other({.institutions = 2, .registers = 2});
  other.consortium().nodes[0].address = "elsewhere:1";
  const auto opened = SnapshotReceiver::open(directory("side"), encode(other.genesis), good);
  EXPECT_EQ(opened.error().code, ErrorCode::conflict) << "another genesis is another ledger";
  const Bytes bytes = encode(good);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(store::decode_snapshot_manifest(ByteView(bytes).first(size)).error().code, ErrorCode::malformed);
  }
}

/// A snapshot in pieces, to lie with.
class LyingSource : public ::testing::Test {
 protected:
  LyingSource() {
    node_.issue(0, "r0", make_class("sealed", 40, false));
    node_.issue(1, "r0", make_class("listed", 40, true));
    node_.amend(0, "r0",
                {{EntryNumber{3}, 5, Status::suspended, 0, {}, {}}, {EntryNumber{9}, 1, Status::revoked, 0, {}, {}}});
    node_.issue(1, "r1", make_class("more", 300, false));
    node_.amend(1, "r0", {{EntryNumber{0}, 40, Status::revoked, 0, {}, {}}});
    node_.certify();
    node_.issue(0, "r0", make_class("uncertified", 7, true));
    const auto source = value_of(SnapshotSource::open(node_.store()));
    manifest_ = source->manifest();
    SnapshotPlace after;
    for (bool last = false; !last;) {
      SnapshotChunk chunk = value_of(store::decode_snapshot_chunk(value_of(source->chunk(after))));
      last = chunk.last;
      for (SnapshotEntry& entry : chunk.entries) entries_.push_back(std::move(entry));
      after = entries_.back().place;
    }
  }

  /// Sends these entries, under right checksums; says what it was refused with.
  std::string send(std::vector<SnapshotEntry> entries) const {
    const std::string directory = scratch_.path() + "/side";
    std::filesystem::remove_all(directory);
    const auto side = value_of(SnapshotReceiver::open(directory, node_.world().genesis_bytes(), manifest_));
    SnapshotChunk chunk{node_.world().ledger(), manifest_.block.height, {}, false, {}};
    std::optional<Error> error;
    for (std::size_t i = 0; i < entries.size() && !error; ++i) {
      chunk.entries.push_back(entries[i]);
      chunk.last = i + 1 == entries.size();
      if (!chunk.last && entries[i + 1].place.section == entries[i].place.section) continue;
      if (const auto taken = side->take(encode(chunk)); !taken) error = taken.error();
      chunk.after = chunk.entries.back().place;
      chunk.entries.clear();
    }
    if (!error) {
      const auto finished = side->finish();
      if (finished) return "taken";
      error = finished.error();
    }
    EXPECT_FALSE(std::filesystem::exists(directory)) << "thrown away";
    EXPECT_EQ(side->take(encode(chunk)).error().code, ErrorCode::conflict);
    last_message_ = error->message;
    return std::string(name(error->code));
  }

  ScratchDirectory scratch_;
  TestLedger node_{snapshot_world()};
  SnapshotManifest manifest_;
  std::vector<SnapshotEntry> entries_;
  mutable std::string last_message_;
};

std::string words(const SnapshotEntry& entry) {
  return std::to_string(entry.place.section) + "/" + std::to_string(entry.place.major) + "/" +
         std::to_string(entry.place.minor);
}

TEST_F(LyingSource, TheTruthIsTaken) { EXPECT_EQ(send(entries_), "taken"); }

TEST_F(LyingSource, AnEntryLeftOutIsFound) {
  std::set<int> sections;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto lie = entries_;
    lie.erase(lie.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
    EXPECT_THAT(last_message_, HasSubstr("expected"));
    sections.insert(entries_[i].place.section);
  }
  EXPECT_EQ(sections.size(), 5u) << "every kind was there";
}

TEST_F(LyingSource, AChangedByteIsFound) {
  std::mt19937_64 random(2);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::size_t size = entries_[i].value.size();
    for (const std::size_t at : {std::size_t{0}, random() % size, size - 1}) {
      auto lie = entries_;
      lie[i].value[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      EXPECT_EQ(send(lie), "invalid") << words(entries_[i]) << " byte " << at;
    }
  }
}

TEST_F(LyingSource, AnEntryCutShortOrGrownIsFound) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto lie = entries_;
    lie[i].value.pop_back();
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
    lie[i].value.resize(entries_[i].value.size() > 32 ? entries_[i].value.size() - 32 : 0);
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
    lie[i].value = entries_[i].value;
    lie[i].value.resize(lie[i].value.size() + 32);
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
  }
}

TEST_F(LyingSource, AnEntryInAnothersPlaceIsFound) {
  for (std::size_t i = 0; i + 1 < entries_.size(); ++i) {
    auto lie = entries_;
    std::swap(lie[i].value, lie[i + 1].value);
    if (lie[i].value == lie[i + 1].value) continue;
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
    lie = entries_;
    std::swap(lie[i], lie[i + 1]);
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]);
    lie = entries_;
    lie.insert(lie.begin() + static_cast<std::ptrdiff_t>(i), entries_[i]);
    EXPECT_EQ(send(lie), "invalid") << words(entries_[i]) << " twice";
  }
}

TEST_F(LyingSource, AnEntryTooManyIsFound) {
  const auto view = node_.store()->view();
  const std::uint64_t size = manifest_.certified.checkpoint.size;
  const auto add = [&](SnapshotPlace place, Bytes value) {
    auto lie = entries_;
    const auto at = std::ranges::find_if(lie, [&](const SnapshotEntry& entry) { return entry.place > place; });
    lie.insert(at, {place, std::move(value)});
    return send(lie);
  };
  // Leaves that no issue statement is in, or that are not under the checkpoint.
  std::uint64_t tried = 0;
  for (std::uint64_t leaf = 0; leaf < size + 1; ++leaf) {
    const Bytes data = *view->get(store::keys::leaf(LeafIndex{leaf}));
    if (leaf < size && store::issue_in(data)) continue;
    EXPECT_EQ(add({store::kIssues, leaf, 0}, data), "invalid") << leaf;
    ++tried;
  }
  EXPECT_GT(tried, 5u);
  EXPECT_EQ(add({store::kLogTiles, store::tiles_of(size), 0}, Bytes(32)), "invalid");
  EXPECT_EQ(add({store::kRecords, manifest_.block.registry_size, 0}, entries_[3].value), "invalid");
  EXPECT_EQ(add({store::kListedTiles, size, 0}, Bytes(7 * 32)), "invalid");
  EXPECT_EQ(add({store::kListedTiles, 1, 0}, Bytes(16 * 32)), "invalid") << "a sealed batch";
  for (std::uint64_t record = 0; record <= manifest_.block.registry_size; ++record) {
    EXPECT_EQ(add({store::kEvents, record, 2}, entries_.back().value), "invalid") << record;
    EXPECT_EQ(add({store::kEvents, record + (std::uint64_t{1} << 32), 0}, entries_.back().value), "invalid") << record;
  }
}

TEST_F(LyingSource, NothingAtAllIsNoLedger) {
  const auto side =
      value_of(SnapshotReceiver::open(scratch_.path() + "/side", node_.world().genesis_bytes(), manifest_));
  value_of(side->take(encode(SnapshotChunk{node_.world().ledger(), manifest_.block.height, {}, true, {}})));
  EXPECT_EQ(side->finish().error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace testamur::test
