#include "testamur/storage/checksum.h"

#include <zlib.h>

namespace testamur::storage {

std::uint32_t checksum(ByteView bytes) {
  return static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

}  // namespace testamur::storage
