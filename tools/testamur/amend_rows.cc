#include "amend_rows.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "fresh.h"
#include "signers.h"
#include "testamur/ledger/leaf.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

std::vector<std::size_t> by_number(const std::vector<AmendRow>& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rows[a].change.first < rows[b].change.first; });
  return order;
}

/// FORMATS 4, `forbidden_transition`.
bool may_become(Status from, Status to) {
  if (from == Status::good) return to != Status::good;
  return from == Status::suspended && to != Status::suspended;
}

class CheckingRows {
 public:
  CheckingRows(const Complain& complain, const AmendWish& wish, const RegisterRecord& now,
               const std::vector<std::string>& nodes, const Policy& policy, Context& context,
               std::vector<AmendRow>& rows)
      : complain_(complain),
        wish_(wish),
        now_(now),
        node_(nodes),
        context_(context),
        rows_(rows),
        proofs_(nodes, policy, wish.timeout_ms),
        progress_(context, "looking", rows.size()) {}

  std::optional<Failure> run() {
    for (const std::size_t i : by_number(rows_)) {
      if (auto failure = check(rows_[i])) return failure;
      progress_.advance();
    }
    return std::nullopt;
  }

 private:
  std::optional<Failure> fetch(EntryNumber number, FreshProof& fresh) {
    FreshWish wish;
    wish.entry = {wish_.in, number};
    return proofs_.fetch(wish, context_.clock(), fresh);
  }

  /// As the proof of one number shows it for all of its chunk.
  std::optional<Failure> status_of(EntryNumber number, Status& status) {
    const std::uint64_t chunk = number.value / kChunkEntries;
    if (chunk != chunk_at_) {
      FreshProof fresh;
      if (auto failure = fetch(number, fresh)) return failure;
      chunk_ = fresh.proof.entry->chunk;
      chunk_at_ = chunk;
    }
    status = chunk_status(chunk_, number);
    return std::nullopt;
  }

  std::optional<Failure> check(AmendRow& row) {
    const Change& change = row.change;
    const std::uint64_t end = change.first.value + change.count;
    if (end > now_.issued) {
      complain_(row, "no_such_entry",
                "expected numbers below " + std::to_string(now_.issued) + ", the next that " + format(wish_.in) +
                    " will issue; found " + format(NumberRange{change.first, change.count}));
      return std::nullopt;
    }
    if (change.replacement) {
      bool holds = false;
      if (auto failure = check_replacement(row, *change.replacement, holds)) return failure;
      if (!holds) return std::nullopt;
    }
    std::uint64_t same = 0;
    for (EntryNumber number = change.first; number.value < end; ++number.value) {
      Status status = Status::good;
      if (auto failure = status_of(number, status)) return failure;
      if (status == change.status) {
        ++same;
      } else if (!may_become(status, change.status)) {
        complain_(row, "forbidden_transition",
                  "expected an entry to " + std::string(verb(change.status)) + ", found that " +
                      std::to_string(number.value) + " is " + std::string(name(status)));
        return std::nullopt;
      }
    }
    if (same == 0) return std::nullopt;
    if (same < change.count) {
      complain_(row, "forbidden_transition",
                "expected none of the range or all of it to be " + std::string(name(change.status)) +
                    " already, found " + std::to_string(same) + " of " + std::to_string(change.count));
      return std::nullopt;
    }
    return check_same(row);
  }

  std::optional<Failure> check_replacement(const AmendRow& row, const Replacement& by, bool& holds) {
    const EntryName named{{by.institution, by.register_name}, by.number};
    auto known = issued_.find(format(named.in));
    if (known == issued_.end()) {
      Patience patience(wish_.timeout_ms);
      const auto asked = retry(patience, [&] { return ask_register(node_, named.in); });
      if (!asked && asked.failure.code != name(ErrorCode::not_found)) return failure_of(asked.failure);
      known = issued_.emplace(format(named.in), asked ? asked->record.issued : 0).first;
    }
    holds = by.number.value < known->second;
    if (!holds) {
      complain_(row, kBadReplacement, "expected an entry that exists to hold instead, found " + format(named));
    }
    return std::nullopt;
  }

  /// The ledger has the status already: also for the reason, at the time and with the replacement that the row names?
  std::optional<Failure> check_same(AmendRow& row) {
    const Change& change = row.change;
    for (EntryNumber number = change.first; change.status != Status::good && change.covers(number);) {
      FreshProof fresh;
      if (auto failure = fetch(number, fresh)) return failure;
      const auto& event = fresh.answer.finding.event;
      if (!event) break;  // somebody reinstated it this moment
      const Change& held = event->change;
      if (held.reason != change.reason || held.replacement != change.replacement ||
          (row.effective_given && held.effective_at != change.effective_at)) {
        complain_(row, "forbidden_transition",
                  "found that " + std::to_string(number.value) + " is " + std::string(name(held.status)) +
                      " already, but not as is wanted here: reason " + std::string(reason_name(held.reason)) +
                      ", effective " + format_time(held.effective_at) + replaced_by(held));
        return std::nullopt;
      }
      row.recorded_at = std::max(row.recorded_at, event->recorded_at);
      number = EntryNumber{held.first.value + held.count};
    }
    row.outcome = AmendRow::Outcome::already;
    return std::nullopt;
  }

  static std::string replaced_by(const Change& change) {
    const auto& by = change.replacement;
    return by ? ", replaced by " + format(EntryName{{by->institution, by->register_name}, by->number}) : "";
  }

  const Complain& complain_;
  const AmendWish& wish_;
  const RegisterRecord& now_;
  NodeClient node_;
  std::map<std::string, std::uint64_t> issued_;  ///< entries of the registers that replacements are of
  Context& context_;
  std::vector<AmendRow>& rows_;
  FreshProofs proofs_;
  Progress progress_;
  Chunk chunk_{};
  std::uint64_t chunk_at_ = UINT64_MAX;
};

std::size_t size_of(const Change& change) {
  Writer writer;
  write(writer, change);
  return writer.bytes().size();
}

/// Whether `next` goes on where `change` ends and says the same.
bool continues(const Change& change, const Change& next) {
  return change.first.value + change.count == next.first.value && change.reason == next.reason &&
         change.effective_at == next.effective_at && change.replacement == next.replacement;
}

/// Statements filled one after another.
class Folding {
 public:
  Folding(const AmendWish& wish, const Hash& ledger, std::uint64_t next_event, Time at)
      : empty_{ledger, wish.in.institution, at, AmendBody{wish.in.name, next_event, {}}} {}

  void add(std::size_t row, const Change& change) {
    const bool more = !out_.empty() && entries_ + change.count <= kMaxBatch;
    if (more && continues(changes().back(), change)) {
      changes().back().count += change.count;
    } else if (more && bytes_ + size_of(change) <= kMaxChangeBytes) {
      changes().push_back(change);
      bytes_ += size_of(change);
    } else {
      begin();
      changes().push_back(change);
      bytes_ = size_of(change);
      entries_ = 0;
    }
    entries_ += change.count;
    out_.back().rows.push_back(row);
  }
  std::vector<RowsStatement> take() { return std::move(out_); }

 private:
  /// What the rest of a statement, 16 signatures and the leaf around them take is less than 2,500 bytes.
  static constexpr std::size_t kMaxChangeBytes = kMaxLeafBytes - 2500;

  std::vector<Change>& changes() { return std::get<AmendBody>(out_.back().statement.body).changes; }
  void begin() {
    Statement next = empty_;
    if (!out_.empty()) {
      const AmendBody& last = std::get<AmendBody>(out_.back().statement.body);
      std::get<AmendBody>(next.body).next_event = last.next_event + last.changes.size();
    }
    out_.push_back({std::move(next), {}});
  }

  Statement empty_;
  std::vector<RowsStatement> out_;
  std::size_t bytes_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace

std::optional<Failure> check_rows(const Complain& complain, const AmendWish& wish, const RegisterRecord& now,
                                  const std::vector<std::string>& nodes, const Policy& policy, Context& context,
                                  std::vector<AmendRow>& rows) {
  return CheckingRows(complain, wish, now, nodes, policy, context, rows).run();
}

std::vector<RowsStatement> fold_rows(const AmendWish& wish, const Hash& ledger, std::uint64_t next_event, Time at,
                                     const std::vector<AmendRow>& rows) {
  Folding folding(wish, ledger, next_event, at);
  for (const std::size_t i : by_number(rows)) {
    if (rows[i].outcome == AmendRow::Outcome::not_done) folding.add(i, rows[i].change);
  }
  return folding.take();
}

std::vector<StatementToSign> statements_to_sign(const AmendWish& wish, const Hash& ledger, std::uint64_t next_event,
                                                Time at, std::vector<AmendRow> rows) {
  for (AmendRow& row : rows) {
    if (!row.effective_given) row.change.effective_at = *effective_time({}, at);
  }
  std::vector<StatementToSign> out;
  for (const RowsStatement& item : fold_rows(wish, ledger, next_event, at, rows))
    out.push_back(to_sign(item.statement));
  return out;
}

std::optional<Failure> prepare_rows(const AmendWish& wish, const RegisterNow& now, const Policy& policy,
                                    Signers& signers, Context& context, const std::vector<AmendRow>& rows,
                                    Prepared& prepared) {
  auto items = as_prepared(wish.prepare, context.clock(), [&](Time at) {
    return statements_to_sign(wish, policy.ledger, now.record.events, at, rows);
  });
  if (items.size() > kMaxStatementsToSign) {
    return Failure{kFailed, "invalid",
                   "--prepare: expected changes for 16 statements at most, found " + std::to_string(items.size()) +
                       "; prepare them in portions"};
  }
  return write_prepared(wish.prepare, now, std::move(items), signers, context.clock(), prepared);
}

std::optional<Failure> record_rows(const std::vector<RowsStatement>& statements, const Signers& signers,
                                   NodeClient& node, const Policy& policy, Context& context, std::uint64_t timeout_ms,
                                   std::vector<AmendRow>& rows) {
  std::uint64_t total = 0;
  for (const RowsStatement& item : statements) total += item.rows.size();
  Progress progress(context, "amending", total);
  for (const RowsStatement& item : statements) {
    Fate fate;
    const auto failure = record_amendment(item.statement, signers, node, policy, context, timeout_ms, fate);
    const auto outcome = !failure                    ? AmendRow::Outcome::done
                         : failure->exit == kUnknown ? AmendRow::Outcome::unknown
                                                     : AmendRow::Outcome::not_done;
    for (const std::size_t row : item.rows) {
      rows[row].outcome = outcome;
      if (!failure) rows[row].recorded_at = fate.recorded_at;
    }
    if (failure) return failure;
    progress.advance(item.rows.size());
  }
  return std::nullopt;
}

}  // namespace testamur::tool
