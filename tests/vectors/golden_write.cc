#include "golden_write.h"

#include <random>

#include "test_ledger.h"

namespace testamur::vectors {
namespace {

using boost::json::array;
using boost::json::object;
using test::Handed;
using test::TestLedger;
using test::World;

object expect_json(TestLedger& test, const Bytes& block_record) {
  store::Ledger& ledger = test.ledger();
  const CertifiedCheckpoint certified = test.certify();
  array registry;
  for (std::uint32_t i = 0; i < ledger.head().registry_size; ++i) {
    registry.emplace_back(to_hex(test::value_of(ledger.record(i))));
  }
  array cosignatures;
  array vkeys;
  const std::uint64_t seconds = (ledger.head().time.value + 1000) / 1000;
  for (unsigned i = 0; i < test.world().consortium().nodes.size(); ++i) {
    const Node& node = test.world().consortium().nodes[i];
    cosignatures.emplace_back(encode(to_line(test.world().cosign(i, certified.checkpoint, seconds), node.name)));
    vkeys.emplace_back(encode(cosigner_key(node)));
  }
  return {{"height", ledger.head().height.value},
          {"size", ledger.head().size},
          {"root", to_hex(ledger.head().root)},
          {"block_record", to_hex(block_record)},
          {"registry", std::move(registry)},
          {"registry_root", to_hex(test::value_of(decode_block_record(block_record)).registry_root)},
          {"checkpoint", encode(certified.checkpoint)},
          {"cosignatures", std::move(cosignatures)},
          {"vkeys", std::move(vkeys)}};
}

/// Draws statements: mostly good ones, some broken in one way.
class Author {
 public:
  Author(TestLedger& test, std::uint64_t seed) : test_(test), random_(seed) {}

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  Handed statement() {
    const auto institution = static_cast<unsigned>(draw(4));
    const std::string name = "r" + std::to_string(draw(2));
    const RegisterRecord record = test_.record(institution, name);
    const bool amends = record.issued > 0 && draw(2) == 0;
    Handed handed = amends ? amendment(institution, record) : issue(institution, record);
    if (draw(8) == 0) handed.signed_statement[draw(handed.signed_statement.size())] ^= 1;
    if (draw(20) == 0) handed.signed_statement.pop_back();
    if (draw(12) == 0) handed.listed.push_back(test::bytes_named("stray"));
    return handed;
  }

 private:
  Handed issue(unsigned institution, const RegisterRecord& record) {
    const auto count = static_cast<std::uint32_t>(1 + draw(draw(6) == 0 ? 300 : 4));
    const bool listed = draw(2) == 0;
    const auto entries = test::make_class(record.institution + record.name + std::to_string(random_()), count, listed);
    const std::uint64_t first = record.issued + (draw(10) == 0 ? 1 : 0);
    const Statement statement =
        test_.world().issue(institution, record.name, first, count, entries.root, listed, signed_at());
    return {sign(institution, statement), listed ? entries.commitments : std::vector<Hash>{}};
  }

  Handed amendment(unsigned institution, const RegisterRecord& record) {
    std::vector<Change> changes(1 + draw(3));
    for (Change& change : changes) {
      change.first = EntryNumber{draw(record.issued + 1)};
      change.count = static_cast<std::uint32_t>(1 + draw(draw(4) == 0 ? record.issued : 2));
      change.status = static_cast<Status>(draw(4));
      change.reason = static_cast<std::uint8_t>(draw(kLastReason + 1));
      change.effective_at = Time{test_.now().value - 5000 + draw(16'000)};
      if (change.status == Status::superseded && draw(2) == 0) {
        change.replacement = Replacement{record.institution, record.name, EntryNumber{draw(record.issued + 2)}};
      }
    }
    const std::uint64_t next = record.events + (draw(10) == 0 ? 1 : 0);
    return {sign(institution, test_.world().amend(institution, record.name, next, changes, signed_at())), {}};
  }

  Time signed_at() {
    constexpr std::uint64_t month_ms = 30ull * 24 * 3600 * 1000;
    return Time{test_.now().value - (draw(15) == 0 ? month_ms : draw(10'000))};
  }

  Bytes sign(unsigned institution, const Statement& statement) {
    const auto signer = draw(15) == 0 ? (institution + 1) % 4 : institution;
    if (draw(10) == 0) return encode(sign_statement(statement, std::array{World::key(institution, "governor")}));
    return test_.world().sign(signer, statement);
  }

  TestLedger& test_;
  std::mt19937_64 random_;
};

}  // namespace

object write_golden(std::uint64_t seed, unsigned blocks) {
  TestLedger test;
  store::Ledger& ledger = test.ledger();
  Author author(test, seed);
  object out = {{"about", "a whole ledger, made by write_golden"},
                {"seed", std::to_string(seed)},
                {"created", test::kCreated.value},
                {"genesis", to_hex(test.world().genesis_bytes())},
                {"ledger_id", to_hex(ledger.id())},
                {"genesis_expect", expect_json(test, test::value_of(ledger.leaf(LeafIndex{0})))}};
  array written;
  for (unsigned block = 0; block < blocks; ++block) {
    std::vector<Handed> handed(author.draw(5));
    for (Handed& h : handed) h = author.statement();
    const store::Applied applied = test.apply(handed, 1 + author.draw(5000));
    array submissions;
    for (std::size_t i = 0; i < handed.size(); ++i) {
      array listed;
      for (const Hash& commitment : handed[i].listed) listed.emplace_back(to_hex(commitment));
      submissions.push_back(object{{"signed", to_hex(handed[i].signed_statement)},
                                   {"listed", std::move(listed)},
                                   {"result", name(applied.outcomes[i].code)}});
    }
    written.push_back(object{{"time", test.now().value},
                             {"submissions", std::move(submissions)},
                             {"expect", expect_json(test, encode(applied.record))}});
  }
  out["blocks"] = std::move(written);
  array leaves;
  for (std::uint64_t i = 0; i < ledger.head().size; ++i) {
    leaves.emplace_back(to_hex(test::value_of(ledger.leaf(LeafIndex{i}))));
  }
  out["leaves"] = std::move(leaves);
  return out;
}

object write_trees(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  array cases;
  const auto path_json = [](const merkle::Path& path) {
    array out;
    for (const Hash& hash : path) out.emplace_back(to_hex(hash));
    return out;
  };
  for (const unsigned size :
       {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 63u, 64u, 65u, 127u, 128u, 129u}) {
    array leaves;
    std::vector<Hash> hashes;
    for (std::uint64_t i = 0; i < size; ++i) {
      const Hash data = test::bytes_named("leaf " + std::to_string(random()));
      const ByteView leaf = ByteView(data).first(random() % 20);
      leaves.emplace_back(to_hex(leaf));
      hashes.push_back(merkle::leaf_hash(leaf));
    }
    const auto node = merkle::reader_of(hashes);
    const std::uint64_t index = random() % size;
    const std::uint64_t old_size = 1 + random() % size;
    cases.push_back(object{{"leaves", std::move(leaves)},
                           {"size", size},
                           {"root", to_hex(merkle::root(node, size))},
                           {"index", index},
                           {"inclusion", path_json(merkle::inclusion_path(node, index, size))},
                           {"old_size", old_size},
                           {"old_root", to_hex(merkle::root(node, old_size))},
                           {"consistency", path_json(merkle::consistency_path(node, old_size, size))}});
  }
  return {{"about", "RFC 6962 trees, made by write_golden"}, {"cases", std::move(cases)}};
}

}  // namespace testamur::vectors
