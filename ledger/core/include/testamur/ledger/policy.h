// The policy a verifier trusts: which ledger, and whose cosignatures certify its heads, epoch by epoch (FORMATS 5).
#pragma once

#include "testamur/ledger/checkpoint.h"

namespace testamur {

/// One revision of the consortium record. Its quorum certifies heads of `first_size` leaves up to the next epoch's first.
struct Epoch {
  std::uint32_t revision = 0;
  std::uint64_t first_size = 0;  ///< size of the first checkpoint under this epoch; 1 for genesis
  Quorum quorum;
  bool operator==(const Epoch&) const = default;
};

struct Policy {
  std::string origin;  ///< the origin line, which holds the ledger's id
  Hash ledger{};
  std::vector<Epoch> epochs;  ///< revisions one after another, sizes rising
  bool operator==(const Policy&) const = default;
};

/// A policy with one epoch, from the consortium record of genesis.
Policy policy_of(const ConsortiumRecord& record, const Hash& ledger);

inline constexpr std::size_t kMaxPolicyBytes = 1u << 20;
std::string encode(const Policy& policy);
Result<Policy> decode_policy(std::string_view text);

/// The same trust for log tools: a C2SP tlog-policy of the newest epoch (https://c2sp.org/tlog-policy).
std::string tlog_policy(const ConsortiumRecord& record, const Hash& ledger);

}  // namespace testamur
