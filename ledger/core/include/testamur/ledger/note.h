// C2SP signed notes: text under signature lines, and the verifier keys that check them.
// Source: https://c2sp.org/signed-note.
#pragma once

#include "testamur/encoding/result.h"
#include "testamur/ledger/ed25519.h"

namespace testamur {

enum class NoteKeyType : std::uint8_t { ed25519 = 0x01, cosignature = 0x04 };

using NoteKeyId = std::array<std::uint8_t, 4>;

/// H(name || 0x0A || type || public key)[:4].
NoteKeyId note_key_id(std::string_view name, NoteKeyType type, const PublicKey& key);

/// name+hex(id)+base64(type || key).
struct VerifierKey {
  std::string name;
  NoteKeyType type = NoteKeyType::ed25519;
  PublicKey key{};
  bool operator==(const VerifierKey&) const = default;

  NoteKeyId id() const { return note_key_id(name, type, key); }
};
std::string encode(const VerifierKey& key);
Result<VerifierKey> decode_verifier_key(std::string_view text);

/// One line of a note: em dash, space, name, space, base64(id || signature).
struct SignatureLine {
  std::string name;
  NoteKeyId id{};
  Bytes signature;
};
std::string encode(const SignatureLine& line);  ///< with its newline
Result<SignatureLine> decode_signature_line(std::string_view line);

/// A note: text that ends in a newline, and its signature lines.
struct SignedNote {
  std::string text;
  std::vector<SignatureLine> signatures;
};
inline constexpr std::size_t kMaxNoteBytes = 1u << 20;
std::string encode(const SignedNote& note);
Result<SignedNote> decode_signed_note(std::string_view bytes);

/// Signs the text as a plain Ed25519 note (type 1) under `name`, and checks such a line.
SignatureLine sign_note(std::string_view text, std::string_view name, const SecretKey& key);
bool verify_note(std::string_view text, const SignatureLine& line, const VerifierKey& key);

}  // namespace testamur
