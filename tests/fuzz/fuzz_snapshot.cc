// What another node sends of a snapshot: its manifest, a place in it, or a chunk, as the first byte says.
#include "fuzz.h"
#include "snapshot_format.h"
#include "testamur/storage/checksum.h"

namespace testamur {
namespace {

/// The checksum is made right: what chance damages is found by it, and what somebody made up has a right one.
Bytes with_checksum(ByteView body) { return Writer{}.raw(body).u32(storage::checksum(body)).bytes(); }

}  // namespace
}  // namespace testamur

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: fuzz::round_trip(store::decode_snapshot_manifest(bytes), bytes); break;
    case 1: fuzz::round_trip(store::decode_snapshot_place(bytes), bytes); break;
    default: {
      const Bytes chunk = with_checksum(bytes);
      fuzz::round_trip(store::decode_snapshot_chunk(chunk), chunk);
    }
  }
  return 0;
}
