// Made-up credentials to try the ledger with: Open Badges 3.0, well-formed, no two the same, and of nobody.
#pragma once

#include <cstdint>
#include <string>

namespace testamur::tool {

/// Number `index` of the class that belongs to `seed`, as JSON text. The same two numbers always give the same bytes.
std::string sample_credential(std::uint64_t seed, std::uint64_t index);

}  // namespace testamur::tool
