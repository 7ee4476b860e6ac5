// Whether a statement is on the ledger, as a proof under the policy shows it: a node's word that it is certified is not enough to
// say "done", and its word that it is not could make somebody say the same thing twice.
#pragma once

#include "failure.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {

/// The statement that issued an entry; nothing: the entry is not issued as of the head that the node shows. What cannot be shown
/// leaves the outcome unknown.
std::optional<Failure> find_issuing(NodeClient& node, const Policy& policy, Context& context, const EntryName& entry,
                                    Patience& patience, std::optional<SignedStatement>& issuing);

/// Waits until a proof shows that what an amend statement says of an entry came to hold: now, or when the ledger is said to have
/// recorded it, since somebody may have amended the entry again.
std::optional<Failure> confirm_amended(NodeClient& node, const Policy& policy, Context& context,
                                       const Statement& statement, Time recorded_at, Patience& patience);

/// Waits until a proof shows that this very statement issued its entries.
std::optional<Failure> confirm_issued(NodeClient& node, const Policy& policy, Context& context,
                                      const Statement& statement, Patience& patience);

}  // namespace testamur::tool
