#include "testamur/ledger/note.h"

#include <algorithm>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/sha256.h"

namespace testamur {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash, space

Error malformed(std::string_view what, std::string_view expected) {
  return {ErrorCode::malformed, std::string(what) + ": expected " + std::string(expected)};
}

/// C2SP asks for names without Unicode spaces or plus; what we accept is narrower in no way that matters: any UTF-8 without
/// ASCII blanks, controls or plus.
bool is_key_name(std::string_view name) {
  return !name.empty() && is_utf8(name) &&
         std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '+'; });
}

}  // namespace

NoteKeyId note_key_id(std::string_view name, NoteKeyType type, const PublicKey& key) {
  const std::array<std::uint8_t, 2> middle = {0x0a, static_cast<std::uint8_t>(type)};
  const Hash hash = sha256({as_bytes(name), middle, key});
  return {hash[0], hash[1], hash[2], hash[3]};
}

std::string encode(const VerifierKey& key) {
  Bytes typed = {static_cast<std::uint8_t>(key.type)};
  typed.insert(typed.end(), key.key.begin(), key.key.end());
  return key.name + "+" + to_hex(key.id()) + "+" + to_base64(typed);
}

Result<VerifierKey> decode_verifier_key(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return malformed("verifier key", "name+id+key");
  VerifierKey key;
  key.name = text.substr(0, first);
  if (!is_key_name(key.name)) return malformed("verifier key", "a name without spaces");
  const auto typed = from_base64(text.substr(second + 1));
  if (!typed || typed->size() != 33) return malformed("verifier key", "base64 of a type and a 32-byte key");
  if ((*typed)[0] != 0x01 && (*typed)[0] != 0x04) return malformed("verifier key", "a key of type 1 or 4");
  key.type = static_cast<NoteKeyType>((*typed)[0]);
  std::copy(typed->begin() + 1, typed->end(), key.key.begin());
  const std::string id = to_hex(key.id());
  if (text.substr(first + 1, second - first - 1) != id)
    return malformed("verifier key", "the id " + id + " of this key");
  return key;
}

std::string encode(const SignatureLine& line) {
  Bytes bytes(line.id.begin(), line.id.end());
  bytes.insert(bytes.end(), line.signature.begin(), line.signature.end());
  return std::string(kDash) + line.name + " " + to_base64(bytes) + "\n";
}

Result<SignatureLine> decode_signature_line(std::string_view text) {
  if (!text.starts_with(kDash)) return malformed("signature line", "an em dash and a space first");
  if (!text.ends_with('\n')) return malformed("signature line", "a newline last");
  text = text.substr(kDash.size(), text.size() - kDash.size() - 1);
  const std::size_t space = text.find(' ');
  if (space == text.npos) return malformed("signature line", "a name, a space and base64");
  SignatureLine line;
  line.name = text.substr(0, space);
  if (!is_key_name(line.name)) return malformed("signature line", "a name without spaces");
  const auto bytes = from_base64(text.substr(space + 1));
  if (!bytes || bytes->size() < 5) return malformed("signature line", "base64 of a 4-byte key id and a signature");
  std::copy_n(bytes->begin(), line.id.size(), line.id.begin());
  line.signature.assign(bytes->begin() + 4, bytes->end());
  return line;
}

std::string encode(const SignedNote& note) {
  std::string out = note.text + "\n";
  for (const SignatureLine& line : note.signatures) out += encode(line);
  return out;
}

Result<SignedNote> decode_signed_note(std::string_view bytes) {
  if (bytes.size() > kMaxNoteBytes) return malformed("note", "1 MiB at most");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; };
  if (!is_utf8(bytes) || std::any_of(bytes.begin(), bytes.end(), is_control)) {
    return malformed("note", "UTF-8 without control characters");
  }
  const std::size_t blank = bytes.rfind("\n\n");
  if (blank == bytes.npos) return malformed("note", "text, a blank line, signature lines");
  SignedNote note;
  note.text = bytes.substr(0, blank + 1);
  std::string_view rest = bytes.substr(blank + 2);
  if (rest.empty()) return malformed("note", "one signature line at least");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    auto line = decode_signature_line(rest.substr(0, end));
    if (!line) return line.error();
    note.signatures.push_back(std::move(*line));
    rest = rest.substr(end);
  }
  return note;
}

SignatureLine sign_note(std::string_view text, std::string_view name, const SecretKey& key) {
  const SignatureBytes signature = key.sign(as_bytes(text));
  return {std::string(name), note_key_id(name, NoteKeyType::ed25519, key.public_key()),
          Bytes(signature.begin(), signature.end())};
}

bool verify_note(std::string_view text, const SignatureLine& line, const VerifierKey& key) {
  SignatureBytes signature{};
  if (key.type != NoteKeyType::ed25519 || line.name != key.name || line.id != key.id() ||
      line.signature.size() != signature.size()) {
    return false;
  }
  std::copy(line.signature.begin(), line.signature.end(), signature.begin());
  return ed25519_verify(key.key, as_bytes(text), signature);
}

}  // namespace testamur
