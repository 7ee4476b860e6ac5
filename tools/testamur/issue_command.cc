// `testamur issue`: documents in, certified proofs out.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "app.h"
#include "issue.h"

namespace testamur::tool {
namespace {

struct Options {
  IssueWish wish;
  KeyFiles keys;
  std::vector<std::string> nodes;
  std::string in_register;
  std::string policy;
  std::string timeout = "2m";
  bool dry_run = false;
};

constexpr const char* kExample =
    R"(  testamur issue --node node.ulisboa.pt:7201 --register ulisboa.pt/diplomas --policy policy \
    --key registrar.pem --key dean.pem --proofs proofs class-of-2026

  Records every document of the directory class-of-2026 as an entry, and writes proofs/NAME.proof beside each name; more than
  1000 documents go into proofs/class.bundle, from which "testamur proof extract" takes single proofs.
  Only salted commitments leave this machine. Entries are numbered in random order, so that a number says nothing of a name.
  If it is interrupted, run the same command again: it finishes the same class, and never issues it twice.

  testamur issue ... --csv class.csv --map file=Dokument --map reference=Matrikel --result result.csv

  Records the document of every row of class.csv: the file that its column "Dokument" names from the CSV's directory. Rows that name
  a reference alone find REFERENCE.* in the directory given as PATH. --dry-run checks everything and sends nothing.

  Where those who sign sit at other machines: --prepare class.sign instead of --key writes what they sign; "testamur sign" and
  "testamur submit" say how it goes on, and the same command without --prepare then finishes the class.)";

void say_prepared(Context& context, const Options& options, const Prepared& prepared) {
  const std::string& file = options.wish.prepare;
  if (prepared.statements == 0) {
    context.out
        << "Nothing to sign: the class is on the ledger already. Run this command again without --prepare, and without "
           "--key: it fetches the proofs.\n";
    return;
  }
  context.out << context.paint(Colour::green, "Prepared: " + std::to_string(prepared.entries) +
                                                  (prepared.entries == 1 ? " entry" : " entries") + " for " +
                                                  options.in_register + ", to be signed. Nothing is recorded yet.")
              << "\n  file       " << file << (prepared.kept ? ", which held the same already" : "")
              << "\n  numbers    from " << prepared.first.value << ", unless others take them meanwhile\n";
  say_next(context, file, prepared);
  context.out << "             then this command again, without --prepare and --key: it fetches the proofs\n";
}

void say(Context& context, const Options& options, const IssueReport& report) {
  const std::uint64_t count = report.issued.count();
  context.out << context.paint(Colour::green, "Issued: " + std::to_string(count) +
                                                  (count == 1 ? " entry" : " entries") + " in " + options.in_register +
                                                  ", certified and verified.")
              << "\n";
  for (const auto& part : report.issued.parts) {
    context.out << "  numbers    " << format(NumberRange{part.first, part.count}) << ", proofs " << options.wish.proofs
                << "/" << (part.bundle.empty() ? "NAME.proof" : part.bundle) << "\n";
  }
  if (report.done_before) context.out << "  before     by an earlier run of this command; nothing was done now\n";
  if (report.resumed) context.out << "  resumed    a class that an earlier run began\n";
  if (report.hidden > 0) context.out << "  left out   " << report.hidden << " hidden files\n";
  if (report.not_good > 0) context.out << "  amended    " << report.not_good << " entries are no longer good\n";
}

void print(Context& context, const Options& options, const IssueReport& report) {
  if (report.prepared) {
    auto out = to_json(*report.prepared, options.wish.prepare);
    out["register"] = options.in_register;
    context.print(out);
    return;
  }
  boost::json::array parts;
  for (const auto& part : report.issued.parts) {
    parts.push_back(boost::json::object{{"first", part.first.value}, {"count", part.count}, {"bundle", part.bundle}});
  }
  context.print({{"exit", kGood},
                 {"register", options.in_register},
                 {"count", report.issued.count()},
                 {"parts", std::move(parts)},
                 {"proofs", options.wish.proofs},
                 {"resumed", report.resumed},
                 {"done_before", report.done_before},
                 {"hidden", report.hidden},
                 {"not_good", report.not_good}});
}

/// What a run says that was to send nothing.
void say_checked(Context& context, const Options& options, const IssueReport& report) {
  const std::string state = report.done_before ? "issued" : report.resumed ? "under_way" : "new";
  if (context.json) {
    context.print({{"exit", kGood},
                   {"register", options.in_register},
                   {"checked", report.checked},
                   {"class", state},
                   {"asked_a_node", !options.nodes.empty()},
                   {"hidden", report.hidden}});
    return;
  }
  context.out << context.paint(Colour::green, "Checked: " + std::to_string(report.checked) +
                                                  (report.checked == 1 ? " document" : " documents") + " for " +
                                                  options.in_register + "; nothing was sent.")
              << "\n";
  if (report.done_before) context.out << "  before     an earlier run issued this class\n";
  if (report.resumed)
    context.out << "  under way  an interrupted run began this class; without --dry-run it is finished\n";
  if (options.nodes.empty())
    context.out << "  not asked  whether the register exists and the keys suffice: no --node\n";
  if (report.hidden > 0) context.out << "  left out   " << report.hidden << " hidden files\n";
}

std::optional<std::string> wrong_usage(const Options& options) {
  const ClassCsvWish& csv = options.wish.csv;
  if (csv.path.empty() && options.wish.paths.empty()) return "PATH: expected documents, or a class with --csv";
  if (csv.path.empty() && !csv.map.empty()) return "--map: expected --csv beside it";
  if (csv.path.empty() && !csv.result.empty()) return "--result: expected --csv beside it";
  if (options.nodes.empty() && !options.dry_run) return "--node: expected HOST:PORT of a node";
  return std::nullopt;
}

int run_check(const Options& options, const Policy& policy, Context& context) {
  std::optional<NodeClient> node;
  if (!options.nodes.empty()) node.emplace(options.nodes);
  Signers signers(options.keys, context);
  IssueReport report;
  if (const auto failure = check_issue(options.wish, signers, node ? &*node : nullptr, policy, context, report)) {
    return fail(context, *failure);
  }
  say_checked(context, options, report);
  return kGood;
}

int run_issue(Options options, Context& context) {
  if (const auto wrong = wrong_usage(options)) return context.fail(kUsage, "usage", *wrong);
  const auto in = parse_register(options.in_register);
  if (!in) return context.fail(Error{in.error().code, "--register: " + in.error().message}, kUsage);
  if (!options.nodes.empty()) {
    const auto nodes = parse_nodes(options.nodes);
    if (!nodes) return context.fail(nodes.error(), kUsage);
    options.nodes = *nodes;
  }
  const auto timeout = parse_duration(options.timeout);
  if (!timeout) return context.fail(Error{timeout.error().code, "--timeout: " + timeout.error().message}, kUsage);
  const auto policy = read_policy(options.policy);
  if (!policy) return context.fail(policy.error());
  options.wish.in = *in;
  options.wish.timeout_ms = *timeout;
  if (options.dry_run) return run_check(options, *policy, context);
  NodeClient node(options.nodes);
  Signers signers(options.keys, context);
  IssueReport report;
  if (const auto failure = issue(options.wish, signers, node, *policy, context, report)) return fail(context, *failure);
  if (context.json) {
    print(context, options, report);
  } else if (report.prepared) {
    say_prepared(context, options, *report.prepared);
  } else {
    say(context, options, report);
  }
  return kGood;
}

}  // namespace

void add_issue(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "issue", "Record documents in a register, and get their proofs", kExample);
  const auto options = std::make_shared<Options>();
  add_node_option(command, options->nodes);
  command.get_option("--node")->required(false);  // a dry run does without
  command.add_option("--register", options->in_register, "The register, INSTITUTION/NAME")->required();
  add_key_options(command, options->keys);
  command.add_flag(
      "--listed", options->wish.listed,
      "Store plain hashes, so that anybody who holds a document finds its entry; salted commitments unless given");
  command.add_flag("--keep-order", options->wish.keep_order, "Number the entries in the order of their names");
  command.add_option("--proofs", options->wish.proofs, "The directory to write proofs to")->required();
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_option("--prepare", options->wish.prepare,
                     "Hand in nothing: write the statement to this file, for others to sign");
  command.add_option("PATH", options->wish.paths,
                     "Documents, and directories of documents; with --csv, directories that files are found in");
  command.add_option("--csv", options->wish.csv.path, "The class as a CSV file, a row for each document");
  command.add_option("--map", options->wish.csv.map, "How the CSV names its columns: file=NAME, reference=NAME")
      ->allow_extra_args(false);
  command.add_option("--result", options->wish.csv.result,
                     "Where to write reference, file, number and proof of each row");
  command.add_flag("--dry-run", options->dry_run, "Check everything, and send nothing")->excludes("--prepare");
  command.add_flag("--again", options->wish.again,
                   "Also documents that an earlier class in the proofs directory holds");
  command.callback([options, &context] { context.exit = run_issue(*options, context); });
}

}  // namespace testamur::tool
