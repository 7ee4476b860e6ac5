// What a proof says, in plain words. Nothing is checked here.
#pragma once

#include <optional>

#include "context.h"
#include "testamur/ledger/policy.h"
#include "testamur/ledger/proof.h"

namespace testamur::tool {

/// With a policy, cosigners are named; without one a proof has no more of them than the ids of their keys.
void say_proof(Context& context, const Proof& proof, const std::optional<Policy>& policy);

}  // namespace testamur::tool
