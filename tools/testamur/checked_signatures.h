// Signatures that were checked once already: the proofs of a class share the cosignatures of one head, and those of one statement.
#pragma once

#include <set>

#include "testamur/ledger/ed25519.h"

namespace testamur::tool {

/// Answers as ed25519_verify does. Only what held is remembered, by all three of key, message and signature.
class CheckedSignatures {
 public:
  bool operator()(const PublicKey& key, ByteView message, const SignatureBytes& signature);

 private:
  std::set<Hash> held_;  // bounded: emptied when it is full
};

}  // namespace testamur::tool
