// Proofs of how entries stand now, fetched from a node.
#pragma once

#include "answer.h"
#include "failure.h"
#include "testamur/ledger/policy.h"
#include "testamur/ledger/proof.h"

namespace testamur::tool {

/// What is asked for, and what must come back.
struct FreshWish {
  EntryName entry;
  std::optional<Hash> document;            ///< H(document), where it is known
  std::optional<DocumentProof> tie;        ///< salt and path, which the node does not know
  std::optional<StatementLeaf> statement;  ///< by which it was issued, where a proof of it is at hand
  std::uint64_t at_least_size = 0;         ///< of the head: an answer that is older than what is at hand is no use
};

/// A proof that holds, and what it says.
struct FreshProof {
  Proof proof;
  Answer answer;
};

/// Fetches one proof after another. Patience is shared: a node that is gone is not waited for again with each entry.
class FreshProofs {
 public:
  FreshProofs(const std::vector<std::string>& nodes, const Policy& policy, std::uint64_t timeout_ms)
      : nodes_(nodes.size()), node_(nodes), policy_(policy), timeout_ms_(timeout_ms), patience_(timeout_ms) {}

  /// Checked under the policy, for an entry that is issued.
  std::optional<Failure> fetch(const FreshWish& wish, Time now, FreshProof& fresh);

 private:
  std::optional<Failure> call(const EntryName& entry, Bytes& bytes);

  std::size_t nodes_;
  NodeClient node_;
  const Policy& policy_;
  std::uint64_t timeout_ms_;
  Patience patience_;
};

}  // namespace testamur::tool
