// Signed notes, verifier keys, checkpoints, cosignature lines.
#include "fuzz.h"
#include "testamur/ledger/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);
  const auto note = decode_signed_note(text);
  fuzz::round_trip(note, bytes);
  if (note) {
    for (const SignatureLine& line : note->signatures) (void)cosignature_from(line);
  }
  fuzz::round_trip(decode_verifier_key(text), bytes);
  fuzz::round_trip(decode_checkpoint(text), bytes);
  fuzz::round_trip(decode_signature_line(text), bytes);
  return 0;
}
