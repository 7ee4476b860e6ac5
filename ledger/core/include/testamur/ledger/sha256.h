// SHA-256 (FIPS 180-4), the one hash of the ledger.
#pragma once

#include <initializer_list>

#include "testamur/encoding/bytes.h"

namespace testamur {

/// H(data).
Hash sha256(ByteView data);

/// H of the parts one after another, without copying them together.
Hash sha256(std::initializer_list<ByteView> parts);

}  // namespace testamur
