// Commitments (FORMATS 2): what stands in a batch is never the document itself.
#pragma once

#include "testamur/ledger/sha256.h"

namespace testamur {

using Salt = Hash;

/// sealed: H("testamur/commitment/v1" || 0x00 || salt || H(document)). A listed commitment is H(document) itself.
inline Hash sealed_commitment(const Salt& salt, const Hash& document) {
  constexpr std::string_view context{"testamur/commitment/v1\0", 23};
  return sha256({as_bytes(context), salt, document});
}

}  // namespace testamur
