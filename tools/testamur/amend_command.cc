// `testamur amend revoke|suspend|reinstate|supersede`.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "amend_rows.h"
#include "answer.h"
#include "app.h"
#include "option.h"
#include "table.h"

namespace testamur::tool {
namespace {

struct Options {
  AmendWish wish;
  KeyFiles keys;
  std::vector<std::string> nodes;
  std::string in_register;
  std::string policy;
  std::vector<std::string> numbers;
  std::string csv;
  std::vector<std::string> map;
  std::vector<std::string> issued;
  std::string result;
  bool dry_run = false;
  std::string reason;
  std::string effective;
  std::string by;
  std::string timeout = "2m";
  bool yes = false;
};

std::string csv_example(Status status) {
  const std::string command = "  testamur amend " + std::string(verb(status));
  const std::string by = status == Status::superseded ? ", by (INSTITUTION/REGISTER/NUMBER of what holds instead)" : "";
  return command +
         " ... --csv list.csv --result done.csv --key registrar.pem --key dean.pem\n\n"
         "  A row for each entry or range, named by the column number; by reference, the office's own, with --issued "
         "FILE, what\n"
         "  \"testamur issue --result\" wrote; or by proof, a proof file, or a bundle and the document's name in it "
         "under file. What\n"
         "  \"testamur issue --result\" wrote is such a CSV itself. Optional columns, empty or not there for what the "
         "command line\n"
         "  says: reason, effective" +
         by +
         ".\n"
         "  All rows are checked against the ledger first: --dry-run stops there. They go out in as few statements as "
         "can be; what is\n"
         "  on the ledger already is left alone, so that the same command again finishes what was cut off.";
}

std::string example_of(Status status) {
  const std::string command = "  testamur amend " + std::string(verb(status)) +
                              " --node node.ulisboa.pt:7201 --register ulisboa.pt/diplomas --policy policy \\\n    ";
  const std::string keys = " --key registrar.pem --key dean.pem\n\n";
  switch (status) {
    case Status::revoked:
      return command + "--number 42 --number 100-149 --reason fraudulent_admission --effective 2026-07-01" + keys +
             "  Revoked is final. One statement covers all numbers, and shows for ever when and why, by a code. A "
             "range is one\n"
             "  change, whatever its length: --number 0-49 revokes a whole class of 50 at once.\n\n" +
             csv_example(status);
    case Status::suspended:
      return command + "--number 42 --reason administrative_hold" + keys +
             "  A suspended entry can be reinstated. A range, --number 0-49, is one change.\n\n" + csv_example(status);
    case Status::good:
      return command + "--number 42" + keys +
             "  Makes suspended entries good again. A range, --number 0-49, is one change.\n\n" + csv_example(status);
    case Status::superseded:
      return command + "--number 42 --reason name_change --by ulisboa.pt/diplomas/977" + keys +
             "  Superseded is final; --by names the entry that holds instead. A range, --number 0-49, is one "
             "change.\n\n" +
             csv_example(status);
  }
  return "";
}

std::optional<Failure> read_wish(Options& options) {
  AmendWish& wish = options.wish;
  std::optional<Failure> failure = read_into(wish.in, options.in_register, "--register", parse_register);
  for (const std::string& text : options.numbers) {
    if (failure) return failure;
    failure = read_into(wish.numbers.emplace_back(), text, "--number", parse_range);
  }
  if (!failure && !options.reason.empty()) failure = read_into(wish.reason, options.reason, "--reason", parse_reason);
  if (!failure && !options.effective.empty()) {
    failure = read_into(wish.effective_at, options.effective, "--effective", parse_time);
  }
  if (!failure && !options.by.empty()) failure = read_into(wish.replacement, options.by, "--by", parse_entry);
  if (!failure) failure = read_into(wish.timeout_ms, options.timeout, "--timeout", parse_duration);
  if (failure) return failure;
  if (!failure && options.keys.paths.empty() && wish.prepare.empty() && !options.dry_run) {
    return Failure{kUsage, "usage", "--key: expected the keys that sign, or --prepare for others to sign"};
  }
  const auto nodes = parse_nodes(options.nodes);
  if (!nodes) return failure_of(nodes.error(), kUsage);
  options.nodes = *nodes;
  return std::nullopt;
}

std::optional<Failure> wrong_usage(const Options& options) {
  const auto wrong = [](const char* message) { return Failure{kUsage, "usage", message}; };
  if (options.csv.empty() && options.numbers.empty()) return wrong("--number: expected one, or --csv with many");
  if (options.csv.empty() && !options.map.empty()) return wrong("--map: expected --csv beside it");
  if (options.csv.empty() && !options.issued.empty()) return wrong("--issued: expected --csv beside it");
  if (options.csv.empty() && !options.result.empty()) return wrong("--result: expected --csv beside it");
  if (options.csv.empty() && options.dry_run) return wrong("--dry-run: expected --csv beside it");
  return std::nullopt;
}

/// "3 entries"
std::string counted(std::uint64_t count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

std::string numbers_of(const AmendWish& wish) {
  std::string out;
  for (const NumberRange& range : wish.numbers) {
    if (out.size() > 200) return out + ", …";
    out += (out.empty() ? "" : ", ") + format(range);
  }
  return out;
}

std::string_view final_words(Status status) {
  const bool is_final = status == Status::revoked || status == Status::superseded;
  return is_final ? " (final: it cannot be taken back)" : "";
}

std::string summary(const AmendWish& wish) {
  std::string out = std::string(verb(wish.status)) + " " + format(wish.in) + " " + numbers_of(wish) + ", reason " +
                    std::string(reason_name(wish.reason)) + ", effective " +
                    (wish.effective_at ? format_time(*wish.effective_at) : "now");
  if (wish.replacement) out += ", replaced by " + format(*wish.replacement);
  return out + std::string(final_words(wish.status));
}

void say_prepared(Context& context, const AmendWish& wish, const Prepared& prepared) {
  if (context.json) return context.print(to_json(prepared, wish.prepare));
  context.out << context.paint(Colour::green, "Prepared: to be signed. Nothing is recorded yet.") << "\n  file       "
              << wish.prepare << "\n";
  say_next(context, wish.prepare, prepared);
}

using Outcome = AmendRow::Outcome;

/// Of rows, and of their entries.
struct Count {
  std::uint64_t rows = 0;
  std::uint64_t entries = 0;
};
Count count_of(const std::vector<AmendRow>& rows, std::optional<Outcome> outcome = {}) {
  Count out;
  for (const AmendRow& row : rows) {
    if (outcome && row.outcome != *outcome) continue;
    ++out.rows;
    out.entries += row.change.count;
  }
  return out;
}

/// What became of a row, for programs.
boost::json::object to_json(const AmendRow& row) {
  boost::json::object out{{"row", row.row},
                          {"number", format(NumberRange{row.change.first, row.change.count})},
                          {"outcome", name(row.outcome)}};
  if (!row.reference.empty()) out["reference"] = row.reference;
  if (row.recorded_at.value != 0) out["recorded_at"] = format_time(row.recorded_at);
  return out;
}

/// What became of each row, as far as a screen holds them; of more, --result writes all.
void print_rows(std::ostream& out, const std::vector<AmendRow>& rows) {
  constexpr std::size_t kShown = 40;
  const bool referenced = has_references(rows);
  std::vector<Row> table{{"  ROW", "NUMBER", "OUTCOME", "RECORDED"}};
  if (referenced) table.front().push_back("REFERENCE");
  for (std::size_t i = 0; i < rows.size() && i < kShown; ++i) {
    const AmendRow& row = rows[i];
    table.push_back({"  " + std::to_string(row.row), format(NumberRange{row.change.first, row.change.count}),
                     std::string(name(row.outcome)), row.recorded_at.value == 0 ? "-" : format_time(row.recorded_at)});
    if (referenced) table.back().push_back(shown(row.reference));
  }
  print_table(out, table);
  if (rows.size() > kShown) out << "  and " << rows.size() - kShown << " more: --result FILE writes all\n";
}

/// Everything about a CSV, for programs.
boost::json::object to_json(const Options& options, const std::vector<AmendRow>& rows, std::size_t statements) {
  boost::json::object outcomes;
  for (const Outcome outcome : {Outcome::done, Outcome::already, Outcome::not_done, Outcome::unknown}) {
    outcomes[name(outcome)] = count_of(rows, outcome).rows;
  }
  boost::json::array each;
  for (const AmendRow& row : rows) each.push_back(to_json(row));
  return {{"exit", kGood},
          {"register", format(options.wish.in)},
          {"status", name(options.wish.status)},
          {"rows", rows.size()},
          {"entries", count_of(rows).entries},
          {"statements", statements},
          {"outcomes", std::move(outcomes)},
          {"each", std::move(each)},
          {"result", options.result}};
}

void say_rows(Context& context, const Options& options, const std::vector<AmendRow>& rows) {
  const Count done = count_of(rows, Outcome::done);
  const Count already = count_of(rows, Outcome::already);
  context.out << context.paint(Colour::green, "Done: ") << counted(done.rows, "row", "rows") << " of " << options.csv
              << ": " << counted(done.entries, "entry", "entries") << " of " << format(options.wish.in)
              << (done.entries == 1 ? " is now " : " are now ") << name(options.wish.status) << ", certified.\n";
  if (already.rows > 0) {
    context.out << "  before     " << counted(already.rows, "row", "rows")
                << " the ledger showed already; nothing was done\n";
  }
  if (!options.result.empty()) context.out << "  result     " << options.result << "\n";
  print_rows(context.out, rows);
}

/// Halfway: which rows are done and which are not, before why.
int fail_rows(Context& context, const Options& options, const std::vector<AmendRow>& rows, std::size_t statements,
              Failure failure) {
  const bool unknown = failure.exit == kUnknown;
  failure.message =
      "Of " + counted(rows.size(), "row", "rows") + ", " + std::to_string(count_of(rows, Outcome::done).rows) +
      " are done and certified, " + std::to_string(count_of(rows, Outcome::already).rows) + " were so before, " +
      std::to_string(count_of(rows, Outcome::not_done).rows) + " are not done" +
      (unknown ? ", and of " + std::to_string(count_of(rows, Outcome::unknown).rows) + " it is not known" : "") +
      ". The same command again looks at the ledger first, and does what is left. " + failure.message;
  if (!context.json) {
    print_rows(context.out, rows);
    return fail(context, failure);
  }
  auto out = to_json(options, rows, statements);
  out["exit"] = failure.exit;
  out["error"] = boost::json::object{{"code", failure.code}, {"message", failure.message}};
  context.print(out);
  return failure.exit;
}

int say_rows_checked(Context& context, const Options& options, const std::vector<AmendRow>& rows,
                     std::size_t statements) {
  if (context.json) {
    context.print(to_json(options, rows, statements));
    return kGood;
  }
  const Count left = count_of(rows, Outcome::not_done);
  context.out << context.paint(Colour::green, "Checked: ") << counted(rows.size(), "row", "rows") << " of "
              << options.csv << "; nothing was sent.\n  to do      " << counted(left.entries, "entry", "entries")
              << " in " << counted(statements, "statement", "statements") << "\n  already    "
              << counted(count_of(rows, Outcome::already).entries, "entry", "entries") << "\n";
  print_rows(context.out, rows);
  return kGood;
}

std::optional<Failure> write_result(const Options& options, const std::vector<AmendRow>& rows) {
  if (options.result.empty()) return std::nullopt;
  const auto written = write_amend_result(options.result, rows);
  return written ? std::nullopt : std::optional(failure_of(written.error()));
}

int run_rows(const Options& options, const Policy& policy, Context& context) {
  const AmendWish& wish = options.wish;
  NodeClient node(options.nodes);
  Signers signers(options.keys, context);
  CsvTable table = amend_table(options.csv);
  IssuedReferences references;
  std::vector<AmendRow> rows;
  if (auto failure = table.map(options.map)) return fail(context, *failure);
  if (auto failure = references.read(options.issued, wish.in)) return fail(context, *failure);
  EntryKeys keys = amend_keys(wish.in, policy.ledger, references);
  if (auto failure = read_amend_csv(table, keys, wish, context.clock(), rows)) return fail(context, *failure);
  RegisterNow now;
  if (auto failure = check_amend(wish.in, signers, node, context, wish.timeout_ms, now)) return fail(context, *failure);
  if (!signers.empty() && wish.prepare.empty()) {
    if (auto failure = check_signers(now, signers, kUseAmend, context.clock())) return fail(context, *failure);
  }
  const Complain complain = [&](const AmendRow& row, std::string_view code, const std::string& message) {
    const bool of_by = code == kBadReplacement && table.has(kByColumn);
    table.add_problem(row.row, of_by ? table.column(kByColumn) : keys.telling_column(table), message);
  };
  if (auto failure = check_rows(complain, wish, now.record, options.nodes, policy, context, rows)) {
    return fail(context, *failure);
  }
  if (auto failure = table.problems()) return fail(context, *failure);
  const auto statements = fold_rows(wish, policy.ledger, now.record.events, context.clock(), rows);
  if (options.dry_run) return say_rows_checked(context, options, rows, statements.size());
  std::optional<Failure> failure;
  if (!statements.empty()) {
    const Count left = count_of(rows, Outcome::not_done);
    if (!context.json) {
      context.err << "To " << verb(wish.status) << " " << counted(left.entries, "entry", "entries") << " of "
                  << format(wish.in) << ", " << counted(left.rows, "row", "rows") << " of " << options.csv << ", in "
                  << counted(statements.size(), "statement", "statements") << final_words(wish.status) << "\n";
    }
    if (!wish.prepare.empty()) {
      Prepared prepared;
      prepared.entries = left.entries;
      failure = prepare_rows(wish, now, policy, signers, context, rows, prepared);
      if (failure) return fail(context, *failure);
      say_prepared(context, wish, prepared);
      return kGood;
    }
    if (!options.yes && context.confirm && !context.confirm("Go on?")) {
      return context.fail(kFailed, "not_confirmed", "Nothing was done");
    }
    failure = record_rows(statements, signers, node, policy, context, wish.timeout_ms, rows);
  }
  const auto unwritten = write_result(options, rows);
  if (failure) return fail_rows(context, options, rows, statements.size(), *failure);
  if (unwritten) return fail_rows(context, options, rows, statements.size(), *unwritten);
  if (context.json) {
    context.print(to_json(options, rows, statements.size()));
  } else {
    say_rows(context, options, rows);
  }
  return kGood;
}

void say_amended(Context& context, const AmendWish& wish, const AmendReport& report) {
  const bool is_new = report.entries > 0;
  if (context.json) {
    boost::json::object out = {{"exit", kGood},
                               {"register", format(wish.in)},
                               {"status", name(wish.status)},
                               {"entries", report.entries},
                               {"before", report.before},
                               {"reason", reason_name(wish.reason)}};
    if (is_new) {
      out["effective_at"] = format_time(report.effective_at);
      out["recorded_at"] = format_time(report.recorded_at);
    }
    return context.print(out);
  }
  if (is_new) {
    context.out << context.paint(Colour::green, "Done: ") << counted(report.entries, "entry", "entries") << " of "
                << format(wish.in) << (report.entries == 1 ? " is now " : " are now ") << name(wish.status)
                << ", certified.\n  effective  " << format_time(report.effective_at) << "\n  recorded   "
                << format_time(report.recorded_at) << "\n";
  } else {
    context.out << context.paint(Colour::green, "Nothing to do: ") << "the ledger shows all of it already.\n";
  }
  if (report.before > 0) {
    context.out << "  before     " << counted(report.before, "entry was ", "entries were ") << name(wish.status)
                << " already\n";
  }
}

int run_amend(Options options, Context& context) {
  if (auto failure = wrong_usage(options)) return fail(context, *failure);
  if (auto failure = read_wish(options)) return fail(context, *failure);
  const AmendWish& wish = options.wish;
  const auto policy = read_policy(options.policy);
  if (!policy) return context.fail(policy.error());
  if (!options.csv.empty()) return run_rows(options, *policy, context);
  if (!context.json) context.err << "To " << summary(wish) << "\n";
  if (wish.prepare.empty() && !options.yes && context.confirm && !context.confirm("Go on?")) {
    return context.fail(kFailed, "not_confirmed", "Nothing was done");
  }
  Signers signers(options.keys, context);
  AmendReport report;
  const Reach reach{options.nodes, wish.timeout_ms, *policy};
  if (const auto failure = amend(wish, signers, reach, context, report)) return fail(context, *failure);
  if (report.prepared) {
    report.prepared->entries = report.entries;
    say_prepared(context, wish, *report.prepared);
    return kGood;
  }
  say_amended(context, wish, report);
  return kGood;
}

void add_one(CLI::App& group, Context& context, Status status, const std::string& description) {
  CLI::App& command = add_command(group, context, std::string(verb(status)), description, example_of(status));
  const auto options = std::make_shared<Options>();
  options->wish.status = status;
  add_node_option(command, options->nodes);
  command.add_option("--register", options->in_register, "The register, INSTITUTION/NAME")->required();
  auto* number = command
                     .add_option("--number", options->numbers,
                                 "A number, or a range 0-49 with both ends, which is one change; repeat it")
                     ->allow_extra_args(false);
  command.add_option("--csv", options->csv, "Many at once: a CSV file, a row for each entry or range")
      ->excludes(number);
  command
      .add_option("--map", options->map,
                  "How the CSV names its columns: number=NAME, reference=NAME, proof=NAME, reason=NAME, ...")
      ->allow_extra_args(false);
  command
      .add_option("--issued", options->issued,
                  "For a CSV of references: what \"testamur issue --result\" or \"reissue --result\" wrote; repeat it")
      ->allow_extra_args(false);
  auto* result = command.add_option("--result", options->result, "Where to write what became of each row");
  auto* dry_run = command.add_flag("--dry-run", options->dry_run, "Check the CSV against the ledger, and send nothing");
  command.add_option("--reason", options->reason, "Why: " + reason_names() + "; unspecified unless given");
  command.add_option("--effective", options->effective, "Since when, 2026-07-01 or with a time; now unless given");
  if (status == Status::superseded) {
    command.add_option("--by", options->by, "The entry that holds instead, INSTITUTION/REGISTER/NUMBER");
  }
  add_key_options(command, options->keys);
  command
      .add_option("--prepare", options->wish.prepare,
                  "Hand in nothing: write the statement to this file, for others to sign with \"testamur sign\"")
      ->excludes(dry_run)
      ->excludes(result);
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_flag("--yes", options->yes, "Do not ask before it is done");
  command.callback([options, &context] { context.exit = run_amend(*options, context); });
}

}  // namespace

void add_amend(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("amend", "Revoke, suspend, reinstate or supersede entries");
  group.require_subcommand(1);
  group.footer(
      "\nA range is one change in one statement, whatever its length: \"--number 0-49\" amends a whole class of 50 at "
      "once. Many "
      "entries\nhere and there come in as a CSV, with --csv. Each explains itself: testamur amend revoke --help");
  add_one(group, context, Status::revoked, "Revoke entries, which is final");
  add_one(group, context, Status::suspended, "Suspend entries for a time");
  add_one(group, context, Status::good, "Make suspended entries good again");
  add_one(group, context, Status::superseded, "Mark entries as replaced, which is final");
}

}  // namespace testamur::tool
