#include "random_ledger.h"

#include <algorithm>

namespace testamur::test {

/// Around the places where something changes: a chunk (128), a tile of chunks (2,048), a tile of tiles (32,768).
std::uint32_t RandomBlocks::draw_count() {
  constexpr std::array<std::uint32_t, 5> edges = {1, 128, 2048, 32768, 1u << 19};
  const std::uint32_t edge = edges[std::min(draw(8), draw(6)) % edges.size()];
  const auto nudge = static_cast<std::uint32_t>(draw(3));
  return draw(3) == 0 ? static_cast<std::uint32_t>(1 + draw(200)) : std::max(1u, edge + nudge - 1);
}

Drawn RandomBlocks::statement(const World& world, unsigned institution, const RegisterRecord& record, Time now) {
  return record.issued == 0 || draw(3) == 0 ? issue(world, institution, record, now)
                                            : amend(world, institution, record, now);
}

Drawn RandomBlocks::issue(const World& world, unsigned institution, const RegisterRecord& record, Time now) {
  const bool listed = draw(3) == 0;
  const std::uint32_t count = listed ? static_cast<std::uint32_t>(1 + draw(300)) : draw_count();
  Class entries;
  if (listed) entries = make_class(std::to_string(random_()), count, true);
  const Hash root = listed ? entries.root : bytes_named(std::to_string(random_()));
  Statement statement = world.issue(institution, record.name, record.issued, count, root, listed, now);
  Bytes signed_bytes = world.sign(institution, statement);
  return {std::move(statement), {std::move(signed_bytes), std::move(entries.commitments)}};
}

Drawn RandomBlocks::amend(const World& world, unsigned institution, const RegisterRecord& record, Time now) {
  std::vector<Change> changes(1 + draw(3));
  std::uint64_t left = kMaxBatch;
  for (Change& change : changes) {
    const std::uint64_t first = draw(4) == 0 ? 0 : draw(record.issued);
    const std::uint64_t most = std::min({record.issued - first, left - changes.size(), std::uint64_t{1} << 19});
    const std::uint64_t count = draw(3) == 0 ? most : std::min<std::uint64_t>(most, draw_count());
    change.first = EntryNumber{first};
    change.count = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, count));
    left -= change.count;
    // Mostly suspensions and reinstatements, so that a register does not end up revoked altogether.
    const std::uint64_t kind = draw(12);
    change.status = kind < 6     ? Status::suspended
                    : kind < 10  ? Status::good
                    : kind == 10 ? Status::revoked
                                 : Status::superseded;
    change.reason = static_cast<std::uint8_t>(draw(kLastReason + 1));
  }
  Statement statement = world.amend(institution, record.name, record.events, std::move(changes), now);
  Bytes signed_bytes = world.sign(institution, statement);
  return {std::move(statement), {std::move(signed_bytes), {}}};
}

void apply_seeded_block(TestLedger& test, std::uint64_t seed) {
  const store::Head head = test.ledger().head();
  RandomBlocks blocks(seed * 1'000'003 + head.height.value);
  std::vector<Handed> handed(blocks.draw(4));
  for (Handed& h : handed) {
    const auto institution = static_cast<unsigned>(blocks.draw(test.world().consortium().nodes.size()));
    const std::string name = "r" + std::to_string(blocks.draw(2));
    h = blocks.statement(test.world(), institution, test.record(institution, name), head.time).handed;
  }
  const std::uint64_t step_ms = 1 + blocks.draw(5000);
  test.apply(handed, step_ms);
  if (head.height.value % 7 == 3) {
    value_of(test.ledger().rollback(head.height));
    test.apply(handed, step_ms);
  }
  if (head.height.value % 5 == 0) test.certify();
}

Hash contents_of(const storage::KeyValueStore& store) {
  Writer all;
  store.view()->scan({}, {}, [&](ByteView key, ByteView value) {
    if (key[0] != 'K' && key[0] != 'U' && key[0] != 0) all.opaque24(key).opaque24(value);
    return true;
  });
  return sha256(all.bytes());
}

}  // namespace testamur::test
