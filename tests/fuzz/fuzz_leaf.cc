// Leaves of the log and of a register's trees.
#include "fuzz.h"
#include "testamur/ledger/leaf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  fuzz::round_trip(decode_statement_leaf(bytes), bytes);
  fuzz::round_trip(decode_block_record(bytes), bytes);
  fuzz::round_trip(decode_batch_entry(bytes), bytes);
  fuzz::round_trip(decode_event(bytes), bytes);
  return 0;
}
