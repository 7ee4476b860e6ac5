#include "preloaded.h"

#include <map>
#include <random>

namespace testamur::test {
namespace {

/// Signatures are not checked while loading: what is measured comes after.
bool believe(const PublicKey&, ByteView, const SignatureBytes&) { return true; }

std::unique_ptr<TestLedger> load(std::uint64_t entries) {
  auto test = std::make_unique<TestLedger>(World({.institutions = 7, .registers = 2}));
  std::mt19937_64 random(1);
  std::uint64_t issued = 0;
  std::uint64_t events = 0;
  const World& world = test->world();
  while (issued < entries) {
    const Time now{test->ledger().head().time.value + 1000};
    std::vector<Bytes> signed_bytes;
    for (int i = 0; i < 200 && issued < entries; ++i) {
      const Hash root = bytes_named(std::to_string(issued));
      signed_bytes.push_back(world.sign(0, world.issue(0, "r1", issued, kClassSize, root, false, now)));
      issued += kClassSize;
      const Change change{EntryNumber{issued - 1 - random() % kClassSize},
                          1,
                          random() % 3 == 0 ? Status::suspended : Status::revoked,
                          1,
                          now,
                          std::nullopt};
      signed_bytes.push_back(world.sign(0, world.amend(0, "r1", events++, {change}, now)));
    }
    Payload payload{now, {}};
    for (const Bytes& bytes : signed_bytes) payload.submissions.push_back({bytes, std::span<const Hash>{}});
    const auto applied =
        value_of(test->ledger().apply(store::LogIndex{test->ledger().head().applied.value + 1}, payload, believe));
    for (const auto& outcome : applied.outcomes) {
      if (outcome.code != Acceptance::ok) throw std::runtime_error(std::string(name(outcome.code)));
    }
    test->certify();
  }
  value_of(test->ledger().sync());
  return test;
}

std::map<std::uint64_t, std::unique_ptr<TestLedger>> ledgers;

}  // namespace

void close_preloaded() { ledgers.clear(); }

std::vector<std::uint64_t> numbers_with(TestLedger& test, Status status, std::size_t count) {
  const auto history = test.history();
  const std::uint64_t issued = test.record(0, "r1").issued;
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> out;
  while (out.size() < count) {
    // From a random place on, the first number that has it.
    const std::uint64_t from = random() % (issued - kClassSize);
    const auto runs = value_of(
        history->statuses_at(World::institution_id(0), "r1", EntryNumber{from}, kClassSize, history->height()));
    for (const StatusRun& run : runs) {
      if (run.status == status && out.size() < count) out.push_back(run.first.value);
    }
  }
  return out;
}

TestLedger& preloaded(std::uint64_t entries) {
  auto& ledger = ledgers[entries];
  if (!ledger) ledger = load(trial_run() ? std::min<std::uint64_t>(entries, 10'000) : entries);
  return *ledger;
}

}  // namespace testamur::test
