// Goal: the store is the plain model, at every block, through restarts and rollbacks, and for every block of the past.
// Method: random blocks go to both. After each the block records, hence all roots, must be equal; reads of the past and
// proofs are drawn at random and held against the model; a rollback must bring back the very bytes.
// TESTAMUR_PROPERTY_SEEDS sets how many ledgers are drawn (default 6).
#include <gtest/gtest.h>

#include <cstdlib>

#include "model.h"
#include "random_ledger.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

class PropertyRun {
 public:
  explicit PropertyRun(std::uint64_t seed)
      : blocks_(seed), test_(World({.institutions = 2, .registers = 2})), model_(test_.world()) {
    test_.certify();
    contents_[0] = contents_of(*test_.store());
  }

  void step() {
    apply_block();
    contents_[test_.ledger().head().height.value] = contents_of(*test_.store());
    if (blocks_.draw(3) == 0) test_.certify(1000 + blocks_.draw(3000));
    if (blocks_.draw(8) == 0) test_.reopen();
    if (blocks_.draw(8) == 0) rollback();
    if (blocks_.draw(10) == 0) skip();
    check_past();
  }

 private:
  void apply_block() {
    const store::Head head = test_.ledger().head();
    const Time time{head.time.value + 1 + blocks_.draw(5000)};
    std::vector<Drawn> drawn(blocks_.draw(4));
    Payload payload{time, {}};
    for (Drawn& d : drawn) {
      const auto keys = model_.register_keys();
      const std::string& key = keys[blocks_.draw(keys.size())];
      const RegisterRecord& record = model_.record(key);
      const unsigned institution = record.institution == World::institution_id(0) ? 0 : 1;
      d = blocks_.statement(test_.world(), institution, record, time);
      payload.submissions.push_back(d.handed.view());
    }
    const auto applied = value_of(test_.ledger().apply(store::LogIndex{head.applied.value + 1}, payload));
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const Acceptance expected = model_.judge(drawn[i].statement);
      ASSERT_EQ(name(applied.outcomes[i].code), name(expected)) << i;
      if (expected != Acceptance::ok) continue;
      ASSERT_EQ(applied.outcomes[i].leaf.value, model_.size());
      model_.accept(drawn[i].statement, drawn[i].handed.signed_statement, time);
    }
    const BlockRecord record = model_.end_block(time);
    ASSERT_EQ(encode(applied.record), encode(record)) << "block " << record.height.value;
    ASSERT_EQ(test_.ledger().head().root, model_.root());
    for (const std::string& key : model_.register_keys()) {
      const RegisterRecord& expected = model_.record(key);
      const unsigned institution = expected.institution == World::institution_id(0) ? 0 : 1;
      ASSERT_EQ(encode(test_.record(institution, expected.name)), encode(expected));
    }
  }

  void rollback() {
    const std::uint64_t least = test_.ledger().certified_height().value;
    const std::uint64_t height = least + blocks_.draw(test_.ledger().head().height.value - least + 1);
    value_of(test_.ledger().rollback(Height{height}));
    ASSERT_EQ(contents_of(*test_.store()), contents_.at(height)) << "rolled back to " << height;
    model_.rollback(Height{height});
    ASSERT_EQ(test_.ledger().head().root, model_.root());
  }

  /// A payload that makes no block moves the applied index, and nothing else.
  void skip() {
    const store::Head head = test_.ledger().head();
    const auto applied = value_of(test_.ledger().apply(store::LogIndex{head.applied.value + 1}, Bytes{1}));
    ASSERT_FALSE(applied.made_block);
    ASSERT_EQ(test_.ledger().head().root, head.root);
  }

  void check_past() {
    const auto history = test_.history();
    const Height newest = history->height();
    const Policy policy = test_.world().policy();
    ASSERT_EQ(history->certified().checkpoint.root, model_.root_at(history->certified().checkpoint.size));
    for (int i = 0; i < 4; ++i) {
      const Height height{blocks_.draw(newest.value + 1)};
      const auto keys = model_.register_keys();
      const std::string key = keys[blocks_.draw(keys.size())];
      const RegisterRecord& record = model_.record_at(key, height);
      ASSERT_EQ(value_of(history->register_at(record.institution, record.name, height)), record);
      ASSERT_EQ(value_of(history->block(height)), model_.block(height));
      if (record.issued == 0) continue;
      const std::uint64_t number = blocks_.draw(record.issued);
      const std::uint64_t count = 1 + blocks_.draw(std::min<std::uint64_t>(record.issued - number, 300));
      check_runs(*history, key, record, EntryNumber{number}, count, height);
      check_proof(*history, policy, key, EntryNumber{number + blocks_.draw(count + 1)}, height);
    }
  }

  void check_runs(const store::History& history, const std::string& key, const RegisterRecord& record,
                  EntryNumber first, std::uint64_t count, Height height) {
    std::uint64_t at = first.value;
    for (const StatusRun& run : value_of(history.statuses_at(record.institution, record.name, first, count, height))) {
      ASSERT_EQ(run.first.value, at);
      for (std::uint64_t n = 0; n < run.count; ++n, ++at) {
        ASSERT_EQ(run.status, model_.status_at(key, at, height)) << key << " " << at << " at " << height.value;
      }
    }
    ASSERT_EQ(at, first.value + count);
  }

  void check_proof(const store::History& history, const Policy& policy, const std::string& key, EntryNumber number,
                   Height height) {
    const RegisterRecord& record = model_.record_at(key, height);
    store::ProofRequest request{record.institution, record.name, number, {}, true, false};
    const bool current = height == history.height();
    if (!current) request.at = model_.block(height).time;
    const Bytes proof = encode(value_of(history.prove(request)));
    Question question;
    question.entry = Question::Entry{record.institution, record.name, number};
    question.at = request.at;
    const Finding finding = verify(proof, policy, question);
    if (number.value >= record.issued) {
      ASSERT_EQ(name(finding.verdict), name(Verdict::not_yet_issued));
      return;
    }
    ASSERT_EQ(name(finding.verdict), name(model_.status_at(key, number.value, height))) << finding.detail;
    ASSERT_TRUE(finding.signatures_checked);
    ASSERT_EQ(finding.status_since, model_.block(height).time);
    if (!current) {
      Question now = question;
      now.at.reset();
      ASSERT_EQ(name(verify(proof, policy, now).verdict), name(Verdict::not_current));
    }
  }

  RandomBlocks blocks_;
  TestLedger test_;
  Model model_;
  std::map<std::uint64_t, Hash> contents_;
};

TEST(Store, IsThePlainModel) {
  const char* asked = std::getenv("TESTAMUR_PROPERTY_SEEDS");
  const std::uint64_t seeds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 6;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PropertyRun run(seed);
    for (int block = 0; block < 60; ++block) {
      run.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace testamur::test
