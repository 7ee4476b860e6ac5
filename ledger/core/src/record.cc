#include "testamur/ledger/record.h"

#include <algorithm>
#include <set>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/sha256.h"

namespace testamur {
namespace {

enum RecordType : std::uint8_t { kConsortium = 1, kInstitution = 2, kRegister = 3 };

constexpr std::uint16_t kRules = 1;
constexpr std::uint8_t kEd25519 = 1;
constexpr std::uint8_t kNoteKeyType = 1;
constexpr std::uint8_t kCosignerKeyType = 4;

// What the reader expects, in the words of the error message.
constexpr std::string_view kInstitutionIdExpected =
    "a lower-case DNS name of two labels or more, 3 to 253 bytes of a-z 0-9 - .";
constexpr std::string_view kRegisterNameExpected = "1 to 64 of a-z 0-9 -";
constexpr std::string_view kNetworkNameExpected = "1 to 255 of a-z 0-9 . : / -";

std::string institution_id(Reader& reader, std::string_view field) {
  std::string id = reader.text(field);
  reader.expect(is_institution_id(id), field, kInstitutionIdExpected);
  return id;
}

std::string network_name(Reader& reader, std::string_view field) {
  std::string text = reader.text(field);
  reader.expect(is_network_name(text), field, kNetworkNameExpected);
  return text;
}

PublicKey key_bytes(Reader& reader, std::string_view field) {
  PublicKey key{};
  const ByteView bytes = reader.opaque16(field, key.size(), key.size());
  if (bytes.size() == key.size()) std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

void write(Writer& writer, const Node& node) {
  Writer keys;
  keys.u8(kNoteKeyType).opaque16(node.note_key);
  keys.u8(kCosignerKeyType).opaque16(node.cosigner_key);
  writer.text(node.name).text(node.institution).u8(static_cast<std::uint8_t>(node.role));
  writer.opaque16(keys.bytes()).raw(node.tls_spki).text(node.address);
}

/// Version 1: one note key (type 1) and one cosigner key (type 4), in this order.
void read_note_keys(Reader& reader, Node& node) {
  Reader keys(reader.opaque16("nodes.note_keys", 1), "note_keys");
  keys.u8_in("type", kNoteKeyType, kNoteKeyType);
  node.note_key = key_bytes(keys, "key");
  keys.u8_in("type", kCosignerKeyType, kCosignerKeyType);
  node.cosigner_key = key_bytes(keys, "key");
  reader.expect(!keys.finish(), "nodes.note_keys", "one key of type 1 and one of type 4, 32 bytes each");
}

Node read_node(Reader& reader) {
  Node node;
  node.name = network_name(reader, "nodes.name");
  node.institution = institution_id(reader, "nodes.institution");
  node.role = static_cast<NodeRole>(reader.u8_in("nodes.role", 1, 2));
  read_note_keys(reader, node);
  node.tls_spki = reader.hash("nodes.tls_spki");
  node.address = network_name(reader, "nodes.address");
  return node;
}

/// The fields of version 1 that leave no choice.
void read_empty_extension(Reader& reader) { reader.opaque16("extension", 0, 0); }

ConsortiumRecord read_consortium(Reader& reader) {
  ConsortiumRecord record;
  const std::uint16_t rules = reader.u16("rules");
  reader.expect(rules == kRules, "rules", "1, the only rules version this program knows");
  record.origin = network_name(reader, "origin");
  record.revision = reader.u32("revision");
  record.threshold = reader.u8("threshold");
  const std::size_t start = reader.offset();
  const ByteView list = reader.opaque24("nodes");
  Reader nodes(list, "consortium");
  while (nodes.ok() && !nodes.at_end()) record.nodes.push_back(read_node(nodes));
  if (const auto error = nodes.finish()) {
    reader.expect(false, "nodes",
                  "well-formed nodes; " + error->message + ", counted from byte " + std::to_string(start + 3));
  }
  read_empty_extension(reader);
  return record;
}

Key read_key(Reader& reader) {
  Key key;
  reader.u8_in("keys.algorithm", kEd25519, kEd25519);
  key.public_key = key_bytes(reader, "keys.public_key");
  key.uses = reader.u8_in("keys.uses", 1, kUseIssue | kUseAmend | kUseGovern);
  key.added_at = reader.time("keys.added_at");
  key.invalid_from = reader.time("keys.invalid_from");
  return key;
}

InstitutionRecord read_institution(Reader& reader) {
  InstitutionRecord record;
  record.id = institution_id(reader, "id");
  record.revision = reader.u32("revision");
  record.display_name = reader.text("display_name");
  reader.expect(is_utf8(record.display_name), "display_name", "valid UTF-8");
  record.state = static_cast<InstitutionState>(reader.u8_in("state", 1, 3));
  record.successor = reader.text("successor");
  reader.expect(record.successor.empty() || is_institution_id(record.successor), "successor",
                "nothing, or an institution id");
  Reader keys(reader.opaque16("keys"), "institution");
  while (keys.ok() && !keys.at_end()) record.keys.push_back(read_key(keys));
  if (const auto error = keys.finish()) reader.expect(false, "keys", "well-formed keys; " + error->message);
  read_empty_extension(reader);
  return record;
}

RegisterRecord read_register(Reader& reader) {
  RegisterRecord record;
  record.institution = institution_id(reader, "institution");
  record.name = reader.text("name");
  reader.expect(is_register_name(record.name), "name", kRegisterNameExpected);
  record.revision = reader.u32("revision");
  record.approvals = reader.u8_in("approvals", 1, 16);
  record.issued = reader.u64("issued");
  record.status_root = reader.hash("status_root");
  record.batches = reader.u64("batches");
  record.batches_root = reader.hash("batches_root");
  record.events = reader.u64("events");
  record.events_root = reader.hash("events_root");
  read_empty_extension(reader);
  return record;
}

}  // namespace

Bytes encode(const ConsortiumRecord& record) {
  Writer nodes;
  for (const Node& node : record.nodes) write(nodes, node);
  Writer writer;
  writer.u8(kConsortium).u16(kRules).text(record.origin).u32(record.revision).u8(record.threshold);
  writer.opaque24(nodes.bytes()).opaque16({});
  return std::move(writer).bytes();
}

Bytes encode(const InstitutionRecord& record) {
  Writer keys;
  for (const Key& key : record.keys) {
    keys.u8(kEd25519).opaque16(key.public_key).u8(key.uses).time(key.added_at).time(key.invalid_from);
  }
  Writer writer;
  writer.u8(kInstitution).text(record.id).u32(record.revision).text(record.display_name);
  writer.u8(static_cast<std::uint8_t>(record.state)).text(record.successor).opaque16(keys.bytes()).opaque16({});
  return std::move(writer).bytes();
}

Bytes encode(const RegisterRecord& record) {
  Writer writer;
  writer.u8(kRegister).text(record.institution).text(record.name).u32(record.revision).u8(record.approvals);
  writer.u64(record.issued).raw(record.status_root).u64(record.batches).raw(record.batches_root);
  writer.u64(record.events).raw(record.events_root).opaque16({});
  return std::move(writer).bytes();
}

Bytes encode(const Record& record) {
  return std::visit([](const auto& r) { return encode(r); }, record);
}

Result<Record> decode_record(ByteView bytes) {
  Reader reader(bytes, "record");
  Record record;
  switch (reader.u8_in("type", kConsortium, kRegister)) {
    case kConsortium: record = read_consortium(reader); break;
    case kInstitution: record = read_institution(reader); break;
    case kRegister: record = read_register(reader); break;
    default: break;
  }
  if (auto error = reader.finish()) return *error;
  return record;
}

Hash key_id(const PublicKey& key) { return sha256({ByteView{&kEd25519, 1}, key}); }

const Key* find_key(const InstitutionRecord& institution, const Hash& id) {
  const auto found = std::find_if(institution.keys.begin(), institution.keys.end(),
                                  [&](const Key& key) { return key_id(key.public_key) == id; });
  return found == institution.keys.end() ? nullptr : &*found;
}

std::vector<const Node*> voters(const ConsortiumRecord& record) {
  std::vector<const Node*> out;
  for (const Node& node : record.nodes) {
    if (node.role == NodeRole::voter) out.push_back(&node);
  }
  return out;
}

unsigned byzantine_quorum(unsigned voters) {
  const unsigned faulty = (voters - 1) / 3;
  return (voters + faulty) / 2 + 1;
}

Result<void> check_consortium(const ConsortiumRecord& record) {
  const auto voting = voters(record);
  if (voting.empty()) return Error{ErrorCode::invalid, "consortium.nodes: expected one voter at least, found none"};
  const auto count = static_cast<unsigned>(voting.size());
  if (record.threshold < byzantine_quorum(count) || record.threshold > count) {
    return Error{ErrorCode::invalid, "consortium.threshold: expected " + std::to_string(byzantine_quorum(count)) +
                                         " to " + std::to_string(count) + " for " + std::to_string(count) +
                                         " voters, found " + std::to_string(record.threshold)};
  }
  std::set<std::string_view> institutions;
  for (const Node* node : voting) {
    if (!institutions.insert(node->institution).second) {
      return Error{ErrorCode::invalid,
                   "consortium.nodes: expected one voter an institution, found two of " + node->institution};
    }
  }
  return {};
}

}  // namespace testamur
