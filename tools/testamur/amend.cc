#include "amend.h"

#include <algorithm>

#include "recorded.h"
#include "signers.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {

std::string_view verb(Status status) {
  switch (status) {
    case Status::good: return "reinstate";
    case Status::suspended: return "suspend";
    case Status::revoked: return "revoke";
    case Status::superseded: return "supersede";
  }
  return "amend";
}

Result<std::vector<Change>> changes_of(const AmendWish& wish, Time now) {
  // In whole seconds, so that a clock a little ahead of the ledger's does not name a time that has not come.
  const Time effective = wish.effective_at.value_or(Time{now.value / 1000 * 1000});
  if (effective > now) {
    return Error{ErrorCode::invalid, "--effective: expected a time that has come, found " + format_time(effective)};
  }
  auto numbers = wish.numbers;
  std::sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Change> out;
  std::uint64_t total = 0;
  for (const NumberRange& range : numbers) {
    if (!out.empty() && range.first.value < out.back().first.value + out.back().count) {
      return Error{ErrorCode::invalid, "--number: expected each number once, found " + format(range) + " again"};
    }
    Change change{range.first, range.count, wish.status, wish.reason, effective, {}};
    if (wish.replacement) {
      if (wish.replacement->in == wish.in && change.covers(wish.replacement->number)) {
        return Error{ErrorCode::invalid, "--by: expected another entry than those it replaces"};
      }
      change.replacement =
          Replacement{wish.replacement->in.institution, wish.replacement->in.name, wish.replacement->number};
    }
    total += range.count;
    out.push_back(std::move(change));
  }
  if (out.empty() || total > kMaxBatch) {
    return Error{ErrorCode::invalid, "--number: expected 1 to 1048576 entries in one amendment, found " +
                                         std::to_string(total) + "; make several of it"};
  }
  return out;
}

std::optional<Failure> amend(const AmendWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, AmendReport& report) {
  const Time at = context.clock();
  auto changes = changes_of(wish, at);
  if (!changes) return failure_of(changes.error(), kUsage);
  report.effective_at = changes->front().effective_at;
  for (const Change& change : *changes) report.entries += change.count;
  Patience patience(wish.timeout_ms);
  const auto now = retry(patience, [&] { return ask_register(node, wish.in); });
  if (!now) return failure_of(now.failure);
  for (const Change& change : *changes) {
    if (change.first.value + change.count > now->record.issued) {
      return Failure{kFailed, "no_such_entry",
                     "--number: expected numbers below " + std::to_string(now->record.issued) +
                         ", the next that the register will issue; found " +
                         format(NumberRange{change.first, change.count})};
    }
  }
  const Statement statement{policy.ledger, wish.in.institution, at,
                            AmendBody{wish.in.name, now->record.events, std::move(*changes)}};
  if (!wish.prepare.empty()) {
    return write_prepared(wish.prepare, *now, {to_sign(statement)}, signers, at, report.prepared.emplace());
  }
  if (auto failure = signers.read()) return failure;
  patience = Patience(wish.timeout_ms);  // a person who was asked for a passphrase takes his time
  if (auto failure = check_signers(*now, signers, kUseAmend, at)) return failure;
  report.fate = submit_statement(node, encode(sign_statement(statement, signers.keys())), {}, patience);
  if (report.fate.kind == Fate::Kind::accepted) {
    Patience more(wish.timeout_ms);
    return confirm_amended(node, policy, context, statement, report.fate.recorded_at, more);
  }
  const std::string detail = report.fate.detail.empty() ? "" : " (" + report.fate.detail + ")";
  if (report.fate.kind == Fate::Kind::unknown) {
    return Failure{kUnknown, report.fate.code.empty() ? "unknown" : report.fate.code,
                   "It is not known whether this was recorded" + detail +
                       ". Look at the status of the entries before you run this again"};
  }
  return Failure{kFailed, report.fate.code,
                 "The ledger refused the amendment, and nothing was changed" + detail + ". " +
                     std::string(advice(report.fate.code))};
}

}  // namespace testamur::tool
