// Handing in a signed statement, and staying with it until its fate is known or patience ends.
#pragma once

#include "client.h"

namespace testamur::tool {

struct Fate {
  enum class Kind {
    accepted,  ///< recorded, and final
    refused,   ///< `code` says which rule it breaks
    unknown,   ///< it may be recorded now, later, or never: the same bytes can be handed in again
  };
  Kind kind = Kind::unknown;
  std::string code;
  std::string detail;
  Time recorded_at;
  std::uint64_t leaf_index = 0;
};

/// Hands in the same bytes again as often as it takes, which is harmless at any time. `listed` are the commitments of a listed
/// batch.
Fate submit_statement(NodeClient& node, ByteView signed_statement, std::span<const Hash> listed, Patience& patience);

/// What a registrar can do about a refusal; empty where the code says it all.
std::string_view advice(std::string_view code);

}  // namespace testamur::tool
