// Verification: whether a proof shows what it claims. Trusts the policy and nothing else (FORMATS 6).
#pragma once

#include "testamur/ledger/policy.h"
#include "testamur/ledger/proof.h"
#include "testamur/ledger/verdict.h"

namespace testamur {

/// What the asker wants to know, and what is in hand.
struct Question {
  /// H(document), by the rules of FORMATS 2.
  std::optional<Hash> document;
  /// The register and number meant. Needed when there is no document; checked whenever it is there.
  struct Entry {
    std::string institution;
    std::string register_name;
    EntryNumber number;
  };
  std::optional<Entry> entry;
  /// The status at this time; nothing: the status now.
  std::optional<Time> at;
  /// The asker's clock. Without it no age is checked.
  std::optional<Time> now;
  /// How old the head may be when the question is about now; nothing: any age.
  std::optional<std::uint64_t> max_age_ms;
};

/// How far a head may lie ahead of the asker's clock.
inline constexpr std::uint64_t kClockToleranceMs = 5 * 60 * 1000;

/// The verdict, and what was proved on the way. Only an answer's fields may be relied on.
struct Finding {
  Verdict verdict = Verdict::malformed_proof;
  std::string detail;  ///< for a malformed proof or policy: what was expected, and where
  std::string institution;
  std::string register_name;
  EntryNumber number;
  Time head_time;            ///< the certified head's, by its cosigners' clocks, whole seconds
  Time status_since;         ///< time of the block whose state is shown
  Time status_until;         ///< the status is proved before this: the next block's time, or (inclusive) the head's
  bool current = false;      ///< there is no later block under this head
  bool older_epoch = false;  ///< the policy knows a newer epoch: this is "as of", never now
  bool document_checked = false;    ///< a document was given and is this entry
  bool signatures_checked = false;  ///< full proof: the institution's own signatures; otherwise the consortium vouches
  bool listed = false;
  Time issued_at;              ///< when the ledger recorded the issue
  std::optional<Event> event;  ///< what made the status, where it is not good
};

Finding verify(ByteView proof, std::string_view policy, const Question& question);
/// The same, for a policy that is kept decoded. Whoever checks many proofs under one head may give a check of signatures that
/// remembers those that held.
Finding verify(ByteView proof, const Policy& policy, const Question& question,
               const SignatureCheck& check_signature = ed25519_verify);

}  // namespace testamur
