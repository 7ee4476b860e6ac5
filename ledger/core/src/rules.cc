#include "testamur/ledger/rules.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "testamur/ledger/leaf.h"

namespace testamur {
namespace {

constexpr std::uint64_t kMaxAgeMs = 14ull * 24 * 60 * 60 * 1000;
constexpr std::uint64_t kMaxAheadMs = 5ull * 60 * 1000;

bool in_signing_window(Time signed_at, Time block_time) {
  const std::uint64_t oldest = block_time.value < kMaxAgeMs ? 0 : block_time.value - kMaxAgeMs;
  const bool never_ahead = block_time.value > std::numeric_limits<std::uint64_t>::max() - kMaxAheadMs;
  return signed_at.value >= oldest && (never_ahead || signed_at.value <= block_time.value + kMaxAheadMs);
}

const std::string& register_of(const Statement& statement) {
  const auto* issue = std::get_if<IssueBody>(&statement.body);
  return issue != nullptr ? issue->register_name : std::get<AmendBody>(statement.body).register_name;
}

Acceptance check_signatures(const SignedStatement& signed_statement, const InstitutionRecord& institution, KeyUse use,
                            unsigned approvals, Time block_time, const SignatureCheck& check_signature) {
  std::vector<const Key*> signers;
  for (const Signature& signature : signed_statement.signatures) {
    const Key* key = find_key(institution, signature.key_id);
    if (key == nullptr) return Acceptance::bad_signature;
    signers.push_back(key);
  }
  const Bytes message = statement_message(signed_statement.statement);
  for (std::size_t i = 0; i < signers.size(); ++i) {
    if (!check_signature(signers[i]->public_key, message, signed_statement.signatures[i].signature)) {
      return Acceptance::bad_signature;
    }
  }
  const auto valid =
      std::count_if(signers.begin(), signers.end(), [&](const Key* key) { return key->valid_for(use, block_time); });
  return static_cast<std::uint64_t>(valid) >= approvals ? Acceptance::ok : Acceptance::not_enough_signatures;
}

Acceptance check_batch(const IssueBody& body, const Submission& submission) {
  const std::uint64_t most = body.listed ? kMaxListedBatch : kMaxBatch;
  // A register that would outgrow 64 bits cannot be reached by honest counting; numbers never wrap all the same.
  const bool overflows = body.count > std::numeric_limits<std::uint64_t>::max() - body.first.value;
  if (body.count == 0 || body.count > most || overflows) return Acceptance::bad_count;
  if (!submission.listed) return Acceptance::body_mismatch;
  if (!body.listed) return submission.listed->empty() ? Acceptance::ok : Acceptance::body_mismatch;
  if (submission.listed->size() != body.count) return Acceptance::body_mismatch;
  merkle::CompactRange batch;
  for (const Hash& commitment : *submission.listed) batch.append(merkle::leaf_hash(commitment));
  return batch.root() == body.batch_root ? Acceptance::ok : Acceptance::body_mismatch;
}

Acceptance check_issue(const IssueBody& body, const RegisterRecord& record, const Submission& submission) {
  if (body.first.value != record.issued) return Acceptance::wrong_first_number;
  return check_batch(body, submission);
}

bool may_change(Status from, Status to) {
  switch (to) {
    case Status::good: return from == Status::suspended;
    case Status::suspended: return from == Status::good;
    case Status::revoked:
    case Status::superseded: return from == Status::good || from == Status::suspended;
  }
  return false;
}

bool replacement_holds(const Change& change, const RegisterRecord& record, const LedgerView& view) {
  if (!change.replacement) return true;
  if (change.status != Status::superseded) return false;
  const Replacement& replacement = *change.replacement;
  const RegisterRecord* target = view.find_register(replacement.institution, replacement.register_name);
  if (target == nullptr || replacement.number.value >= target->issued) return false;
  const bool same_register = target->institution == record.institution && target->name == record.name;
  return !(same_register && change.covers(replacement.number));
}

/// An entry that a view left out would pass every rule: such a view must not go unseen.
void assert_covers(const std::vector<StatusRun>& runs, const Change& change) {
  std::uint64_t next = change.first.value;
  for (const StatusRun& run : runs) {
    if (run.first.value != next) break;
    next += run.count;
  }
  if (next - change.first.value != change.count) {
    std::fprintf(stderr, "testamur: the statuses of a range were not all read\n");
    std::abort();
  }
}

Acceptance check_counts(const AmendBody& body, const Submission& submission) {
  std::uint64_t together = 0;
  for (const Change& change : body.changes) {
    if (change.count == 0) return Acceptance::bad_count;
    together += change.count;
  }
  if (together > kMaxBatch) return Acceptance::bad_count;
  return submission.listed && submission.listed->empty() ? Acceptance::ok : Acceptance::body_mismatch;
}

Acceptance check_amend(const AmendBody& body, const RegisterRecord& record, const Submission& submission,
                       Time block_time, const LedgerView& view) {
  if (body.next_event != record.events) return Acceptance::wrong_next_event;
  if (const Acceptance code = check_counts(body, submission); code != Acceptance::ok) return code;
  StatusOverlay earlier;
  const auto stored = [&](EntryNumber first, std::uint64_t count) { return view.statuses(record, first, count); };
  for (const Change& change : body.changes) {
    if (change.first.value >= record.issued || change.count > record.issued - change.first.value) {
      return Acceptance::no_such_entry;
    }
    if (change.effective_at > block_time) return Acceptance::effective_in_future;
    if (!replacement_holds(change, record, view)) return Acceptance::bad_replacement;
    const auto runs = earlier.read(change.first, change.count, stored);
    assert_covers(runs, change);
    if (!std::all_of(runs.begin(), runs.end(),
                     [&](const StatusRun& run) { return may_change(run.status, change.status); })) {
      return Acceptance::forbidden_transition;
    }
    earlier.set(change.first, change.count, change.status);
  }
  return Acceptance::ok;
}

bool may_speak(const InstitutionRecord* institution, StatementType type) {
  if (institution == nullptr) return false;
  if (institution->state == InstitutionState::active) return true;
  return type == StatementType::amend && institution->state == InstitutionState::closed;
}

}  // namespace

std::string_view name(Acceptance code) {
  constexpr std::array<std::string_view, 16> names = {"ok",
                                                      "malformed",
                                                      "wrong_ledger",
                                                      "institution_not_active",
                                                      "unknown_register",
                                                      "signed_at_out_of_range",
                                                      "bad_signature",
                                                      "not_enough_signatures",
                                                      "wrong_first_number",
                                                      "wrong_next_event",
                                                      "bad_count",
                                                      "body_mismatch",
                                                      "no_such_entry",
                                                      "effective_in_future",
                                                      "bad_replacement",
                                                      "forbidden_transition"};
  return names[static_cast<std::size_t>(code)];
}

void StatusOverlay::set(EntryNumber first, std::uint64_t count, Status status) {
  const std::uint64_t begin = first.value;
  const std::uint64_t end = begin + count;
  // Cut what is there at both edges, drop what lies between, put the new run in its place.
  const auto cut = [this](std::uint64_t at) {
    auto next = runs_.upper_bound(at);
    if (next == runs_.begin()) return;
    auto& [start, run] = *std::prev(next);
    if (start < at && at < run.end) {
      runs_[at] = run;
      run.end = at;
    }
  };
  cut(begin);
  cut(end);
  runs_.erase(runs_.lower_bound(begin), runs_.lower_bound(end));
  runs_[begin] = Run{end, status};
}

std::vector<StatusRun> StatusOverlay::read(EntryNumber first, std::uint64_t count, const Below& below) const {
  std::vector<StatusRun> out;
  std::uint64_t at = first.value;
  const std::uint64_t end = at + count;
  const auto fill_to = [&](std::uint64_t until) {
    if (at >= until) return;
    const auto gap = below(EntryNumber{at}, until - at);
    out.insert(out.end(), gap.begin(), gap.end());
    at = until;
  };
  auto run = runs_.upper_bound(at);
  if (run != runs_.begin() && std::prev(run)->second.end > at) --run;
  for (; run != runs_.end() && run->first < end; ++run) {
    fill_to(run->first);
    const std::uint64_t stop = std::min(run->second.end, end);
    out.push_back({EntryNumber{at}, stop - at, run->second.status});
    at = stop;
  }
  fill_to(end);
  return out;
}

std::vector<StatusRun> StatusOverlay::runs() const {
  std::vector<StatusRun> out;
  for (const auto& [start, run] : runs_) out.push_back({EntryNumber{start}, run.end - start, run.status});
  return out;
}

namespace {

/// What a submission says, and of which register, once everything up to its signatures holds.
struct Signed {
  Acceptance code = Acceptance::malformed;
  std::optional<Statement> statement;
  const RegisterRecord* record = nullptr;
};

Signed check_signed(const Submission& submission, Time block_time, const Hash& ledger, const LedgerView& view,
                    const SignatureCheck& check_signature) {
  const auto refused = [](Acceptance code) { return Signed{code, std::nullopt, nullptr}; };

  constexpr std::size_t leaf_overhead = 9;  // leaf_type and recorded_at
  if (submission.signed_statement.size() + leaf_overhead > kMaxLeafBytes) return refused(Acceptance::malformed);
  const auto signed_statement = decode_signed_statement(submission.signed_statement);
  if (!signed_statement) return refused(Acceptance::malformed);
  auto statement = decode_statement(signed_statement->statement);
  if (!statement || statement->type() == StatementType::govern) return refused(Acceptance::malformed);
  if (statement->ledger != ledger) return refused(Acceptance::wrong_ledger);

  const InstitutionRecord* institution = view.find_institution(statement->institution);
  if (!may_speak(institution, statement->type())) return refused(Acceptance::institution_not_active);
  const RegisterRecord* record = view.find_register(statement->institution, register_of(*statement));
  if (record == nullptr) return refused(Acceptance::unknown_register);
  if (!in_signing_window(statement->signed_at, block_time)) return refused(Acceptance::signed_at_out_of_range);

  const KeyUse use = statement->type() == StatementType::issue ? kUseIssue : kUseAmend;
  const Acceptance signatures =
      check_signatures(*signed_statement, *institution, use, record->approvals, block_time, check_signature);
  if (signatures != Acceptance::ok) return refused(signatures);
  return {Acceptance::ok, std::move(*statement), record};
}

}  // namespace

Judgement examine(const Submission& submission, Time now, const Hash& ledger, const LedgerView& view,
                  const SignatureCheck& check_signature) {
  Signed said = check_signed(submission, now, ledger, view, check_signature);
  if (said.code != Acceptance::ok) return {said.code, std::nullopt};
  Acceptance code = Acceptance::ok;
  if (const auto* issue = std::get_if<IssueBody>(&said.statement->body)) {
    code = issue->first.value < said.record->issued ? Acceptance::wrong_first_number : check_batch(*issue, submission);
  } else {
    const auto& amend = std::get<AmendBody>(said.statement->body);
    code = amend.next_event < said.record->events ? Acceptance::wrong_next_event : check_counts(amend, submission);
  }
  if (code != Acceptance::ok) return {code, std::nullopt};
  return {code, std::move(said.statement)};
}

Judgement judge(const Submission& submission, Time block_time, const Hash& ledger, const LedgerView& view,
                const SignatureCheck& check_signature) {
  Signed said = check_signed(submission, block_time, ledger, view, check_signature);
  if (said.code != Acceptance::ok) return {said.code, std::nullopt};
  const auto* issue = std::get_if<IssueBody>(&said.statement->body);
  const Acceptance code = issue != nullptr ? check_issue(*issue, *said.record, submission)
                                           : check_amend(std::get<AmendBody>(said.statement->body), *said.record,
                                                         submission, block_time, view);
  if (code != Acceptance::ok) return {code, std::nullopt};
  return {code, std::move(said.statement)};
}

}  // namespace testamur
