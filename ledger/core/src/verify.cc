// The order of the checks is the order of trust: the cosignatures make the root true, the root makes the block true, the
// block makes the registry true, and so down to the document. Each step uses only what the steps before it proved.
#include "testamur/ledger/verify.h"

#include <algorithm>

#include "testamur/ledger/commitment.h"

namespace testamur {
namespace {

/// The state of one verification. Every check returns nothing when it holds, or the reason of refusal.
class Verification {
 public:
  Verification(const Proof& proof, const Policy& policy, const Question& question,
               const SignatureCheck& check_signature, Finding& finding)
      : proof_(proof), policy_(policy), question_(question), check_signature_(check_signature), finding_(finding) {}

  Verdict run() {
    using Check = std::optional<Verdict> (Verification::*)();
    for (const Check check : {&Verification::check_question, &Verification::check_head, &Verification::check_blocks,
                              &Verification::check_register, &Verification::check_time}) {
      if (const auto failure = (this->*check)()) return *failure;
    }
    const bool issued = proof_.number.value < proof_.record.issued;
    if (!issued) return proof_.entry ? Verdict::entry_part_unexpected : not_issued();
    if (!proof_.entry) return Verdict::entry_part_missing;
    entry_ = &*proof_.entry;
    for (const Check check :
         {&Verification::check_chunk, &Verification::check_statement, &Verification::check_institution,
          &Verification::check_evidence, &Verification::check_document}) {
      if (const auto failure = (this->*check)()) return *failure;
    }
    return static_cast<Verdict>(status_);
  }

 private:
  /// What ties the proof to what was asked: the ledger, and the entry where one is named.
  std::optional<Verdict> check_question() {
    if (proof_.ledger != policy_.ledger) return Verdict::wrong_ledger;
    finding_.institution = proof_.record.institution;
    finding_.register_name = proof_.record.name;
    finding_.number = proof_.number;
    if (question_.entry) {
      const Question::Entry& entry = *question_.entry;
      if (entry.institution != proof_.record.institution || entry.register_name != proof_.record.name) {
        return Verdict::wrong_register;
      }
      if (entry.number != proof_.number) return Verdict::wrong_number;
    } else if (!question_.document || !proof_.entry) {
      // A number that is not issued has no document, so only the entry's name says that it is the one meant.
      return Verdict::no_entry_named;
    }
    return std::nullopt;
  }

  /// The head is certified by the epoch that its size falls into, and by the one before where it begins that epoch.
  std::optional<Verdict> check_head() {
    if (proof_.epoch > policy_.epochs.back().revision) return Verdict::policy_too_old;
    if (proof_.epoch < policy_.epochs.front().revision) return Verdict::policy_too_new;
    const auto after = std::find_if(policy_.epochs.begin(), policy_.epochs.end(),
                                    [&](const Epoch& epoch) { return epoch.first_size > proof_.size; });
    if (after == policy_.epochs.begin()) return Verdict::wrong_epoch;
    const Epoch& epoch = *(after - 1);
    if (epoch.revision != proof_.epoch) return Verdict::wrong_epoch;
    finding_.older_epoch = after != policy_.epochs.end();
    const std::string body = encode(Checkpoint{policy_.origin, proof_.size, proof_.root});
    if (const auto failure = check_quorum(epoch.quorum, proof_.cosignatures, body)) return failure;
    const bool begins_epoch = epoch.first_size == proof_.size && after - 1 != policy_.epochs.begin();
    if (begins_epoch) return check_quorum((after - 2)->quorum, proof_.previous, body);
    const bool begins_policy = epoch.first_size == proof_.size && after - 1 == policy_.epochs.begin();
    if (begins_policy && epoch.revision > 0 && !proof_.previous.empty()) return Verdict::policy_too_new;
    if (!proof_.previous.empty()) return Verdict::wrong_cosignature_count;
    return std::nullopt;
  }

  std::optional<Verdict> check_quorum(const Quorum& quorum, const std::vector<Cosignature>& cosignatures,
                                      std::string_view body) {
    if (cosignatures.size() != quorum.threshold) return Verdict::wrong_cosignature_count;
    std::optional<std::size_t> last;
    std::uint64_t oldest = UINT64_MAX;
    for (const Cosignature& cosignature : cosignatures) {
      const auto voter = find_voter(quorum, cosignature.key_id);
      if (!voter) return Verdict::unknown_cosigner;
      if (last && *voter <= *last) return Verdict::cosigners_out_of_order;
      last = voter;
      if (!verify_cosignature(body, cosignature, quorum.voters[*voter].key, check_signature_)) {
        return Verdict::bad_cosignature;
      }
      oldest = std::min(oldest, cosignature.seconds);
    }
    const Time newest_block = proof_.later ? proof_.later->record.time : proof_.block.time;
    if (oldest < newest_block.value / 1000) return Verdict::cosigned_before_block;
    // With exactly `threshold` cosignatures the threshold-th newest is the oldest. Seconds beyond what milliseconds can
    // hold cannot come from a clock.
    if (oldest > UINT64_MAX / 1000) return Verdict::bad_cosignature;
    if (&cosignatures == &proof_.cosignatures) finding_.head_time = Time{oldest * 1000};
    return std::nullopt;
  }

  std::optional<Verdict> check_blocks() {
    finding_.current = !proof_.later;
    const Hash block_leaf = merkle::leaf_hash(encode(proof_.block));
    if (proof_.later) {
      const LaterBlock& later = *proof_.later;
      const bool follows = later.record.previous == block_leaf && later.record.first_leaf.value > 0 &&
                           proof_.block.height.value < later.record.height.value &&
                           later.record.height.value - proof_.block.height.value == 1 &&
                           proof_.block.time < later.record.time && later.record.first_leaf <= later.index;
      if (!follows) return Verdict::blocks_not_adjacent;
      if (!in_log(merkle::leaf_hash(encode(later.record)), later.index, later.path)) {
        return Verdict::later_block_not_in_log;
      }
      block_index_ = LeafIndex{later.record.first_leaf.value - 1};
    } else {
      if (proof_.size == 0) return Verdict::block_not_in_log;
      block_index_ = LeafIndex{proof_.size - 1};
    }
    if (!in_log(block_leaf, block_index_, proof_.block_path)) return Verdict::block_not_in_log;
    return std::nullopt;
  }

  std::optional<Verdict> check_register() {
    if (!in_registry(encode(proof_.record), proof_.register_index, proof_.record_path)) {
      return Verdict::register_not_in_registry;
    }
    return std::nullopt;
  }

  /// Whether the block shown holds at the time asked about.
  std::optional<Verdict> check_time() {
    finding_.status_since = proof_.block.time;
    // A head's time is in whole seconds and may fall into the millisecond before its block's: then the block's own time is
    // the last moment that the head speaks of.
    // The voters of a past epoch may sign what they like today: their heads speak up to their last block, never of now.
    const bool past = finding_.older_epoch;
    finding_.status_until = proof_.later ? proof_.later->record.time
                            : past       ? proof_.block.time
                                         : std::max(finding_.head_time, proof_.block.time);
    if (question_.now && finding_.head_time.value > question_.now->value &&
        finding_.head_time.value - question_.now->value > kClockToleranceMs) {
      return Verdict::in_the_future;
    }
    if (!question_.at) return check_current();
    const bool after_start = *question_.at >= finding_.status_since;
    const bool before_end =
        proof_.later ? *question_.at < finding_.status_until : *question_.at <= finding_.status_until;
    if (!after_start || !before_end) return Verdict::time_not_covered;
    return std::nullopt;
  }

  std::optional<Verdict> check_current() {
    if (proof_.later || finding_.older_epoch) return Verdict::not_current;
    if (question_.now && question_.max_age_ms && question_.now->value > finding_.head_time.value &&
        question_.now->value - finding_.head_time.value > *question_.max_age_ms) {
      return Verdict::too_old;
    }
    return std::nullopt;
  }

  Verdict not_issued() {
    // A document cannot be tied to a number that nobody issued.
    return question_.document ? Verdict::no_document_part : Verdict::not_yet_issued;
  }

  std::optional<Verdict> check_chunk() {
    if (!merkle::verify_inclusion(merkle::leaf_hash(entry_->chunk), proof_.number.value / kChunkEntries,
                                  chunk_count(proof_.record.issued), entry_->chunk_path, proof_.record.status_root)) {
      return Verdict::chunk_not_in_register;
    }
    status_ = chunk_status(entry_->chunk, proof_.number);
    return std::nullopt;
  }

  std::optional<Verdict> check_statement() {
    if (!in_log(merkle::leaf_hash(encode(entry_->statement)), entry_->statement_index, entry_->statement_path)) {
      return Verdict::statement_not_in_log;
    }
    auto statement = decode_statement(entry_->statement.statement.statement);
    if (!statement || statement->type() != StatementType::issue || statement->ledger != proof_.ledger ||
        statement->institution != proof_.record.institution) {
      return Verdict::bad_statement;
    }
    issue_ = std::get<IssueBody>(std::move(statement->body));
    if (issue_.register_name != proof_.record.name) return Verdict::bad_statement;
    if (proof_.number < issue_.first || proof_.number.value - issue_.first.value >= issue_.count) {
      return Verdict::number_not_in_batch;
    }
    if (entry_->statement_index >= block_index_ || entry_->statement.recorded_at > proof_.block.time) {
      return Verdict::statement_after_block;
    }
    finding_.listed = issue_.listed;
    finding_.issued_at = entry_->statement.recorded_at;
    return std::nullopt;
  }

  std::optional<Verdict> check_institution() {
    if (!entry_->institution) return std::nullopt;
    const InstitutionProof& institution = *entry_->institution;
    if (institution.record.id != proof_.record.institution) return Verdict::wrong_institution;
    if (!in_registry(encode(institution.record), institution.index, institution.path)) {
      return Verdict::institution_not_in_registry;
    }
    const SignedStatement& statement = entry_->statement.statement;
    const Bytes message = statement_message(statement.statement);
    unsigned valid = 0;
    for (const Signature& signature : statement.signatures) {
      const Key* key = find_key(institution.record, signature.key_id);
      if (key == nullptr || !check_signature_(key->public_key, message, signature.signature)) {
        return Verdict::bad_signature;
      }
      if (key->valid_for(kUseIssue, entry_->statement.recorded_at)) ++valid;
    }
    if (valid < proof_.record.approvals) return Verdict::not_enough_signatures;
    finding_.signatures_checked = true;
    return std::nullopt;
  }

  /// Where the status is not good, the event that made it so.
  std::optional<Verdict> check_evidence() {
    const auto* final_event = std::get_if<FinalEvent>(&entry_->evidence);
    const auto* suspending = std::get_if<SuspendingEvents>(&entry_->evidence);
    if (status_ == Status::good) {
      return final_event != nullptr || suspending != nullptr ? std::optional(Verdict::evidence_unexpected)
                                                             : std::nullopt;
    }
    if (final_event == nullptr && suspending == nullptr) return Verdict::evidence_missing;
    const bool is_final = status_ != Status::suspended;
    if (is_final != (final_event != nullptr)) return Verdict::evidence_unexpected;
    return is_final ? check_final(*final_event) : check_suspending(*suspending);
  }

  std::optional<Verdict> check_final(const FinalEvent& shown) {
    if (!merkle::verify_inclusion(merkle::leaf_hash(encode(shown.event)), shown.event.sequence.value,
                                  proof_.record.events, shown.path, proof_.record.events_root)) {
      return Verdict::event_not_in_register;
    }
    return check_made_status(shown.event);
  }

  std::optional<Verdict> check_suspending(const SuspendingEvents& shown) {
    const std::uint64_t first = shown.events.front().sequence.value;
    if (first >= proof_.record.events || shown.events.size() != proof_.record.events - first) {
      return Verdict::event_not_in_register;
    }
    auto tree = merkle::CompactRange::from(first, shown.peaks);
    if (!tree) return Verdict::event_not_in_register;
    for (std::size_t i = 0; i < shown.events.size(); ++i) {
      const Event& event = shown.events[i];
      if (event.sequence.value != first + i) return Verdict::event_not_in_register;
      if (i > 0 && event.change.covers(proof_.number)) return Verdict::wrong_event;
      tree->append(merkle::leaf_hash(encode(event)));
    }
    if (tree->root() != proof_.record.events_root) return Verdict::event_not_in_register;
    return check_made_status(shown.events.front());
  }

  std::optional<Verdict> check_made_status(const Event& event) {
    if (!event.change.covers(proof_.number) || event.change.status != status_ ||
        event.recorded_at > proof_.block.time) {
      return Verdict::wrong_event;
    }
    finding_.event = event;
    return std::nullopt;
  }

  std::optional<Verdict> check_document() {
    if (!entry_->document) return question_.document ? std::optional(Verdict::no_document_part) : std::nullopt;
    if (!question_.document) return Verdict::document_needed;
    const DocumentProof& document = *entry_->document;
    // Listed or sealed comes from the statement, never from the proof.
    if (issue_.listed == document.salt.has_value()) return Verdict::wrong_salt;
    const Hash commitment =
        issue_.listed ? *question_.document : sealed_commitment(*document.salt, *question_.document);
    if (!merkle::verify_inclusion(merkle::leaf_hash(commitment), proof_.number.value - issue_.first.value, issue_.count,
                                  document.path, issue_.batch_root)) {
      return Verdict::document_mismatch;
    }
    finding_.document_checked = true;
    return std::nullopt;
  }

  bool in_log(const Hash& leaf, LeafIndex index, const merkle::Path& path) const {
    return merkle::verify_inclusion(leaf, index.value, proof_.size, path, proof_.root);
  }
  bool in_registry(ByteView record, std::uint32_t index, const merkle::Path& path) const {
    return merkle::verify_inclusion(merkle::leaf_hash(record), index, proof_.block.registry_size, path,
                                    proof_.block.registry_root);
  }

  const Proof& proof_;
  const Policy& policy_;
  const Question& question_;
  const SignatureCheck& check_signature_;
  Finding& finding_;
  const EntryProof* entry_ = nullptr;
  LeafIndex block_index_;
  Status status_ = Status::good;
  IssueBody issue_;
};

}  // namespace

Finding verify(ByteView proof, const Policy& policy, const Question& question, const SignatureCheck& check_signature) {
  Finding finding;
  if (policy.epochs.empty()) {
    finding.verdict = Verdict::malformed_policy;
    return finding;
  }
  const auto decoded = decode_proof(proof);
  if (!decoded) {
    finding.detail = decoded.error().message;
    return finding;
  }
  finding.verdict = Verification(*decoded, policy, question, check_signature, finding).run();
  return finding;
}

Finding verify(ByteView proof, std::string_view policy, const Question& question) {
  const auto decoded = decode_policy(policy);
  if (!decoded) {
    Finding finding;
    finding.verdict = Verdict::malformed_policy;
    finding.detail = decoded.error().message;
    return finding;
  }
  return verify(proof, *decoded, question);
}

}  // namespace testamur
