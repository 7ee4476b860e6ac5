// `testamur verify`: a proof, a policy, and no network.
#include <ostream>

#include <CLI/CLI.hpp>

#include "answer.h"
#include "app.h"
#include "files.h"
#include "testamur/credentials/document.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string subject;
  std::string proof;
  std::string policy;
  std::string in_register;
  std::string at;
  std::string max_age = "24h";
};

constexpr const char* kExample =
    R"(  testamur verify maria-silva.json --proof maria-silva.json.proof --policy policy --register ulisboa.pt/diplomas

  Needs no network. A proof shows how the entry stood when it was made: older than --max-age, it is not taken for an answer
  about today (exit 8), unless it shows something final. Ask a node for a fresh one: testamur status.
  Any member of the consortium can record any document: say with --register whose word you want, or look at the answer.)";

Result<Asked> read_asked(const Options& options, Time now) {
  Asked asked;
  asked.now = now;
  const auto max_age = parse_duration(options.max_age);
  if (!max_age) return Error{max_age.error().code, "--max-age: " + max_age.error().message};
  asked.max_age_ms = *max_age;
  if (!options.at.empty()) {
    const auto at = parse_time(options.at);
    if (!at) return Error{at.error().code, "--at: " + at.error().message};
    asked.at = *at;
  }
  if (!options.in_register.empty()) {
    const auto expected = parse_register(options.in_register);
    if (!expected) return Error{expected.error().code, "--register: " + expected.error().message};
    asked.expected = *expected;
  }
  return asked;
}

/// What is to be checked: a document in a file, or an entry by its name.
Result<void> read_subject(const std::string& subject, Asked& asked) {
  if (!exists(subject)) {
    if (const auto entry = parse_entry(subject)) {
      asked.entry = *entry;
      return {};
    }
  }
  const auto file = read_file(subject, credentials::kMaxDocumentBytes);
  if (!file) return file.error();
  const auto document = credentials::read_document(*file);
  if (!document) return Error{document.error().code, subject + ": " + document.error().message};
  asked.document = document->hash;
  return {};
}

int run_verify(const Options& options, Context& context) {
  auto asked = read_asked(options, context.clock());
  if (!asked) return context.fail(asked.error(), kUsage);
  if (auto read = read_subject(options.subject, *asked); !read) return context.fail(read.error(), kUnknown);
  if (asked->entry && asked->expected && asked->entry->in != *asked->expected) {
    return context.fail(kUsage, "usage", "--register: expected the register of the entry that is asked about");
  }
  const auto policy = read_policy(options.policy);
  if (!policy) return context.fail(policy.error(), kUnknown);
  const auto proof = read_file(options.proof, kMaxProofBytes);
  if (!proof) return context.fail(proof.error(), kUnknown);
  const Answer answer = check(*proof, *policy, *asked);
  context.json ? context.print(to_json(answer)) : say(context, answer);
  return answer.exit;
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "verify", "Check a document against its proof, without a network", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("PATH", options->subject, "The document, or an entry INSTITUTION/REGISTER/NUMBER")->required();
  command.add_option("--proof", options->proof, "Its proof")->required();
  command.add_option("--policy", options->policy, "The policy you trust")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--register", options->in_register, "The register it must be of, INSTITUTION/NAME");
  command.add_option("--at", options->at,
                     "The status at this time, 2026-07-01 or 2026-07-01T12:30:00Z; now unless given");
  command.add_option("--max-age", options->max_age, "How old an answer about now may be")->capture_default_str();
  command.callback([options, &context] { context.exit = run_verify(*options, context); });
}

}  // namespace testamur::tool
