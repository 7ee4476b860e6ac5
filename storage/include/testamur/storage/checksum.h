// A checksum against accidents: a flipped bit, a record that lies in another's place. It is no protection against intent.
#pragma once

#include "testamur/encoding/bytes.h"

namespace testamur::storage {

/// CRC-32 (IEEE 802.3). Finds every error of up to 32 bits in a row.
std::uint32_t checksum(ByteView bytes);

}  // namespace testamur::storage
