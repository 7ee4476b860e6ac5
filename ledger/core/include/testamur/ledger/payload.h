// The payload of one log entry of the consensus: a proposed block (FORMATS 9). It is carried, never hashed or signed here.
#pragma once

#include "testamur/ledger/rules.h"

namespace testamur {

inline constexpr std::size_t kMaxSubmissions = 65536;

/// A block as proposed. Submissions are views into the bytes it was decoded from.
struct Payload {
  Time time;
  std::vector<Submission> submissions;
};

Bytes encode(const Payload& payload);
Result<Payload> decode_payload(ByteView bytes);

}  // namespace testamur
