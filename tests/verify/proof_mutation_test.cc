// Goal: no proof but the one that was made is accepted.
// Method: proofs of every kind from a real ledger; every byte changed, every path lengthened and shortened, every part put in
// from another register, block, entry or head. Checked through the shared library, as a stranger links it.
#include <gtest/gtest.h>

#include <set>

#include "test_ledger.h"
#include "testamur/tools/proof_json.h"
#include "testamur/verify.hpp"

namespace testamur::test {
namespace {

struct Made {
  std::string name;
  Proof proof;
  verifier::Query query;
  int expected = 0;
};

Change change(std::uint64_t first, std::uint32_t count, Status status) {
  return {EntryNumber{first}, count, status, 4, kCreated, std::nullopt};
}

/// A ledger in which number 3 is revoked, 4 suspended (and others amended after), 5 superseded, 6 was reinstated.
class Scene {
 public:
  Scene() : sealed_(make_class("sealed", 300, false)), listed_(make_class("listed", 40, true)) {
    test_.issue(0, "r1", sealed_);
    test_.issue(1, "r0", make_class("elsewhere", 20, false));
    before_ = test_.ledger().head().time;
    test_.amend(0, "r1", {change(3, 1, Status::revoked)});
    test_.amend(0, "r1", {change(4, 1, Status::suspended), change(200, 9, Status::suspended)});
    Change superseded = change(5, 1, Status::superseded);
    superseded.replacement = Replacement{World::institution_id(1), "r0", EntryNumber{2}};
    test_.amend(0, "r1", {superseded, change(6, 1, Status::suspended)});
    test_.amend(0, "r1", {change(6, 1, Status::good)});
    test_.issue(0, "r0", listed_);
    policy_ = encode(test_.world().policy());
    older_head_ = test_.certify();
    older_ = prove("r1", 0, sealed_, 0).proof;
    test_.apply({});
    test_.certify();
    made_ = {prove("r1", 7, sealed_, TESTAMUR_GOOD),
             prove("r1", 3, sealed_, TESTAMUR_REVOKED),
             prove("r1", 4, sealed_, TESTAMUR_SUSPENDED),
             prove("r1", 5, sealed_, TESTAMUR_SUPERSEDED),
             prove("r1", 6, sealed_, TESTAMUR_GOOD),
             prove("r0", 9, listed_, TESTAMUR_GOOD),
             prove("r1", 7, sealed_, TESTAMUR_GOOD, false),
             prove("r1", 3, sealed_, TESTAMUR_GOOD, true, before_),
             prove("r1", 250, sealed_, TESTAMUR_GOOD, true, before_),
             not_issued()};
  }

  const std::vector<Made>& made() const { return made_; }
  const Proof& older() const { return older_; }
  const std::string& policy() const { return policy_; }
  Time before_revocation() const { return before_; }

  int verdict(const Proof& proof, const verifier::Query& query) const { return verdict(encode(proof), query); }
  int verdict(const Bytes& proof, const verifier::Query& query) const {
    return verifier::verify(proof, policy_, query).verdict;
  }

 private:
  Made prove(const std::string& name, std::uint64_t number, const Class& entries, int expected, bool full = true,
             std::optional<Time> at = std::nullopt) {
    const bool listed = entries.listed;
    Made made;
    made.name = name + "/" + std::to_string(number) + (full ? "" : " light") + (at ? " earlier" : "");
    made.proof =
        value_of(test_.history()->prove({World::institution_id(0), name, EntryNumber{number}, at, full, listed}));
    if (!listed) made.proof.entry->document = DocumentProof{entries.salts[number], entries.path(number)};
    made.query.document_hash = entries.documents[number];
    if (at) made.query.at_ms = at->value;
    made.expected = expected;
    return made;
  }
  Made not_issued() {
    Made made;
    made.name = "not yet issued";
    made.proof = value_of(test_.history()->prove({World::institution_id(0), "r1", EntryNumber{300}}));
    made.query.entry = verifier::Entry{World::institution_id(0), "r1", 300};
    made.expected = TESTAMUR_NOT_YET_ISSUED;
    return made;
  }

  TestLedger test_;
  Class sealed_;
  Class listed_;
  Time before_;
  std::string policy_;
  CertifiedCheckpoint older_head_;
  Proof older_;
  std::vector<Made> made_;
};

const Scene& scene() {
  static const Scene made;
  return made;
}

/// Every path of a proof, by name.
std::vector<std::pair<std::string, merkle::Path*>> paths_of(Proof& proof) {
  std::vector<std::pair<std::string, merkle::Path*>> out = {{"block_path", &proof.block_path},
                                                            {"register_path", &proof.record_path}};
  if (proof.later) out.emplace_back("later.path", &proof.later->path);
  if (!proof.entry) return out;
  out.emplace_back("chunk_path", &proof.entry->chunk_path);
  out.emplace_back("statement_path", &proof.entry->statement_path);
  if (proof.entry->institution) out.emplace_back("institution_path", &proof.entry->institution->path);
  if (proof.entry->document) out.emplace_back("batch_path", &proof.entry->document->path);
  if (auto* event = std::get_if<FinalEvent>(&proof.entry->evidence)) out.emplace_back("event_path", &event->path);
  if (auto* events = std::get_if<SuspendingEvents>(&proof.entry->evidence)) {
    out.emplace_back("events_before", &events->peaks);
  }
  return out;
}

using Part = std::pair<std::string, std::function<void(Proof& to, const Proof& from)>>;

/// Every part that can be put into a proof from another.
std::vector<Part> parts() {
  const auto entry = [](auto copy) {
    return [copy](Proof& to, const Proof& from) {
      if (to.entry && from.entry) copy(*to.entry, *from.entry);
    };
  };
  return {
      {"number", [](Proof& to, const Proof& from) { to.number = from.number; }},
      {"head",
       [](Proof& to, const Proof& from) {
         to.size = from.size, to.root = from.root, to.epoch = from.epoch, to.cosignatures = from.cosignatures;
       }},
      {"cosignatures", [](Proof& to, const Proof& from) { to.cosignatures = from.cosignatures; }},
      {"block", [](Proof& to, const Proof& from) { to.block = from.block; }},
      {"block and path", [](Proof& to, const Proof& from) { to.block = from.block, to.block_path = from.block_path; }},
      {"later", [](Proof& to, const Proof& from) { to.later = from.later; }},
      {"block, later and paths",
       [](Proof& to, const Proof& from) {
         to.block = from.block, to.block_path = from.block_path, to.later = from.later;
       }},
      {"register", [](Proof& to, const Proof& from) { to.record = from.record; }},
      {"register and path",
       [](Proof& to, const Proof& from) {
         to.record = from.record, to.record_path = from.record_path, to.register_index = from.register_index;
       }},
      {"entry", [](Proof& to, const Proof& from) { to.entry = from.entry; }},
      {"chunk", entry([](EntryProof& to, const EntryProof& from) { to.chunk = from.chunk; })},
      {"chunk and path",
       entry([](EntryProof& to, const EntryProof& from) { to.chunk = from.chunk, to.chunk_path = from.chunk_path; })},
      {"statement", entry([](EntryProof& to, const EntryProof& from) { to.statement = from.statement; })},
      {"statement and path", entry([](EntryProof& to, const EntryProof& from) {
         to.statement = from.statement, to.statement_path = from.statement_path,
         to.statement_index = from.statement_index;
       })},
      {"institution", entry([](EntryProof& to, const EntryProof& from) { to.institution = from.institution; })},
      {"evidence", entry([](EntryProof& to, const EntryProof& from) { to.evidence = from.evidence; })},
      {"document", entry([](EntryProof& to, const EntryProof& from) { to.document = from.document; })},
  };
}

TEST(ProofMutation, TheProofsAsMadeAreAccepted) {
  for (const Made& made : scene().made())
    EXPECT_EQ(scene().verdict(made.proof, made.query), made.expected) << made.name;
}

TEST(ProofMutation, EveryByteChanged) {
  for (const Made& made : scene().made()) {
    const Bytes good = encode(made.proof);
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const unsigned delta : {0x01u, 0x80u, 0xffu}) {
        Bytes changed = good;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ delta);
        const int verdict = scene().verdict(changed, made.query);
        EXPECT_GE(verdict, 16) << made.name << ": byte " << at << " of " << good.size() << " changed by " << delta;
      }
    }
  }
}

TEST(ProofMutation, EveryByteCutOrAdded) {
  for (const Made& made : scene().made()) {
    const Bytes good = encode(made.proof);
    for (std::size_t at = 0; at <= good.size(); ++at) {
      Bytes longer = good;
      longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), 0);
      EXPECT_GE(scene().verdict(longer, made.query), 16) << made.name << ": a byte before " << at;
      if (at == good.size()) continue;
      EXPECT_GE(scene().verdict(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at)), made.query), 16);
    }
  }
}

TEST(ProofMutation, EveryPathLongerAndShorter) {
  for (const Made& made : scene().made()) {
    Proof proof = made.proof;
    for (const auto& [name, path] : paths_of(proof)) {
      const merkle::Path good = *path;
      for (std::size_t at = 0; at <= good.size(); ++at) {
        *path = good;
        path->insert(path->begin() + static_cast<std::ptrdiff_t>(at), at == 0 ? Hash{} : good[at - 1]);
        EXPECT_GE(scene().verdict(proof, made.query), 64) << made.name << " " << name << " longer at " << at;
        if (at == good.size()) continue;
        *path = good;
        path->erase(path->begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_GE(scene().verdict(proof, made.query), 64) << made.name << " " << name << " shorter at " << at;
      }
      *path = good;
    }
    ASSERT_EQ(scene().verdict(proof, made.query), made.expected);
  }
}

TEST(ProofMutation, EveryPartOfAnotherProofPutInItsPlace) {
  std::vector<Proof> others = {scene().older()};
  for (const Made& made : scene().made()) others.push_back(made.proof);
  std::size_t tried = 0;
  for (const Made& made : scene().made()) {
    for (const Proof& other : others) {
      for (const auto& [name, put] : parts()) {
        Proof mixed = made.proof;
        put(mixed, other);
        const Bytes bytes = encode(mixed);
        if (bytes == encode(made.proof) || bytes == encode(other)) continue;
        // A light proof is the full one without the institution's record: either way it is a proof of the same thing.
        if (name == "institution" && scene().verdict(mixed, made.query) == made.expected) {
          const bool same = mixed.block == made.proof.block;
          EXPECT_TRUE(same);
          continue;
        }
        ++tried;
        EXPECT_GE(scene().verdict(mixed, made.query), 16) << made.name << " with another's " << name;
      }
    }
  }
  EXPECT_GT(tried, 500u);
}

TEST(ProofMutation, AStatusBeforeARevocationIsNeverTheStatusNow) {
  const Made& earlier = scene().made()[7];
  ASSERT_EQ(earlier.name, "r1/3 earlier");
  verifier::Query query = earlier.query;
  EXPECT_EQ(scene().verdict(earlier.proof, query), TESTAMUR_GOOD) << "at that time it was good";
  query.at_ms.reset();
  EXPECT_EQ(scene().verdict(earlier.proof, query), TESTAMUR_NOT_CURRENT);
  // Not even without the block that ended it, which is what an attacker would leave out.
  Proof cut = earlier.proof;
  cut.later.reset();
  EXPECT_GE(scene().verdict(cut, query), 64);
  // Nor at the moment of the revocation.
  query.at_ms = earlier.proof.later->record.time.value;
  EXPECT_EQ(scene().verdict(earlier.proof, query), TESTAMUR_TIME_NOT_COVERED);
  query.at_ms = earlier.proof.later->record.time.value - 1;
  EXPECT_EQ(scene().verdict(earlier.proof, query), TESTAMUR_GOOD);
}

TEST(Verifier, AnswersThroughTheCInterfaceSayEverything) {
  const Made& superseded = scene().made()[3];
  const auto answer = verifier::verify(encode(superseded.proof), scene().policy(), superseded.query);
  EXPECT_EQ(answer.verdict, TESTAMUR_SUPERSEDED);
  EXPECT_TRUE(verifier::is_answer(answer) && !verifier::is_refusal(answer));
  EXPECT_STREQ(answer.institution, "university-0.example");
  EXPECT_STREQ(answer.register_name, "r1");
  EXPECT_EQ(answer.number, 5u);
  EXPECT_EQ(answer.has_event, 1);
  EXPECT_EQ(answer.reason, 4);
  EXPECT_EQ(answer.has_replacement, 1);
  EXPECT_STREQ(answer.replacement_institution, "university-1.example");
  EXPECT_STREQ(answer.replacement_register, "r0");
  EXPECT_EQ(answer.replacement_number, 2u);
  EXPECT_EQ(answer.signatures_checked, 1);
  EXPECT_EQ(answer.document_checked, 1);
}

TEST(Verifier, HalfAnEntryIsNone) {
  const Made& good = scene().made()[0];
  const Bytes bytes = encode(good.proof);
  testamur_question question{};
  question.document_hash = good.query.document_hash->data();
  question.institution = "somebody.example";
  testamur_finding finding;
  EXPECT_EQ(testamur_verify(bytes.data(), bytes.size(), scene().policy().data(), scene().policy().size(), &question,
                            &finding),
            TESTAMUR_NO_ENTRY_NAMED);
}

TEST(Verifier, EveryCodeHasItsNameAndSentenceInBothHeaders) {
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_GOOD), "good");
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_TOO_OLD), "too_old");
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_NO_ENTRY_NAMED), "no_entry_named");
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_MALFORMED_PROOF), "malformed_proof");
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_DOCUMENT_MISMATCH), "document_mismatch");
  EXPECT_STREQ(testamur_verdict_name(TESTAMUR_OUT_OF_MEMORY), "out_of_memory");
  for (const int none : {-1, 5, 15, 25, 63, 96, 128, 256, 1 << 30}) {
    EXPECT_STREQ(testamur_verdict_name(none), "unknown") << none;
  }
  std::set<std::string> names;
  for (int code = 0; code < 128; ++code) {
    const std::string found = testamur_verdict_name(code);
    if (found == "unknown") continue;
    EXPECT_TRUE(names.insert(found).second) << found;
    EXPECT_STRNE(testamur_verdict_sentence(code), "");
  }
  EXPECT_EQ(names.size(), 47u);
}

TEST(ProofJson, ShowsTheProof) {
  const std::string json = tools::proof_to_json(scene().made()[3].proof, "origin");
  for (const std::string_view word :
       {"\"number\":5", "\"status\":\"superseded\"", "\"reason\":\"fraudulent_admission\"",
        "\"replacement\":{\"institution\":\"university-1.example\"", "\"salt\":", "\"approvals\":2"}) {
    EXPECT_NE(json.find(word), json.npos) << word << " in " << json;
  }
  EXPECT_NE(tools::proof_to_json(scene().made()[2].proof, "o").find("\"events_before\""), json.npos);
  EXPECT_NE(tools::proof_to_json(scene().made()[7].proof, "o").find("\"later_block\""), json.npos);
}

}  // namespace
}  // namespace testamur::test
