#include "amend.h"

#include <algorithm>

#include "amend_rows.h"
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

Result<Time> effective_time(std::optional<Time> wanted, Time now) {
  // In whole seconds, so that a clock a little ahead of the ledger's does not name a time that has not come.
  const Time effective = wanted.value_or(Time{now.value / 1000 * 1000});
  if (effective <= now) return effective;
  return Error{ErrorCode::invalid, "expected a time that has come, found " + format_time(effective)};
}

Result<void> replace_by(Change& change, const RegisterName& in, const EntryName& by) {
  if (by.in == in && change.covers(by.number)) {
    return Error{ErrorCode::invalid, "expected another entry than those it replaces"};
  }
  change.replacement = Replacement{by.in.institution, by.in.name, by.number};
  return {};
}

Result<std::vector<Change>> changes_of(const AmendWish& wish, Time now) {
  const auto effective = effective_time(wish.effective_at, now);
  if (!effective) return Error{effective.error().code, "--effective: " + effective.error().message};
  auto numbers = wish.numbers;
  std::sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Change> out;
  std::uint64_t total = 0;
  for (const NumberRange& range : numbers) {
    if (!out.empty() && range.first.value < out.back().first.value + out.back().count) {
      return Error{ErrorCode::invalid, "--number: expected each number once, found " + format(range) + " again"};
    }
    Change change{range.first, range.count, wish.status, wish.reason, *effective, {}};
    if (wish.replacement) {
      if (auto set = replace_by(change, wish.in, *wish.replacement); !set) {
        return Error{set.error().code, "--by: " + set.error().message};
      }
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

std::optional<Failure> check_amend(const RegisterName& in, Signers& signers, NodeClient& node, Context& context,
                                   std::uint64_t timeout_ms, RegisterNow& now) {
  Patience patience(timeout_ms);
  const auto asked = retry(patience, [&] { return ask_register(node, in); });
  if (!asked) return failure_of(asked.failure);
  now = *asked;
  if (signers.empty()) return std::nullopt;
  if (auto failure = signers.read()) return failure;
  return check_each_signer(now.institution, signers, kUseAmend, context.clock());
}

std::optional<Failure> record_amendment(const Statement& statement, const Signers& signers, NodeClient& node,
                                        const Policy& policy, Context& context, std::uint64_t timeout_ms, Fate& fate) {
  Patience patience(timeout_ms);
  fate = submit_statement(node, encode(sign_statement(statement, signers.keys())), {}, patience);
  if (fate.kind == Fate::Kind::accepted) {
    Patience more(timeout_ms);
    return confirm_amended(node, policy, context, statement, fate.recorded_at, more);
  }
  const std::string detail = fate.detail.empty() ? "" : " (" + fate.detail + ")";
  if (fate.kind == Fate::Kind::unknown) {
    return Failure{kUnknown, fate.code.empty() ? "unknown" : fate.code,
                   "It is not known whether this was recorded" + detail +
                       ". The same command again looks at the ledger first, and does nothing twice"};
  }
  return Failure{
      kFailed, fate.code,
      "The ledger refused the amendment, and nothing was changed" + detail + ". " + std::string(advice(fate.code))};
}

namespace {

std::uint64_t entries_of(const std::vector<AmendRow>& rows, AmendRow::Outcome outcome) {
  std::uint64_t out = 0;
  for (const AmendRow& row : rows) out += row.outcome == outcome ? row.change.count : 0;
  return out;
}

/// The changes as rows, compared with how their entries stand. The failure tells of all that cannot be.
std::optional<Failure> check_changes(const AmendWish& wish, const std::vector<Change>& changes, const RegisterNow& now,
                                     const Reach& reach, Context& context, std::vector<AmendRow>& rows) {
  for (const Change& change : changes) {
    rows.push_back({rows.size() + 1, {}, change, wish.effective_at.has_value()});
  }
  std::string code;
  std::string told;
  const Complain complain = [&](const AmendRow&, std::string_view which, const std::string& message) {
    if (code.empty()) code = which;
    told += (told.empty() ? "" : "\n  ") + std::string(which == kBadReplacement ? "--by: " : "--number: ") + message;
  };
  if (auto failure = check_rows(complain, wish, now.record, reach.nodes, reach.policy, context, rows)) return failure;
  if (code.empty()) return std::nullopt;
  return Failure{kFailed, code, told + "; nothing was sent"};
}

}  // namespace

std::optional<Failure> amend(const AmendWish& wish, Signers& signers, const Reach& reach, Context& context,
                             AmendReport& report) {
  const Time at = context.clock();
  const auto changes = changes_of(wish, at);
  if (!changes) return failure_of(changes.error(), kUsage);
  report.effective_at = changes->front().effective_at;
  NodeClient node(reach.nodes);
  RegisterNow now;
  if (auto failure = check_amend(wish.in, signers, node, context, wish.timeout_ms, now)) return failure;
  if (wish.prepare.empty()) {
    if (auto failure = check_signers(now, signers, kUseAmend, at)) return failure;
  }
  std::vector<AmendRow> rows;
  if (auto failure = check_changes(wish, *changes, now, reach, context, rows)) return failure;
  report.before = entries_of(rows, AmendRow::Outcome::already);
  report.entries = entries_of(rows, AmendRow::Outcome::not_done);
  if (report.entries == 0) return std::nullopt;
  if (!wish.prepare.empty())
    return prepare_rows(wish, now, reach.policy, signers, context, rows, report.prepared.emplace());
  const auto statements = fold_rows(wish, reach.policy.ledger, now.record.events, at, rows);
  auto failure = record_rows(statements, signers, node, reach.policy, context, wish.timeout_ms, rows);
  for (const AmendRow& row : rows) {
    if (row.outcome == AmendRow::Outcome::done) report.recorded_at = std::max(report.recorded_at, row.recorded_at);
  }
  return failure;
}

}  // namespace testamur::tool
