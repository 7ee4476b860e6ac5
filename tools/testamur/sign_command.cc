// `testamur sign`: shows what a prepared file says, in the signer's own reading of its bytes, and adds signatures. No network.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "amend.h"
#include "answer.h"
#include "app.h"
#include "files.h"
#include "signers.h"
#include "signing_file.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string file;
  KeyFiles keys;
  std::string policy;
  bool yes = false;
};

constexpr const char* kExample =
    R"(  testamur sign class.sign --key dean.pem

  Shows what would be signed, asks, and adds the signature to class.sign, on a machine that needs no network and nothing else. What is
  shown is decoded from the bytes that are signed. With --policy it is also checked that they are of your ledger.
  The file comes from "testamur issue", "amend" or "reissue" with --prepare, and goes to "testamur submit". Two may sign one copy at
  once, say in a shared folder; of several copies, one goes from hand to hand.)";

void say_issue(std::ostream& out, const IssueBody& body) {
  out << "  issue      " << body.count << (body.count == 1 ? " entry" : " entries") << ", numbers "
      << format(NumberRange{body.first, body.count}) << ", "
      << (body.listed ? "listed: plain hashes of the documents, for anybody to look up"
                      : "sealed: salted, nobody learns of a document from them")
      << "\n  batch root " << to_hex(body.batch_root) << "\n";
}

void say_change(std::ostream& out, const Change& change) {
  out << "  " << verb(change.status) << std::string(11 - verb(change.status).size(), ' ')
      << format(NumberRange{change.first, change.count}) << ", reason " << reason_name(change.reason) << ", effective "
      << format_time(change.effective_at);
  if (const auto& by = change.replacement) {
    out << ", replaced by " << format(EntryName{{by->institution, by->register_name}, by->number});
  }
  out << "\n";
}

void say_statement(std::ostream& out, const StatementToSign& item) {
  if (const auto* issue = std::get_if<IssueBody>(&item.statement.body)) {
    say_issue(out, *issue);
  } else {
    const AmendBody& body = std::get<AmendBody>(item.statement.body);
    out << "  amend      " << body.changes.size() << (body.changes.size() == 1 ? " change" : " changes")
        << ", from event " << body.next_event << " of the register on; revoked and superseded are final\n";
    for (const Change& change : body.changes) say_change(out, change);
  }
  out << "  made       " << format_time(item.statement.signed_at) << "\n";
  if (item.signatures.empty()) out << "  signed     by nobody yet\n";
  for (const KeySignature& held : item.signatures) out << "  signed     by key " << to_hex(key_id(held.key)) << "\n";
}

/// Nothing here comes from beside the statements' bytes, but the number of signatures that the register is said to ask for.
void say_file(std::ostream& out, const SigningFile& file) {
  out << "To sign for " << format(file.in()) << " on the ledger " << to_hex(file.statements.front().statement.ledger)
      << ":\n";
  for (std::size_t i = 0; i < file.statements.size(); ++i) {
    if (file.statements.size() > 1) out << "Statement " << i + 1 << " of " << file.statements.size() << "\n";
    say_statement(out, file.statements[i]);
  }
  out << "To be handed in until " << format_time(last_moment(file)) << ", with " << int{file.approvals}
      << (file.approvals == 1 ? " signature" : " signatures") << " by the file's own word.\n";
}

std::optional<Failure> check_time(const SigningFile& file, Time now) {
  if (now > last_moment(file)) {
    return Failure{kFailed, "signed_at_out_of_range",
                   "It could be handed in until " + format_time(last_moment(file)) +
                       ": the ledger takes no statement older than 14 days. Prepare it again"};
  }
  for (const StatementToSign& item : file.statements) {
    if (item.statement.signed_at.value <= now.value + kAheadMs) continue;
    return Failure{kFailed, "signed_at_out_of_range",
                   "It was made at " + format_time(item.statement.signed_at) +
                       ", which is after now. Is the clock of this machine right, and that of the one that made it?"};
  }
  return std::nullopt;
}

/// Adds the signatures, or says which key may not.
std::optional<Failure> add_signatures(SigningFile& file, const Signers& signers) {
  const auto keys = signers.keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const PublicKey& key = keys[i].public_key();
    if (!file.may_sign(key)) {
      return Failure{kFailed, "bad_signature",
                     signers.path(i) + ": expected a key of " + file.in().institution +
                         " that may sign this, found one that the file does not name: " + to_hex(key_id(key))};
    }
    for (StatementToSign& item : file.statements) {
      if (item.is_signed_by(key)) {
        return Failure{kFailed, "conflict", signers.path(i) + ": this key has signed already, and counts once"};
      }
      if (item.signatures.size() == kMaxSignatures) {
        return Failure{kFailed, "invalid", "expected 16 signatures at most, and they are there"};
      }
      item.sign(keys[i]);
    }
  }
  return std::nullopt;
}

/// Adds the signatures to what the file has become since it was shown, which may be more signatures and nothing else: two people may
/// sign one copy at once.
std::optional<Failure> sign_file(const Options& options, const SigningFile& shown, const Signers& signers,
                                 SigningFile& out) {
  const auto lock = FileLock::take(options.file);
  if (!lock) return failure_of(lock.error());
  auto file = read_signing_file(options.file);
  if (!file) return failure_of(file.error());
  if (!same_statements(file->statements, shown.statements)) {
    return Failure{kFailed, "conflict",
                   options.file + ": it was prepared anew since it was shown; nothing was signed. Run this again"};
  }
  if (auto failure = add_signatures(*file, signers)) return failure;
  if (auto written = write_signing_file(options.file, *file); !written) return failure_of(written.error());
  out = std::move(*file);
  return std::nullopt;
}

void say_signed(Context& context, const Options& options, const SigningFile& file) {
  const std::size_t count = file.statements.front().signatures.size();
  if (context.json) {
    context.print({{"exit", kGood},
                   {"file", options.file},
                   {"register", format(file.in())},
                   {"statements", file.statements.size()},
                   {"signatures", count},
                   {"approvals", file.approvals},
                   {"submit_until", format_time(last_moment(file))}});
    return;
  }
  context.out << context.paint(Colour::green, "Signed.") << " The file has " << count << " of " << int{file.approvals}
              << " signatures. Next: "
              << (count < file.approvals ? "the others sign it with \"testamur sign\"."
                                         : "\"testamur submit " + options.file + "\".")
              << "\n";
}

int run_sign(const Options& options, Context& context) {
  auto file = read_signing_file(options.file);
  if (!file) return context.fail(file.error());
  if (!options.policy.empty()) {
    const auto policy = read_policy(options.policy);
    if (!policy) return context.fail(policy.error());
    if (policy->ledger != file->statements.front().statement.ledger) {
      return context.fail(kFailed, "wrong_ledger",
                          options.file + ": expected a statement for the policy's ledger, found one for " +
                              to_hex(file->statements.front().statement.ledger));
    }
  }
  if (!context.json) say_file(context.out, *file);
  context.out.flush();
  if (const auto failure = check_time(*file, context.clock())) return fail(context, *failure);
  if (!options.yes && (!context.confirm || context.json)) {
    return context.fail(kFailed, "not_confirmed",
                        "There is nobody here to ask; nothing was signed. Give --yes to sign");
  }
  if (!options.yes && !context.confirm("Sign this?")) {
    return context.fail(kFailed, "not_confirmed", "Nothing was signed");
  }
  Signers signers(options.keys, context);
  if (const auto failure = signers.read()) return fail(context, *failure);
  SigningFile signed_file;
  if (const auto failure = sign_file(options, *file, signers, signed_file)) return fail(context, *failure);
  say_signed(context, options, signed_file);
  return kGood;
}

}  // namespace

void add_sign(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "sign", "Sign what was prepared on another machine", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "The file that was prepared")->required();
  add_key_options(command, options->keys)->required();
  command.add_option("--policy", options->policy, "The policy of the ledger that the file must be for")
      ->envname("TESTAMUR_POLICY");
  command.add_flag("--yes", options->yes, "Do not ask before it is signed");
  command.callback([options, &context] { context.exit = run_sign(*options, context); });
}

}  // namespace testamur::tool
