#include "golden_check.h"

#include "scratch.h"
#include "testamur/ledger/genesis.h"
#include "testamur/storage/rocks.h"
#include "testamur/store/ledger.h"

namespace testamur::vectors {
namespace {

using store::Ledger;

template <class T>
T require(Result<T> result, const Field& at) {
  if (!result) at.fail(result.error().message);
  return std::move(*result);
}

/// A submission with the bytes it views.
struct OwnedSubmission {
  Bytes signed_statement;
  std::vector<Hash> listed;
  bool well_formed = true;

  Submission view() const {
    Submission submission{signed_statement, std::span<const Hash>(listed)};
    if (!well_formed) submission.listed = std::nullopt;
    return submission;
  }
};

OwnedSubmission read_submission(const Field& field) {
  OwnedSubmission submission{field["signed"].hex(), {}, true};
  for (const Field& item : field["listed"].items()) {
    const Bytes bytes = item.hex();
    if (bytes.size() != sizeof(Hash)) {
      submission.well_formed = false;
      continue;
    }
    std::copy(bytes.begin(), bytes.end(), submission.listed.emplace_back().begin());
  }
  return submission;
}

/// Checks the file's cosignatures and verifier keys against the voters, and certifies the ledger's head with them.
void check_cosignatures(const Field& expect, Ledger& ledger, Time block_time) {
  const Checkpoint checkpoint = ledger.checkpoint();
  const std::string body = encode(checkpoint);
  expect["checkpoint"].expect(body);
  const auto voting = voters(ledger.consortium());
  const auto vkeys = expect["vkeys"].items();
  const auto lines = expect["cosignatures"].items();
  if (vkeys.size() != voting.size())
    expect["vkeys"].fail("expected " + std::to_string(voting.size()) + " voters' keys");
  if (lines.size() != voting.size()) expect["cosignatures"].fail("expected one of each voter");
  CertifiedCheckpoint certified{checkpoint, ledger.head().epoch, {}, {}};
  for (std::size_t i = 0; i < voting.size(); ++i) {
    vkeys[i].expect(encode(cosigner_key(*voting[i])));
    const SignatureLine line = require(decode_signature_line(lines[i].text()), lines[i]);
    const Cosignature cosignature = require(cosignature_from(line), lines[i]);
    // The line must be the one that this cosignature and this node's name encode to.
    lines[i].expect(encode(to_line(cosignature, voting[i]->name)));
    if (cosignature.key_id != cosigner_key(*voting[i]).id()) lines[i].fail("expected the key id of " + voting[i]->name);
    if (!verify_cosignature(body, cosignature, voting[i]->cosigner_key)) lines[i].fail("expected it to verify");
    if (cosignature.seconds < block_time.value / 1000) lines[i].fail("expected a time no earlier than the block's");
    certified.cosignatures.push_back(cosignature);
  }
  if (const auto done = ledger.certify(certified); !done) expect["cosignatures"].fail(done.error().message);
}

void check_registry(const Field& expect, const Ledger& ledger) {
  const auto records = expect["registry"].items();
  if (records.size() != ledger.head().registry_size) {
    expect["registry"].fail("expected " + std::to_string(records.size()) + " records, found " +
                            std::to_string(ledger.head().registry_size));
  }
  for (std::uint32_t i = 0; i < records.size(); ++i) {
    records[i].expect_hex(require(ledger.record(i), records[i]));
  }
}

void check_block(const Field& expect, Ledger& ledger, const BlockRecord& record) {
  expect["height"].expect(ledger.head().height.value);
  check_registry(expect, ledger);
  expect["registry_root"].expect_hex(record.registry_root);
  expect["block_record"].expect_hex(encode(record));
  expect["size"].expect(ledger.head().size);
  expect["root"].expect_hex(ledger.head().root);
  check_cosignatures(expect, ledger, record.time);
}

}  // namespace

std::string check_golden(const boost::json::value& json) {
  const Field file(json, "");
  const Bytes genesis = file["genesis"].hex();
  const Genesis decoded = require(decode_genesis(genesis), file["genesis"]);
  file["created"].expect(decoded.created.value);
  file["ledger_id"].expect_hex(ledger_id(genesis));

  const test::ScratchDirectory scratch;
  std::shared_ptr<storage::KeyValueStore> kv =
      require(storage::open_rocks(scratch.path() + "/ledger", true), file["genesis"]);
  const auto ledger = require(Ledger::create(kv, genesis), file["genesis"]);

  const Field genesis_expect = file["genesis_expect"];
  const Bytes first_leaf = require(ledger->leaf(LeafIndex{0}), genesis_expect);
  check_block(genesis_expect, *ledger, require(decode_block_record(first_leaf), genesis_expect));
  std::size_t statements = 0;
  std::uint64_t index = 0;
  for (const Field& block : file["blocks"].items()) {
    ++index;
    const Field named = block.renamed("block " + std::to_string(index));
    std::vector<OwnedSubmission> owned;
    const auto submissions = named["submissions"].items();
    for (const Field& submission : submissions) owned.push_back(read_submission(submission));
    Payload payload{Time{named["time"].number()}, {}};
    for (const OwnedSubmission& submission : owned) payload.submissions.push_back(submission.view());
    const store::Applied applied = require(ledger->apply(store::LogIndex{index}, payload), named);
    if (!applied.made_block) named["time"].fail("expected a time above the last block's");
    for (std::size_t i = 0; i < submissions.size(); ++i)
      submissions[i]["result"].expect(name(applied.outcomes[i].code));
    check_block(named["expect"], *ledger, applied.record);
    statements += submissions.size();
  }
  const auto leaves = file["leaves"].items();
  if (leaves.size() != ledger->head().size) {
    file["leaves"].fail("expected " + std::to_string(leaves.size()) + " leaves, found " +
                        std::to_string(ledger->head().size));
  }
  for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].expect_hex(require(ledger->leaf(LeafIndex{i}), leaves[i]));
  return std::to_string(index) + " blocks, " + std::to_string(statements) + " submissions, " +
         std::to_string(leaves.size()) + " leaves";
}

}  // namespace testamur::vectors
