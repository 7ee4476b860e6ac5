// Secret keys in files: PKCS #8 PEM (RFC 8410 for Ed25519), mode 0600, never overwritten.
#pragma once

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::identity {

/// The 32 bytes that an Ed25519 key pair follows from. Whoever holds one wipes it.
using Seed = std::array<std::uint8_t, 32>;

/// Writes a secret to a new file of mode 0600, synced. Errors: conflict (the file is there: a key is never overwritten), storage.
Result<void> write_secret_file(const std::string& path, std::string_view contents);
/// The contents of a file that only its owner may read. Errors: not_found, invalid (others may read it), storage, malformed
/// (longer than 64 KiB).
Result<std::string> read_secret_file(const std::string& path);

Result<void> write_ed25519_key(const std::string& path, const Seed& seed);
/// Errors as read_secret_file; malformed when it is no Ed25519 key.
Result<Seed> read_ed25519_key(const std::string& path);

}  // namespace testamur::identity
