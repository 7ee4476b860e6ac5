#include "hand_in.h"

#include "recorded.h"
#include "signers.h"
#include "testamur/ledger/leaf.h"

namespace testamur::tool {
namespace {

class HandingIn {
 public:
  HandingIn(const StatementToSign& item, NodeClient& node, const Policy& policy, Context& context,
            std::uint64_t timeout_ms)
      : item_(item),
        issue_(std::get_if<IssueBody>(&item.statement.body)),
        in_{item.statement.institution, register_of(item.statement)},
        node_(node),
        policy_(policy),
        context_(context),
        timeout_ms_(timeout_ms),
        patience_(timeout_ms) {}

  std::optional<Failure> run(HandedIn& handed) {
    if (item_.statement.ledger != policy_.ledger) {
      return Failure{kFailed, "wrong_ledger", "The statement is of another ledger than the policy"};
    }
    const auto now = retry(patience_, [&] { return ask_register(node_, in_); });
    if (!now) return failure_of(now.failure);
    if (issue_ != nullptr && issue_->first.value < now->record.issued) return look_up(handed);
    const bool is_over = issue_ == nullptr && amend_event() < now->record.events;
    if (auto failure = check_signatures(*now)) return failure;
    if (item_.signatures.empty()) return Failure{kFailed, "not_enough_signatures", "Nobody has signed this yet"};
    const Bytes bytes = encode(item_.signed_statement());
    if (bytes.size() + kLeafHead > kMaxLeafBytes) {
      return Failure{kFailed, "malformed", "With its signatures the statement is longer than the ledger takes"};
    }
    const Fate fate = submit_statement(node_, bytes, item_.commitments, patience_);
    handed.recorded_at = fate.recorded_at;
    if (fate.kind == Fate::Kind::accepted) {
      handed.before = is_over;
      return confirm(fate.recorded_at);
    }
    if (fate.kind == Fate::Kind::refused && fate.code == "wrong_first_number" && issue_ != nullptr) {
      patience_.pause(500);  // it may be this very statement, recorded before this node can show it
      return look_up(handed);
    }
    if (fate.kind == Fate::Kind::refused && fate.code == "wrong_next_event") return overtaken(handed, fate);
    return failed(fate);
  }

 private:
  static constexpr std::size_t kLeafHead = 9;  // leaf_type and recorded_at, FORMATS 4

  std::uint64_t amend_event() const { return std::get<AmendBody>(item_.statement.body).next_event; }

  /// The numbers are taken: by this statement, or by another, for ever.
  std::optional<Failure> look_up(HandedIn& handed) {
    handed.before = true;
    auto failure = confirm_issued(node_, policy_, context_, item_.statement, patience_);
    if (!failure || failure->exit != kFailed) return failure;
    return Failure{
        kFailed, "wrong_first_number",
        "Others have taken these numbers meanwhile (" + failure->message +
            "), and nothing of this was recorded. Prepare it again, with the command that made this file: it gets new "
            "numbers, keeps its salts and its order, and must be signed again"};
  }

  /// The same that the ledger will ask for, with words that say which signature it is.
  std::optional<Failure> check_signatures(const RegisterNow& now) {
    const Time at = context_.clock();
    const KeyUse use = issue_ != nullptr ? kUseIssue : kUseAmend;
    for (const KeySignature& held : item_.signatures) {
      const Hash id = key_id(held.key);
      const Key* key = find_key(now.institution, id);
      if (key == nullptr) {
        return Failure{
            kFailed, "bad_signature",
            "A signature is by the key " + to_hex(id) + ", which the record of " + in_.institution +
                " does not name: the ledger would refuse all. Prepare it again, and let the right people sign"};
      }
      if (!key->valid_for(use, at)) {
        return Failure{kFailed, "not_enough_signatures",
                       "The key " + to_hex(id) + " may " + format_uses(key->uses) +
                           (key->invalid_from.value == 0 ? "" : " and is no longer valid") +
                           "; expected one that may " + format_uses(use) + " now"};
      }
    }
    if (item_.signatures.size() >= now.record.approvals) return std::nullopt;
    return Failure{kFailed, "not_enough_signatures",
                   format(in_) + " asks for " + std::to_string(now.record.approvals) +
                       " signatures a statement, found " + std::to_string(item_.signatures.size()) +
                       "; let others sign it with \"testamur sign\""};
  }

  std::optional<Failure> confirm(Time recorded_at) {
    Patience patience(timeout_ms_);
    return issue_ != nullptr ? confirm_issued(node_, policy_, context_, item_.statement, patience)
                             : confirm_amended(node_, policy_, context_, item_.statement, recorded_at, patience);
  }

  static Failure failed(const Fate& fate) {
    const std::string detail = fate.detail.empty() ? "" : " (" + fate.detail + ")";
    if (fate.kind == Fate::Kind::unknown) {
      return {kUnknown, fate.code.empty() ? "unknown" : fate.code,
              "It is not known whether this was recorded" + detail +
                  ". Nothing is lost: run the same command again, the same bytes are never recorded twice"};
    }
    const bool again = fate.code == "signed_at_out_of_range";
    return {
        kFailed, fate.code,
        "The ledger refused the statement, and it changed nothing" + detail + ". " +
            (again ? "It can never be recorded: prepare it again, with the command that made this file, and sign again"
                   : std::string(advice(fate.code)))};
  }

  /// The ledger knows a statement by its bytes with all its signatures: this one may be there with others.
  std::optional<Failure> overtaken(HandedIn& handed, const Fate& fate) {
    Patience none(0);
    handed.before = true;
    if (!confirm_amended(node_, policy_, context_, item_.statement, item_.statement.signed_at, none)) {
      return std::nullopt;
    }
    return Failure{
        kFailed, fate.code,
        "Another amendment of " + format(in_) +
            " came first, and this one does not hold now. Look at the entries; to make these changes, prepare it "
            "again, with the command that made this file, and sign again"};
  }

  const StatementToSign& item_;
  const IssueBody* issue_;
  RegisterName in_;
  NodeClient& node_;
  const Policy& policy_;
  Context& context_;
  std::uint64_t timeout_ms_;
  Patience patience_;
};

}  // namespace

std::optional<Failure> hand_in(const SigningFile& file, NodeClient& node, const Policy& policy, Context& context,
                               std::uint64_t timeout_ms, std::vector<HandedIn>& done) {
  for (const StatementToSign& item : file.statements) {
    HandedIn handed{item.statement, false, {}};
    if (auto failure = HandingIn(item, node, policy, context, timeout_ms).run(handed)) {
      if (!done.empty()) {
        failure->message = "Of " + std::to_string(file.statements.size()) + " statements the first " +
                           std::to_string(done.size()) + " are recorded, and stay so. Of the next: " + failure->message;
      }
      return failure;
    }
    done.push_back(std::move(handed));
  }
  return std::nullopt;
}

}  // namespace testamur::tool
