// Records, and whole geneses.
#include "fuzz.h"
#include "testamur/ledger/genesis.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  fuzz::round_trip(decode_record(bytes), bytes);
  fuzz::round_trip(decode_genesis(bytes), bytes);
  return 0;
}
