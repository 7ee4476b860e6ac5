// Goal: a node never signs two heads of a size, a smaller head, an earlier time, or anything before its promise is on disk, whenever
// it is killed; and enough good cosignatures, and nothing else, make a head certified.
// Method: a Cosigner on a real ledger, with a disk and a clock that the test moves by hand.
#include "testamur/node/cosigner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "test_ledger.h"
#include "testamur/node/applier.h"

namespace testamur::node {
namespace {

using test::TestLedger;
using test::World;
using ::testing::HasSubstr;

struct Signed {
  Checkpoint checkpoint;
  std::uint64_t seconds = 0;
};

/// One node of a World, until it is killed.
class Voter {
 public:
  /// What goes to disk as one.
  struct Write {
    std::uint64_t claim = 0;  ///< height; 0: none
    Bytes record;             ///< empty: none
    std::function<void()> kept;
  };

  explicit Voter(TestLedger& its_ledger, unsigned place = 0) : ledger(its_ledger), place_(place) { start(); }

  /// What was not written is gone; what was signed stays signed.
  void restart() {
    writes.clear();
    start();
  }
  std::string name() const { return ledger.world().consortium().nodes[place_].name; }
  std::string name_of(unsigned i) const { return ledger.world().consortium().nodes[i].name; }
  /// Applies an empty block.
  store::BlockHead apply() {
    ledger.apply({});
    const auto head = test::value_of(ledger.ledger().block_head(ledger.ledger().head().height));
    now.value = std::max(now.value, head.time.value);
    cosigner->derived(head);
    return head;
  }
  /// Asks for a promise with the claim of the newest block.
  void promise() {
    Cosigner::Promise made = cosigner->promise();
    writes.push_back({ledger.ledger().head().height.value, std::move(made.record), std::move(made.kept)});
  }
  /// The disk has done the oldest write.
  void written() {
    const Write write = std::move(writes.front());
    writes.pop_front();
    claim = std::max(claim, write.claim);
    if (!write.record.empty()) disk = test::value_of(decode_cosign_memory(write.record));
    if (write.kept) write.kept();
  }
  void all_written() {
    while (!writes.empty()) written();
  }
  /// Voter i says that it cosigned.
  void hears(unsigned i, const Checkpoint& checkpoint, std::uint64_t seconds) {
    cosigner->received(name_of(i), checkpoint, ledger.world().cosign(i, checkpoint, seconds));
  }
  std::uint64_t seconds() const { return now.value / 1000; }

  TestLedger& ledger;
  std::optional<CosignMemory> disk;
  std::uint64_t claim = 0;  // on disk
  Time now = test::kCreated;
  std::deque<Write> writes;                                 // under way
  std::vector<Signed> out;                                  // everything that ever left
  std::vector<std::pair<Height, std::uint64_t>> certified;  // and their times
  std::vector<std::string> strange;
  std::size_t checks = 0;            // of signatures
  std::vector<PublicKey> made_with;  // by whom what was told as made is signed
  bool may_fail = false;
  std::string failure;
  std::unique_ptr<Cosigner> cosigner;

 private:
  void start() {
    Cosigner::Events events;
    events.keep = [this](Bytes record, std::function<void()> done) {
      writes.push_back({0, std::move(record), std::move(done)});
    };
    events.cosigned = [this](const Checkpoint& checkpoint, const Cosignature& cosignature) {
      leaves(checkpoint, cosignature.seconds);
    };
    events.repeat = [] {};
    events.certified = [this](const CertifiedCheckpoint& head, const store::BlockHead& block) {
      certified.emplace_back(block.height, head_seconds(head));
    };
    events.strange = [this](const std::string& voter, const std::string& what) {
      strange.push_back(voter + ": " + what);
    };
    events.failed = [this](const Error& error) {
      if (!may_fail) ADD_FAILURE() << error.message;
      failure = error.message;
    };
    const auto check = [this](const PublicKey& key, ByteView message, const SignatureBytes& signature) {
      ++checks;
      return ed25519_verify(key, message, signature);
    };
    const auto made = [this](const PublicKey& key, ByteView message, const SignatureBytes& signature) {
      made_with.push_back(key);
      return ed25519_verify(key, message, signature);
    };
    cosigner = std::make_unique<Cosigner>(
        Cosigner::Options{name(), [this] { return now; }, std::chrono::seconds(60), check, made}, ledger.ledger(),
        test::key_named(name() + " cosigner"), disk, std::move(events));
  }

  /// What must be true of every cosignature when it leaves.
  void leaves(const Checkpoint& checkpoint, std::uint64_t seconds) {
    ASSERT_TRUE(disk) << "a promise is on disk";
    EXPECT_GE(disk->seconds, seconds) << "its time is promised on disk";
    EXPECT_GE(disk->size, checkpoint.size) << "its size is promised on disk";
    EXPECT_TRUE(disk->size != checkpoint.size || disk->root == checkpoint.root) << "its root is promised on disk";
    if (!out.empty()) {
      const Signed& last = out.back();
      EXPECT_GE(checkpoint.size, last.checkpoint.size) << "never a smaller head";
      EXPECT_GE(seconds, last.seconds) << "never an earlier time";
      EXPECT_TRUE(checkpoint.size != last.checkpoint.size || checkpoint.root == last.checkpoint.root);
    }
    out.push_back({checkpoint, seconds});
  }

  const unsigned place_;
};

TEST(Cosigner, SignsNothingBeforeItsPromiseIsOnDisk) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  node.promise();
  node.cosigner->agreed(head);
  EXPECT_TRUE(node.out.empty());
  node.all_written();
  ASSERT_EQ(node.out.size(), 1u);
  EXPECT_EQ(node.out[0].checkpoint, head.checkpoint);
}

TEST(Cosigner, APromiseWrittenWithTheClaimNeedsNoWriteOfItsOwn) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  node.promise();
  node.all_written();
  node.cosigner->agreed(head);
  EXPECT_EQ(node.out.size(), 1u);
  EXPECT_TRUE(node.writes.empty());
}

TEST(Cosigner, SignsNothingThatNoQuorumDerived) {
  TestLedger ledger;
  Voter node(ledger);
  const auto first = node.apply();
  node.promise();
  node.apply();
  node.promise();
  node.all_written();
  node.cosigner->tick();
  for (const Signed& s : node.out) EXPECT_EQ(s.checkpoint.size, 1u) << "genesis at most, which needs nobody";
  node.cosigner->agreed(first);
  node.all_written();
  EXPECT_EQ(node.out.back().checkpoint, first.checkpoint);
}

// A node is killed after it applied blocks and before their promise was written. They are agreed on again while the promise of a
// later block is still under way.
TEST(Cosigner, APromiseUnderWayForALaterBlockDoesNotCount) {
  TestLedger ledger;
  Voter node(ledger);
  node.apply();
  node.promise();
  node.all_written();
  const auto second = node.apply();
  node.promise();
  node.restart();
  node.cosigner->derived(second);
  node.apply();
  node.promise();
  node.cosigner->agreed(second);
  EXPECT_TRUE(node.out.empty());
  node.all_written();
  EXPECT_EQ(node.out.size(), 1u);
}

TEST(Cosigner, AfterARestartThePromiseCountsAsSigned) {
  TestLedger ledger;
  Voter node(ledger);
  const auto first = node.apply();
  const auto second = node.apply();
  node.promise();
  node.all_written();
  node.restart();
  node.cosigner->derived(first);
  node.cosigner->derived(second);
  // It may have signed the second head before it was killed: no smaller one any more.
  node.cosigner->agreed(first);
  node.all_written();
  EXPECT_TRUE(node.out.empty());
  node.cosigner->agreed(second);
  node.all_written();
  ASSERT_EQ(node.out.size(), 1u);
  EXPECT_EQ(node.out[0].checkpoint, second.checkpoint);
}

TEST(Cosigner, TellsWhatItSignedAndDoesNotCheckWhatAddsNothing) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  node.promise();
  node.all_written();
  node.cosigner->agreed(head);
  EXPECT_THAT(node.made_with, ::testing::ElementsAre(test::key_named(node.name() + " cosigner").public_key()));
  const auto voters = static_cast<unsigned>(quorum_of(ledger.world().consortium()).voters.size());
  unsigned next = 1;
  while (node.certified.empty() && next < voters) node.hears(next++, head.checkpoint, node.seconds());
  ASSERT_EQ(node.certified.size(), 1u);
  ASSERT_LT(next, voters) << "one more than are needed";
  const std::size_t before = node.checks;
  node.hears(next, head.checkpoint, node.seconds());
  EXPECT_EQ(node.checks, before);
  // At a later time it may make the head a later one, and another root would be evidence.
  node.hears(next, head.checkpoint, node.seconds() + 1);
  EXPECT_GT(node.checks, before);
  Checkpoint other = head.checkpoint;
  other.root[0] ^= 1;
  node.hears(next, other, node.seconds());
  ASSERT_FALSE(node.strange.empty());
  EXPECT_THAT(node.strange.back(), HasSubstr("it cosigned another head"));
}

TEST(Cosigner, AClockThatWasSetBackDoesNotBringAnEarlierTime) {
  TestLedger ledger;
  Voter node(ledger);
  node.now.value += 3600'000;
  const auto head = node.apply();
  node.promise();
  node.all_written();
  node.cosigner->agreed(head);
  const std::uint64_t before = node.out.back().seconds;
  node.now.value -= 1800'000;
  node.restart();
  node.cosigner->derived(head);
  node.cosigner->agreed(head);
  node.all_written();
  EXPECT_EQ(node.out.size(), 1u);
  ASSERT_FALSE(node.strange.empty());
  EXPECT_THAT(node.strange.back(), HasSubstr("behind what it has signed"));
  // Half an hour later its time has come.
  node.now.value += 1800'000;
  node.cosigner->tick();
  node.all_written();
  ASSERT_EQ(node.out.size(), 2u);
  EXPECT_GE(node.out.back().seconds, before);
}

TEST(Cosigner, AnIdleHeadIsCosignedAnewOnceAPeriodAndAfterARestartToo) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  node.promise();
  node.cosigner->agreed(head);
  node.all_written();
  const auto certified = ledger.world().certify(head.checkpoint, node.seconds());
  node.cosigner->received(certified);
  ASSERT_EQ(node.certified.size(), 1u);
  node.now.value += 60'000;
  node.cosigner->tick();
  node.all_written();
  EXPECT_EQ(node.out.back().seconds, node.seconds());
  const std::size_t so_far = node.out.size();
  node.cosigner->tick();
  node.all_written();
  EXPECT_EQ(node.out.size(), so_far) << "once a period";
  // Nobody has to derive again what is certified: the others may all be idle.
  node.restart();
  node.cosigner->derived(head);
  node.now.value += 60'000;
  node.cosigner->tick();
  node.all_written();
  EXPECT_EQ(node.out.back().seconds, node.seconds());
}

TEST(Cosigner, ThresholdCosignaturesCertify) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  node.hears(1, head.checkpoint, node.seconds());
  node.hears(2, head.checkpoint, node.seconds());
  EXPECT_TRUE(node.certified.empty()) << "two of four";
  node.promise();
  node.all_written();
  node.cosigner->agreed(head);
  EXPECT_EQ(node.certified.size(), 1u);
  EXPECT_EQ(ledger.ledger().certified_height(), head.height);
}

TEST(Cosigner, CosignaturesThatComeBeforeTheBlockCountOnceItIsThere) {
  TestLedger ledger;
  Checkpoint ahead;
  {
    TestLedger others;
    others.apply({});
    ahead = others.ledger().checkpoint();
  }
  Voter node(ledger);
  for (unsigned i = 1; i < 4; ++i) node.hears(i, ahead, node.seconds() + 1);
  EXPECT_TRUE(node.certified.empty());
  node.apply();
  EXPECT_EQ(node.certified.size(), 1u);
}

TEST(Cosigner, ANewerCosigningMakesTheSameHeadNewerAndAnOlderOneNothing) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  const std::uint64_t then = node.seconds();
  for (unsigned i = 1; i < 4; ++i) node.hears(i, head.checkpoint, then + 10);
  for (unsigned i = 1; i < 4; ++i) node.hears(i, head.checkpoint, then + 20);
  for (unsigned i = 1; i < 4; ++i) node.hears(i, head.checkpoint, then + 5);
  node.cosigner->received(ledger.world().certify(head.checkpoint, then));
  ASSERT_FALSE(node.certified.empty());
  EXPECT_EQ(node.certified.back().second, then + 20);
  EXPECT_EQ(head_seconds(*ledger.ledger().certified()), then + 20);
  EXPECT_TRUE(std::is_sorted(node.certified.begin(), node.certified.end()));
}

TEST(Cosigner, AnotherHeadOfOneSizeIsToldWithItsSignatureAndDoesNotCount) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  Checkpoint other = head.checkpoint;
  other.root[0] ^= 1;
  for (unsigned i = 1; i < 4; ++i) node.hears(i, other, node.seconds());
  EXPECT_TRUE(node.certified.empty());
  ASSERT_EQ(node.strange.size(), 3u);
  EXPECT_THAT(node.strange[0], HasSubstr(node.name_of(1) + ": it cosigned another head"));
}

TEST(Cosigner, TwoHeadsOfOneSizeAreToldWithBothSignaturesBeforeTheBlockIsThere) {
  TestLedger ledger;
  Voter node(ledger);
  Checkpoint ahead;
  {
    TestLedger others;
    others.apply({});
    ahead = others.ledger().checkpoint();
  }
  Checkpoint other = ahead;
  other.root[0] ^= 1;
  node.hears(1, ahead, node.seconds() + 1);
  node.hears(2, other, node.seconds() + 1);
  EXPECT_TRUE(node.strange.empty()) << "each of them may be right";
  node.hears(1, other, node.seconds() + 2);
  ASSERT_EQ(node.strange.size(), 1u);
  EXPECT_THAT(node.strange[0], HasSubstr(node.name_of(1) + ": it cosigned two heads of size"));
  EXPECT_THAT(node.strange[0], HasSubstr(to_base64(ledger.world().cosign(1, ahead, node.seconds() + 1).signature)));
  EXPECT_THAT(node.strange[0], HasSubstr(to_base64(ledger.world().cosign(1, other, node.seconds() + 2).signature)));
}

TEST(Cosigner, ACertifiedHeadThatContradictsItsOwnIsEvidence) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  Checkpoint other = head.checkpoint;
  other.root[0] ^= 1;
  // Two voters are too few to certify anything.
  CertifiedCheckpoint certified = ledger.world().certify(other, node.seconds());
  CertifiedCheckpoint two = certified;
  two.cosignatures.pop_back();
  EXPECT_FALSE(node.cosigner->received(two));
  const auto evidence = node.cosigner->received(certified);
  ASSERT_TRUE(evidence);
  EXPECT_THAT(*evidence, HasSubstr("a certified head of size " + std::to_string(other.size)));
  EXPECT_THAT(*evidence, HasSubstr(to_base64(certified.cosignatures[0].signature)));
}

TEST(Cosigner, TwoCertifiedHeadsOfOneSizeStopTheNodeWithTheEvidence) {
  TestLedger ledger;
  Voter node(ledger);
  node.may_fail = true;
  const auto head = node.apply();
  EXPECT_FALSE(node.cosigner->received(ledger.world().certify(head.checkpoint, node.seconds())));
  Checkpoint other = head.checkpoint;
  other.root[0] ^= 1;
  EXPECT_FALSE(node.cosigner->received(ledger.world().certify(other, node.seconds())));
  EXPECT_THAT(node.failure, HasSubstr("evidence: two certified heads: a certified head of size "));
}

TEST(Cosigner, WhatIsWrongIsPutDownToWhoSentIt) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  // Voter 3 tells what voter 1 is to have said: with a signature of its own making, and far in the future.
  Cosignature forged = ledger.world().cosign(1, head.checkpoint, node.seconds() + 3600);
  forged.signature[0] ^= 1;
  node.cosigner->received(node.name_of(3), head.checkpoint, forged);
  ASSERT_EQ(node.strange.size(), 1u);
  EXPECT_THAT(node.strange[0], ::testing::StartsWith(node.name_of(3) + ": "));
  // Its own is refused for what it is.
  node.hears(3, head.checkpoint, node.seconds() + 3600);
  EXPECT_THAT(node.strange.back(), HasSubstr("its clock is 3600 s ahead"));
  EXPECT_TRUE(node.certified.empty());
}

TEST(Cosigner, AVoterThatSignsManyHeadsTakesNobodysRoom) {
  TestLedger ledger;
  Voter node(ledger);
  TestLedger others;
  others.apply({});
  const Checkpoint ahead = others.ledger().checkpoint();
  node.hears(1, ahead, node.seconds() + 1);
  node.hears(2, ahead, node.seconds() + 1);
  Checkpoint invented = ahead;
  for (std::uint64_t i = 0; i < 200; ++i) {
    invented.size = 1000 + i;
    node.hears(3, invented, node.seconds() + 1);
  }
  const auto head = node.apply();
  node.promise();
  node.all_written();
  node.cosigner->agreed(head);
  EXPECT_EQ(node.certified.size(), 1u);
}

TEST(Cosigner, AVoterThatLiesWithoutEndDoesNotFillTheLog) {
  TestLedger ledger;
  Voter node(ledger);
  const auto head = node.apply();
  for (std::uint64_t i = 0; i < 100; ++i) node.hears(3, head.checkpoint, node.seconds() + 100 + i);
  EXPECT_EQ(node.strange.size(), 16u);
  node.hears(2, head.checkpoint, node.seconds() + 100);
  EXPECT_EQ(node.strange.size(), 17u) << "what another one does is told all the same";
  for (int i = 0; i < 240; ++i) node.cosigner->tick();
  node.hears(3, head.checkpoint, node.seconds() + 300);
  EXPECT_EQ(node.strange.size(), 18u);
}

TEST(Cosigner, ALearnerGathersAndSignsNothing) {
  World world;
  world.consortium().nodes[3].role = NodeRole::learner;
  TestLedger ledger(std::move(world));
  Voter node(ledger, 3);
  const auto head = node.apply();
  node.promise();
  node.cosigner->agreed(head);
  node.cosigner->tick();
  node.all_written();
  EXPECT_TRUE(node.out.empty());
  for (unsigned i = 0; i < 3; ++i) node.hears(i, head.checkpoint, node.seconds());
  EXPECT_EQ(node.certified.size(), 1u);
}

TEST(Cosigner, APromiseOfAnotherVersionIsNotRead) {
  Bytes record = encode(CosignMemory{7, {}, 9});
  EXPECT_EQ(test::value_of(decode_cosign_memory(record)).size, 7u);
  record[0] = 2;
  EXPECT_FALSE(decode_cosign_memory(record));
}

/// A voter with its Applier, and as much of the consensus as decides when it may sign: entries come in order, again from the first one
/// after a restart; heads claimed are agreed on at any time once the claim is on disk, and never before.
class Life {
 public:
  explicit Life(unsigned seed) : random_(seed), node_(ledger_) { begin(); }

  void step() {
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2: return commit(random_() % 4);
      case 3:
      case 4:
      case 5:
        if (!node_.writes.empty()) node_.written();
        return;
      case 6:
      case 7: return agree();
      case 8: return node_.cosigner->tick();
      case 9: node_.now.value += random_() % 8000; return;
      case 10: return certify();
      default:
        if (random_() % 4 == 0) kill();
    }
  }
  std::size_t signatures() const { return node_.out.size(); }

 private:
  consensus::Entry entry(std::uint64_t index) const {
    const Payload payload{Time{test::kCreated.value + index * 1000}, {}};
    return {{{}, consensus::Index{index}, {}}, {}, std::make_shared<const Bytes>(encode(payload))};
  }

  void begin() {
    Applier::Events events;
    events.applied = [this](consensus::Index, std::vector<consensus::Claim> claims,
                            std::optional<Cosigner::Promise> promise) {
      if (claims.empty()) return;
      derived_ = std::max(derived_, claims.back().height);
      Voter::Write write{claims.back().height, {}, {}};
      if (promise) write = {write.claim, std::move(promise->record), std::move(promise->kept)};
      node_.writes.push_back(std::move(write));
    };
    events.failed = [](const Error& error) { ADD_FAILURE() << error.message; };
    Intake::Options options;
    options.clock = [this] { return node_.now; };
    intake_ = std::make_unique<Intake>(options, histories_, signatures_,
                                       Intake::Events{[] {}, [](const Handed&) { return false; }});
    applier_ = std::make_unique<Applier>(ledger_.ledger(), *node_.cosigner, *intake_, signatures_, std::move(events));
    derived_ = agreed_ = committed_ = 0;
    commit(std::max(node_.claim, ledger_.ledger().head().applied.value));
  }
  void commit(std::uint64_t count) {
    std::vector<consensus::Entry> entries;
    for (std::uint64_t i = 0; i < count; ++i) entries.push_back(entry(++committed_));
    // Blocks are applied when others have taken their time for it; the clock may be behind it a little.
    node_.now.value = std::max(node_.now.value, test::kCreated.value + committed_ * 1000 - random_() % 3000);
    if (!entries.empty()) applier_->committed(entries);
  }
  void agree() {
    const std::uint64_t most = std::min(node_.claim, derived_);
    if (most <= agreed_) return;
    agreed_ += 1 + random_() % (most - agreed_);
    const auto head = test::value_of(ledger_.ledger().block_head(Height{agreed_}));
    applier_->agreed({consensus::Index{agreed_}, agreed_, head_digest(head.checkpoint)});
  }
  void certify() {
    if (agreed_ == 0) return;
    const auto head = test::value_of(ledger_.ledger().block_head(Height{agreed_}));
    for (unsigned i = 1; i < 4; ++i) node_.hears(i, head.checkpoint, std::max(node_.now.value, head.time.value) / 1000);
  }
  void kill() {
    // The power went: of the state there is less, down to what was flushed last.
    const std::uint64_t certified = ledger_.ledger().certified_height().value;
    const std::uint64_t height = ledger_.ledger().head().height.value;
    if (random_() % 2 == 0 && height > certified) {
      test::value_of(ledger_.ledger().rollback(Height{certified + random_() % (height - certified)}));
    }
    node_.now.value -= random_() % 5000;  // and the clock may have been set
    node_.restart();
    begin();
  }

  std::mt19937 random_;
  TestLedger ledger_;
  Voter node_;
  SignatureMemory signatures_;
  OpenHistories histories_{ledger_.store()};
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Applier> applier_;
  std::uint64_t committed_ = 0;
  std::uint64_t derived_ = 0;
  std::uint64_t agreed_ = 0;
};

// Every signature that leaves is checked by Voter::leaves.
TEST(Cosigner, KeepsItsPromisesWheneverItIsKilled) {
  std::size_t signatures = 0;
  for (unsigned seed = 1; seed <= 40 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed);
    for (int i = 0; i < 400 && !::testing::Test::HasFailure(); ++i) life.step();
    signatures += life.signatures();
  }
  EXPECT_GT(signatures, 1000u) << "or nothing was tried";
}

}  // namespace
}  // namespace testamur::node
