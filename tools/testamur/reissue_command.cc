// `testamur reissue`: a new document in place of an old one.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "option.h"
#include "reissue.h"

namespace testamur::tool {
namespace {

struct Options {
  ReissueWish wish;
  KeyFiles keys;
  std::vector<std::string> nodes;
  std::string in_register;
  std::string number;
  std::string policy;
  std::string timeout = "2m";
  std::string reason;
  std::string effective;
  std::string document;
  bool yes = false;
};

constexpr const char* kExample =
    R"(  testamur reissue --node node.ulisboa.pt:7201 --register ulisboa.pt/diplomas --policy policy --number 42 \
    --reason name_change --key registrar.pem --key dean.pem --proofs proofs maria-silva-2.json

  Records the document as a new entry, and then marks entry 42 as superseded by it, which is final: whoever checks the old document is
  told which entry holds instead. The proof of the new one is proofs/maria-silva-2.json.proof; give it a name of its own.
  If it is interrupted, run the same command again: it goes on where it was, and issues nothing twice.
  To revoke an entry and issue another in its place with no link between them, use "testamur amend revoke" and "testamur issue".
  Where signers sit at other machines: "testamur issue --prepare", and then "testamur amend supersede --by ... --prepare".)";

Result<EntryNumber> parse_number(const std::string& text) {
  const auto number = from_decimal(text);
  if (!number) return Error{ErrorCode::malformed, "expected one number, found \"" + text + "\""};
  return EntryNumber{*number};
}

std::optional<Failure> read_wish(Options& options, Reach& reach) {
  ReissueWish& wish = options.wish;
  std::optional<Failure> failure = read_into(wish.issue.in, options.in_register, "--register", parse_register);
  if (!failure) failure = read_into(wish.old, options.number, "--number", parse_number);
  if (!failure && !options.reason.empty()) failure = read_into(wish.reason, options.reason, "--reason", parse_reason);
  if (!failure && !options.effective.empty()) {
    failure = read_into(wish.effective_at, options.effective, "--effective", parse_time);
  }
  if (!failure) failure = read_reach(options.nodes, options.timeout, options.policy, reach);
  wish.issue.paths = {options.document};
  wish.issue.timeout_ms = reach.timeout_ms;
  return failure;
}

void say(Context& context, const Options& options, const ReissueReport& report) {
  const ReissueWish& wish = options.wish;
  const std::string old = format(EntryName{wish.issue.in, wish.old});
  const std::string made = format(EntryName{wish.issue.in, report.number});
  if (context.json) {
    context.print({{"exit", kGood},
                   {"old", old},
                   {"new", made},
                   {"proofs", wish.issue.proofs},
                   {"reason", reason_name(wish.reason)},
                   {"effective_at", format_time(report.amend.effective_at)},
                   {"recorded_at", format_time(report.amend.fate.recorded_at)},
                   {"done_before", report.done_before}});
    return;
  }
  context.out << context.paint(Colour::green, "Reissued: ") << old << " is superseded by " << made
              << ", certified and verified.\n  proof      in " << wish.issue.proofs << "\n  effective  "
              << format_time(report.amend.effective_at) << "\n  recorded   "
              << format_time(report.amend.fate.recorded_at) << "\n";
  if (report.done_before) context.out << "  before     by an earlier run of this command; nothing was done now\n";
}

int run_reissue(Options options, Context& context) {
  Reach reach;
  if (auto failure = read_wish(options, reach)) return fail(context, *failure);
  Signers signers(options.keys, context);
  const auto confirm = [&] {
    const ReissueWish& wish = options.wish;
    if (!context.json) {
      context.err << "To issue " << options.document << " in " << format(wish.issue.in) << ", and supersede "
                  << format(EntryName{wish.issue.in, wish.old}) << " by it, reason " << reason_name(wish.reason)
                  << ", effective " << (wish.effective_at ? format_time(*wish.effective_at) : "now")
                  << " (final: it cannot be taken back)\n";
    }
    return options.yes || !context.confirm || context.confirm("Go on?");
  };
  ReissueReport report;
  if (const auto failure = reissue(options.wish, signers, reach, confirm, context, report)) {
    return fail(context, *failure);
  }
  say(context, options, report);
  return kGood;
}

}  // namespace

void add_reissue(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "reissue", "Issue a document that supersedes an older entry", kExample);
  const auto options = std::make_shared<Options>();
  add_node_option(command, options->nodes);
  command.add_option("--register", options->in_register, "The register of both, INSTITUTION/NAME")->required();
  command.add_option("--number", options->number, "The entry that is superseded")->required();
  command.add_option("--reason", options->reason, "Why: " + reason_names() + "; unspecified unless given");
  command.add_option("--effective", options->effective, "Since when, 2026-07-01 or with a time; now unless given");
  add_key_options(command, options->keys)->required();
  command.add_flag("--listed", options->wish.issue.listed,
                   "Store the plain hash, so that anybody who holds the document finds its entry");
  command.add_option("--proofs", options->wish.issue.proofs, "The directory to write the proof to")->required();
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_flag("--again", options->wish.issue.again,
                   "Also a document that an earlier class in the proofs directory holds");
  command.add_flag("--yes", options->yes, "Do not ask before it is done");
  command.add_option("DOCUMENT", options->document, "The new document")->required();
  command.callback([options, &context] { context.exit = run_reissue(*options, context); });
}

}  // namespace testamur::tool
