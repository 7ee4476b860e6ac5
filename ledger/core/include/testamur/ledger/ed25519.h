// Ed25519 (RFC 8032) by libsodium, for every node alike: implementations differ on odd signatures, and nodes may not.
#pragma once

#include <functional>

#include "testamur/encoding/bytes.h"

namespace testamur {

using PublicKey = std::array<std::uint8_t, 32>;
using SignatureBytes = std::array<std::uint8_t, 64>;

/// Without the cofactor, S < L, refused when the key or R is not canonical or of small order (FORMATS 4).
bool ed25519_verify(const PublicKey& key, ByteView message, const SignatureBytes& signature);

/// Checks one signature. A node gives one that remembers what it has checked, so that each is checked once.
using SignatureCheck = std::function<bool(const PublicKey&, ByteView message, const SignatureBytes&)>;

/// A signing key, wiped when it goes out of scope.
class SecretKey {
 public:
  /// The key pair that RFC 8032 derives from a 32-byte seed.
  static SecretKey from_seed(const std::array<std::uint8_t, 32>& seed);
  /// A new key from the system's random source.
  static SecretKey generate();

  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  const PublicKey& public_key() const { return public_key_; }
  SignatureBytes sign(ByteView message) const;

 private:
  SecretKey() = default;
  std::array<std::uint8_t, 64> secret_{};
  PublicKey public_key_{};
};

}  // namespace testamur
