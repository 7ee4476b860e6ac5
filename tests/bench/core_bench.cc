// The pure parts: hashing, trees, signatures, decoding.
#include <benchmark/benchmark.h>

#include "world.h"

namespace testamur::test {
namespace {

void BM_NodeHash(benchmark::State& state) {
  Hash left = bytes_named("l");
  const Hash right = bytes_named("r");
  for (auto _ : state) left = merkle::node_hash(left, right);
  benchmark::DoNotOptimize(left);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_NodeHash)->Threads(1)->Threads(2);

void BM_SignatureCheck(benchmark::State& state) {
  const SecretKey key = key_named("bench");
  const Bytes message(200, 7);
  const SignatureBytes signature = key.sign(message);
  for (auto _ : state) benchmark::DoNotOptimize(ed25519_verify(key.public_key(), message, signature));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SignatureCheck);

/// Appending leaves to a tree in memory; the root every `range` leaves.
void BM_TreeAppend(benchmark::State& state) {
  merkle::CompactRange tree;
  Hash leaf = bytes_named("leaf");
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      leaf[0] = static_cast<std::uint8_t>(i);
      tree.append(leaf);
    }
    benchmark::DoNotOptimize(tree.root());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TreeAppend)->Arg(1)->Arg(100)->Arg(4096);

void BM_DecodeStatement(benchmark::State& state) {
  const World world;
  const Bytes bytes = world.sign(0, world.issue(0, "r0", 0, 9, {}, false, kCreated));
  for (auto _ : state) {
    const auto signed_statement = decode_signed_statement(bytes);
    benchmark::DoNotOptimize(decode_statement(signed_statement->statement));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DecodeStatement);

}  // namespace
}  // namespace testamur::test
