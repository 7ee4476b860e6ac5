#include "prepare.h"

#include <algorithm>
#include <ostream>

#include <boost/json.hpp>

#include "files.h"
#include "issue.h"

namespace testamur::tool {
namespace {

bool same_statements(const SigningFile& file, const std::vector<StatementToSign>& statements) {
  return std::equal(file.statements.begin(), file.statements.end(), statements.begin(), statements.end(),
                    [](const auto& a, const auto& b) { return a.bytes == b.bytes; });
}

/// Whether none of the file's statements can be accepted from here on: their numbers are taken, or their time is over.
bool is_spent(const SigningFile& file, const RegisterNow& now, Time at) {
  if (file.in() != RegisterName{now.record.institution, now.record.name}) return false;
  if (at > last_moment(file)) return true;
  const Statement& first = file.statements.front().statement;
  if (const auto* issue = std::get_if<IssueBody>(&first.body)) return issue->first.value < now.record.issued;
  return std::get<AmendBody>(first.body).next_event < now.record.events;
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

std::optional<Failure> write_prepared(const std::string& path, const RegisterNow& now,
                                      std::vector<StatementToSign> statements, Signers& signers, Time at,
                                      Prepared& prepared) {
  if (auto failure = signers.read()) return failure;
  const KeyUse use = statements.front().statement.type() == StatementType::issue ? kUseIssue : kUseAmend;
  if (auto failure = check_each_signer(now.institution, signers, use, at)) return failure;
  SigningFile file{now.record.approvals, {}, std::move(statements)};
  for (const Key& key : now.institution.keys) {
    if (key.valid_for(use, at)) file.keys.push_back(key_id(key.public_key));
  }
  if (exists(path)) {
    auto held = read_signing_file(path);
    if (held && same_statements(*held, file.statements)) {
      file.statements = std::move(held->statements);
      prepared.kept = true;
    } else if (!held || !is_spent(*held, now, at)) {
      return Failure{
          kFailed, "conflict",
          path +
              ": expected no such file, found one that may still be signed and handed in; give another name, "
              "or remove it"};
    }
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

std::optional<Failure> prepare_class(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch,
                                     const Pending& pending, Signers& signers, Context& context, std::size_t parts,
                                     const std::function<IssuePart(std::size_t)>& part, Prepared& prepared) {
  if (parts > kMaxStatementsToSign) {
    return Failure{kFailed, "invalid",
                   "--prepare: expected a class of 16 statements at most, found one of " + std::to_string(parts) +
                       "; issue it in portions"};
  }
  std::vector<StatementToSign> statements;
  RegisterNow now;
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    IssuePart made = part(i);
    std::optional<Statement> statement;
    if (auto failure = prepare_part(wish, node, policy, batch, pending, signers, context, made, next, statement, now)) {
      return failure;
    }
    if (!statement) continue;
    prepared.entries += made.documents.size();
    statements.push_back(to_sign(*statement, batch.listed ? std::move(made.commitments) : std::vector<Hash>()));
  }
  if (statements.empty()) return std::nullopt;
  prepared.first = std::get<IssueBody>(statements.front().statement.body).first;
  return write_prepared(wish.prepare, now, std::move(statements), signers, context.clock(), prepared);
}

}  // namespace testamur::tool
