/* The Testamur verifier: checks a status proof against a policy, and trusts nothing else.
 *
 * One function, no state, no threads, no network, no files; safe to call from several threads. It reads what it is given,
 * bounds everything (16 MiB of proof, 1 MiB of policy), throws nothing and frees what it takes. What a proof must
 * show is written in FORMATS.md, section 6.
 */
#ifndef TESTAMUR_VERIFY_H
#define TESTAMUR_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Verdict codes. Stable: programs may store them. 0 to 15 answer the question; 16 to 63 say that this proof does not
 * answer it, though nothing is wrong with it; 64 and above refuse it. testamur_verdict_name() tells each by name. */
enum testamur_verdict {
  TESTAMUR_GOOD = 0,
  TESTAMUR_SUSPENDED = 1,
  TESTAMUR_REVOKED = 2,
  TESTAMUR_SUPERSEDED = 3,
  TESTAMUR_NOT_YET_ISSUED = 4, /* proved: the register has not reached this number */

  TESTAMUR_TOO_OLD = 16,
  TESTAMUR_POLICY_TOO_OLD = 17,
  TESTAMUR_POLICY_TOO_NEW = 18,
  TESTAMUR_NOT_CURRENT = 19,
  TESTAMUR_TIME_NOT_COVERED = 20,
  TESTAMUR_NO_DOCUMENT_PART = 21,
  TESTAMUR_DOCUMENT_NEEDED = 22,
  TESTAMUR_IN_THE_FUTURE = 23,
  TESTAMUR_NO_ENTRY_NAMED = 24,

  TESTAMUR_MALFORMED_PROOF = 64,
  TESTAMUR_MALFORMED_POLICY = 65,
  TESTAMUR_WRONG_LEDGER = 66,
  TESTAMUR_WRONG_REGISTER = 67,
  TESTAMUR_WRONG_NUMBER = 68,
  TESTAMUR_WRONG_EPOCH = 69,
  TESTAMUR_WRONG_COSIGNATURE_COUNT = 70,
  TESTAMUR_UNKNOWN_COSIGNER = 71,
  TESTAMUR_COSIGNERS_OUT_OF_ORDER = 72,
  TESTAMUR_BAD_COSIGNATURE = 73,
  TESTAMUR_COSIGNED_BEFORE_BLOCK = 74,
  TESTAMUR_BLOCK_NOT_IN_LOG = 75,
  TESTAMUR_LATER_BLOCK_NOT_IN_LOG = 76,
  TESTAMUR_BLOCKS_NOT_ADJACENT = 77,
  TESTAMUR_REGISTER_NOT_IN_REGISTRY = 78,
  TESTAMUR_INSTITUTION_NOT_IN_REGISTRY = 79,
  TESTAMUR_WRONG_INSTITUTION = 80,
  TESTAMUR_ENTRY_PART_MISSING = 81,
  TESTAMUR_ENTRY_PART_UNEXPECTED = 82,
  TESTAMUR_CHUNK_NOT_IN_REGISTER = 83,
  TESTAMUR_STATEMENT_NOT_IN_LOG = 84,
  TESTAMUR_BAD_STATEMENT = 85,
  TESTAMUR_NUMBER_NOT_IN_BATCH = 86,
  TESTAMUR_STATEMENT_AFTER_BLOCK = 87,
  TESTAMUR_BAD_SIGNATURE = 88,
  TESTAMUR_NOT_ENOUGH_SIGNATURES = 89,
  TESTAMUR_EVIDENCE_MISSING = 90,
  TESTAMUR_EVIDENCE_UNEXPECTED = 91,
  TESTAMUR_EVENT_NOT_IN_REGISTER = 92,
  TESTAMUR_WRONG_EVENT = 93,
  TESTAMUR_WRONG_SALT = 94,
  TESTAMUR_DOCUMENT_MISMATCH = 95,
  TESTAMUR_OUT_OF_MEMORY = 127
};

/* What is asked. Zero-fill it, then set what is known. */
typedef struct testamur_question {
  /* H(document), 32 bytes, by FORMATS.md section 2; null when there is no document. */
  const uint8_t* document_hash;
  /* The entry meant, NUL-terminated names; both null when the document alone says which. Needed without a document. */
  const char* institution;
  const char* register_name;
  uint64_t number;
  /* The status at this time (milliseconds since 1970, UTC); has_at 0: the status now. */
  uint8_t has_at;
  uint64_t at_ms;
  /* The clock; has_now 0: no age is checked. */
  uint8_t has_now;
  uint64_t now_ms;
  /* How old the head may be when the question is about now; has_max_age 0: any age. */
  uint8_t has_max_age;
  uint64_t max_age_ms;
} testamur_question;

/* What was found. Only when the verdict is an answer (0 to 15) may the other fields be relied on. */
typedef struct testamur_finding {
  int32_t verdict;
  char institution[254];
  char register_name[65];
  uint64_t number;
  uint64_t head_time_ms;      /* of the certified head, by its cosigners' clocks */
  uint64_t status_since_ms;   /* time of the block whose state is shown */
  uint64_t status_until_ms;   /* the next block's time; where current is 1, the last moment the head speaks of */
  uint8_t current;            /* no later block under this head */
  uint8_t older_epoch;        /* the policy knows a newer epoch: "as of", never now */
  uint8_t document_checked;   /* the document is this entry */
  uint8_t signatures_checked; /* the institution's own signatures hold; otherwise the consortium vouches */
  uint8_t listed;
  uint64_t issued_at_ms; /* 0 when not yet issued */
  /* What made the status, where it is not good. */
  uint8_t has_event;
  uint8_t reason; /* FORMATS.md section 4 */
  uint64_t recorded_at_ms;
  uint64_t effective_at_ms;
  uint8_t has_replacement;
  char replacement_institution[254];
  char replacement_register[65];
  uint64_t replacement_number;
  /* Of a malformed proof or policy: what was expected, and where. */
  char detail[256];
} testamur_finding;

/* Checks a proof against a policy. Fills *finding and returns its verdict. Null question: "now", and the entry unnamed. */
int32_t testamur_verify(const uint8_t* proof, size_t proof_size, const char* policy, size_t policy_size,
                        const testamur_question* question, testamur_finding* finding);

/* The stable name of a verdict ("good", "too_old", ...), and one English sentence. Never null. */
const char* testamur_verdict_name(int32_t verdict);
const char* testamur_verdict_sentence(int32_t verdict);

/* H("testamur/commitment/v1" || 0x00 || salt || document_hash): a sealed commitment, for tools. All 32 bytes. */
void testamur_sealed_commitment(const uint8_t* salt, const uint8_t* document_hash, uint8_t* commitment);

#ifdef __cplusplus
}
#endif

#endif
