#include "testamur/ledger/statement.h"

#include <algorithm>
#include <cassert>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/record.h"

namespace testamur {
namespace {

constexpr std::uint8_t kVersion = 1;

std::string institution_id(Reader& reader, std::string_view field) {
  std::string id = reader.text(field);
  reader.expect(is_institution_id(id), field, "an institution id");
  return id;
}

std::string register_name(Reader& reader, std::string_view field) {
  std::string text = reader.text(field);
  reader.expect(is_register_name(text), field, "a register name, 1 to 64 of a-z 0-9 -");
  return text;
}

void write(Writer& writer, const IssueBody& body) {
  writer.text(body.register_name).u64(body.first.value).u32(body.count).raw(body.batch_root);
  writer.u8(body.listed ? 1 : 0);
}

void write(Writer& writer, const AmendBody& body) {
  Writer changes;
  for (const Change& change : body.changes) write(changes, change);
  writer.text(body.register_name).u64(body.next_event).opaque16(changes.bytes());
}

void write(Writer& writer, const GovernBody& body) { writer.u32(body.record).u32(body.revision).opaque16(body.body); }

IssueBody read_issue(Reader& reader) {
  IssueBody body;
  body.register_name = register_name(reader, "register");
  body.first = EntryNumber{reader.u64("first")};
  body.count = reader.u32("count");
  body.batch_root = reader.hash("batch_root");
  body.listed = reader.flag("listed");
  return body;
}

AmendBody read_amend(Reader& reader) {
  AmendBody body;
  body.register_name = register_name(reader, "register");
  body.next_event = reader.u64("next_event");
  Reader changes(reader.opaque16("changes", 1), "amend");
  while (changes.ok() && !changes.at_end()) body.changes.push_back(read_change(changes));
  if (const auto error = changes.finish()) reader.expect(false, "changes", "well-formed changes; " + error->message);
  return body;
}

GovernBody read_govern(Reader& reader) {
  GovernBody body;
  body.record = reader.u32("record");
  body.revision = reader.u32("revision");
  const ByteView bytes = reader.opaque16("body");
  body.body.assign(bytes.begin(), bytes.end());
  return body;
}

Signature read_signature(Reader& reader) {
  Signature signature;
  signature.key_id = reader.hash("signatures.key_id");
  const ByteView bytes =
      reader.opaque16("signatures.signature", signature.signature.size(), signature.signature.size());
  if (bytes.size() == signature.signature.size()) {
    std::copy(bytes.begin(), bytes.end(), signature.signature.begin());
  }
  return signature;
}

}  // namespace

std::string_view name(Status status) {
  constexpr std::array<std::string_view, 4> names = {"good", "suspended", "revoked", "superseded"};
  return names[static_cast<std::size_t>(status)];
}

std::string_view reason_name(std::uint8_t reason) {
  constexpr std::array<std::string_view, kLastReason + 1> names = {
      "unspecified",          "awarded_in_error",        "superseded",  "academic_misconduct",
      "fraudulent_admission", "holder_request",          "name_change", "key_compromise",
      "institution_closed",   "accreditation_withdrawn", "court_order", "administrative_hold"};
  return reason <= kLastReason ? names[reason] : "unknown";
}

void write(Writer& writer, const Change& change) {
  writer.u64(change.first.value).u32(change.count).u8(static_cast<std::uint8_t>(change.status));
  writer.u8(change.reason).time(change.effective_at).u8(change.replacement ? 1 : 0);
  if (const auto& replacement = change.replacement) {
    writer.text(replacement->institution).text(replacement->register_name).u64(replacement->number.value);
  }
}

Change read_change(Reader& reader) {
  Change change;
  change.first = EntryNumber{reader.u64("first")};
  change.count = reader.u32("count");
  change.status = static_cast<Status>(reader.u8_in("status", 0, 3));
  change.reason = reader.u8_in("reason", 0, kLastReason);
  change.effective_at = reader.time("effective_at");
  if (reader.flag("has_replacement")) {
    Replacement replacement;
    replacement.institution = institution_id(reader, "replacement.institution");
    replacement.register_name = register_name(reader, "replacement.register");
    replacement.number = EntryNumber{reader.u64("replacement.number")};
    change.replacement = std::move(replacement);
  }
  return change;
}

Bytes encode(const Statement& statement) {
  Writer writer;
  writer.u8(kVersion).u8(static_cast<std::uint8_t>(statement.type())).raw(statement.ledger);
  writer.text(statement.institution).time(statement.signed_at);
  std::visit([&](const auto& body) { write(writer, body); }, statement.body);
  return std::move(writer).bytes();
}

Result<Statement> decode_statement(ByteView bytes) {
  Statement statement;
  Reader reader(bytes, "statement");
  reader.u8_in("version", kVersion, kVersion);
  const auto type = static_cast<StatementType>(reader.u8_in("type", 1, 3));
  statement.ledger = reader.hash("ledger");
  statement.institution = institution_id(reader, "institution");
  statement.signed_at = reader.time("signed_at");
  switch (type) {
    case StatementType::issue: statement.body = read_issue(reader); break;
    case StatementType::amend: statement.body = read_amend(reader); break;
    case StatementType::govern: statement.body = read_govern(reader); break;
  }
  if (auto error = reader.finish()) return *error;
  return statement;
}

Bytes encode(const SignedStatement& statement) {
  Writer signatures;
  for (const Signature& signature : statement.signatures) {
    signatures.raw(signature.key_id).opaque16(signature.signature);
  }
  Writer writer;
  writer.opaque16(statement.statement).opaque16(signatures.bytes());
  return std::move(writer).bytes();
}

Result<SignedStatement> decode_signed_statement(ByteView bytes) {
  SignedStatement out;
  Reader reader(bytes, "signed_statement");
  const ByteView statement = reader.opaque16("statement");
  out.statement.assign(statement.begin(), statement.end());
  Reader signatures(reader.opaque16("signatures", 1), "signed_statement");
  if (auto error = reader.finish()) return *error;
  while (signatures.ok() && !signatures.at_end()) {
    out.signatures.push_back(read_signature(signatures));
    const std::size_t count = out.signatures.size();
    signatures.expect(count <= kMaxSignatures, "signatures", "16 signatures at most");
    signatures.expect(count < 2 || out.signatures[count - 2].key_id < out.signatures[count - 1].key_id, "signatures",
                      "signatures strictly rising by key_id");
  }
  if (auto error = signatures.finish()) return *error;
  return out;
}

Bytes statement_message(ByteView statement) {
  constexpr std::string_view context{"testamur/statement/v1\0", 22};
  return Writer{}.raw(as_bytes(context)).raw(statement).bytes();
}

SignedStatement sign_statement(const Statement& statement, std::span<const SecretKey> keys) {
  SignedStatement out{encode(statement), {}};
  const Bytes message = statement_message(out.statement);
  for (const SecretKey& key : keys) out.signatures.push_back({key_id(key.public_key()), key.sign(message)});
  std::sort(out.signatures.begin(), out.signatures.end(),
            [](const Signature& a, const Signature& b) { return a.key_id < b.key_id; });
  return out;
}

}  // namespace testamur
