// What the proofs of a bundle come to under a policy: each entry's, with the hash and the salt that the bundle has of its document.
#pragma once

#include <map>

#include "answer.h"
#include "bundle.h"

namespace testamur::tool {

/// Of a proof without its document: what ties that to the entry is left aside.
Answer check_entry(Proof proof, const Policy& policy, Time now, const SignatureCheck& check_signature = ed25519_verify);

struct BundleAnswer {
  int exit = kGood;                           ///< of all checks the one that warns most
  std::map<Verdict, std::uint64_t> verdicts;  ///< how many entries; those that are erased have none
};
/// One check serves all good entries of a status chunk, as one proof does. Errors: malformed, where an entry has no proof.
Result<BundleAnswer> check_bundle(const Bundle& bundle, const Policy& policy, Time now);

/// How many entries are erased.
std::size_t erased_in(const Bundle& bundle);

}  // namespace testamur::tool
