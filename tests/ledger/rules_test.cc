// Goal: every acceptance code, on both sides of its rule's edge, and the order of the rules.
// Method: statements in blocks of a real ledger; each case changes one thing of a good statement.
#include <gtest/gtest.h>

#include <random>

#include "test_ledger.h"

namespace testamur {
namespace {

using test::Class;
using test::Handed;
using test::make_class;
using test::TestLedger;
using test::World;

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr std::uint64_t kMinuteMs = 60ull * 1000;

class Rules : public ::testing::Test {
 protected:
  /// One statement in a block of its own, at `now() + step`.
  Acceptance judge(const Handed& handed, std::uint64_t step_ms = 1000) {
    return test_.apply({handed}, step_ms).outcomes[0].code;
  }
  Acceptance judge(const Statement& statement, std::vector<SecretKey> keys, std::vector<Hash> listed = {}) {
    return judge(Handed{encode(sign_statement(statement, keys)), std::move(listed)});
  }
  std::vector<SecretKey> keys(std::initializer_list<std::string_view> roles) const {
    std::vector<SecretKey> out;
    for (const std::string_view role : roles) out.push_back(World::key(0, role));
    return out;
  }
  /// A good sealed issue of `count` for register r0 of institution 0.
  Statement issue(std::uint32_t count = 3, std::string_view name = "r0") {
    const auto entries = make_class("c" + std::to_string(test_.now().value), std::min(count, 10u), false);
    return test_.world().issue(0, name, test_.record(0, name).issued, count, entries.root, false, test_.now());
  }
  Statement amend(std::vector<Change> changes) {
    return test_.world().amend(0, "r0", test_.record(0, "r0").events, std::move(changes), test_.now());
  }
  static Change change(std::uint64_t first, std::uint32_t count, Status status) {
    return {EntryNumber{first}, count, status, 0, Time{1}, std::nullopt};
  }
  Acceptance judge_amend(std::vector<Change> changes) { return judge(amend(std::move(changes)), keys({"a"})); }

  TestLedger test_;
};

TEST_F(Rules, GoodStatementsAreAccepted) {
  EXPECT_EQ(judge(issue(), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(issue(3, "r1"), keys({"a", "b"})), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(0, 1, Status::revoked)}), Acceptance::ok);
}

TEST_F(Rules, Malformed) {
  Handed handed{test_.world().sign(0, issue()), {}};
  handed.signed_statement.push_back(0);
  EXPECT_EQ(judge(handed), Acceptance::malformed);
  EXPECT_EQ(judge(Handed{{}, {}}), Acceptance::malformed);
  const Statement govern{test_.world().ledger(), World::institution_id(0), test_.now(), GovernBody{0, 0, {}}};
  EXPECT_EQ(judge(govern, keys({"governor"})), Acceptance::malformed);
  // A leaf is at most 65,535 bytes: type and time take 9, the lengths 4, a signature 98, the rest is the statement's.
  const auto govern_of = [&](std::size_t leaf_bytes) {
    Statement s = govern;
    const std::size_t empty = encode(sign_statement(s, keys({"governor"}))).size();
    std::get<GovernBody>(s.body).body.resize(leaf_bytes - 9 - empty);
    return encode(sign_statement(s, keys({"governor"})));
  };
  EXPECT_EQ(govern_of(65535).size() + 9, 65535u);
  EXPECT_EQ(judge(Handed{govern_of(65535), {}}), Acceptance::malformed) << "govern is refused in version 1";
}

TEST_F(Rules, ALeafIsAtMost65535Bytes) {
  ASSERT_EQ(judge(issue(100), keys({"a"})), Acceptance::ok);
  // Changes of 23 bytes without a replacement: suspend and reinstate number 0, over and over.
  const auto with = [&](std::size_t count) {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < count; ++i)
      changes.push_back(change(0, 1, i % 2 == 0 ? Status::suspended : Status::good));
    return Handed{encode(sign_statement(amend(changes), keys({"a"}))), {}};
  };
  const std::size_t overhead = with(1).signed_statement.size() - 23 + 9;
  const std::size_t most = (65535 - overhead) / 23;
  EXPECT_EQ(judge(with(most)), Acceptance::ok);
  const std::size_t too_many = most + 1;
  // One change more, and the list is still short enough for its own length field; only the leaf is too long.
  ASSERT_LE(too_many * 23, 65535u);
  EXPECT_EQ(judge(with(too_many)), Acceptance::malformed);
}

TEST_F(Rules, WrongLedger) {
  Statement s = issue();
  s.ledger[0] ^= 1;
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::wrong_ledger);
}

TEST_F(Rules, UnknownInstitutionAndRegister) {
  Statement s = issue();
  s.institution = "elsewhere.example";
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::institution_not_active);
  s = issue();
  std::get<IssueBody>(s.body).register_name = "none";
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::unknown_register);
}

TEST_F(Rules, SigningWindow) {
  const std::uint64_t at = test_.now().value + 1000;  // the block's time
  const auto signed_at = [&](std::uint64_t ms) {
    Statement s = issue();
    s.signed_at = Time{ms};
    return s;
  };
  EXPECT_EQ(judge(signed_at(at - 14 * kDayMs - 1), keys({"a"})), Acceptance::signed_at_out_of_range);
  EXPECT_EQ(judge(signed_at(at + 1000 - 14 * kDayMs), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(signed_at(at + 2000 + 5 * kMinuteMs), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(signed_at(at + 3000 + 5 * kMinuteMs + 1), keys({"a"})), Acceptance::signed_at_out_of_range);
  EXPECT_EQ(judge(signed_at(UINT64_MAX), keys({"a"})), Acceptance::signed_at_out_of_range);
  EXPECT_EQ(judge(signed_at(0), keys({"a"})), Acceptance::signed_at_out_of_range);
}

TEST_F(Rules, BadSignature) {
  EXPECT_EQ(judge(issue(), {World::key(1, "a")}), Acceptance::bad_signature) << "another institution's key";
  EXPECT_EQ(judge(issue(), {World::key(0, "a"), World::key(1, "a")}), Acceptance::bad_signature) << "one stranger";
  SignedStatement s = sign_statement(issue(), keys({"a", "b"}));
  s.signatures[1].signature[0] ^= 1;
  EXPECT_EQ(judge(Handed{encode(s), {}}), Acceptance::bad_signature) << "one bad one, though the other is enough";
  s = sign_statement(issue(), keys({"a"}));
  s.statement.back() ^= 1;  // listed: the statement that was signed was another
  EXPECT_EQ(judge(Handed{encode(s), {}}), Acceptance::bad_signature);
}

TEST_F(Rules, NotEnoughSignatures) {
  EXPECT_EQ(judge(issue(3, "r1"), keys({"a"})), Acceptance::not_enough_signatures);
  EXPECT_EQ(judge(issue(3, "r1"), keys({"a", "issuer"})), Acceptance::ok);
  EXPECT_EQ(judge(issue(3, "r1"), keys({"a", "amender"})), Acceptance::not_enough_signatures);
  EXPECT_EQ(judge(issue(), keys({"amender"})), Acceptance::not_enough_signatures);
  EXPECT_EQ(judge(issue(), keys({"governor"})), Acceptance::not_enough_signatures);
  ASSERT_EQ(judge(issue(), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(amend({change(0, 1, Status::revoked)}), keys({"issuer"})), Acceptance::not_enough_signatures);
  EXPECT_EQ(judge(amend({change(0, 1, Status::revoked)}), keys({"amender"})), Acceptance::ok);
}

TEST(RulesOfKeys, CountFromWhenTheyAreAddedUntilTheyEnd) {
  World world({.institutions = 1, .registers = 1});
  world.institution(0).keys[0].added_at = Time{test::kCreated.value + 1000};
  world.institution(0).keys[0].invalid_from = Time{test::kCreated.value + 3000};
  TestLedger test(world);
  const auto at_next = [&](std::uint64_t step) {
    const auto entries = make_class("k" + std::to_string(test.now().value), 1, false);
    const Statement s = test.world().issue(0, "r0", test.record(0, "r0").issued, 1, entries.root, false, test.now());
    return test.apply({{encode(sign_statement(s, std::array{World::key(0, "a")})), {}}}, step).outcomes[0].code;
  };
  EXPECT_EQ(at_next(999), Acceptance::not_enough_signatures) << "not added yet";
  EXPECT_EQ(at_next(1), Acceptance::ok) << "added this millisecond";
  EXPECT_EQ(at_next(1999), Acceptance::ok) << "the last valid millisecond";
  EXPECT_EQ(at_next(1), Acceptance::not_enough_signatures) << "ended";
}

TEST(RulesOfInstitutions, ClosedOnesAmendAndSuspendedOnesAreSilent) {
  World world({.institutions = 3, .registers = 1});
  world.institution(1).state = InstitutionState::closed;
  world.institution(2).state = InstitutionState::suspended;
  TestLedger test(world);
  for (unsigned i = 0; i < 3; ++i) {
    const auto entries = make_class("i", 1, false);
    const Statement issue = test.world().issue(i, "r0", 0, 1, entries.root, false, test.now());
    const Statement amend =
        test.world().amend(i, "r0", 0, {{EntryNumber{0}, 1, Status::revoked, 0, {}, {}}}, test.now());
    EXPECT_EQ(test.apply({{test.world().sign(i, issue), {}}}).outcomes[0].code,
              i == 0 ? Acceptance::ok : Acceptance::institution_not_active);
    // A closed one may amend; this one has nothing to amend, which is a later rule.
    EXPECT_EQ(test.apply({{test.world().sign(i, amend), {}}}).outcomes[0].code,
              i == 0   ? Acceptance::ok
              : i == 1 ? Acceptance::no_such_entry
                       : Acceptance::institution_not_active);
  }
}

TEST_F(Rules, NumbersAndEventsAreNeitherSkippedNorRepeated) {
  Statement s = issue(3);
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::wrong_first_number) << "the same again";
  s = issue(3);
  std::get<IssueBody>(s.body).first.value += 1;
  EXPECT_EQ(judge(s, keys({"a"})), Acceptance::wrong_first_number);
  Statement a = amend({change(0, 1, Status::suspended)});
  EXPECT_EQ(judge(a, keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(a, keys({"a"})), Acceptance::wrong_next_event);
  a = amend({change(0, 1, Status::good)});
  std::get<AmendBody>(a.body).next_event += 1;
  EXPECT_EQ(judge(a, keys({"a"})), Acceptance::wrong_next_event);
}

TEST_F(Rules, BadCount) {
  EXPECT_EQ(judge(issue(0), keys({"a"})), Acceptance::bad_count);
  EXPECT_EQ(judge(issue((1u << 20) + 1), keys({"a"})), Acceptance::bad_count);
  EXPECT_EQ(judge(issue(1u << 20), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge(issue(1u << 20), keys({"a"})), Acceptance::ok);
  Statement listed = issue((1u << 16) + 1);
  std::get<IssueBody>(listed.body).listed = true;
  EXPECT_EQ(judge(listed, keys({"a"})), Acceptance::bad_count);
  EXPECT_EQ(judge_amend({change(0, 0, Status::revoked)}), Acceptance::bad_count);
  EXPECT_EQ(judge_amend({change(0, (1u << 20) + 1, Status::revoked)}), Acceptance::bad_count);
  EXPECT_EQ(judge_amend({change(0, 1u << 20, Status::suspended), change(5, 1, Status::good)}), Acceptance::bad_count);
  EXPECT_EQ(judge_amend({change(0, 1, Status::suspended), change(1u << 20, 0, Status::good)}), Acceptance::bad_count);
  EXPECT_EQ(judge_amend({change(0, (1u << 20) - 1, Status::suspended), change(5, 1, Status::good)}), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(0, UINT32_MAX, Status::suspended), change(0, UINT32_MAX, Status::suspended)}),
            Acceptance::bad_count)
      << "sums do not wrap";
}

TEST_F(Rules, BodyMismatch) {
  const Class entries = make_class("listed", 5, true);
  const auto statement = [&](std::uint32_t count) {
    return test_.world().issue(0, "r0", test_.record(0, "r0").issued, count, entries.root, true, test_.now());
  };
  const auto k = keys({"a"});
  auto other = entries.commitments;
  other[2][0] ^= 1;
  auto swapped = entries.commitments;
  std::swap(swapped[0], swapped[1]);
  auto fewer = entries.commitments;
  fewer.pop_back();
  EXPECT_EQ(judge(statement(5), k, fewer), Acceptance::body_mismatch);
  EXPECT_EQ(judge(statement(5), k, other), Acceptance::body_mismatch);
  EXPECT_EQ(judge(statement(5), k, swapped), Acceptance::body_mismatch);
  EXPECT_EQ(judge(statement(5), k, {}), Acceptance::body_mismatch);
  EXPECT_EQ(judge(statement(4), k, entries.commitments), Acceptance::body_mismatch);
  EXPECT_EQ(judge(statement(5), k, entries.commitments), Acceptance::ok);
  EXPECT_EQ(judge(issue(), k, entries.commitments), Acceptance::body_mismatch) << "sealed, with commitments";
  EXPECT_EQ(judge(amend({change(0, 1, Status::revoked)}), k, entries.commitments), Acceptance::body_mismatch);
  // What is no sequence of 32-byte values never matches.
  const Bytes bytes = encode(sign_statement(statement(5), k));
  Payload payload{Time{test_.now().value + 5000}, {{bytes, std::nullopt}}};
  const auto applied =
      test::value_of(test_.ledger().apply(store::LogIndex{test_.ledger().head().applied.value + 1}, payload));
  EXPECT_EQ(applied.outcomes[0].code, Acceptance::body_mismatch);
}

TEST_F(Rules, NoSuchEntry) {
  ASSERT_EQ(judge(issue(3), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(3, 1, Status::revoked)}), Acceptance::no_such_entry);
  EXPECT_EQ(judge_amend({change(2, 2, Status::revoked)}), Acceptance::no_such_entry);
  EXPECT_EQ(judge_amend({change(UINT64_MAX, 1, Status::revoked)}), Acceptance::no_such_entry);
  EXPECT_EQ(judge_amend({change(2, 1, Status::revoked)}), Acceptance::ok);
}

TEST_F(Rules, EffectiveInFuture) {
  ASSERT_EQ(judge(issue(3), keys({"a"})), Acceptance::ok);
  Change c = change(0, 1, Status::revoked);
  c.effective_at = Time{test_.now().value + 1001};
  EXPECT_EQ(judge_amend({c}), Acceptance::effective_in_future);
  c.effective_at = Time{test_.now().value + 1000};
  EXPECT_EQ(judge_amend({c}), Acceptance::ok) << "effective at the block's own time";
}

TEST_F(Rules, BadReplacement) {
  ASSERT_EQ(judge(issue(4), keys({"a"})), Acceptance::ok);
  test_.issue(1, "r0", make_class("other", 2, false));
  const auto superseded = [&](std::uint64_t first, std::uint32_t count, unsigned institution, std::string_view name,
                              std::uint64_t number, Status status = Status::superseded) {
    Change c = change(first, count, status);
    c.replacement = Replacement{World::institution_id(institution), std::string(name), EntryNumber{number}};
    return judge_amend({c});
  };
  EXPECT_EQ(superseded(0, 1, 0, "r0", 1, Status::revoked), Acceptance::bad_replacement);
  EXPECT_EQ(superseded(0, 1, 0, "r0", 4), Acceptance::bad_replacement) << "not issued";
  EXPECT_EQ(superseded(0, 1, 1, "none", 0), Acceptance::bad_replacement) << "no such register";
  EXPECT_EQ(superseded(0, 1, 9, "r0", 0), Acceptance::bad_replacement) << "no such institution";
  EXPECT_EQ(superseded(0, 1, 1, "r0", 2), Acceptance::bad_replacement) << "not issued there";
  EXPECT_EQ(superseded(0, 2, 0, "r0", 0), Acceptance::bad_replacement) << "within the range, its first";
  EXPECT_EQ(superseded(0, 2, 0, "r0", 1), Acceptance::bad_replacement) << "within the range, its last";
  EXPECT_EQ(superseded(0, 2, 0, "r0", 2), Acceptance::ok) << "the one after the range";
  EXPECT_EQ(superseded(2, 1, 0, "r0", 0), Acceptance::ok) << "whatever its status";
  EXPECT_EQ(superseded(3, 1, 1, "r0", 1), Acceptance::ok) << "of another institution";
}

TEST_F(Rules, Transitions) {
  ASSERT_EQ(judge(issue(1000), keys({"a"})), Acceptance::ok);
  // Numbers 0 to 15: one for each pair of statuses, the first brought about before.
  for (unsigned from = 0; from < 4; ++from) {
    for (unsigned to = 0; to < 4; ++to) {
      const std::uint64_t number = 130 + 4 * from + to;
      if (from != 0) {
        ASSERT_EQ(judge_amend({change(number, 1, static_cast<Status>(from))}), Acceptance::ok);
      }
      const bool allowed = (from == 0 && to != 0) || (from == 1 && to != 1);
      EXPECT_EQ(judge_amend({change(number, 1, static_cast<Status>(to))}),
                allowed ? Acceptance::ok : Acceptance::forbidden_transition)
          << from << " to " << to;
    }
  }
  // One entry of a range that may not change forbids the whole.
  ASSERT_EQ(judge_amend({change(500, 1, Status::revoked)}), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(400, 101, Status::revoked)}), Acceptance::forbidden_transition);
  EXPECT_EQ(judge_amend({change(400, 100, Status::revoked)}), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(500, 10, Status::suspended)}), Acceptance::forbidden_transition);
}

TEST_F(Rules, EarlierChangesOfTheStatementCount) {
  ASSERT_EQ(judge(issue(1000), keys({"a"})), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(0, 300, Status::suspended), change(100, 50, Status::good)}), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(100, 50, Status::suspended), change(0, 300, Status::suspended)}),
            Acceptance::forbidden_transition);
  EXPECT_EQ(judge_amend({change(100, 50, Status::suspended), change(0, 300, Status::revoked)}), Acceptance::ok);
  EXPECT_EQ(judge_amend({change(400, 1, Status::suspended), change(400, 1, Status::suspended)}),
            Acceptance::forbidden_transition);
  EXPECT_EQ(
      judge_amend({change(400, 1, Status::suspended), change(400, 1, Status::good), change(400, 1, Status::revoked)}),
      Acceptance::ok);
  // A refused statement changes nothing: what its first change did is not there.
  EXPECT_EQ(judge_amend({change(600, 1, Status::revoked), change(5000, 1, Status::revoked)}),
            Acceptance::no_such_entry);
  EXPECT_EQ(judge_amend({change(600, 1, Status::suspended)}), Acceptance::ok);
}

TEST_F(Rules, EarlierStatementsOfTheBlockCount) {
  const World& world = test_.world();
  const Class a = make_class("a", 200, false);
  const auto now = test_.now();
  const auto sign = [&](const Statement& s) { return Handed{world.sign(0, s), {}}; };
  const auto applied = test_.apply({
      sign(world.amend(0, "r0", 0, {change(0, 1, Status::revoked)}, now)),  // nothing there yet
      sign(world.issue(0, "r0", 0, 200, a.root, false, now)),
      sign(world.issue(0, "r0", 0, 200, a.root, false, now)),
      sign(world.issue(0, "r0", 200, 1, make_class("b", 1, false).root, false, now)),
      sign(world.amend(0, "r0", 0, {change(0, 201, Status::suspended)}, now)),
      sign(world.amend(0, "r0", 1, {change(7, 1, Status::suspended)}, now)),
      sign(world.amend(0, "r0", 1, {change(7, 1, Status::good)}, now)),
  });
  const std::vector<Acceptance> expected = {
      Acceptance::no_such_entry,        Acceptance::ok, Acceptance::wrong_first_number, Acceptance::ok, Acceptance::ok,
      Acceptance::forbidden_transition, Acceptance::ok};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(applied.outcomes[i].code, expected[i]) << i;
  EXPECT_EQ(test_.record(0, "r0").events, 2u);
}

TEST_F(Rules, NumbersIssuedInTheSameBlockHaveAStatus) {
  // At 2,048 and 32,768 numbers the stored status tree gets a new top: a range that ends beyond the old one counts whole.
  for (const std::uint32_t edge : {2048u, 32768u}) {
    TestLedger test;
    const auto now = test.now();
    const auto sign = [&](const Statement& s) { return Handed{test.world().sign(0, s), {}}; };
    const auto applied = test.apply({
        sign(test.world().issue(0, "r0", 0, edge + 1000, {}, false, now)),
        sign(test.world().amend(0, "r0", 0, {change(edge, 1, Status::good)}, now)),
        sign(test.world().amend(0, "r0", 0, {change(edge + 900, 100, Status::good)}, now)),
        sign(test.world().amend(0, "r0", 0, {change(edge - 10, 20, Status::suspended)}, now)),
        sign(test.world().amend(0, "r0", 1, {change(edge, 20, Status::suspended)}, now)),
        sign(test.world().amend(0, "r0", 1, {change(edge + 10, 900, Status::suspended)}, now)),
    });
    const std::vector<Acceptance> expected = {
        Acceptance::ok, Acceptance::forbidden_transition, Acceptance::forbidden_transition,
        Acceptance::ok, Acceptance::forbidden_transition, Acceptance::ok};
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(applied.outcomes[i].code, expected[i]) << edge << " " << i;
  }
}

TEST_F(Rules, TheFirstRuleBrokenNamesTheCode) {
  // Everything is wrong with this statement; mended rule by rule, the codes come out in the table's order.
  ASSERT_EQ(judge(issue(5), keys({"a"})), Acceptance::ok);
  Statement s = amend({change(3, 0, Status::good)});
  s.ledger[0] ^= 1;
  s.institution = "elsewhere.example";
  s.signed_at = Time{1};
  auto& body = std::get<AmendBody>(s.body);
  body.register_name = "none";
  body.next_event = 9;
  body.changes[0].effective_at = Time{UINT64_MAX};
  body.changes[0].replacement = Replacement{"elsewhere.example", "none", EntryNumber{0}};
  std::vector<SecretKey> signers = {World::key(1, "a")};
  std::vector<Hash> listed = {Hash{}};
  Bytes extra = {0};
  const auto next = [&] {
    Bytes bytes = encode(sign_statement(s, signers));
    bytes.insert(bytes.end(), extra.begin(), extra.end());
    return judge(Handed{bytes, listed});
  };
  EXPECT_EQ(next(), Acceptance::malformed);
  extra.clear();
  EXPECT_EQ(next(), Acceptance::wrong_ledger);
  s.ledger = test_.world().ledger();
  EXPECT_EQ(next(), Acceptance::institution_not_active);
  s.institution = World::institution_id(0);
  EXPECT_EQ(next(), Acceptance::unknown_register);
  body.register_name = "r0";
  EXPECT_EQ(next(), Acceptance::signed_at_out_of_range);
  s.signed_at = test_.now();
  EXPECT_EQ(next(), Acceptance::bad_signature);
  signers = keys({"issuer"});
  EXPECT_EQ(next(), Acceptance::not_enough_signatures);
  signers = keys({"a"});
  EXPECT_EQ(next(), Acceptance::wrong_next_event);
  body.next_event = 0;
  EXPECT_EQ(next(), Acceptance::bad_count);
  body.changes[0].count = 9;
  EXPECT_EQ(next(), Acceptance::body_mismatch);
  listed.clear();
  EXPECT_EQ(next(), Acceptance::no_such_entry);
  body.changes[0].count = 1;
  EXPECT_EQ(next(), Acceptance::effective_in_future);
  body.changes[0].effective_at = {};
  EXPECT_EQ(next(), Acceptance::bad_replacement);
  body.changes[0].replacement.reset();
  EXPECT_EQ(next(), Acceptance::forbidden_transition);
  body.changes[0].status = Status::revoked;
  EXPECT_EQ(next(), Acceptance::ok);
}

TEST_F(Rules, ATimeThatDoesNotRiseMakesNoBlock) {
  const store::Head before = test_.ledger().head();
  const auto apply = [&](ByteView payload) {
    return test::value_of(test_.ledger().apply(store::LogIndex{test_.ledger().head().applied.value + 1}, payload));
  };
  EXPECT_FALSE(apply(encode(Payload{before.time, {}})).made_block);
  EXPECT_FALSE(apply(Bytes{1, 2, 3}).made_block);
  EXPECT_EQ(test_.ledger().head().height, before.height);
  EXPECT_EQ(test_.ledger().head().applied.value, before.applied.value + 2);
  EXPECT_TRUE(apply(encode(Payload{Time{before.time.value + 1}, {}})).made_block);
  EXPECT_EQ(test_.ledger().head().size, before.size + 1) << "a payload without statements is a block record alone";
  EXPECT_FALSE(test_.ledger().apply(store::LogIndex{99}, Payload{})) << "log indexes are applied in order";
}

TEST(StatusOverlay, IsWhatAPlainArrayWouldBe) {
  std::vector<Status> model(64, Status::good);
  StatusOverlay overlay;
  std::mt19937_64 random(1);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  for (int round = 0; round < 5000; ++round) {
    const std::uint64_t first = draw(64);
    const std::uint64_t count = 1 + draw(64 - first);
    const auto status = static_cast<Status>(draw(4));
    overlay.set(EntryNumber{first}, count, status);
    for (std::uint64_t i = first; i < first + count; ++i) model[i] = status;
    const std::uint64_t from = draw(64);
    const std::uint64_t length = 1 + draw(64 - from);
    std::uint64_t at = from;
    const auto good = [](EntryNumber f, std::uint64_t c) { return std::vector<StatusRun>{{f, c, Status::good}}; };
    for (const StatusRun& run : overlay.read(EntryNumber{from}, length, good)) {
      ASSERT_EQ(run.first.value, at);
      for (std::uint64_t i = 0; i < run.count; ++i) ASSERT_EQ(run.status, model[at + i]);
      at += run.count;
    }
    ASSERT_EQ(at, from + length);
    if (round % 100 == 99) {
      overlay = StatusOverlay{};
      model.assign(64, Status::good);
    }
  }
}

}  // namespace
}  // namespace testamur
