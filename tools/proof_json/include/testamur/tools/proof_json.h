// A proof as JSON: a view to look at. What is checked, stored and sent is the binary encoding.
#pragma once

#include <string>

#include "testamur/ledger/proof.h"

namespace testamur::tools {

/// Hashes and keys in hex, times in milliseconds since 1970, signatures in base64; `origin` is the ledger's origin line.
/// Numbers that JSON readers may round (from 2^53 on) do not occur in any ledger that can be.
std::string proof_to_json(const Proof& proof, std::string_view origin);

}  // namespace testamur::tools
