// Statements and signed statements.
#include "fuzz.h"
#include "testamur/ledger/statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  fuzz::round_trip(decode_statement(bytes), bytes);
  fuzz::round_trip(decode_signed_statement(bytes), bytes);
  return 0;
}
