#include "testamur/ledger/verdict.h"

namespace testamur {
namespace {

struct Words {
  std::string_view name;
  std::string_view sentence;
};

Words words(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return {"good", "The entry is in good standing."};
    case Verdict::suspended: return {"suspended", "The entry is suspended."};
    case Verdict::revoked: return {"revoked", "The entry has been revoked."};
    case Verdict::superseded: return {"superseded", "The entry has been superseded by another."};
    case Verdict::not_yet_issued: return {"not_yet_issued", "The register has not issued this number yet."};
    case Verdict::too_old: return {"too_old", "Could not check: the proof is older than allowed. Ask for a fresh one."};
    case Verdict::policy_too_old:
      return {"policy_too_old", "Could not check: the consortium has changed since this policy. Get a newer policy."};
    case Verdict::policy_too_new:
      return {"policy_too_new", "Could not check: the proof is from before this policy's first epoch."};
    case Verdict::not_current:
      return {"not_current", "Could not check: the proof shows an earlier status, not the status now."};
    case Verdict::time_not_covered:
      return {"time_not_covered", "Could not check: the proof does not reach the time asked about."};
    case Verdict::no_document_part:
      return {"no_document_part", "Could not check: the proof does not tie a document to the entry."};
    case Verdict::document_needed:
      return {"document_needed", "Could not check: the proof speaks of a document, and none was given."};
    case Verdict::in_the_future:
      return {"in_the_future", "Could not check: the head lies in the future. Is the clock of this machine right?"};
    case Verdict::no_entry_named:
      return {"no_entry_named", "Could not check: neither a document nor an entry was named."};
    case Verdict::malformed_proof: return {"malformed_proof", "Refused: these bytes are not a proof."};
    case Verdict::malformed_policy: return {"malformed_policy", "Refused: this text is not a policy."};
    case Verdict::wrong_ledger: return {"wrong_ledger", "Refused: the proof is of another ledger than the policy."};
    case Verdict::wrong_register: return {"wrong_register", "Refused: the proof is of another register."};
    case Verdict::wrong_number: return {"wrong_number", "Refused: the proof is of another number."};
    case Verdict::wrong_epoch: return {"wrong_epoch", "Refused: a head of this size is of another epoch."};
    case Verdict::wrong_cosignature_count:
      return {"wrong_cosignature_count", "Refused: not exactly as many cosignatures as the threshold."};
    case Verdict::unknown_cosigner: return {"unknown_cosigner", "Refused: a cosignature by nobody the policy names."};
    case Verdict::cosigners_out_of_order:
      return {"cosigners_out_of_order", "Refused: the cosignatures are not in the order of the voters, each once."};
    case Verdict::bad_cosignature: return {"bad_cosignature", "Refused: a cosignature does not verify."};
    case Verdict::cosigned_before_block:
      return {"cosigned_before_block", "Refused: a cosignature is older than the block it covers."};
    case Verdict::block_not_in_log: return {"block_not_in_log", "Refused: the block record is not in the log."};
    case Verdict::later_block_not_in_log:
      return {"later_block_not_in_log", "Refused: the later block record is not in the log."};
    case Verdict::blocks_not_adjacent:
      return {"blocks_not_adjacent", "Refused: the later block does not follow the block shown."};
    case Verdict::register_not_in_registry:
      return {"register_not_in_registry", "Refused: the register record is not in the block's registry."};
    case Verdict::institution_not_in_registry:
      return {"institution_not_in_registry", "Refused: the institution record is not in the block's registry."};
    case Verdict::wrong_institution:
      return {"wrong_institution", "Refused: the institution record is not the register's institution."};
    case Verdict::entry_part_missing:
      return {"entry_part_missing", "Refused: the number is issued, and the proof says nothing of it."};
    case Verdict::entry_part_unexpected:
      return {"entry_part_unexpected", "Refused: the proof speaks of a number that is not issued."};
    case Verdict::chunk_not_in_register:
      return {"chunk_not_in_register", "Refused: the status chunk is not in the register."};
    case Verdict::statement_not_in_log:
      return {"statement_not_in_log", "Refused: the issue statement is not in the log."};
    case Verdict::bad_statement:
      return {"bad_statement", "Refused: not an issue statement of this ledger, institution and register."};
    case Verdict::number_not_in_batch:
      return {"number_not_in_batch", "Refused: the statement did not issue this number."};
    case Verdict::statement_after_block:
      return {"statement_after_block", "Refused: the issue statement is later than the block shown."};
    case Verdict::bad_signature:
      return {"bad_signature", "Refused: a signature of the statement is not the institution's."};
    case Verdict::not_enough_signatures:
      return {"not_enough_signatures", "Refused: fewer valid signatures than the register's approvals."};
    case Verdict::evidence_missing: return {"evidence_missing", "Refused: no event shows why the status is not good."};
    case Verdict::evidence_unexpected:
      return {"evidence_unexpected", "Refused: the proof shows events that this status does not call for."};
    case Verdict::event_not_in_register: return {"event_not_in_register", "Refused: the event is not in the register."};
    case Verdict::wrong_event: return {"wrong_event", "Refused: the event is of another number, status or time."};
    case Verdict::wrong_salt: return {"wrong_salt", "Refused: a salt on a listed entry, or none on a sealed one."};
    case Verdict::document_mismatch: return {"document_mismatch", "Refused: the document is not this entry."};
    case Verdict::out_of_memory: return {"out_of_memory", "Refused: not enough memory to check."};
  }
  return {"unknown", "Refused: an unknown verdict."};
}

}  // namespace

std::string_view name(Verdict verdict) { return words(verdict).name; }
std::string_view sentence(Verdict verdict) { return words(verdict).sentence; }

}  // namespace testamur
