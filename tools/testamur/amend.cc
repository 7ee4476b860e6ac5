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
                       ". Look at the status of the entries before you run this again"};
  }
  return Failure{
      kFailed, fate.code,
      "The ledger refused the amendment, and nothing was changed" + detail + ". " + std::string(advice(fate.code))};
}

static Statement statement_of(const AmendWish& wish, const Hash& ledger, const RegisterNow& now, Time at,
                              std::vector<Change> changes) {
  return {ledger, wish.in.institution, at, AmendBody{wish.in.name, now.record.events, std::move(changes)}};
}

std::optional<Failure> amend(const AmendWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, AmendReport& report) {
  const Time at = context.clock();
  auto changes = changes_of(wish, at);
  if (!changes) return failure_of(changes.error(), kUsage);
  report.effective_at = changes->front().effective_at;
  for (const Change& change : *changes) report.entries += change.count;
  RegisterNow now;
  if (auto failure = check_amend(wish.in, signers, node, context, wish.timeout_ms, now)) return failure;
  for (const Change& change : *changes) {
    if (change.first.value + change.count > now.record.issued) {
      return Failure{kFailed, "no_such_entry",
                     "--number: expected numbers below " + std::to_string(now.record.issued) +
                         ", the next that the register will issue; found " +
                         format(NumberRange{change.first, change.count})};
    }
  }
  if (!wish.prepare.empty()) {
    auto statements = as_prepared(wish.prepare, at, [&](Time as_of) {
      auto made = changes_of(wish, as_of);
      if (!made) made = *changes;  // its times were good as of now
      return std::vector{to_sign(statement_of(wish, policy.ledger, now, as_of, std::move(*made)))};
    });
    report.effective_at = std::get<AmendBody>(statements.front().statement.body).changes.front().effective_at;
    return write_prepared(wish.prepare, now, std::move(statements), signers, at, report.prepared.emplace());
  }
  const Statement statement = statement_of(wish, policy.ledger, now, at, std::move(*changes));
  if (auto failure = check_signers(now, signers, kUseAmend, at)) return failure;
  return record_amendment(statement, signers, node, policy, context, wish.timeout_ms, report.fate);
}

}  // namespace testamur::tool
