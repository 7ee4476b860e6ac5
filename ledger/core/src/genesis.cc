#include "testamur/ledger/genesis.h"

#include <set>

#include "testamur/ledger/merkle.h"
#include "testamur/ledger/sha256.h"

namespace testamur {
namespace {

/// Collects what must be unique in a ledger and tells the first thing that is there twice.
class Uniqueness {
 public:
  void add(std::string_view kind, std::string_view what) {
    if (!seen_.insert(std::string(kind) + '\0' + std::string(what)).second && !error_) {
      error_ = Error{ErrorCode::invalid,
                     "genesis: expected each " + std::string(kind) + " once, found " + std::string(what) + " twice"};
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::set<std::string> seen_;
  std::optional<Error> error_;
};

Error invalid(std::size_t index, std::string_view field, std::string_view expected) {
  return {ErrorCode::invalid, "genesis.records[" + std::to_string(index) + "]." + std::string(field) + ": expected " +
                                  std::string(expected)};
}

void add_unique(Uniqueness& unique, const ConsortiumRecord& record) {
  for (const Node& node : record.nodes) {
    unique.add("node name", node.name);
    unique.add("public key", to_hex(node.note_key));
    unique.add("public key", to_hex(node.cosigner_key));
    unique.add("TLS key", to_hex(node.tls_spki));
  }
}

void add_unique(Uniqueness& unique, const InstitutionRecord& record) {
  unique.add("institution", record.id);
  for (const Key& key : record.keys) unique.add("public key", to_hex(key.public_key));
}

void add_unique(Uniqueness& unique, const RegisterRecord& record) {
  unique.add("register", record.institution + "/" + record.name);
}

bool is_empty(const RegisterRecord& record) {
  const Hash& none = merkle::empty_root();
  return record.issued == 0 && record.batches == 0 && record.events == 0 && record.status_root == none &&
         record.batches_root == none && record.events_root == none;
}

Result<void> check(const Genesis& genesis) {
  if (genesis.records.empty() || !std::holds_alternative<ConsortiumRecord>(genesis.records.front())) {
    return Error{ErrorCode::invalid, "genesis.records[0]: expected the consortium record"};
  }
  if (auto checked = check_consortium(std::get<ConsortiumRecord>(genesis.records.front())); !checked) return checked;
  Uniqueness unique;
  std::set<std::string_view> institutions;
  for (std::size_t i = 0; i < genesis.records.size(); ++i) {
    const Record& record = genesis.records[i];
    if (i > 0 && std::holds_alternative<ConsortiumRecord>(record)) {
      return invalid(i, "type", "an institution or a register: there is one consortium record, the first");
    }
    if (std::visit([](const auto& r) { return r.revision; }, record) != 0) return invalid(i, "revision", "0");
    if (const auto* institution = std::get_if<InstitutionRecord>(&record)) institutions.insert(institution->id);
    std::visit([&](const auto& r) { add_unique(unique, r); }, record);
  }
  for (std::size_t i = 0; i < genesis.records.size(); ++i) {
    const auto* record = std::get_if<RegisterRecord>(&genesis.records[i]);
    if (record == nullptr) continue;
    if (!institutions.contains(record->institution)) return invalid(i, "institution", "an institution of this genesis");
    if (!is_empty(*record)) return invalid(i, "issued", "an empty register: counts 0 and roots H(\"\")");
  }
  if (unique.error()) return *unique.error();
  return {};
}

}  // namespace

Bytes encode(const Genesis& genesis) {
  Writer records;
  for (const Record& record : genesis.records) records.opaque24(encode(record));
  Writer writer;
  writer.time(genesis.created).opaque24(records.bytes());
  return std::move(writer).bytes();
}

Result<Genesis> decode_genesis(ByteView bytes) {
  Genesis genesis;
  Reader reader(bytes, "genesis");
  genesis.created = reader.time("created");
  Reader records(reader.opaque24("records"), "genesis.records");
  if (auto error = reader.finish()) return *error;
  while (records.ok() && !records.at_end()) {
    auto record = decode_record(records.opaque24("record"));
    if (!records.ok()) break;
    if (!record) {
      return Error{record.error().code,
                   "genesis.records[" + std::to_string(genesis.records.size()) + "]: " + record.error().message};
    }
    genesis.records.push_back(std::move(*record));
  }
  if (auto error = records.finish()) return *error;
  if (auto checked = check(genesis); !checked) return checked.error();
  return genesis;
}

Hash ledger_id(ByteView genesis) { return sha256(genesis); }

std::string origin_line(std::string_view origin, const Hash& ledger) {
  return std::string(origin) + "/" + to_hex(ledger);
}

}  // namespace testamur
