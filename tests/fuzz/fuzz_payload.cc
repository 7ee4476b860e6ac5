// Payloads. A list of commitments that is none is kept as one byte, so the second round is held to the first.
#include "fuzz.h"
#include "testamur/ledger/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const auto payload = decode_payload({data, size});
  if (!payload) return 0;
  const Bytes once = encode(*payload);
  fuzz::round_trip(decode_payload(once), once);
  return 0;
}
