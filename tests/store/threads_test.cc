// Goal: many readers beside the one writer: each sees one certified moment, and every proof it makes verifies.
// Method: threads make and verify proofs while blocks are applied, certified, rolled back and synced. Run under the thread
// sanitizer as well.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "random_ledger.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

void read_until(const std::atomic<bool>& done, const TestLedger& test, std::uint64_t seed, std::atomic<int>& proofs,
                std::atomic<int>& wrong) {
  std::mt19937_64 random(seed);
  const Policy policy = test.world().policy();
  do {
    const auto history = test.history();
    const std::string institution = World::institution_id(static_cast<unsigned>(random() % 2));
    const std::string name = "r" + std::to_string(random() % 2);
    const RegisterRecord record = value_of(history->register_at(institution, name, history->height()));
    const EntryNumber number{random() % (record.issued + 2)};
    const Bytes proof = encode(value_of(history->prove({institution, name, number})));
    Question question;
    question.entry = Question::Entry{institution, name, number};
    const Finding finding = verify(proof, policy, question);
    const bool expected =
        is_answer(finding.verdict) && (finding.verdict == Verdict::not_yet_issued) == (number.value >= record.issued);
    if (!expected) ++wrong;
    ++proofs;
  } while (!done);
}

TEST(StoreThreads, ReadersBesideTheWriter) {
  TestLedger test(World({.institutions = 2, .registers = 2}));
  test.certify();
  std::atomic<bool> done = false;
  std::atomic<int> proofs = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (std::uint64_t i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] { read_until(done, test, i, proofs, wrong); });
  }
  for (int block = 0; block < 60; ++block) {
    apply_seeded_block(test, 21);
    if (block % 10 == 0) value_of(test.ledger().sync());
  }
  // The readers have had their turn once each has made a proof at least; the bound is the test's own time limit.
  while (proofs < 3) std::this_thread::yield();
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace testamur::test
