// Proofs, as encoded.
#include "fuzz.h"
#include "testamur/ledger/proof.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  fuzz::round_trip(decode_proof(bytes), bytes);
  return 0;
}
