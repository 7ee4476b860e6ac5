// The verifier. Signatures are honest and the fuzzer cannot make any: no input may come to an answer but the proofs of the
// corpus, which are of numbers 0 to 8 of one register.
#include "fuzz.h"
#include "testamur/ledger/verify.h"
#include "world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  static const test::World world;
  static const Policy policy = world.policy();
  Question question;
  question.now = Time{test::kCreated.value + 60'000};
  question.max_age_ms = 3600'000;
  question.document = test::bytes_named("another document");
  const Finding finding = verify({data, size}, policy, question);
  fuzz::require(!is_answer(finding.verdict));
  // Without a document: an answer must be about the entry asked for.
  question.document.reset();
  question.entry = Question::Entry{"nobody.example", "none", EntryNumber{0}};
  fuzz::require(!is_answer(verify({data, size}, policy, question).verdict));
  return 0;
}
