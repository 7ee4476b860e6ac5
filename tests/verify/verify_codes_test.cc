// Goal: each check of the verifier holds by itself, and says its own code.
// Method: a consortium that lies (forge.h) makes proofs in which everything is right but one thing.
#include <gtest/gtest.h>

#include "forge.h"

namespace testamur::test {
namespace {

std::string judged(const Forge& forge) { return std::string(name(forge.judge())); }

/// The verdict after a change to the finished proof, whose head is then cosigned as it was.
std::string tampered(const std::function<void(Proof&)>& change, const Forge& forge = {}) {
  Proof proof = forge.build();
  change(proof);
  return std::string(name(forge.judge(proof)));
}

std::string asked(const std::function<void(Question&)>& change, const Forge& forge = {}) {
  Question question = forge.question();
  change(question);
  return std::string(name(verify(encode(forge.build()), forge.world.policy(), question).verdict));
}

Forge with_status(Status status) {
  Forge forge;
  set_chunk_status(forge.chunk, forge.number, status);
  forge.events = {forge.event(status)};
  return forge;
}

Forge with_later() {
  Forge forge;
  forge.later = BlockRecord{Height{2}, Time{forge.block.time.value + 2000}, LeafIndex{3}, {}, 1, {}, {}};
  return forge;
}

TEST(Verify, GoodProofs) {
  EXPECT_EQ(judged({}), "good");
  Forge light;
  light.with_institution = false;
  EXPECT_EQ(judged(light), "good");
  Forge listed;
  listed.entries = make_class("listed", 9, true);
  listed.statement = listed.world.issue(0, "r1", 0, 9, listed.entries.root, true, Time{kCreated.value + 500});
  Proof proof = listed.build();
  proof.entry->document->salt.reset();
  EXPECT_EQ(name(listed.judge(proof)), "good");
  Forge bare;
  bare.with_document = false;
  EXPECT_EQ(judged(bare), "good");
  Forge nobody;
  nobody.number = EntryNumber{9};
  EXPECT_EQ(judged(nobody), "not_yet_issued");
}

TEST(Verify, FindingSaysWhatWasProved) {
  Forge forge = with_status(Status::revoked);
  forge.evidence = forge.final_event(0);
  const Finding finding = verify(encode(forge.build()), forge.world.policy(), forge.question());
  EXPECT_EQ(finding.verdict, Verdict::revoked);
  EXPECT_EQ(finding.institution, World::institution_id(0));
  EXPECT_EQ(finding.register_name, "r1");
  EXPECT_EQ(finding.number, forge.number);
  EXPECT_EQ(finding.head_time.value, forge.seconds * 1000);
  EXPECT_EQ(finding.status_since, forge.block.time);
  EXPECT_EQ(finding.status_until, finding.head_time);
  EXPECT_EQ(finding.issued_at, forge.recorded_at);
  EXPECT_TRUE(finding.current && finding.document_checked && finding.signatures_checked);
  EXPECT_FALSE(finding.listed || finding.older_epoch);
  EXPECT_EQ(finding.event, forge.events[0]);
  forge.with_institution = false;
  EXPECT_FALSE(verify(encode(forge.build()), forge.world.policy(), forge.question()).signatures_checked);
}

TEST(Verify, TheQuestionNamesWhatIsMeant) {
  EXPECT_EQ(asked([](Question& q) { q.entry->institution = "other.example"; }), "wrong_register");
  EXPECT_EQ(asked([](Question& q) { q.entry->register_name = "r0"; }), "wrong_register");
  EXPECT_EQ(asked([](Question& q) { q.entry->number = EntryNumber{7}; }), "wrong_number");
  EXPECT_EQ(asked([](Question& q) { q.entry.reset(); }), "good");
  EXPECT_EQ(asked([](Question& q) { q.document.reset(); }), "document_needed");
  EXPECT_EQ(asked([](Question& q) { q.document.reset(), q.entry.reset(); }), "no_entry_named");
  Forge bare;
  bare.with_document = false;
  EXPECT_EQ(asked([](Question& q) { q.document = Hash{}; }, bare), "no_document_part");
  EXPECT_EQ(asked([](Question& q) { q.entry.reset(); }, bare), "no_entry_named");
  Forge nobody;
  nobody.number = EntryNumber{9};
  EXPECT_EQ(asked([](Question& q) { q.document = Hash{}; }, nobody), "no_document_part");
  EXPECT_EQ(asked([](Question& q) { q.document = Hash{}, q.entry.reset(); }, nobody), "no_entry_named");
}

TEST(Verify, BytesAndPolicyAreStrict) {
  const Forge forge;
  Bytes bytes = encode(forge.build());
  const std::string policy = encode(forge.world.policy());
  EXPECT_EQ(verify(bytes, policy, forge.question()).verdict, Verdict::good);
  EXPECT_EQ(verify(bytes, policy + "x", forge.question()).verdict, Verdict::malformed_policy);
  EXPECT_EQ(verify(bytes, "", forge.question()).verdict, Verdict::malformed_policy);
  EXPECT_EQ(verify(bytes, Policy{}, forge.question()).verdict, Verdict::malformed_policy);
  bytes.push_back(0);
  const Finding finding = verify(bytes, policy, forge.question());
  EXPECT_EQ(finding.verdict, Verdict::malformed_proof);
  EXPECT_NE(finding.detail, "");
  World other({.institutions = 5, .registers = 2});
  EXPECT_EQ(verify(encode(forge.build()), other.policy(), forge.question()).verdict, Verdict::wrong_ledger);
}

TEST(Verify, ExactlyTheThresholdCosignsInOrder) {
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures.pop_back(); }), "wrong_cosignature_count");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures.push_back(p.cosignatures[0]); }), "wrong_cosignature_count");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures.clear(); }), "wrong_cosignature_count");
  EXPECT_EQ(tampered([](Proof& p) { p.previous.push_back(p.cosignatures[0]); }), "wrong_cosignature_count");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures[1] = p.cosignatures[0]; }), "cosigners_out_of_order");
  EXPECT_EQ(tampered([](Proof& p) { std::swap(p.cosignatures[0], p.cosignatures[1]); }), "cosigners_out_of_order");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures[2].key_id[0] ^= 1; }), "unknown_cosigner");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures[2].seconds += 1; }), "bad_cosignature");
  EXPECT_EQ(tampered([](Proof& p) { p.cosignatures[2].signature[9] ^= 1; }), "bad_cosignature");
  EXPECT_EQ(tampered([](Proof& p) { p.root[0] ^= 1; }), "bad_cosignature");
  EXPECT_EQ(tampered([](Proof& p) { p.size += 1; }), "bad_cosignature");
  Forge early;
  early.seconds = early.block.time.value / 1000 - 1;
  EXPECT_EQ(judged(early), "cosigned_before_block");
  early.seconds += 1;
  EXPECT_EQ(judged(early), "good") << "the same second as the block";
  Forge before_later = with_later();
  before_later.seconds = before_later.later->time.value / 1000 - 1;
  EXPECT_EQ(judged(before_later), "cosigned_before_block");
}

TEST(Verify, HeadTimeIsTheOldestOfTheThreshold) {
  Forge forge;
  Proof proof = forge.build();
  const Checkpoint checkpoint{forge.world.policy().origin, proof.size, proof.root};
  proof.cosignatures[1] = forge.world.cosign(1, checkpoint, forge.seconds - 2);
  const Finding finding = verify(encode(proof), forge.world.policy(), forge.question());
  EXPECT_EQ(finding.verdict, Verdict::good);
  EXPECT_EQ(finding.head_time.value, (forge.seconds - 2) * 1000);
}

TEST(Verify, Age) {
  const std::uint64_t head_ms = Forge{}.seconds * 1000;
  const auto at = [&](std::uint64_t now, std::optional<std::uint64_t> max_age) {
    return asked([&](Question& q) { q.now = Time{now}, q.max_age_ms = max_age; });
  };
  EXPECT_EQ(at(head_ms + 10'000, 10'000), "good");
  EXPECT_EQ(at(head_ms + 10'001, 10'000), "too_old");
  EXPECT_EQ(at(head_ms + 10'001, std::nullopt), "good");
  EXPECT_EQ(at(head_ms - kClockToleranceMs, 10'000), "good");
  EXPECT_EQ(at(head_ms - kClockToleranceMs - 1, 10'000), "in_the_future");
  EXPECT_EQ(asked([&](Question& q) { q.now.reset(), q.max_age_ms = 1; }), "good") << "no clock, no age";
}

TEST(Verify, BlocksAreInTheLogAndFollowOneAnother) {
  EXPECT_EQ(tampered([](Proof& p) { p.block_path[0][0] ^= 1; }), "block_not_in_log");
  EXPECT_EQ(tampered([](Proof& p) { p.block.time.value += 1; }), "block_not_in_log");
  EXPECT_EQ(tampered([](Proof& p) { p.block.registry_root[0] ^= 1; }), "block_not_in_log");
  const auto at_block = [](const Forge& forge, const std::function<void(Proof&)>& change) {
    Proof proof = forge.build();
    change(proof);
    Question question = forge.question();
    question.at = forge.block.time;
    return std::string(name(verify(encode(proof), forge.world.policy(), question).verdict));
  };
  EXPECT_EQ(at_block(with_later(), [](Proof&) {}), "good");
  EXPECT_EQ(at_block(with_later(), [](Proof& p) { p.later->path[0][0] ^= 1; }), "later_block_not_in_log");
  EXPECT_EQ(at_block(with_later(), [](Proof& p) { p.later->record.registry_root[0] ^= 1; }), "later_block_not_in_log");
  EXPECT_EQ(at_block(with_later(), [](Proof& p) { p.block_path[0][0] ^= 1; }), "block_not_in_log");
  const auto later_is = [&](const std::function<void(BlockRecord&)>& change) {
    Forge forge = with_later();
    change(*forge.later);
    return at_block(forge, [](Proof&) {});
  };
  EXPECT_EQ(later_is([](BlockRecord& b) { b.previous = bytes_named("another"); }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.height = Height{3}; }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.height = Height{1}; }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.time.value -= 2000; }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.first_leaf = LeafIndex{4}; }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.first_leaf = LeafIndex{0}; }), "blocks_not_adjacent");
  EXPECT_EQ(later_is([](BlockRecord& b) { b.first_leaf = LeafIndex{2}; }), "block_not_in_log");
}

TEST(Verify, TimeIsWithinWhatTheBlocksCover) {
  const auto at = [](const Forge& forge, std::uint64_t ms) {
    return asked([&](Question& q) { q.at = Time{ms}; }, forge);
  };
  const Forge newest;
  const Forge earlier = with_later();
  const std::uint64_t start = newest.block.time.value;
  EXPECT_EQ(at(newest, start - 1), "time_not_covered");
  EXPECT_EQ(at(newest, start), "good");
  EXPECT_EQ(at(newest, newest.seconds * 1000), "good") << "up to the head's time";
  EXPECT_EQ(at(newest, newest.seconds * 1000 + 1), "time_not_covered");
  EXPECT_EQ(at(earlier, start - 1), "time_not_covered");
  EXPECT_EQ(at(earlier, start), "good");
  EXPECT_EQ(at(earlier, start + 1999), "good");
  EXPECT_EQ(at(earlier, start + 2000), "time_not_covered") << "the next block's time is the next block's";
  EXPECT_EQ(judged(earlier), "not_current") << "an earlier status is never the status now";
}

TEST(Verify, RecordsAreInTheRegistry) {
  EXPECT_EQ(tampered([](Proof& p) { p.record_path[0][0] ^= 1; }), "register_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.register_index = 1; }), "register_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.record.approvals = 1; }), "register_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.record.issued += 1; }), "register_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->institution->path[0][0] ^= 1; }), "institution_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->institution->index = 0; }), "institution_not_in_registry");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->institution->record.keys.pop_back(); }), "institution_not_in_registry");
  Forge other;
  other.institution = other.world.institution(1);
  EXPECT_EQ(judged(other), "wrong_institution");
}

TEST(Verify, TheEntryPartIsThereExactlyWhenIssued) {
  EXPECT_EQ(tampered([](Proof& p) { p.entry.reset(); }), "entry_part_missing");
  Forge forge;
  forge.issued = 6;  // numbers 0 to 5, and the proof speaks of 6
  Proof proof = forge.build();
  proof.entry = Forge{}.build().entry;
  EXPECT_EQ(name(forge.judge(proof)), "entry_part_unexpected");
}

TEST(Verify, TheChunkIsInTheRegister) {
  EXPECT_EQ(tampered([](Proof& p) { p.entry->chunk[0] ^= 1; }), "chunk_not_in_register");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->chunk_path.push_back({}); }), "chunk_not_in_register");
  Forge far;
  far.issued = 500;
  far.statement = far.world.issue(0, "r1", 0, 500, far.entries.root, false, Time{kCreated.value + 500});
  far.number = EntryNumber{300};
  far.with_document = false;
  EXPECT_EQ(judged(far), "good");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->chunk_path[0][0] ^= 1; }, far), "chunk_not_in_register");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->chunk_path.pop_back(); }, far), "chunk_not_in_register");
}

TEST(Verify, TheStatementIssuedThisNumberHere) {
  EXPECT_EQ(tampered([](Proof& p) { p.entry->statement_path[0][0] ^= 1; }), "statement_not_in_log");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->statement_index = LeafIndex{0}; }), "statement_not_in_log");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->statement.recorded_at.value += 1; }), "statement_not_in_log");
  const auto with = [](const std::function<void(Forge&)>& change) {
    Forge forge;
    change(forge);
    return judged(forge);
  };
  EXPECT_EQ(with([](Forge& f) {
              f.statement = f.world.amend(0, "r1", 0, {{EntryNumber{0}, 9, Status::good, 0, {}, {}}}, {});
            }),
            "bad_statement");
  EXPECT_EQ(with([](Forge& f) { f.statement.ledger[0] ^= 1; }), "bad_statement");
  EXPECT_EQ(with([](Forge& f) { f.statement.institution = World::institution_id(1); }), "bad_statement");
  EXPECT_EQ(with([](Forge& f) { std::get<IssueBody>(f.statement.body).register_name = "r0"; }), "bad_statement");
  EXPECT_EQ(with([](Forge& f) { f.change_signed = [](SignedStatement& s) { s.statement.pop_back(); }; }),
            "bad_statement");
  EXPECT_EQ(with([](Forge& f) { std::get<IssueBody>(f.statement.body).first = EntryNumber{7}; }),
            "number_not_in_batch");
  EXPECT_EQ(with([](Forge& f) { std::get<IssueBody>(f.statement.body).count = 6; }), "number_not_in_batch");
  EXPECT_EQ(with([](Forge& f) { f.recorded_at.value += 1; }), "statement_after_block");
  EXPECT_EQ(with([](Forge& f) {
              f.statement_last = true;
              f.later = BlockRecord{Height{2}, Time{f.block.time.value + 2000}, LeafIndex{2}, {}, 1, {}, {}};
            }),
            "not_current");
  Forge after;
  after.statement_last = true;
  after.later = BlockRecord{Height{2}, Time{after.block.time.value + 2000}, LeafIndex{2}, {}, 1, {}, {}};
  EXPECT_EQ(asked([&](Question& q) { q.at = after.block.time; }, after), "statement_after_block");
}

TEST(Verify, TheInstitutionItselfSigned) {
  const auto with = [](const std::function<void(Forge&)>& change) {
    Forge forge;
    change(forge);
    return judged(forge);
  };
  EXPECT_EQ(with([](Forge& f) { f.signers = {World::key(0, "a"), World::key(1, "a")}; }), "bad_signature");
  EXPECT_EQ(with([](Forge& f) { f.change_signed = [](SignedStatement& s) { s.signatures[1].signature[0] ^= 1; }; }),
            "bad_signature");
  EXPECT_EQ(with([](Forge& f) { f.signers = {World::key(0, "a")}; }), "not_enough_signatures") << "two approvals";
  EXPECT_EQ(with([](Forge& f) {
              f.signers = {World::key(0, "a"), World::key(0, "amender")};
            }),
            "not_enough_signatures");
  EXPECT_EQ(with([](Forge& f) { f.institution.keys[1].added_at = Time{f.recorded_at.value + 1}; }),
            "not_enough_signatures");
  EXPECT_EQ(with([](Forge& f) { f.institution.keys[1].invalid_from = f.recorded_at; }), "not_enough_signatures");
  EXPECT_EQ(with([](Forge& f) { f.institution.keys[1].invalid_from = Time{f.recorded_at.value + 1}; }), "good")
      << "valid then";
  // A light proof leaves this to the consortium, and says so.
  EXPECT_EQ(with([](Forge& f) { f.signers = {World::key(0, "a")}, f.with_institution = false; }), "good");
}

TEST(Verify, AFinalStatusShowsItsEvent) {
  for (const Status status : {Status::revoked, Status::superseded}) {
    Forge forge = with_status(status);
    EXPECT_EQ(judged(forge), "evidence_missing");
    forge.evidence = forge.final_event(0);
    EXPECT_EQ(judged(forge), name(status));
    EXPECT_EQ(tampered([](Proof& p) { std::get<FinalEvent>(p.entry->evidence).event.change.reason = 5; }, forge),
              "event_not_in_register");
    EXPECT_EQ(tampered([](Proof& p) { std::get<FinalEvent>(p.entry->evidence).path.push_back({}); }, forge),
              "event_not_in_register");
    EXPECT_EQ(
        tampered([](Proof& p) { std::get<FinalEvent>(p.entry->evidence).event.sequence = EventSequence{1}; }, forge),
        "event_not_in_register");
    forge.evidence = forge.suspending_from(0);
    EXPECT_EQ(judged(forge), "evidence_unexpected");
    const auto event_is = [&](const std::function<void(Event&)>& change) {
      Forge lying = with_status(status);
      change(lying.events[0]);
      lying.evidence = lying.final_event(0);
      return judged(lying);
    };
    EXPECT_EQ(event_is([](Event& e) { e.change.first = EntryNumber{5}; }), "wrong_event");
    EXPECT_EQ(event_is([](Event& e) { e.change.first = EntryNumber{7}; }), "wrong_event");
    EXPECT_EQ(event_is([](Event& e) { e.change.status = Status::suspended; }), "wrong_event");
    EXPECT_EQ(event_is([](Event& e) { e.recorded_at.value += 1; }), "wrong_event");
    EXPECT_EQ(event_is([](Event& e) { e.change.first = EntryNumber{0}, e.change.count = 7; }), name(status));
  }
}

TEST(Verify, ASuspensionShowsEveryLaterEvent) {
  Forge forge;
  set_chunk_status(forge.chunk, forge.number, Status::suspended);
  const auto other = [&](Status status) {
    Event event = forge.event(status);
    event.change.first = EntryNumber{2};
    return event;
  };
  forge.events.push_back(other(Status::suspended));
  forge.events.push_back(other(Status::good));
  forge.events.push_back(forge.event(Status::suspended));
  forge.events.push_back(other(Status::revoked));
  EXPECT_EQ(judged(forge), "evidence_missing");
  forge.evidence = forge.suspending_from(2);
  EXPECT_EQ(judged(forge), "suspended");
  forge.evidence = forge.final_event(2);
  EXPECT_EQ(judged(forge), "evidence_unexpected");
  forge.evidence = forge.suspending_from(1);
  EXPECT_EQ(judged(forge), "wrong_event") << "its first event must be the one";
  forge.evidence = forge.suspending_from(3);
  EXPECT_EQ(judged(forge), "wrong_event");
  forge.evidence = forge.suspending_from(2);
  const auto change = [&](const std::function<void(SuspendingEvents&)>& edit) {
    return tampered([&](Proof& p) { edit(std::get<SuspendingEvents>(p.entry->evidence)); }, forge);
  };
  EXPECT_EQ(change([](auto& s) { s.events.pop_back(); }), "event_not_in_register") << "the last one left out";
  EXPECT_EQ(change([](auto& s) { s.events.push_back(s.events.back()); }), "event_not_in_register");
  EXPECT_EQ(change([](auto& s) { std::swap(s.events[0], s.events[1]); }), "event_not_in_register");
  EXPECT_EQ(change([](auto& s) { s.events[1].change.reason = 7; }), "event_not_in_register");
  EXPECT_EQ(change([](auto& s) { s.peaks.clear(); }), "event_not_in_register");
  EXPECT_EQ(change([](auto& s) { s.peaks[0][0] ^= 1; }), "event_not_in_register");
  EXPECT_EQ(change([](auto& s) { s.events[0].sequence = EventSequence{UINT64_MAX}; }), "event_not_in_register");
  // A later event that touches the number: whatever it did, this one is not why the number is suspended.
  forge.events.push_back(forge.event(Status::good));
  forge.evidence = forge.suspending_from(2);
  EXPECT_EQ(judged(forge), "wrong_event");
}

TEST(Verify, AGoodStatusShowsNoEvent) {
  Forge forge;
  forge.events = {forge.event(Status::suspended), forge.event(Status::good)};
  EXPECT_EQ(judged(forge), "good");
  forge.events[1] = forge.event(Status::good);
  forge.evidence = forge.final_event(1);
  EXPECT_EQ(judged(forge), "evidence_unexpected");
  forge.evidence = forge.suspending_from(0);
  EXPECT_EQ(judged(forge), "evidence_unexpected");
}

TEST(Verify, TheDocumentIsThisEntry) {
  EXPECT_EQ(asked([](Question& q) { q.document = bytes_named("another"); }), "document_mismatch");
  EXPECT_EQ(tampered([](Proof& p) { (*p.entry->document->salt)[0] ^= 1; }), "document_mismatch");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->document->path.pop_back(); }), "document_mismatch");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->document->path.push_back({}); }), "document_mismatch");
  EXPECT_EQ(tampered([](Proof& p) { p.entry->document->salt.reset(); }), "wrong_salt");
  Forge listed;
  listed.entries = make_class("listed", 9, true);
  listed.statement = listed.world.issue(0, "r1", 0, 9, listed.entries.root, true, Time{kCreated.value + 500});
  EXPECT_EQ(judged(listed), "wrong_salt") << "a salt on a listed entry";
  // A document in another place of the same batch is another entry.
  EXPECT_EQ(asked([](Question& q) { q.document = Forge{}.entries.documents[5]; }), "document_mismatch");
}

TEST(Verify, Epochs) {
  const Forge forge;  // a head of three leaves, epoch 0, voters 0 to 3
  const Policy one = forge.world.policy();
  const World larger({.institutions = 7, .registers = 1});
  const auto judged_by = [&](const Policy& policy, const Proof& proof, std::optional<Time> at = std::nullopt) {
    Question question = forge.question();
    question.at = at;
    return std::string(name(verify(encode(proof), policy, question).verdict));
  };
  const auto epoch_of = [&](std::uint32_t revision, std::uint64_t size, const World& world) {
    return Epoch{revision, size, quorum_of(world.consortium())};
  };
  Proof proof = forge.build();
  // The policy ends before the proof's epoch, or begins after it.
  proof.epoch = 1;
  EXPECT_EQ(judged_by(one, proof), "policy_too_old");
  proof.epoch = 0;
  Policy later_only = one;
  later_only.epochs = {epoch_of(2, 2, larger)};
  EXPECT_EQ(judged_by(later_only, proof), "policy_too_new");
  later_only.epochs = {epoch_of(0, 4, forge.world)};
  EXPECT_EQ(judged_by(later_only, proof), "wrong_epoch") << "a head from before the policy's first";
  // A head of an older epoch counts up to where the next began, and is never now.
  Policy two = one;
  two.epochs.push_back(epoch_of(1, 4, larger));
  EXPECT_EQ(judged_by(two, proof), "not_current");
  EXPECT_EQ(judged_by(two, proof, forge.block.time), "good");
  EXPECT_EQ(judged_by(two, proof, Time{forge.block.time.value + 1}), "time_not_covered")
      << "the voters of a past epoch may sign any time today";
  two.epochs[1].first_size = 2;
  EXPECT_EQ(judged_by(two, proof, forge.block.time), "wrong_epoch") << "the next epoch had begun";
  proof.epoch = 1;
  EXPECT_EQ(judged_by(two, proof), "wrong_cosignature_count") << "five of the seven must sign";
  // The first head of an epoch is certified by both.
  two.epochs[1].first_size = 3;
  const Checkpoint checkpoint{one.origin, proof.size, proof.root};
  proof.cosignatures = larger.certify(checkpoint, forge.seconds).cosignatures;
  EXPECT_EQ(judged_by(two, proof), "wrong_cosignature_count");
  proof.previous = forge.world.certify(checkpoint, forge.seconds).cosignatures;
  EXPECT_EQ(judged_by(two, proof), "good");
  proof.previous[0].signature[0] ^= 1;
  EXPECT_EQ(judged_by(two, proof), "bad_cosignature");
  proof.previous[0].signature[0] ^= 1;
  // A policy that begins with this epoch cannot check the one before.
  Policy second_only = two;
  second_only.epochs.erase(second_only.epochs.begin());
  EXPECT_EQ(judged_by(second_only, proof), "policy_too_new");
  // Beyond its first head, the epoch before has no say.
  two.epochs[1].first_size = 2;
  EXPECT_EQ(judged_by(two, proof), "wrong_cosignature_count");
  proof.previous.clear();
  EXPECT_EQ(judged_by(two, proof), "good");
}

}  // namespace
}  // namespace testamur::test
