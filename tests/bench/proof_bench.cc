// Proofs: made from a preloaded ledger for random numbers, and verified under five cosigners.
#include <benchmark/benchmark.h>

#include <random>

#include "preloaded.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

store::ProofRequest request_for(std::uint64_t number, bool full) {
  return {World::institution_id(0), "r1", EntryNumber{number}, std::nullopt, full, false};
}

/// A full proof of the status now of a random number, encoded. Each has its own view of the store, as each request has.
void BM_MakeProof(benchmark::State& state) {
  TestLedger& test = preloaded(static_cast<std::uint64_t>(state.range(0)));
  const std::uint64_t issued = test.record(0, "r1").issued;
  std::mt19937_64 random(3);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto history = test.history();
    bytes += encode(value_of(history->prove(request_for(random() % issued, true)))).size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_MakeProof)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

/// The same for a random time since the ledger began.
void BM_MakeProofOfThePast(benchmark::State& state) {
  TestLedger& test = preloaded(static_cast<std::uint64_t>(state.range(0)));
  const std::uint64_t span_ms = test.ledger().head().time.value - kCreated.value;
  std::mt19937_64 random(4);
  for (auto _ : state) {
    const auto history = test.history();
    auto request = request_for(random() % kClassSize, true);
    request.at = Time{kCreated.value + span_ms / 2 + random() % (span_ms / 2)};
    benchmark::DoNotOptimize(encode(value_of(history->prove(request))));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_MakeProofOfThePast)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

void verify_proofs(benchmark::State& state, bool full) {
  TestLedger& test = preloaded(1'000'000);
  const std::string policy = encode(test.world().policy());
  const auto history = test.history();
  const std::uint64_t issued = test.record(0, "r1").issued;
  std::mt19937_64 random(5);
  std::vector<std::pair<std::uint64_t, Bytes>> proofs;
  while (proofs.size() < 64) {
    const std::uint64_t number = random() % issued;
    proofs.emplace_back(number, encode(value_of(history->prove(request_for(number, full)))));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [number, proof] = proofs[next++ % proofs.size()];
    Question question;
    question.entry = Question::Entry{World::institution_id(0), "r1", EntryNumber{number}};
    const Finding finding = verify(proof, policy, question);
    if (!is_answer(finding.verdict)) state.SkipWithError("a proof was refused");
  }
  state.SetItemsProcessed(state.iterations());
}
/// Five cosignatures, two statement signatures, all paths; the policy read anew each time.
void BM_VerifyFull(benchmark::State& state) { verify_proofs(state, true); }
void BM_VerifyLight(benchmark::State& state) { verify_proofs(state, false); }
BENCHMARK(BM_VerifyFull)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_VerifyLight)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace testamur::test
