#include "prepare.h"

#include <algorithm>
#include <ostream>

#include <boost/json.hpp>

#include "files.h"
#include "issue.h"

namespace testamur::tool {
namespace {

/// Whether a statement can never be accepted any more: its numbers or events are taken, or its time is over.
bool is_spent(const Statement& statement, const RegisterNow& now, Time at) {
  if (at.value > statement.signed_at.value + kSignedAtMs) return true;
  if (const auto* issue = std::get_if<IssueBody>(&statement.body)) return issue->first.value < now.record.issued;
  return std::get<AmendBody>(statement.body).next_event < now.record.events;
}

/// Whether one of the statements issues the same batch, for whatever numbers.
bool issues_the_same(const Statement& statement, const std::vector<StatementToSign>& among) {
  const auto* issue = std::get_if<IssueBody>(&statement.body);
  return issue != nullptr && std::any_of(among.begin(), among.end(), [&](const StatementToSign& item) {
           const auto* other = std::get_if<IssueBody>(&item.statement.body);
           return other != nullptr && other->batch_root == issue->batch_root;
         });
}

/// Takes the signatures over that the file's statements have. False: one of them is none of these, and may still be handed in.
bool take_over(const SigningFile& held, const RegisterNow& now, Time at, std::vector<StatementToSign>& statements) {
  if (held.in() != RegisterName{now.record.institution, now.record.name}) return false;
  bool amendments_spent = false;
  bool put_up_anew = false;  // what amends after it names numbers that are others'
  for (const StatementToSign& old : held.statements) {
    const auto same = std::find_if(statements.begin(), statements.end(),
                                   [&](const StatementToSign& item) { return item.bytes == old.bytes; });
    if (same != statements.end()) {
      same->signatures = old.signatures;
      continue;
    }
    // Amendments are handed in one after another: where one is spent, so are those after it.
    const bool amends = old.statement.type() == StatementType::amend;
    const bool anew = issues_the_same(old.statement, statements);
    const bool spent = is_spent(old.statement, now, at) || (amends && (amendments_spent || put_up_anew));
    if (amends) amendments_spent = spent;
    put_up_anew |= anew;
    if (!spent && !anew) return false;
  }
  return true;
}

/// That each who signs may sign all.
std::optional<Failure> check_keys(SigningFile& file, const RegisterNow& now, const Signers& signers, Time at) {
  for (const auto& [type, use] :
       {std::pair(StatementType::issue, kUseIssue), std::pair(StatementType::amend, kUseAmend)}) {
    if (!file.has(type)) continue;
    if (auto failure = check_each_signer(now.institution, signers, use, at)) return failure;
  }
  for (const Key& key : now.institution.keys) {
    const bool issues = !file.has(StatementType::issue) || key.valid_for(kUseIssue, at);
    const bool amends = !file.has(StatementType::amend) || key.valid_for(kUseAmend, at);
    if (issues && amends) file.keys.push_back(key_id(key.public_key));
  }
  return std::nullopt;
}

}  // namespace

void say_next(Context& context, const std::string& path, const Prepared& prepared) {
  context.out << "  signatures " << prepared.signatures << " of " << prepared.approvals << "\n  next       ";
  if (prepared.signatures < prepared.approvals) {
    context.out << "testamur sign " << path << " --key KEY.pem, by each who signs, on any machine\n             ";
  }
  context.out << "testamur submit " << path << ", not after " << format_time(prepared.until) << "\n";
}

boost::json::object to_json(const Prepared& prepared, const std::string& path) {
  boost::json::object out = {{"exit", kGood},
                             {"prepared", path},
                             {"statements", prepared.statements},
                             {"entries", prepared.entries},
                             {"signatures", prepared.signatures},
                             {"approvals", prepared.approvals},
                             {"kept", prepared.kept}};
  if (prepared.statements > 0) out["submit_until"] = format_time(prepared.until);
  return out;
}

std::vector<StatementToSign> as_prepared(const std::string& path, Time now, const MakeStatements& make) {
  if (const auto held = exists(path) ? read_signing_file(path) : Result<SigningFile>(SigningFile{})) {
    for (const StatementToSign& item : held->statements) {
      if (item.statement.type() != StatementType::amend || now > last_moment(*held)) continue;
      auto statements = make(item.statement.signed_at);
      const auto is_held = [&](const StatementToSign& made) {
        return std::any_of(held->statements.begin(), held->statements.end(),
                           [&](const StatementToSign& old) { return old.bytes == made.bytes; });
      };
      if (std::all_of(statements.begin(), statements.end(), is_held)) return statements;
      break;
    }
  }
  return make(now);
}

std::optional<Failure> write_prepared(const std::string& path, const RegisterNow& now,
                                      std::vector<StatementToSign> statements, Signers& signers, Time at,
                                      Prepared& prepared) {
  if (auto failure = signers.read()) return failure;
  SigningFile file{now.record.approvals, {}, std::move(statements)};
  if (auto failure = check_keys(file, now, signers, at)) return failure;
  std::optional<FileLock> lock;
  if (exists(path)) {
    auto taken = FileLock::take(path);
    if (!taken) return failure_of(taken.error());
    lock.emplace(std::move(*taken));
    const auto held = read_signing_file(path);
    if (!held || !take_over(*held, now, at, file.statements)) {
      return Failure{
          kFailed, "conflict",
          path +
              ": expected no such file, found one that may still be signed and handed in; give another name, "
              "or remove it"};
    }
    prepared.kept = same_statements(held->statements, file.statements);
  }
  for (StatementToSign& item : file.statements) {
    for (const SecretKey& key : signers.keys()) {
      if (!item.is_signed_by(key.public_key())) item.sign(key);
    }
  }
  if (auto written = write_signing_file(path, file); !written) return failure_of(written.error());
  prepared.statements = file.statements.size();
  prepared.signatures = kMaxSignatures;
  for (const StatementToSign& item : file.statements) {
    prepared.signatures = std::min(prepared.signatures, item.signatures.size());
  }
  prepared.approvals = file.approvals;
  prepared.until = last_moment(file);
  return std::nullopt;
}

std::optional<Failure> prepare_class(const IssueWish& wish, NodeClient& node, const Policy& policy, BatchFile& batch,
                                     const Pending& pending, Signers& signers, Context& context, PutUp& put_up) {
  const std::size_t parts = parts_of(batch.head().listed, batch.count());
  if (parts > kMaxStatementsToSign) {
    return Failure{kFailed, "invalid",
                   "--prepare: expected a class of 16 statements at most, found one of " + std::to_string(parts) +
                       "; issue it in portions"};
  }
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    auto part = next_part(batch, i);
    if (!part) return failure_of(part.error());
    IssuePart& made = *part;
    std::optional<Statement> statement;
    if (auto failure = prepare_part(wish, node, policy, batch.head(), pending, signers, context, made, next, statement,
                                    put_up.now)) {
      return failure;
    }
    put_up.parts.push_back({made.first, made.documents.size(), ""});
    if (!statement) continue;
    if (put_up.statements.empty()) put_up.first = made.first;
    put_up.entries += made.documents.size();
    put_up.statements.push_back(to_sign(*statement, std::move(made.commitments)));
  }
  return std::nullopt;
}

}  // namespace testamur::tool
