#include "testamur/ledger/ed25519.h"

#include <sodium.h>

#include <cstdlib>

namespace testamur {
namespace {

// libsodium picks its fastest code at start and seeds its random source; both are needed before first use.
const bool ready = [] {
  if (sodium_init() < 0) std::abort();
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
