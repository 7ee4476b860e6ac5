#include "testamur/credentials/document.h"

#include <algorithm>

#include "json.h"
#include "testamur/ledger/sha256.h"

namespace testamur::credentials {
namespace {

constexpr std::string_view kOurCryptosuite = "testamur-2026";

bool is_base64url(std::string_view part) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !part.empty() && part.size() % 4 != 1 && std::all_of(part.begin(), part.end(), allowed);
}

/// The text of a compact JWS without its trailing newline, or nothing.
std::optional<std::string_view> compact_jws(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos) return std::nullopt;
  const bool parts = is_base64url(text.substr(0, first)) && is_base64url(text.substr(first + 1, second - first - 1)) &&
                     is_base64url(text.substr(second + 1));
  return parts ? std::optional(text) : std::nullopt;
}

bool is_our_proof(const Json& proof) {
  const Json* suite = proof.find("cryptosuite");
  return suite != nullptr && suite->kind == Json::Kind::string && suite->text == kOurCryptosuite;
}

/// A proof of ours is put into the document after it was recorded, so it cannot count. A single object counts as an array of
/// one; an emptied "proof" goes; otherwise its shape stays.
void remove_our_proofs(Json& document) {
  const auto member = std::find_if(document.members.begin(), document.members.end(),
                                   [](const Json::Member& m) { return m.name == "proof"; });
  if (member == document.members.end()) return;
  Json& proof = member->value;
  if (proof.kind == Json::Kind::object) {
    if (is_our_proof(proof)) document.members.erase(member);
  } else if (proof.kind == Json::Kind::array) {
    const std::size_t removed = std::erase_if(proof.items, is_our_proof);
    if (removed > 0 && proof.items.empty()) document.members.erase(member);
  }
}

bool contains(ByteView file, std::string_view word) { return as_text(file).find(word) != std::string_view::npos; }

/// A picture with a credential inside: the credential counts, not the picture.
bool is_baked(ByteView file) {
  constexpr std::string_view png = "\x89PNG\r\n\x1a\n";
  if (as_text(file).starts_with(png)) return contains(file, "openbadgecredential");
  return contains(file, "<svg") && contains(file, "openbadges:credential");
}

Document document_of(DocumentKind kind, std::string_view canonical) {
  const ByteView bytes = as_bytes(canonical);
  return {kind, Bytes(bytes.begin(), bytes.end()), sha256(bytes)};
}

bool begins_object(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{';
}

}  // namespace

std::string_view name(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::json: return "json";
    case DocumentKind::jws: return "jws";
    case DocumentKind::bytes: return "bytes";
  }
  return "unknown";
}

Result<Document> read_document(ByteView file) {
  if (file.size() > kMaxDocumentBytes) {
    return Error{ErrorCode::malformed,
                 "document: expected 64 MiB at most, found " + std::to_string(file.size()) + " bytes"};
  }
  const std::string_view text = as_text(file);
  if (begins_object(text)) {
    auto json = parse_json(text);
    if (json) {
      remove_our_proofs(*json);
      const auto canonical = to_jcs(*json);
      if (!canonical) return canonical.error();
      return document_of(DocumentKind::json, *canonical);
    }
    // A JSON object that I-JSON forbids would mean different things to different readers: it is refused, not taken as bytes.
    if (json.error().code == ErrorCode::invalid) return json.error();
  } else if (const auto jws = compact_jws(text)) {
    return document_of(DocumentKind::jws, *jws);
  }
  if (is_baked(file)) {
    return Error{ErrorCode::unsupported,
                 "document: expected the credential itself, found a baked badge, a picture with a credential inside; "
                 "take the credential out of the picture, and give that"};
  }
  return document_of(DocumentKind::bytes, text);
}

}  // namespace testamur::credentials
