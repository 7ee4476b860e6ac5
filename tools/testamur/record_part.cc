// Bringing one part of a class onto the ledger exactly once.
//
// A statement names the register's next number, so of all statements with the same `first` one at most is ever accepted: handing in
// the same bytes again, or another statement for the same number, can never issue the part twice. A statement for another number
// is signed only once the ledger shows that somebody else's holds the old one. The same goes for statements that were prepared for
// others to sign, any of which may have been handed in: all are looked for before another is made.
#include <algorithm>

#include "issue.h"
#include "recorded.h"
#include "signing_file.h"
#include "submit.h"

namespace testamur::tool {
namespace {

class Recording {
 public:
  Recording(const IssueWish& wish, NodeClient& node, const Policy& policy, const BatchHead& batch,
            const Pending& pending, Signers& signers, Context& context, IssuePart& part)
      : wish_(wish),
        node_(node),
        policy_(policy),
        batch_(batch),
        pending_(pending),
        signers_(signers),
        context_(context),
        part_(part),
        patience_(wish.timeout_ms) {}

  std::optional<Failure> run() {
    if (auto failure = load()) return failure;
    // Each round asks how things stand, and does what that calls for. More than a few mean that two systems issue here at once.
    for (int round = 0; round < kMaxRounds; ++round) {
      const auto now = retry(patience_, [&] { return ask_register(node_, wish_.in); });
      if (!now) return failure_of(now.failure, statement_ ? kUnknown : kFailed);
      if (auto failure = look_up_all(*now)) return failure;
      if (done_) return std::nullopt;
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

  /// The statement for others to sign, which begins at `next` or after; nothing when the part is recorded already. `next` becomes the
  /// number after the part.
  std::optional<Failure> prepare(std::uint64_t& next, std::optional<Statement>& statement, RegisterNow& now) {
    if (auto failure = load()) return failure;
    const auto asked = retry(patience_, [&] { return ask_register(node_, wish_.in); });
    if (!asked) return failure_of(asked.failure);
    now = *asked;
    if (auto failure = look_up_all(now)) return failure;
    if (!done_) {
      next = std::max(next, now.record.issued);
      if (auto failure = put_up(EntryNumber{next}, statement)) return failure;
    }
    part_.first = body_.first;
    next = std::max(next, body_.first.value + body_.count);
    return std::nullopt;
  }

  std::optional<Failure> find(bool& found) {
    if (auto failure = load()) return failure;
    const auto now = retry(patience_, [&] { return ask_register(node_, wish_.in); });
    if (!now) return failure_of(now.failure);
    if (auto failure = look_up_all(*now)) return failure;
    found = done_;
    return std::nullopt;
  }

 private:
  static constexpr int kMaxRounds = 5;

  std::optional<Failure> load() {
    const auto corrupt = [&] {
      return Failure{kFailed, "corrupt", "a pending statement in " + wish_.proofs + " is not of the batch beside it"};
    };
    auto held = pending_.statement(part_.index);
    if (!held) return failure_of(held.error());
    statement_ = std::move(*held);
    if (statement_) {
      const auto body = our_body(statement_->statement);
      if (!body) return corrupt();
      body_ = *body;
    }
    auto prepared = pending_.prepared(part_.index);
    if (!prepared) return failure_of(prepared.error());
    prepared_ = std::move(*prepared);
    was_prepared_ = !prepared_.empty();
    for (const Bytes& statement : prepared_) {
      if (!our_body(statement)) return corrupt();
    }
    return std::nullopt;
  }

  /// What the statement says, if it issues exactly this part, whatever its number.
  std::optional<IssueBody> our_body(ByteView bytes) const {
    const auto statement = decode_statement(bytes);
    if (!statement || statement->type() != StatementType::issue) return std::nullopt;
    const IssueBody& body = std::get<IssueBody>(statement->body);
    const bool ours = statement->ledger == batch_.ledger && statement->institution == wish_.in.institution &&
                      body.register_name == wish_.in.name && body.count == part_.documents.size() &&
                      body.batch_root == part_.documents.root() && body.listed == batch_.listed;
    return ours ? std::optional(body) : std::nullopt;
  }

  /// Whether the ledger holds one of the statements already. Those whose numbers are somebody else's are dropped.
  std::optional<Failure> look_up_all(const RegisterNow& now) {
    bool taken = false;
    for (auto it = prepared_.begin(); it != prepared_.end();) {
      if (auto failure = look_up(now, our_body(*it)->first, taken)) return failure;
      if (done_) return std::nullopt;
      it = taken ? prepared_.erase(it) : std::next(it);
    }
    if (!statement_) return std::nullopt;
    if (auto failure = look_up(now, body_.first, taken)) return failure;
    if (taken) {
      statement_.reset();
      was_taken_ = true;
    }
    return std::nullopt;
  }

  /// Whether a number is taken, and by whom: as a proof shows it. On a node's bare word that it is somebody else's, the class could
  /// be issued twice.
  std::optional<Failure> look_up(const RegisterNow& now, EntryNumber first, bool& taken_by_another) {
    taken_by_another = false;
    if (now.record.issued <= first.value) return std::nullopt;
    std::optional<SignedStatement> issuing;
    if (auto failure = find_issuing(node_, policy_, context_, {wish_.in, first}, patience_, issuing)) return failure;
    if (!issuing) {
      return Failure{kUnknown, "not_yet_issued",
                     "node " + node_.address() + ": expected the proof of " + format(EntryName{wish_.in, first}) +
                         ", found that it is not issued"};
    }
    const auto body = our_body(issuing->statement);
    if (body) {
      body_ = *body;
      finish();
    }
    taken_by_another = !body;
    return std::nullopt;
  }

  std::optional<Failure> sign(const RegisterNow& now) {
    if (signers_.empty()) return no_keys();
    if (auto failure = signers_.read()) return failure;
    patience_ = Patience(wish_.timeout_ms);  // a person who was asked for a passphrase takes his time
    const Time at = context_.clock();
    if (auto failure = check_signers(now, signers_, kUseIssue, at)) return failure;
    body_ = IssueBody{wish_.in.name, EntryNumber{now.record.issued}, part_.documents.size(), part_.documents.root(),
                      batch_.listed};
    statement_ = sign_statement(Statement{batch_.ledger, wish_.in.institution, at, body_}, signers_.keys());
    if (auto stored = pending_.store_statement(part_.index, *statement_); !stored) return failure_of(stored.error());
    return std::nullopt;
  }

  /// The statement that was put up for this number before, as long as there is time to sign it; or a new one, on disk before anybody
  /// sees it.
  std::optional<Failure> put_up(EntryNumber first, std::optional<Statement>& statement) {
    const Time at = context_.clock();
    if (!prepared_.empty()) {
      statement = *decode_statement(prepared_.back());
      body_ = std::get<IssueBody>(statement->body);
      if (body_.first == first && at.value < statement->signed_at.value + kSignedAtMs) return std::nullopt;
    }
    body_ = IssueBody{wish_.in.name, first, part_.documents.size(), part_.documents.root(), batch_.listed};
    statement = Statement{batch_.ledger, wish_.in.institution, at, body_};
    prepared_.push_back(encode(*statement));
    if (auto stored = pending_.store_prepared(part_.index, prepared_); !stored) return failure_of(stored.error());
    return std::nullopt;
  }

  Failure no_keys() const {
    if (was_taken_ && !was_prepared_) {
      return {kFailed, "wrong_first_number",
              "Another statement took the numbers of this class first, and nothing of it was recorded. Run the same "
              "command with --key: it signs anew for the numbers that follow, with the same salts"};
    }
    if (!was_prepared_) return {kUsage, "usage", "--key: expected the keys that sign the statement"};
    if (!prepared_.empty()) {
      return {kFailed, "not_submitted",
              "The class was prepared, and is not on the ledger yet. When all have signed its file (testamur sign), "
              "hand it "
              "in (testamur submit), and run this command again"};
    }
    return {
        kFailed, "wrong_first_number",
        "The class was prepared, but its numbers were taken by others meanwhile, and nothing of it was recorded. Run "
        "this "
        "command with --prepare again: it gets new numbers, keeps its salts and its order, and must be signed again"};
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

  const IssueWish& wish_;
  NodeClient& node_;
  const Policy& policy_;
  const BatchHead& batch_;
  const Pending& pending_;
  Signers& signers_;
  Context& context_;
  IssuePart& part_;
  Patience patience_;
  std::optional<SignedStatement> statement_;
  std::vector<Bytes> prepared_;  ///< statements for others to sign that may still be recorded, or be so already
  bool was_prepared_ = false;
  IssueBody body_;          ///< of statement_
  bool was_taken_ = false;  ///< the numbers of a statement that was signed before
  bool done_ = false;
};

}  // namespace

std::optional<Failure> record_part(const IssueWish& wish, NodeClient& node, const Policy& policy,
                                   const BatchHead& batch, const Pending& pending, Signers& signers, Context& context,
                                   IssuePart& part) {
  return Recording(wish, node, policy, batch, pending, signers, context, part).run();
}

std::optional<Failure> find_part(const IssueWish& wish, NodeClient& node, const Policy& policy, const BatchHead& batch,
                                 const Pending& pending, Signers& signers, Context& context, IssuePart& part,
                                 bool& found) {
  return Recording(wish, node, policy, batch, pending, signers, context, part).find(found);
}

std::optional<Failure> prepare_part(const IssueWish& wish, NodeClient& node, const Policy& policy,
                                    const BatchHead& batch, const Pending& pending, Signers& signers, Context& context,
                                    IssuePart& part, std::uint64_t& next, std::optional<Statement>& statement,
                                    RegisterNow& now) {
  return Recording(wish, node, policy, batch, pending, signers, context, part).prepare(next, statement, now);
}

}  // namespace testamur::tool
