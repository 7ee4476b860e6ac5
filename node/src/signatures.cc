#include "testamur/node/signatures.h"

#include <cstring>

#include "testamur/ledger/sha256.h"

namespace testamur::node {

std::size_t SignatureMemory::HashOfHash::operator()(const Hash& hash) const {
  std::size_t out;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

Hash SignatureMemory::name_of(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  return sha256({key, signature, message});
}

bool SignatureMemory::check(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  const Hash name = name_of(key, message, signature);
  {
    const std::lock_guard lock(mutex_);
    if (newer_.contains(name) || older_.contains(name)) return true;
  }
  if (!ed25519_verify(key, message, signature)) return false;
  remember(name);
  return true;
}

bool SignatureMemory::made(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  remember(name_of(key, message, signature));
  return true;
}

void SignatureMemory::remember(const Hash& name) {
  const std::lock_guard lock(mutex_);
  if (newer_.size() >= kGeneration) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  newer_.insert(name);
}

}  // namespace testamur::node
