#include "signing_file.h"

#include <algorithm>

#include <boost/json.hpp>

#include "batch_tree.h"
#include "files.h"
#include "json_reading.h"
#include "testamur/ledger/leaf.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 64u << 20;
constexpr std::size_t kMaxKeys = 4096;
/// Beyond the year 9999 no time can be shown, and sums might wrap.
constexpr std::uint64_t kEndOfTime = 253'402'300'800'000;

template <class Array>
Array fixed_base64(JsonReader& reader, std::string_view name) {
  Array out{};
  const auto bytes = from_base64(reader.text(name));
  const bool good = bytes && bytes->size() == out.size();
  reader.expect(good, name, std::to_string(out.size()) + " bytes in base64");
  if (good) std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

void read_signatures(JsonReader& reader, StatementToSign& to_sign) {
  const Bytes message = statement_message(to_sign.bytes);
  std::optional<Hash> before;
  for (JsonReader& item : reader.list("signatures", kMaxSignatures)) {
    KeySignature held;
    held.key = fixed_base64<PublicKey>(item, "key");
    held.signature = fixed_base64<SignatureBytes>(item, "signature");
    item.finish();
    const Hash id = key_id(held.key);
    item.expect(!before || *before < id, "key", "each key once, in the order of their ids");
    item.expect(ed25519_verify(held.key, message, held.signature), "signature",
                "a signature of this statement by this key, found one that does not hold");
    before = id;
    to_sign.signatures.push_back(held);
  }
}

void read_commitments(JsonReader& reader, StatementToSign& to_sign) {
  const auto bytes = from_base64(reader.text("commitments"));
  const auto* body = std::get_if<IssueBody>(&to_sign.statement.body);
  const std::size_t expected = body != nullptr && body->listed ? body->count : 0;
  if (!bytes || bytes->size() != expected * sizeof(Hash)) {
    reader.expect(false, "commitments", "32 bytes in base64 for each of " + std::to_string(expected) + " entries");
    return;
  }
  to_sign.commitments.resize(expected);
  for (std::size_t i = 0; i < expected; ++i) {
    std::copy_n(bytes->begin() + static_cast<std::ptrdiff_t>(i * sizeof(Hash)), sizeof(Hash),
                to_sign.commitments[i].begin());
  }
  if (expected == 0) return;
  reader.expect(BatchTree(to_sign.commitments).root() == body->batch_root, "commitments",
                "those that hash to the statement's batch root");
}

/// What the ledger would refuse for its own sake, and what goes on where the last of its kind ends. What amends may name what those
/// before it issue, and so comes after all of them.
void check_body(JsonReader& reader, const Statement& statement, const std::vector<StatementToSign>& before) {
  reader.expect(statement.signed_at.value < kEndOfTime, "statement", "a signed_at before the year 10000");
  const Statement* last = before.empty() ? nullptr : &before.back().statement;
  if (const auto* body = std::get_if<IssueBody>(&statement.body)) {
    const auto most = body->listed ? kMaxListedBatch : kMaxBatch;
    reader.expect(body->count >= 1 && body->count <= most, "statement", "a count of 1 to " + std::to_string(most));
    if (last == nullptr) return;
    const auto* issued = std::get_if<IssueBody>(&last->body);
    reader.expect(issued != nullptr && body->first.value == issued->first.value + issued->count, "statement",
                  "numbers that go on where the statement before ends");
  } else if (const auto* changes = std::get_if<AmendBody>(&statement.body)) {
    const auto* amended = last == nullptr ? nullptr : std::get_if<AmendBody>(&last->body);
    if (amended == nullptr) return;
    reader.expect(changes->next_event == amended->next_event + amended->changes.size(), "statement",
                  "an event that goes on where the statement before ends");
  } else {
    reader.expect(false, "statement", "a statement that issues or amends, which is all that this command knows");
  }
}

std::optional<StatementToSign> read_statement(JsonReader& reader, const std::vector<StatementToSign>& before) {
  StatementToSign out;
  auto bytes = from_base64(reader.text("statement"));
  reader.expect(bytes && bytes->size() <= kMaxLeafBytes, "statement", "at most 65535 bytes in base64");
  if (!bytes) return std::nullopt;
  auto statement = decode_statement(*bytes);
  if (!statement) {
    reader.expect(false, "statement", "a statement; " + statement.error().message);
    return std::nullopt;
  }
  check_body(reader, *statement, before);
  if (statement->type() == StatementType::govern) return std::nullopt;
  if (!before.empty()) {
    const Statement& first = before.front().statement;
    const bool same = statement->ledger == first.ledger && statement->institution == first.institution &&
                      register_of(*statement) == register_of(first);
    reader.expect(same, "statement", "the ledger and the register of the statement before");
  }
  out.bytes = std::move(*bytes);
  out.statement = std::move(*statement);
  read_signatures(reader, out);
  read_commitments(reader, out);
  reader.finish();
  return out;
}

SigningFile read(JsonReader& reader, JsonErrors& errors) {
  SigningFile file;
  reader.expect(reader.integer("testamur_signing", UINT32_MAX) == 1, "testamur_signing",
                "1, the only form that this program knows");
  file.approvals = static_cast<std::uint8_t>(reader.integer("approvals", kMaxSignatures));
  for (JsonReader& key : reader.list("keys", kMaxKeys)) {
    file.keys.push_back(key.hash("id"));
    key.finish();
  }
  auto statements = reader.list("statements", kMaxStatementsToSign);
  reader.expect(!statements.empty(), "statements", "one at least");
  for (JsonReader& item : statements) {
    if (errors.first()) break;
    if (auto statement = read_statement(item, file.statements)) file.statements.push_back(std::move(*statement));
  }
  reader.finish();
  return file;
}

json::object to_json(const StatementToSign& to_sign) {
  json::array signatures;
  for (const KeySignature& held : to_sign.signatures) {
    signatures.push_back(json::object{{"key", to_base64(held.key)}, {"signature", to_base64(held.signature)}});
  }
  Writer commitments;
  for (const Hash& commitment : to_sign.commitments) commitments.raw(commitment);
  return {{"statement", to_base64(to_sign.bytes)},
          {"signatures", std::move(signatures)},
          {"commitments", to_base64(commitments.bytes())}};
}

}  // namespace

bool StatementToSign::is_signed_by(const PublicKey& key) const {
  return std::any_of(signatures.begin(), signatures.end(), [&](const auto& held) { return held.key == key; });
}

void StatementToSign::sign(const SecretKey& key) {
  signatures.push_back({key.public_key(), key.sign(statement_message(bytes))});
  std::sort(signatures.begin(), signatures.end(),
            [](const auto& a, const auto& b) { return key_id(a.key) < key_id(b.key); });
}

SignedStatement StatementToSign::signed_statement() const {
  SignedStatement out{bytes, {}};
  for (const KeySignature& held : signatures) out.signatures.push_back({key_id(held.key), held.signature});
  return out;
}

RegisterName SigningFile::in() const {
  const Statement& statement = statements.front().statement;
  return {statement.institution, register_of(statement)};
}

bool SigningFile::has(StatementType type) const {
  return std::any_of(statements.begin(), statements.end(),
                     [&](const StatementToSign& item) { return item.statement.type() == type; });
}

bool SigningFile::may_sign(const PublicKey& key) const {
  return std::find(keys.begin(), keys.end(), key_id(key)) != keys.end();
}

const std::string& register_of(const Statement& statement) {
  const auto* issue = std::get_if<IssueBody>(&statement.body);
  return issue != nullptr ? issue->register_name : std::get<AmendBody>(statement.body).register_name;
}

bool same_statements(const std::vector<StatementToSign>& a, const std::vector<StatementToSign>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& one, const auto& other) { return one.bytes == other.bytes; });
}

StatementToSign to_sign(const Statement& statement, std::vector<Hash> commitments) {
  return {encode(statement), statement, {}, std::move(commitments)};
}

Time last_moment(const SigningFile& file) {
  Time first{kEndOfTime};
  for (const StatementToSign& item : file.statements) first = std::min(first, item.statement.signed_at);
  return Time{first.value + kSignedAtMs};
}

Result<SigningFile> read_signing_file(const std::string& path) {
  const auto text = read_text_file(path, kMaxFileBytes);
  if (!text) return text.error();
  json::error_code wrong;
  const auto value = json::parse(*text, wrong);
  if (wrong || !value.is_object()) return Error{ErrorCode::malformed, path + ": expected a JSON object"};
  JsonErrors errors;
  JsonReader reader(value.get_object(), "signing", errors);
  SigningFile file = read(reader, errors);
  if (errors.first()) return Error{errors.first()->code, path + ": " + errors.first()->message};
  return file;
}

Result<void> write_signing_file(const std::string& path, const SigningFile& file) {
  json::array keys;
  for (const Hash& id : file.keys) keys.push_back(json::object{{"id", to_hex(id)}});
  json::array statements;
  for (const StatementToSign& item : file.statements) statements.push_back(to_json(item));
  const json::object value = {{"testamur_signing", 1},
                              {"approvals", file.approvals},
                              {"keys", std::move(keys)},
                              {"statements", std::move(statements)}};
  const std::string text = json::serialize(value) + "\n";
  if (text.size() > kMaxFileBytes) {
    return Error{ErrorCode::invalid, path + ": expected at most 64 MiB; issue the class in portions"};
  }
  return write_file(path, as_bytes(text), Existing::replace, 0600);
}

}  // namespace testamur::tool
