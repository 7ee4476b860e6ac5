// The store: tiles, status changes, whole blocks.
#include <benchmark/benchmark.h>

#include <random>

#include "append_tree.h"
#include "keys.h"
#include "preloaded.h"
#include "status_tree.h"

namespace testamur::test {
namespace {

/// Appends to a stored tree: `range` leaves, the root, and the writes of the tiles touched.
void BM_StoredTreeAppend(benchmark::State& state) {
  store::AppendEdge edge;
  const Bytes prefix = store::keys::log_tree();
  Hash leaf = bytes_named("leaf");
  for (auto _ : state) {
    store::BlockWrites writes;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      leaf[0] = static_cast<std::uint8_t>(i);
      edge.append(leaf);
    }
    benchmark::DoNotOptimize(edge.root());
    edge.flush(prefix, writes);
    benchmark::DoNotOptimize(writes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_StoredTreeAppend)->Arg(1)->Arg(100)->Arg(4096);

/// One entry's status changed, and the new root, in a register of `range` entries with one of a hundred not good.
void BM_StatusChange(benchmark::State& state) {
  TestLedger& test = preloaded(static_cast<std::uint64_t>(state.range(0)));
  const RegisterRecord record = test.record(0, "r1");
  std::uint32_t index = 0;
  while (true) {
    const Record found = value_of(decode_record(value_of(test.ledger().record(index))));
    const auto* reg = std::get_if<RegisterRecord>(&found);
    if (reg != nullptr && reg->institution == record.institution && reg->name == record.name) break;
    ++index;
  }
  const auto view = test.store()->view();
  const Height height = test.ledger().head().height;
  std::mt19937_64 random(2);
  for (auto _ : state) {
    store::StatusTree tree(*view, store::keys::status_tree(index), height, record.issued);
    store::BlockWrites writes;
    const std::vector<StatusRun> run = {{EntryNumber{random() % record.issued}, 1, Status::revoked}};
    tree.update(run, record.issued, Height{height.value + 1}, writes);
    benchmark::DoNotOptimize(tree.root());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StatusChange)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);

/// Blocks of `range` one-entry statements over the world's registers, each with two signatures, all checked.
void BM_ApplyOneEntryStatements(benchmark::State& state) {
  TestLedger test(World({.institutions = 16, .registers = 4}));
  const auto root = make_class("one", 1, false).root;
  std::map<std::string, std::uint64_t> issued;
  std::int64_t statements = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const Time now{test.ledger().head().time.value + 10};
    std::vector<Bytes> signed_bytes;
    Payload payload{now, {}};
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const auto institution = static_cast<unsigned>(i % 16);
      const std::string name = "r" + std::to_string(i / 16 % 4);
      const std::uint64_t first = issued[std::to_string(institution) + name]++;
      signed_bytes.push_back(
          test.world().sign(institution, test.world().issue(institution, name, first, 1, root, false, now)));
    }
    for (const Bytes& bytes : signed_bytes) payload.submissions.push_back({bytes, std::span<const Hash>{}});
    state.ResumeTiming();
    const auto applied =
        value_of(test.ledger().apply(store::LogIndex{test.ledger().head().applied.value + 1}, payload));
    state.PauseTiming();
    for (const auto& outcome : applied.outcomes) statements += outcome.code == Acceptance::ok ? 1 : 0;
    test.certify();  // as a running node does, which takes the undo away
    state.ResumeTiming();
  }
  if (statements != state.iterations() * state.range(0)) state.SkipWithError("a statement was refused");
  state.SetItemsProcessed(statements);
}
BENCHMARK(BM_ApplyOneEntryStatements)->Arg(1)->Arg(64)->Arg(512)->Unit(benchmark::kMicrosecond);

/// Blocks of one listed statement of 4,096 entries, two signatures checked.
void BM_ApplyListed4096(benchmark::State& state) {
  TestLedger test;
  std::int64_t entries = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::uint64_t first = test.record(0, "r0").issued;
    const Class listed = make_class("listed " + std::to_string(first), 4096, true);
    const Bytes bytes = test.world().sign(0, test.world().issue(0, "r0", first, 4096, listed.root, true, test.now()));
    Payload payload{Time{test.ledger().head().time.value + 10}, {{bytes, std::span<const Hash>(listed.commitments)}}};
    state.ResumeTiming();
    const auto applied =
        value_of(test.ledger().apply(store::LogIndex{test.ledger().head().applied.value + 1}, payload));
    state.PauseTiming();
    entries += applied.outcomes[0].code == Acceptance::ok ? 4096 : 0;
    test.certify();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(entries);
}
BENCHMARK(BM_ApplyListed4096)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace testamur::test
