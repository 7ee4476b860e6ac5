#include "reissue.h"

#include "fresh.h"

namespace testamur::tool {
namespace {

class Reissuing {
 public:
  Reissuing(const ReissueWish& wish, Signers& signers, const Reach& reach, Context& context, ReissueReport& report)
      : wish_(wish),
        old_{wish.issue.in, wish.old},
        signers_(signers),
        reach_(reach),
        node_(reach.nodes),
        context_(context),
        report_(report) {}

  std::optional<Failure> run(const std::function<bool()>& confirm) {
    Finding old;
    if (auto failure = look_up(old)) return failure;
    if (old.event && old.event->change.status == Status::revoked) {
      return Failure{kFailed, "forbidden_transition",
                     format(old_) +
                         " is revoked, which is final; nothing was issued. A new document is issued by itself, "
                         "with \"testamur issue\""};
    }
    if (old.event && old.event->change.status == Status::superseded) return expect_done(*old.event);
    if (auto failure = check()) return failure;
    if (!confirm()) return Failure{kFailed, "not_confirmed", "Nothing was done"};
    if (auto failure = issue_new()) return failure;
    return supersede();
  }

 private:
  std::optional<Failure> look_up(Finding& old) {
    Patience patience(reach_.timeout_ms);
    const auto now = retry(patience, [&] { return ask_register(node_, old_.in); });
    if (!now) return failure_of(now.failure);
    if (wish_.old.value >= now->record.issued) {
      return Failure{kFailed, "no_such_entry",
                     "--number: expected a number below " + std::to_string(now->record.issued) +
                         ", the next that the register will issue; found " + std::to_string(wish_.old.value)};
    }
    FreshProof fresh;
    FreshWish wish;
    wish.entry = old_;
    if (auto failure =
            FreshProofs(reach_.nodes, reach_.policy, reach_.timeout_ms).fetch(wish, context_.clock(), fresh)) {
      return failure;
    }
    old = fresh.answer.finding;
    return std::nullopt;
  }

  /// Superseded is final: by this document, where an earlier run came so far.
  std::optional<Failure> expect_done(const Event& event) {
    const auto& by = event.change.replacement;
    const std::string shown =
        by ? "by " + format(EntryName{{by->institution, by->register_name}, by->number}) : "by no entry that is named";
    const Failure by_another{kFailed, "forbidden_transition",
                             format(old_) + " is superseded already, " + shown + "; nothing was issued"};
    IssueReport checked;
    if (auto failure = check_issue(wish_.issue, signers_, nullptr, reach_.policy, context_, checked)) return failure;
    if (!checked.done_before) return by_another;
    if (auto failure = issue_new()) return failure;
    if (!by || EntryName{{by->institution, by->register_name}, by->number} != EntryName{old_.in, report_.number}) {
      return by_another;
    }
    report_.done_before = true;
    report_.amend.effective_at = event.change.effective_at;
    report_.amend.fate.recorded_at = event.recorded_at;
    return std::nullopt;
  }

  /// What would stop the second statement is told before the first is sent.
  std::optional<Failure> check() {
    if (const auto effective = effective_time(wish_.effective_at, context_.clock()); !effective) {
      return failure_of(Error{effective.error().code, "--effective: " + effective.error().message}, kUsage);
    }
    RegisterNow now;
    if (auto failure = check_amend(old_.in, signers_, node_, context_, reach_.timeout_ms, now)) return failure;
    if (auto failure = check_signers(now, signers_, kUseAmend, context_.clock())) return failure;
    IssueReport checked;
    return check_issue(wish_.issue, signers_, nullptr, reach_.policy, context_, checked);
  }

  std::optional<Failure> issue_new() {
    if (auto failure = issue(wish_.issue, signers_, node_, reach_.policy, context_, report_.issue)) return failure;
    report_.number = report_.issue.issued.parts.front().first;
    if (report_.number != wish_.old) return std::nullopt;
    return Failure{kFailed, "conflict", "DOCUMENT: expected another than that of " + format(old_) + ", found the same"};
  }

  std::optional<Failure> supersede() {
    AmendWish wish;
    wish.in = old_.in;
    wish.status = Status::superseded;
    wish.numbers = {{wish_.old, 1}};
    wish.reason = wish_.reason;
    wish.effective_at = wish_.effective_at;
    wish.replacement = EntryName{old_.in, report_.number};
    wish.timeout_ms = reach_.timeout_ms;
    auto failure = amend(wish, signers_, node_, reach_.policy, context_, report_.amend);
    if (!failure) return std::nullopt;
    failure->message = "The new document is issued as " + format(EntryName{old_.in, report_.number}) + ", and " +
                       format(old_) +
                       " is not known to be superseded by it yet: run the same command again, it goes on "
                       "from here. " +
                       failure->message;
    return failure;
  }

  const ReissueWish& wish_;
  const EntryName old_;
  Signers& signers_;
  const Reach& reach_;
  NodeClient node_;
  Context& context_;
  ReissueReport& report_;
};

}  // namespace

std::optional<Failure> reissue(const ReissueWish& wish, Signers& signers, const Reach& reach,
                               const std::function<bool()>& confirm, Context& context, ReissueReport& report) {
  return Reissuing(wish, signers, reach, context, report).run(confirm);
}

}  // namespace testamur::tool
