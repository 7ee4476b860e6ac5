// Policies.
#include "fuzz.h"
#include "testamur/ledger/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  fuzz::round_trip(decode_policy(as_text(bytes)), bytes);
  return 0;
}
