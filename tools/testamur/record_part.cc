// Bringing one part of a class onto the ledger exactly once.
//
// A statement names the register's next number, so of all statements with the same `first` one at most is ever accepted: handing in
// the same bytes again, or another statement for the same number, can never issue the part twice. A statement for another number
// is signed only once the ledger shows that somebody else's holds the old one.
#include <algorithm>

#include "answer.h"
#include "issue.h"
#include "signers.h"
#include "submit.h"

namespace testamur::tool {
namespace {

class Recording {
 public:
  Recording(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch, const Pending& pending,
            Context& context, IssuePart& part)
      : wish_(wish),
        node_(node),
        policy_(policy),
        batch_(batch),
        pending_(pending),
        context_(context),
        part_(part),
        patience_(wish.timeout_ms) {}

  std::optional<Failure> run() {
    auto held = pending_.statement(part_.index);
    if (!held) return failure_of(held.error());
    statement_ = std::move(*held);
    if (statement_ && !is_ours(*statement_)) {
      return Failure{kFailed, "corrupt", "the pending statement in " + wish_.proofs + " is not of the batch beside it"};
    }
    // Each round asks how things stand, and does what that calls for. More than a few mean that two systems issue here at once.
    for (int round = 0; round < kMaxRounds; ++round) {
      const auto now = retry(patience_, [&] { return ask_register(node_, wish_.in); });
      if (!now) return failure_of(now.failure, statement_ ? kUnknown : kFailed);
      if (statement_) {
        bool taken_by_another = false;
        if (auto failure = look_up(*now, taken_by_another)) return failure;
        if (done_) return std::nullopt;
        if (taken_by_another) {
          statement_.reset();
          was_taken_ = true;
        }
      }
      if (!statement_) {
        if (auto failure = sign(*now)) return failure;
      }
      if (auto failure = hand_in()) return failure;
      if (done_) return std::nullopt;
    }
    return Failure{
        kFailed, "wrong_first_number",
        format(wish_.in) + " moves on while this class is handed in: let one system issue in a register at a time"};
  }

 private:
  static constexpr int kMaxRounds = 5;

  /// Whether the statement issues exactly this part, whatever its number.
  bool is_ours(const SignedStatement& held) {
    const auto statement = decode_statement(held.statement);
    if (!statement || statement->type() != StatementType::issue) return false;
    body_ = std::get<IssueBody>(statement->body);
    return statement->ledger == batch_.ledger && statement->institution == wish_.in.institution &&
           body_.register_name == wish_.in.name && body_.count == part_.documents.size() &&
           body_.batch_root == part_.tree.root() && body_.listed == batch_.listed;
  }

  /// Whether the number that the statement names is taken, and by whom: as a proof shows it. On a node's bare word that it is
  /// somebody else's, the class could be issued twice.
  std::optional<Failure> look_up(const RegisterNow& now, bool& taken_by_another) {
    if (now.record.issued <= body_.first.value) return std::nullopt;
    Bytes bytes;
    const auto take = [&](EntryNumber, ByteView proof) {
      bytes.assign(proof.begin(), proof.end());
      return true;
    };
    const EntryName entry{wish_.in, body_.first};
    const auto got = retry(patience_, [&] { return node_.get_proofs(entry, 1, false, take); });
    if (!got) return failure_of(got.failure, kUnknown);
    Asked asked;
    asked.entry = entry;
    asked.now = context_.clock();
    const Answer answer = check(bytes, policy_, asked);
    const auto proof = decode_proof(bytes);
    if (!answer.shown || !proof || !proof->entry) {
      return Failure{
          kUnknown, std::string(name(answer.verdict)),
          "node " + node_.address() + ": the proof of " + format(entry) + " does not hold. " + headline(answer)};
    }
    if (proof->entry->statement.statement.statement == statement_->statement) {
      finish();
    } else {
      taken_by_another = true;
    }
    return std::nullopt;
  }

  std::optional<Failure> sign(const RegisterNow& now) {
    if (wish_.keys.empty() && was_taken_) {
      return Failure{
          kFailed, "wrong_first_number",
          "Another statement took the numbers of this class first, and nothing of it was recorded. Run the same "
          "command with --key: it signs anew for the numbers that follow, with the same salts"};
    }
    if (wish_.keys.empty()) return Failure{kUsage, "usage", "--key: expected the keys that sign the statement"};
    const auto keys = read_keys(wish_.keys);
    if (!keys) return failure_of(keys.error());
    const Time at = context_.clock();
    if (auto failure = check_signers(now, *keys, wish_.keys, kUseIssue, at)) return failure;
    body_ = IssueBody{wish_.in.name, EntryNumber{now.record.issued}, static_cast<std::uint32_t>(part_.documents.size()),
                      part_.tree.root(), batch_.listed};
    statement_ = sign_statement(Statement{batch_.ledger, wish_.in.institution, at, body_}, *keys);
    if (auto stored = pending_.store_statement(part_.index, *statement_); !stored) return failure_of(stored.error());
    return std::nullopt;
  }

  std::optional<Failure> hand_in() {
    const auto listed = batch_.listed ? std::span<const Hash>(part_.commitments) : std::span<const Hash>();
    const Fate fate = submit_statement(node_, encode(*statement_), listed, patience_);
    if (fate.kind == Fate::Kind::accepted) {
      finish();
      return std::nullopt;
    }
    if (fate.kind == Fate::Kind::unknown) {
      return Failure{kUnknown, fate.code.empty() ? "unknown" : fate.code,
                     "It is not known whether the class was recorded (" + fate.detail +
                         "). Nothing is lost: run the same command again, it goes on with the same statement"};
    }
    if (fate.code == "wrong_first_number") {
      // Either it is ours, recorded before this node can say so, or somebody else's. The register will show.
      patience_.pause(500);
      return std::nullopt;
    }
    if (fate.code == "signed_at_out_of_range" && context_.clock().value > signed_at() + kSignedAtMs) {
      statement_.reset();  // never to be accepted again; another for the same number can take its place
      return std::nullopt;
    }
    const std::string detail = fate.detail.empty() ? "" : ": " + fate.detail;
    return Failure{
        kFailed, fate.code,
        "The ledger refused the class, and nothing was recorded" + detail + ". " + std::string(advice(fate.code))};
  }

  std::uint64_t signed_at() const {
    const auto statement = decode_statement(statement_->statement);
    return statement ? statement->signed_at.value : 0;
  }

  void finish() {
    part_.first = body_.first;
    done_ = true;
  }

  static constexpr std::uint64_t kSignedAtMs = 14ull * 86'400'000;  // FORMATS 4, signed_at_out_of_range

  const IssueWish& wish_;
  NodeClient& node_;
  const Policy& policy_;
  const Batch& batch_;
  const Pending& pending_;
  Context& context_;
  IssuePart& part_;
  Patience patience_;
  std::optional<SignedStatement> statement_;
  IssueBody body_;          ///< of statement_
  bool was_taken_ = false;  ///< the numbers of a statement that was signed before
  bool done_ = false;
};

}  // namespace

std::optional<Failure> record_part(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch,
                                   const Pending& pending, Context& context, IssuePart& part) {
  return Recording(wish, node, policy, batch, pending, context, part).run();
}

}  // namespace testamur::tool
