#include "testamur/ledger/ed25519.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>

namespace testamur {
namespace {

/// A signature whose R has a part of order 8: it satisfies the equation with the cofactor, and only that one. A library that
/// takes it accepts other statements than the other nodes do, and would part from them.
bool takes_cofactored_signatures() {
  constexpr std::string_view key_hex = "a11be0401889798c858ca82bb7cc90605e0e349f194db2c28f2ca2fecf09a27b";
  constexpr std::string_view signature_hex =
      "ba1174e57b473b6af9ea4ce540ffc1f889583760163dfa5ef98b8ad0d6ab22d4"
      "1e207c2232b0f1b9d270e629dc52b513e0dd3298b4602b9acd678201921d9606";
  const auto key = from_hex(key_hex);
  const auto signature = from_hex(signature_hex);
  const ByteView message = as_bytes("testamur");
  return crypto_sign_verify_detached(signature->data(), message.data(), message.size(), key->data()) == 0;
}

// libsodium picks its fastest code at start and seeds its random source; both are needed before first use.
const bool ready = [] {
  if (sodium_init() < 0) std::abort();
  if (takes_cofactored_signatures()) {
    std::fprintf(stderr,
                 "testamur: this libsodium checks signatures with the cofactor; FORMATS 4 asks for one without\n");
    std::abort();
  }
  return true;
}();

}  // namespace

bool ed25519_verify(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

SecretKey SecretKey::from_seed(const std::array<std::uint8_t, 32>& seed) {
  SecretKey key;
  crypto_sign_seed_keypair(key.public_key_.data(), key.secret_.data(), seed.data());
  return key;
}

SecretKey SecretKey::generate() {
  std::array<std::uint8_t, 32> seed;
  randombytes_buf(seed.data(), seed.size());
  SecretKey key = from_seed(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

SecretKey::~SecretKey() { sodium_memzero(secret_.data(), secret_.size()); }

SignatureBytes SecretKey::sign(ByteView message) const {
  SignatureBytes signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_.data());
  return signature;
}

}  // namespace testamur
