// `testamur reissue`: new documents in place of old ones.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "option.h"
#include "reissue.h"
#include "table.h"

namespace testamur::tool {
namespace {

struct Options {
  ReissueWish wish;
  KeyFiles keys;
  std::vector<std::string> nodes;
  std::string in_register;
  std::vector<std::string> numbers;
  std::string policy;
  std::string timeout = "2m";
  std::string reason;
  std::string effective;
  bool revoke = false;
  bool dry_run = false;
  bool yes = false;
};

constexpr const char* kExample =
    R"(  testamur reissue --node node.ulisboa.pt:7201 --register ulisboa.pt/diplomas --policy policy --number 42 \
    --reason name_change --key registrar.pem --key dean.pem --proofs reissued maria-silva.json

  Records the document as a new entry, and then marks entry 42 as superseded by it, which is final: whoever checks the old document is
  told which entry holds instead. The proof of the new one is reissued/maria-silva.json.proof. Several: --number 42 --number 57, and
  two documents in the same order. If it is interrupted, run the same command again: it goes on where it was, and does nothing twice.

  testamur reissue ... --csv corrected.csv --issued class.result.csv --result corrected.result.csv

  A class of them: a row for each new document, which its column file names, or reference, as "testamur issue --csv" has it. The old
  entry is named by the column old, its number; else by reference, with --issued FILE, what "testamur issue --result" wrote; else by
  old_proof, a proof file, or a bundle and under old_file the name in it. New documents are found from where the CSV is, proofs from
  where the command runs, as --result writes them. All is checked first; --dry-run stops there.

  --revoke revokes the old entries, where superseding them says too little. The ledger links only what is superseded to what holds
  instead: of what is revoked, the link stands in --result alone.

  Where those who sign sit at other machines: --prepare reissue.sign instead of --key writes all that they sign into one file; "testamur
  sign" and "testamur submit" say how it goes on, and the same command without --prepare then fetches the proofs.)";

Result<EntryNumber> parse_number(const std::string& text) {
  const auto number = from_decimal(text);
  if (!number) return Error{ErrorCode::malformed, "expected one number, found \"" + text + "\""};
  return EntryNumber{*number};
}

std::optional<Failure> wrong_usage(const Options& options) {
  const auto wrong = [](const char* message) { return Failure{kUsage, "usage", message}; };
  const ReissueWish& wish = options.wish;
  const bool csv = !wish.issue.csv.path.empty();
  if (!csv && wish.old.empty()) return wrong("--number: expected the old entry of each document, or --csv with many");
  if (!csv && !wish.issue.csv.map.empty()) return wrong("--map: expected --csv beside it");
  if (!csv && !wish.issued.empty()) return wrong("--issued: expected --csv beside it");
  for (const std::string& path : wish.issued) {
    if (path == wish.result) return wrong("--result: expected another file than --issued");
  }
  return std::nullopt;
}

std::optional<Failure> read_wish(Options& options, Reach& reach) {
  ReissueWish& wish = options.wish;
  std::optional<Failure> failure = read_into(wish.issue.in, options.in_register, "--register", parse_register);
  for (const std::string& number : options.numbers) {
    if (!failure) failure = read_into(wish.old.emplace_back(), number, "--number", parse_number);
  }
  if (!failure && !options.reason.empty()) failure = read_into(wish.reason, options.reason, "--reason", parse_reason);
  if (!failure && !options.effective.empty()) {
    failure = read_into(wish.effective_at, options.effective, "--effective", parse_time);
  }
  if (!failure) failure = wrong_usage(options);
  if (!failure) failure = read_reach(options.nodes, options.timeout, options.policy, reach);
  if (options.revoke) wish.status = Status::revoked;
  wish.issue.timeout_ms = reach.timeout_ms;
  return failure;
}

std::string counted(std::size_t count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

EntryName old_of(const Options& options, const Replacing& row) { return {options.wish.issue.in, row.old.change.first}; }
EntryName new_of(const Options& options, const Replacing& row) { return {options.wish.issue.in, *row.number}; }

boost::json::object to_json(const Options& options, const Replacing& row) {
  boost::json::object out = {{"row", row.old.row}, {"file", row.file}, {"old", format(old_of(options, row))}};
  if (!row.old.reference.empty()) out["reference"] = row.old.reference;
  if (row.number) out["new"] = format(new_of(options, row));
  out["outcome"] = name(row.old.outcome);
  if (row.old.recorded_at.value != 0) out["recorded_at"] = format_time(row.old.recorded_at);
  return out;
}

boost::json::object to_json(const Options& options, const ReissueReport& report) {
  const ReissueWish& wish = options.wish;
  boost::json::array each;
  for (const Replacing& row : report.rows) each.push_back(to_json(options, row));
  boost::json::object out = {{"exit", kGood},
                             {"register", format(wish.issue.in)},
                             {"status", name(wish.status)},
                             {"reason", reason_name(wish.reason)},
                             {"issued", report.issued},
                             {"proofs", wish.issue.proofs},
                             {"statements", report.statements},
                             {"done_before", report.done_before},
                             {"each", std::move(each)},
                             {"result", wish.result}};
  if (report.rows.size() == 1 && report.rows.front().number) {
    out["old"] = format(old_of(options, report.rows.front()));
    out["new"] = format(new_of(options, report.rows.front()));
  }
  return out;
}

/// What became of each row, as far as a screen holds them.
void print_rows(std::ostream& out, const ReissueReport& report) {
  constexpr std::size_t kShown = 40;
  std::vector<Row> table{{"  ROW", "OLD", "NEW", "OUTCOME", "RECORDED", "DOCUMENT"}};
  for (std::size_t i = 0; i < report.rows.size() && i < kShown; ++i) {
    const Replacing& row = report.rows[i];
    table.push_back({"  " + std::to_string(row.old.row), std::to_string(row.old.change.first.value),
                     row.number ? std::to_string(row.number->value) : "-", std::string(name(row.old.outcome)),
                     row.old.recorded_at.value == 0 ? "-" : format_time(row.old.recorded_at), shown(row.file)});
  }
  print_table(out, table);
  if (report.rows.size() > kShown)
    out << "  and " << report.rows.size() - kShown << " more: --result FILE writes all\n";
}

void say(Context& context, const Options& options, const ReissueReport& report) {
  const ReissueWish& wish = options.wish;
  const bool one = report.rows.size() == 1;
  const bool superseded = wish.status == Status::superseded;
  std::string headline = counted(report.rows.size(), "document", "documents") + " in " + format(wish.issue.in) +
                         ", and the old " + (one ? "entry is " : "entries are ") + std::string(name(wish.status)) +
                         (superseded ? (one ? " by it" : " by them") : "");
  context.out << context.paint(Colour::green, "Reissued: ") << headline << ", certified and verified.\n  proofs     in "
              << wish.issue.proofs << "\n";
  if (report.done_before) context.out << "  before     by an earlier run of this command; nothing was done now\n";
  if (!wish.result.empty()) context.out << "  result     " << wish.result << "\n";
  print_rows(context.out, report);
}

void say_prepared(Context& context, const Options& options, const ReissueReport& report) {
  const std::string& file = options.wish.issue.prepare;
  const Prepared& prepared = *report.prepared;
  if (context.json) {
    auto out = to_json(prepared, file);
    out["register"] = format(options.wish.issue.in);
    return context.print(out);
  }
  if (prepared.statements == 0) {
    context.out << "Nothing to sign: all is on the ledger already. Run this command again without --prepare, and "
                   "without --key: it fetches the proofs.\n";
    return;
  }
  context.out << context.paint(Colour::green, "Prepared: to be signed. Nothing is recorded yet.") << "\n  file       "
              << file << (prepared.kept ? ", which held the same already" : "") << "\n  statements "
              << prepared.statements << ", of which " << report.statements << " make old entries "
              << name(options.wish.status) << "\n";
  if (prepared.entries > 0) {
    context.out << "  numbers    " << counted(prepared.entries, "new entry", "new entries") << " from "
                << prepared.first.value << ", unless others take them meanwhile\n";
  }
  say_next(context, file, prepared);
  context.out << "             then this command again, without --prepare and --key: it fetches the proofs\n";
}

int say_checked(Context& context, const Options& options, const ReissueReport& report) {
  if (context.json) {
    context.print(to_json(options, report));
    return kGood;
  }
  context.out << context.paint(Colour::green, "Checked: ") << counted(report.rows.size(), "document", "documents")
              << " for " << format(options.wish.issue.in) << "; nothing was sent.\n";
  if (report.issued) context.out << "  before     an earlier run issued them\n";
  print_rows(context.out, report);
  return kGood;
}

/// Halfway: what is done and what is not, before why.
int fail_rows(Context& context, const Options& options, const ReissueReport& report, const Failure& failure) {
  if (!report.issued) return fail(context, failure);
  if (!context.json) {
    print_rows(context.out, report);
    return fail(context, failure);
  }
  auto out = to_json(options, report);
  out["exit"] = failure.exit;
  out["error"] = boost::json::object{{"code", failure.code}, {"message", failure.message}};
  context.print(out);
  return failure.exit;
}

bool confirm(Context& context, const Options& options, const ReissueReport& report) {
  const ReissueWish& wish = options.wish;
  if (!context.json) {
    const std::string old = report.rows.size() == 1 ? format(old_of(options, report.rows.front()))
                                                    : counted(report.rows.size(), "entry", "entries");
    context.err << "To issue " << counted(report.rows.size(), "document", "documents") << " in "
                << format(wish.issue.in) << ", and " << (options.revoke ? "revoke " : "supersede ") << old
                << (options.revoke            ? ""
                    : report.rows.size() == 1 ? " by it"
                                              : " by them")
                << ", reason " << reason_name(wish.reason) << ", effective "
                << (wish.effective_at ? format_time(*wish.effective_at) : "now")
                << " (final: it cannot be taken back)\n";
  }
  return options.yes || !context.confirm || context.confirm("Go on?");
}

int run_reissue(Options options, Context& context) {
  Reach reach;
  if (auto failure = read_wish(options, reach)) return fail(context, *failure);
  Signers signers(options.keys, context);
  ReissueReport report;
  if (options.dry_run) {
    if (const auto failure = check_reissue(options.wish, signers, reach, context, report))
      return fail(context, *failure);
    return say_checked(context, options, report);
  }
  const auto ask = [&](const ReissueReport& about) { return confirm(context, options, about); };
  const auto failure = reissue(options.wish, signers, reach, ask, context, report);
  if (!failure && report.prepared) {
    say_prepared(context, options, report);
    return kGood;
  }
  if (!options.wish.result.empty() && report.issued) {
    const auto written = write_reissue_result(options.wish, report);
    if (!written && !failure) return fail_rows(context, options, report, failure_of(written.error()));
  }
  if (failure) return fail_rows(context, options, report, *failure);
  if (context.json) {
    context.print(to_json(options, report));
  } else {
    say(context, options, report);
  }
  return kGood;
}

void add_class_options(CLI::App& command, ReissueWish& wish) {
  command.add_option("--csv", wish.issue.csv.path, "Many at once: a CSV file, a row for each new document");
  command
      .add_option("--map", wish.issue.csv.map,
                  "How the CSV names its columns: file=NAME, reference=NAME, old=NAME, old_proof=NAME, ...")
      ->allow_extra_args(false);
  command
      .add_option("--issued", wish.issued,
                  "By which references name old entries: what \"testamur issue --result\" wrote; repeat it")
      ->allow_extra_args(false);
  command.add_option("--result", wish.result, "Where to write reference, file, old and new number and proof of each");
  command.add_flag("--listed", wish.issue.listed,
                   "Store the plain hash, so that anybody who holds the document finds its entry");
  command.add_flag("--keep-order", wish.issue.keep_order, "Number the new entries in the order of their names");
  command.add_flag("--again", wish.issue.again, "Also documents that an earlier class in the proofs directory holds");
  command.add_option("--proofs", wish.issue.proofs, "The directory to write the proofs to")->required();
  command.add_option("DOCUMENT", wish.issue.paths,
                     "The new documents; with --csv, directories that files are found in");
}

}  // namespace

void add_reissue(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "reissue", "Issue documents that supersede older entries, one or a class", kExample);
  const auto options = std::make_shared<Options>();
  add_node_option(command, options->nodes);
  command.add_option("--register", options->in_register, "The register of both, INSTITUTION/NAME")->required();
  command.add_option("--number", options->numbers, "The entry that is replaced; repeat it, in the order of DOCUMENTs")
      ->allow_extra_args(false);
  add_class_options(command, options->wish);
  command.get_option("--csv")->excludes("--number");
  command.add_option("--reason", options->reason, "Why: " + reason_names() + "; unspecified unless given");
  command.add_option("--effective", options->effective, "Since when, 2026-07-01 or with a time; now unless given");
  command.add_flag("--revoke", options->revoke, "Revoke the old entries, instead of superseding them");
  add_key_options(command, options->keys);
  auto* prepare = command.add_option("--prepare", options->wish.issue.prepare,
                                     "Hand in nothing: write the statements to this file, for others to sign");
  command.add_flag("--dry-run", options->dry_run, "Check everything, and send nothing")->excludes(prepare);
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_flag("--yes", options->yes, "Do not ask before it is done");
  command.callback([options, &context] { context.exit = run_reissue(*options, context); });
}

}  // namespace testamur::tool
