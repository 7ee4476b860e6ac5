// Amending entries: revoked, suspended, reinstated, superseded.
#pragma once

#include "prepare.h"
#include "reach.h"
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

/// When a change takes effect: as it was wanted, or now. Errors: invalid, for a time that has not come.
Result<Time> effective_time(std::optional<Time> wanted, Time now);
/// Who replaces, as a change says it. Errors: invalid, where it would replace itself.
Result<void> replace_by(Change& change, const RegisterName& in, const EntryName& by);

/// The changes of the one statement that the wish makes, one a range. Errors: invalid, and says which range.
Result<std::vector<Change>> changes_of(const AmendWish& wish, Time now);

struct AmendReport {
  std::uint64_t entries = 0;  ///< that are what was wanted now, or will be once others have signed
  std::uint64_t before = 0;   ///< that the ledger showed to be so already
  Time effective_at;
  Time recorded_at;
  std::optional<Prepared> prepared;
};
/// The register, and whether the keys may amend it: they are read here.
std::optional<Failure> check_amend(const RegisterName& in, Signers& signers, NodeClient& node, Context& context,
                                   std::uint64_t timeout_ms, RegisterNow& now);
/// Signs an amend statement and hands it in, and stays until a proof shows that it is certified, it is refused, or patience ends.
std::optional<Failure> record_amendment(const Statement& statement, const Signers& signers, NodeClient& node,
                                        const Policy& policy, Context& context, std::uint64_t timeout_ms, Fate& fate);
/// Compares the numbers with how they stand, signs and hands in what is left to do, and stays until a proof shows that it is certified, it
/// is refused, or patience ends.
std::optional<Failure> amend(const AmendWish& wish, Signers& signers, const Reach& reach, Context& context,
                             AmendReport& report);

}  // namespace testamur::tool
