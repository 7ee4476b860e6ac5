// What a check of a proof says: one code, and what was proved.
#pragma once

#include "testamur/ledger/statement.h"

namespace testamur {

/// Stable: programs store these numbers, and testamur/verify.h repeats them.
enum class Verdict : std::uint8_t {
  // Answers.
  good = 0,
  suspended = 1,
  revoked = 2,
  superseded = 3,
  not_yet_issued = 4,
  // Could not check: nothing is wrong with the proof, but it does not answer the question.
  too_old = 16,           ///< the head is older than the question allows
  policy_too_old = 17,    ///< the head is of an epoch after the policy's last
  policy_too_new = 18,    ///< the head is of an epoch before the policy's first
  not_current = 19,       ///< the proof shows an earlier status, and the question is about now
  time_not_covered = 20,  ///< the proof does not reach the time asked about
  no_document_part = 21,  ///< a document was given, and the proof does not speak of one
  document_needed = 22,   ///< the proof speaks of a document, and none was given
  in_the_future = 23,     ///< the head is later than the clock allows: one of them is wrong
  no_entry_named = 24,    ///< neither a document nor an entry was given to check against
  // Refused: the proof is forged, damaged, or of something else.
  malformed_proof = 64,
  malformed_policy = 65,
  wrong_ledger = 66,
  wrong_register = 67,
  wrong_number = 68,
  wrong_epoch = 69,
  wrong_cosignature_count = 70,
  unknown_cosigner = 71,
  cosigners_out_of_order = 72,
  bad_cosignature = 73,
  cosigned_before_block = 74,
  block_not_in_log = 75,
  later_block_not_in_log = 76,
  blocks_not_adjacent = 77,
  register_not_in_registry = 78,
  institution_not_in_registry = 79,
  wrong_institution = 80,
  entry_part_missing = 81,     ///< the number is issued, and the proof says nothing of it
  entry_part_unexpected = 82,  ///< the number is not issued, and the proof speaks of it
  chunk_not_in_register = 83,
  statement_not_in_log = 84,
  bad_statement = 85,  ///< not an issue statement of this ledger, institution and register
  number_not_in_batch = 86,
  statement_after_block = 87,
  bad_signature = 88,
  not_enough_signatures = 89,
  evidence_missing = 90,     ///< the status is not good, and no event shows why
  evidence_unexpected = 91,  ///< events that this status does not call for
  event_not_in_register = 92,
  wrong_event = 93,  ///< an event of another number, status or time
  wrong_salt = 94,   ///< a salt on a listed entry, or none on a sealed one
  document_mismatch = 95,
  out_of_memory = 127,
};

std::string_view name(Verdict verdict);
/// One sentence for people.
std::string_view sentence(Verdict verdict);

inline bool is_answer(Verdict verdict) { return verdict <= Verdict::not_yet_issued; }
inline bool is_refusal(Verdict verdict) { return verdict >= Verdict::malformed_proof; }

}  // namespace testamur
