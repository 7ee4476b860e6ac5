// Each signature is checked once a node: when its statement or cosignature comes in, and then remembered.
#pragma once

#include <mutex>
#include <unordered_set>

#include "testamur/ledger/rules.h"

namespace testamur::node {

class SignatureMemory {
 public:
  /// Checks, or remembers having found it good. From any thread.
  bool check(const PublicKey& key, ByteView message, const SignatureBytes& signature);
  /// One that this node has just made: it need not be checked. Always true, so that it can stand for a check.
  bool made(const PublicKey& key, ByteView message, const SignatureBytes& signature);
  /// The same as check(), to be handed to those who take a check. It must not outlive this.
  SignatureCheck as_check() {
    return [this](const PublicKey& key, ByteView message, const SignatureBytes& signature) {
      return check(key, message, signature);
    };
  }

 private:
  struct HashOfHash {
    std::size_t operator()(const Hash& hash) const;
  };
  using Generation = std::unordered_set<Hash, HashOfHash>;

  static Hash name_of(const PublicKey& key, ByteView message, const SignatureBytes& signature);
  void remember(const Hash& name);

  /// Two generations: when the newer is full the older is forgotten, so the oldest go first and there is a bound.
  static constexpr std::size_t kGeneration = 1u << 16;
  std::mutex mutex_;
  Generation newer_;
  Generation older_;
};

}  // namespace testamur::node
