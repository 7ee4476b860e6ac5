// From a proof to an answer that cannot be misread: what was proved, as of when, and the exit code that says the same.
//
// Issuance and the age of the status are two statements. An old proof still shows that an entry was issued and how it stood
// then; of today it says nothing, unless it shows what is final.
#pragma once

#include <boost/json/object.hpp>

#include "context.h"
#include "testamur/ledger/verify.h"
#include "values.h"

namespace testamur::tool {

inline constexpr std::uint64_t kDefaultMaxAgeMs = 24ull * 3600 * 1000;

struct Asked {
  std::optional<Hash> document;          ///< H(document)
  std::optional<EntryName> entry;        ///< the entry meant, where there is no document
  std::optional<RegisterName> expected;  ///< the register that the document must be of
  std::optional<Time> at;
  Time now;
  std::uint64_t max_age_ms = kDefaultMaxAgeMs;
};

struct Answer {
  int exit = kUnknown;
  Verdict verdict = Verdict::malformed_proof;  ///< on the question as it was asked
  std::optional<Verdict> shown;  ///< the status that the proof shows at its own time; nothing when it shows none
  Finding finding;               ///< to be relied on where something is shown
  std::optional<Time> at;
  Time now;
  std::string ledger;  ///< origin line of the policy
  unsigned threshold = 0;
};

Answer check(ByteView proof, const Policy& policy, const Asked& asked,
             const SignatureCheck& check_signature = ed25519_verify);

/// Of two exit codes the one that warns most: refused, revoked, superseded, suspended, could not check, not issued, good.
int most_careful(int a, int b);

/// "Good: ...": one sentence.
std::string headline(const Answer& answer);
void say(Context& context, const Answer& answer);
boost::json::object to_json(const Answer& answer);

/// Errors name the file. For commands that check, a policy that cannot be read means that nothing could be checked.
Result<Policy> read_policy(const std::string& path);

}  // namespace testamur::tool
