// Founding a consortium: the institutions' cards become the genesis of a ledger, and the policy by which its proofs are checked.
#pragma once

#include "card.h"
#include "testamur/ledger/genesis.h"

namespace testamur::tool {

struct Founding {
  std::string origin;
  std::optional<std::uint8_t> threshold;  ///< nothing: the Byzantine quorum
  Time created;
};

/// The genesis that follows from these inputs, whatever the order of the cards. Errors: invalid, and says which rule.
Result<Genesis> found(const Founding& founding, std::vector<Card> cards);

/// The files that come with a genesis: the policy, and the same trust for log tools.
std::string policy_file(const Genesis& genesis);
std::string tlog_policy_file(const Genesis& genesis);

inline constexpr std::size_t kMaxGenesisBytes = 16u << 20;

}  // namespace testamur::tool
