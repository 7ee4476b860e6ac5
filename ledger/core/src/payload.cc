#include "testamur/ledger/payload.h"

#include "testamur/encoding/encoding.h"

namespace testamur {
namespace {

constexpr std::uint8_t kVersion = 1;

static_assert(sizeof(Hash) == 32 && alignof(Hash) == 1, "commitments are viewed in place");

}  // namespace

Bytes encode(const Payload& payload) {
  Writer writer;
  writer.u8(kVersion).time(payload.time).u32(static_cast<std::uint32_t>(payload.submissions.size()));
  for (const Submission& submission : payload.submissions) {
    writer.opaque24(submission.signed_statement);
    // What was no sequence of commitments stays none: one byte is no multiple of 32.
    constexpr std::uint8_t not_commitments[] = {0};
    const auto listed = submission.listed ? ByteView{reinterpret_cast<const std::uint8_t*>(submission.listed->data()),
                                                     submission.listed->size() * sizeof(Hash)}
                                          : ByteView{not_commitments};
    writer.opaque24(listed);
  }
  return std::move(writer).bytes();
}

Result<Payload> decode_payload(ByteView bytes) {
  Payload payload;
  Reader reader(bytes, "payload");
  reader.u8_in("version", kVersion, kVersion);
  payload.time = reader.time("time");
  const std::uint32_t count = reader.u32("submissions");
  reader.expect(count <= kMaxSubmissions, "submissions", "65536 submissions at most");
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    Submission submission;
    submission.signed_statement = reader.opaque24("submissions.signed_statement");
    const ByteView listed = reader.opaque24("submissions.listed");
    if (listed.size() % sizeof(Hash) == 0) {
      submission.listed = std::span(reinterpret_cast<const Hash*>(listed.data()), listed.size() / sizeof(Hash));
    } else {
      submission.listed = std::nullopt;
    }
    payload.submissions.push_back(submission);
  }
  if (auto error = reader.finish()) return *error;
  return payload;
}

}  // namespace testamur
