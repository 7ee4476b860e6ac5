// The low-level calls are deprecated in OpenSSL 3 in favour of EVP, which here costs twice as much for short messages and
// does not scale over threads: every one-shot call takes a lock to fetch the algorithm. The ledger hashes 65-byte
// nodes by the million, so this one file keeps to them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "testamur/ledger/sha256.h"

#include <openssl/sha.h>

namespace testamur {

Hash sha256(ByteView data) { return sha256({data}); }

Hash sha256(std::initializer_list<ByteView> parts) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const ByteView part : parts) SHA256_Update(&context, part.data(), part.size());
  Hash hash;
  SHA256_Final(hash.data(), &context);
  return hash;
}

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }
Sha256::~Sha256() = default;

void Sha256::add(ByteView part) { SHA256_Update(&state_->context, part.data(), part.size()); }

Hash Sha256::finish() {
  Hash hash;
  SHA256_Final(hash.data(), &state_->context);
  return hash;
}

}  // namespace testamur
