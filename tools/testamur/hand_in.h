// Handing in statements that others signed, one after another.
#pragma once

#include "failure.h"
#include "signing_file.h"
#include "submit.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {

struct HandedIn {
  Statement statement;
  bool before = false;  ///< it was on the ledger already
  Time recorded_at;     ///< as the node says; 0 where it was not asked
};

/// Hands in every statement of the file that is not on the ledger yet, and stays until a proof shows each. Stops at the first that
/// fails: those before it, in `done`, are recorded.
std::optional<Failure> hand_in(const SigningFile& file, NodeClient& node, const Policy& policy, Context& context,
                               std::uint64_t timeout_ms, std::vector<HandedIn>& done);

}  // namespace testamur::tool
