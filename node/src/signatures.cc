#include "testamur/node/signatures.h"

#include <cstring>

#include "testamur/ledger/sha256.h"

namespace testamur::node {

std::size_t SignatureMemory::HashOfHash::operator()(const Hash& hash) const {
  std::size_t out;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

bool SignatureMemory::check(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  const Hash name = sha256({key, signature, message});
  {
    const std::lock_guard lock(mutex_);
    if (newer_.contains(name) || older_.contains(name)) return true;
  }
  if (!ed25519_verify(key, message, signature)) return false;
  const std::lock_guard lock(mutex_);
  if (newer_.size() >= kGeneration) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  newer_.insert(name);
  return true;
}

}  // namespace testamur::node
