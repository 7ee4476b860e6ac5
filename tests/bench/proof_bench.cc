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

/// Full proofs of the status now of random numbers that have `status`, encoded. Each has its own view of the store, as each
/// request has.
void make_proofs(benchmark::State& state, Status status) {
  TestLedger& test = preloaded(static_cast<std::uint64_t>(state.range(0)));
  const auto numbers = numbers_with(test, status, 4000);
  std::size_t bytes = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    const auto history = test.history();
    bytes += encode(value_of(history->prove(request_for(numbers[next++ % numbers.size()], true)))).size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
}
void BM_MakeProofGood(benchmark::State& state) { make_proofs(state, Status::good); }
void BM_MakeProofRevoked(benchmark::State& state) { make_proofs(state, Status::revoked); }
BENCHMARK(BM_MakeProofGood)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_MakeProofRevoked)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

/// A suspended number, with `range` later events in its register: the proof shows every one of them (FORMATS 6).
void BM_MakeProofSuspended(benchmark::State& state) {
  TestLedger& test = preloaded(100'000);
  const auto history = test.history();
  const std::uint64_t events = test.record(0, "r1").events;
  const auto later = std::min(static_cast<std::uint64_t>(state.range(0)), events - 1);
  // Suspended numbers were amended class by class: that of class c by event c.
  const std::uint64_t first = (events - 1 - later) * kClassSize;
  std::optional<std::uint64_t> number;
  for (std::uint64_t from = first; !number && from > 0; from -= kClassSize) {
    for (const StatusRun& run : value_of(
             history->statuses_at(World::institution_id(0), "r1", EntryNumber{from}, kClassSize, history->height()))) {
      if (run.status == Status::suspended) number = run.first.value;
    }
  }
  if (!number) return state.SkipWithError("nothing is suspended there");
  std::size_t bytes = 0;
  for (auto _ : state) bytes = encode(value_of(history->prove(request_for(*number, true)))).size();
  state.counters["bytes"] = static_cast<double>(bytes);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_MakeProofSuspended)->Arg(10)->Arg(500)->Unit(benchmark::kMicrosecond);

/// A good number's status at a random time since it was issued.
void BM_MakeProofOfThePast(benchmark::State& state) {
  TestLedger& test = preloaded(static_cast<std::uint64_t>(state.range(0)));
  const std::uint64_t span_ms = test.ledger().head().time.value - kCreated.value;
  std::vector<std::uint64_t> numbers;
  for (const std::uint64_t number : numbers_with(test, Status::good, 8000)) {
    if (number < test.record(0, "r1").issued / 2) numbers.push_back(number);
  }
  std::mt19937_64 random(4);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto history = test.history();
    auto request = request_for(numbers[next++ % numbers.size()], true);
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
  std::vector<std::pair<std::uint64_t, Bytes>> proofs;
  for (const std::uint64_t number : numbers_with(test, Status::good, 64)) {
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
