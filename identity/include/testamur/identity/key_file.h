// Secret keys in files: PKCS #8 PEM (RFC 8410 for Ed25519), mode 0600, never overwritten. With a passphrase they are encrypted as
// RFC 8018 has it (PBES2: scrypt of RFC 7914 with N = 16384, r = 8, p = 5, and AES-256-CBC), which `openssl pkey` reads, too.
#pragma once

#include <optional>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"
#include "testamur/identity/secret.h"

namespace testamur::identity {

/// The 32 bytes that an Ed25519 key pair follows from. Whoever holds one wipes it.
using Seed = std::array<std::uint8_t, 32>;

/// Writes a secret to a new file of mode 0600, synced. Errors: conflict (the file is there: a key is never overwritten), storage.
Result<void> write_secret_file(const std::string& path, std::string_view contents);
/// The contents of a file that only its owner may read. Errors: not_found, invalid (others may read it), storage, malformed
/// (longer than 64 KiB).
Result<std::string> read_secret_file(const std::string& path);

/// The key as PEM, encrypted where the passphrase is not empty. Whoever holds it wipes it. Errors: invalid.
Result<std::string> encode_ed25519_key(const Seed& seed, const Passphrase& passphrase = {});
/// Errors: those of both.
Result<void> write_ed25519_key(const std::string& path, const Seed& seed, const Passphrase& passphrase = {});

/// Whether the key takes a passphrase to read. Errors: those of read_secret_file.
Result<bool> is_encrypted_key(const std::string& path);
/// Errors as read_secret_file; invalid when it is encrypted; malformed when it is no Ed25519 key.
Result<Seed> read_ed25519_key(const std::string& path);
/// An encrypted key; nothing: the passphrase does not open it, or the file is damaged, which cannot be told apart. Errors as
/// read_secret_file; malformed when it is no Ed25519 key.
Result<std::optional<Seed>> open_ed25519_key(const std::string& path, const Passphrase& passphrase);

}  // namespace testamur::identity
