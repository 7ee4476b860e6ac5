// SHA-256 (FIPS 180-4), the one hash of the ledger.
#pragma once

#include <initializer_list>
#include <memory>

#include "testamur/encoding/bytes.h"

namespace testamur {

/// H(data).
Hash sha256(ByteView data);

/// H of the parts one after another, without copying them together.
Hash sha256(std::initializer_list<ByteView> parts);

/// H of parts that come one after another.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(ByteView part);
  /// Once, at the end.
  Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace testamur
