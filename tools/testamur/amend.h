// Amending entries: revoked, suspended, reinstated, superseded.
#pragma once

#include "prepare.h"
#include "submit.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {

struct AmendWish {
  RegisterName in;
  Status status = Status::good;
  std::vector<NumberRange> numbers;
  std::uint8_t reason = 0;
  std::optional<Time> effective_at;  ///< nothing: now
  std::optional<EntryName> replacement;
  std::string prepare;  ///< a file for others to sign, instead of handing anything in; empty: none
  std::uint64_t timeout_ms = 120'000;
};

/// "revoke", "suspend", "reinstate", "supersede": what the status does to an entry.
std::string_view verb(Status status);

/// The changes of the one statement that the wish makes, one a range. Errors: invalid, and says which range.
Result<std::vector<Change>> changes_of(const AmendWish& wish, Time now);

struct AmendReport {
  Fate fate;
  std::uint64_t entries = 0;
  Time effective_at;
  std::optional<Prepared> prepared;
};
/// Signs and hands in one statement, and stays until a proof shows that it is certified, it is refused, or patience ends.
std::optional<Failure> amend(const AmendWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, AmendReport& report);

}  // namespace testamur::tool
