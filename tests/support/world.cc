#include "world.h"

namespace testamur::test {

Hash bytes_named(std::string_view name) { return sha256({as_bytes("testamur test "), as_bytes(name)}); }

SecretKey key_named(std::string_view name) { return SecretKey::from_seed(bytes_named(name)); }

std::string World::institution_id(unsigned i) { return "university-" + std::to_string(i) + ".example"; }

SecretKey World::key(unsigned institution, std::string_view role) {
  return key_named(institution_id(institution) + " " + std::string(role));
}

World::World(WorldOptions options) {
  genesis.created = kCreated;
  ConsortiumRecord consortium;
  consortium.origin = "testamur.example/test";
  for (unsigned i = 0; i < options.institutions; ++i) {
    const std::string name = "node." + institution_id(i);
    consortium.nodes.push_back({name, institution_id(i), NodeRole::voter, key_named(name + " note").public_key(),
                                key_named(name + " cosigner").public_key(), bytes_named(name + " tls"),
                                name + ":7411"});
  }
  consortium.threshold = static_cast<std::uint8_t>(byzantine_quorum(options.institutions));
  genesis.records.emplace_back(consortium);
  for (unsigned i = 0; i < options.institutions; ++i) {
    InstitutionRecord record;
    record.id = institution_id(i);
    record.display_name = "University \xe2\x84\x96 " + std::to_string(i);
    const auto add = [&](std::string_view role, unsigned uses) {
      record.keys.push_back({key(i, role).public_key(), static_cast<std::uint8_t>(uses), kCreated, {}});
    };
    add("a", kUseIssue | kUseAmend);
    add("b", kUseIssue | kUseAmend);
    add("issuer", kUseIssue);
    add("amender", kUseAmend);
    add("governor", kUseGovern);
    genesis.records.emplace_back(std::move(record));
  }
  for (unsigned i = 0; i < options.institutions; ++i) {
    for (unsigned r = 0; r < options.registers; ++r) {
      RegisterRecord record;
      record.institution = institution_id(i);
      record.name = "r" + std::to_string(r);
      record.approvals = static_cast<std::uint8_t>(r % 2 + 1);
      record.status_root = record.batches_root = record.events_root = merkle::empty_root();
      genesis.records.emplace_back(std::move(record));
    }
  }
}

Statement World::issue(unsigned institution, std::string_view name, std::uint64_t first, std::uint32_t count,
                       const Hash& batch_root, bool listed, Time signed_at) const {
  return {ledger(), institution_id(institution), signed_at,
          IssueBody{std::string(name), EntryNumber{first}, count, batch_root, listed}};
}

Statement World::amend(unsigned institution, std::string_view name, std::uint64_t next_event,
                       std::vector<Change> changes, Time signed_at) const {
  return {ledger(), institution_id(institution), signed_at,
          AmendBody{std::string(name), next_event, std::move(changes)}};
}

Bytes World::sign(unsigned institution, const Statement& statement) const {
  const std::array keys = {key(institution, "a"), key(institution, "b")};
  return encode(sign_statement(statement, keys));
}

Cosignature World::cosign(unsigned i, const Checkpoint& checkpoint, std::uint64_t seconds) const {
  const std::string& name = consortium().nodes[i].name;
  return testamur::cosign(checkpoint, seconds, name, key_named(name + " cosigner"));
}

CertifiedCheckpoint World::certify(const Checkpoint& checkpoint, std::uint64_t seconds) const {
  CertifiedCheckpoint certified{checkpoint, 0, {}, {}};
  for (unsigned i = 0; i < consortium().threshold; ++i) {
    certified.cosignatures.push_back(cosign(i, checkpoint, seconds));
  }
  return certified;
}

Class make_class(std::string_view name, std::uint32_t count, bool listed) {
  Class out;
  out.listed = listed;
  merkle::CompactRange tree;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string document = std::string(name) + " document " + std::to_string(i);
    out.documents.push_back(bytes_named(document));
    out.salts.push_back(bytes_named(document + " salt"));
    out.commitments.push_back(listed ? out.documents.back()
                                     : sealed_commitment(out.salts.back(), out.documents.back()));
    tree.append(merkle::leaf_hash(out.commitments.back()));
  }
  out.root = tree.root();
  return out;
}

merkle::Path Class::path(std::uint64_t i) const {
  std::vector<Hash> leaves;
  for (const Hash& commitment : commitments) leaves.push_back(merkle::leaf_hash(commitment));
  return merkle::inclusion_path(merkle::reader_of(leaves), i, leaves.size());
}

}  // namespace testamur::test
