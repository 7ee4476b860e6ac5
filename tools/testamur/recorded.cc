#include "recorded.h"

#include "answer.h"

namespace testamur::tool {
namespace {

struct Shown {
  Answer answer;
  std::optional<Proof> proof;
};

/// One proof of one entry, and what it shows.
Called<Shown> ask_proof(NodeClient& node, const Policy& policy, Context& context, const EntryName& entry,
                        std::optional<Time> at) {
  Bytes bytes;
  const auto take = [&](EntryNumber, ByteView proof) {
    bytes.assign(proof.begin(), proof.end());
    return true;
  };
  const auto got = node.get_proofs(entry, 1, false, take, at);
  if (!got) return {{}, got.failure};
  Asked asked;
  asked.entry = entry;
  asked.at = at;
  asked.now = context.clock();
  Shown shown{check(bytes, policy, asked), {}};
  if (auto proof = decode_proof(bytes)) shown.proof = std::move(*proof);
  return {std::move(shown), {}};
}

Failure does_not_hold(const NodeClient& node, const EntryName& entry, const Answer& answer) {
  return {kUnknown, std::string(name(answer.verdict)),
          "node " + node.address() + ": the proof of " + format(entry) + " does not hold. " + headline(answer)};
}

/// Whether the entry stands as the change says, by this change where an event shows by which.
bool shows(const Answer& answer, const Change& change) {
  if (!is_answer(answer.verdict) || answer.verdict == Verdict::not_yet_issued) return false;
  if (static_cast<Status>(answer.verdict) != change.status) return false;
  return change.status == Status::good || (answer.finding.event && answer.finding.event->change == change);
}

static_assert(static_cast<Status>(Verdict::superseded) == Status::superseded);

}  // namespace

std::optional<Failure> find_issuing(NodeClient& node, const Policy& policy, Context& context, const EntryName& entry,
                                    Patience& patience, std::optional<SignedStatement>& issuing) {
  issuing.reset();
  auto shown = retry(patience, [&] { return ask_proof(node, policy, context, entry, {}); });
  if (!shown) return failure_of(shown.failure, kUnknown);
  if (!shown->answer.shown || !shown->proof) return does_not_hold(node, entry, shown->answer);
  if (shown->proof->entry) issuing = shown->proof->entry->statement.statement;
  return std::nullopt;
}

std::optional<Failure> confirm_issued(NodeClient& node, const Policy& policy, Context& context,
                                      const Statement& statement, Patience& patience) {
  const IssueBody& body = std::get<IssueBody>(statement.body);
  const EntryName entry{{statement.institution, body.register_name}, body.first};
  for (;;) {
    std::optional<SignedStatement> issuing;
    const auto failure = find_issuing(node, policy, context, entry, patience, issuing);
    if (issuing && issuing->statement == encode(statement)) return std::nullopt;
    if (issuing) {
      return Failure{kFailed, "wrong_first_number",
                     format(entry) + " was issued by another statement, as a proof shows"};
    }
    if (patience.is_over()) {
      if (failure) return failure;
      return Failure{kUnknown, "not_yet_issued",
                     "node " + node.address() + " says that the statement is recorded, but no proof of " +
                         format(entry) + " shows it yet"};
    }
    node.turn();
    patience.pause();
  }
}

std::optional<Failure> confirm_amended(NodeClient& node, const Policy& policy, Context& context,
                                       const Statement& statement, Time recorded_at, Patience& patience) {
  const AmendBody& body = std::get<AmendBody>(statement.body);
  // A statement is accepted whole or not at all, so that one entry speaks for all.
  const Change& change = body.changes.back();
  const EntryName entry{{statement.institution, body.register_name}, change.first};
  for (;;) {
    std::string seen;
    for (const std::optional<Time> at : {std::optional<Time>(), std::optional(recorded_at)}) {
      const auto shown = ask_proof(node, policy, context, entry, at);
      if (shown && shows(shown->answer, change)) return std::nullopt;
      seen = shown ? headline(shown->answer) : shown.failure.message;
    }
    if (patience.is_over()) {
      return Failure{kUnknown, "unknown",
                     "node " + node.address() + " says that the amendment is recorded, but no proof of " +
                         format(entry) + " shows it (" + seen +
                         "). Look at the status of the entries before you run this again"};
    }
    // The node may lie, or be behind the one that took the statement.
    node.turn();
    patience.pause();
  }
}

}  // namespace testamur::tool
