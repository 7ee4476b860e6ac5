// `testamur amend revoke|suspend|reinstate|supersede`.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "amend.h"
#include "answer.h"
#include "app.h"

namespace testamur::tool {
namespace {

struct Options {
  AmendWish wish;
  KeyFiles keys;
  std::vector<std::string> nodes;
  std::string in_register;
  std::string policy;
  std::vector<std::string> numbers;
  std::string reason;
  std::string effective;
  std::string by;
  std::string timeout = "2m";
  bool yes = false;
};

std::string example_of(Status status) {
  const std::string command = "  testamur amend " + std::string(verb(status)) +
                              " --node node.ulisboa.pt:7201 --register ulisboa.pt/diplomas --policy policy \\\n    ";
  const std::string keys = " --key registrar.pem --key dean.pem\n\n";
  switch (status) {
    case Status::revoked:
      return command + "--number 42 --number 100-149 --reason fraudulent_admission --effective 2026-07-01" + keys +
             "  Revoked is final. One statement covers all numbers, and shows for ever when and why, by a code.";
    case Status::suspended:
      return command + "--number 42 --reason administrative_hold" + keys + "  A suspended entry can be reinstated.";
    case Status::good: return command + "--number 42" + keys + "  Makes suspended entries good again.";
    case Status::superseded:
      return command + "--number 42 --reason name_change --by ulisboa.pt/diplomas/977" + keys +
             "  Superseded is final; --by names the entry that holds instead.";
  }
  return "";
}

template <class T, class Parse>
std::optional<Failure> read_into(T& out, const std::string& text, std::string_view option, Parse parse) {
  auto value = parse(text);
  if (!value)
    return Failure{kUsage, std::string(name(value.error().code)), std::string(option) + ": " + value.error().message};
  out = *value;
  return std::nullopt;
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
  if (!failure && options.keys.paths.empty() && wish.prepare.empty()) {
    return Failure{kUsage, "usage", "--key: expected the keys that sign, or --prepare for others to sign"};
  }
  const auto nodes = parse_nodes(options.nodes);
  return nodes ? std::nullopt : std::optional(failure_of(nodes.error(), kUsage));
}

std::string numbers_of(const AmendWish& wish) {
  std::string out;
  for (const NumberRange& range : wish.numbers) {
    if (out.size() > 200) return out + ", …";
    out += (out.empty() ? "" : ", ") + format(range);
  }
  return out;
}

std::string summary(const AmendWish& wish) {
  const bool is_final = wish.status == Status::revoked || wish.status == Status::superseded;
  std::string out = std::string(verb(wish.status)) + " " + format(wish.in) + " " + numbers_of(wish) + ", reason " +
                    std::string(reason_name(wish.reason)) + ", effective " +
                    (wish.effective_at ? format_time(*wish.effective_at) : "now");
  if (wish.replacement) out += ", replaced by " + format(*wish.replacement);
  return out + (is_final ? " (final: it cannot be taken back)" : "");
}

void say_prepared(Context& context, const AmendWish& wish, const Prepared& prepared) {
  if (context.json) return context.print(to_json(prepared, wish.prepare));
  context.out << context.paint(Colour::green, "Prepared: to be signed. Nothing is recorded yet.") << "\n  file       "
              << wish.prepare << "\n";
  say_next(context, wish.prepare, prepared);
}

int run_amend(Options options, Context& context) {
  if (auto failure = read_wish(options)) return fail(context, *failure);
  const AmendWish& wish = options.wish;
  const auto policy = read_policy(options.policy);
  if (!policy) return context.fail(policy.error());
  if (!context.json) context.err << "To " << summary(wish) << "\n";
  if (wish.prepare.empty() && !options.yes && context.confirm && !context.confirm("Go on?")) {
    return context.fail(kFailed, "not_confirmed", "Nothing was done");
  }
  NodeClient node(options.nodes);
  Signers signers(options.keys, context);
  AmendReport report;
  if (const auto failure = amend(wish, signers, node, *policy, context, report)) return fail(context, *failure);
  if (report.prepared) {
    report.prepared->entries = report.entries;
    say_prepared(context, wish, *report.prepared);
    return kGood;
  }
  if (context.json) {
    context.print({{"exit", kGood},
                   {"register", format(wish.in)},
                   {"status", name(wish.status)},
                   {"entries", report.entries},
                   {"reason", reason_name(wish.reason)},
                   {"effective_at", format_time(report.effective_at)},
                   {"recorded_at", format_time(report.fate.recorded_at)},
                   {"leaf_index", report.fate.leaf_index}});
    return kGood;
  }
  context.out << context.paint(Colour::green, "Done: ") << report.entries
              << (report.entries == 1 ? " entry of " : " entries of ") << format(wish.in)
              << (report.entries == 1 ? " is now " : " are now ") << name(wish.status) << ", certified.\n  effective  "
              << format_time(report.effective_at) << "\n  recorded   " << format_time(report.fate.recorded_at) << "\n";
  return kGood;
}

void add_one(CLI::App& group, Context& context, Status status, const std::string& description) {
  CLI::App& command = add_command(group, context, std::string(verb(status)), description, example_of(status));
  const auto options = std::make_shared<Options>();
  options->wish.status = status;
  add_node_option(command, options->nodes);
  command.add_option("--register", options->in_register, "The register, INSTITUTION/NAME")->required();
  command.add_option("--number", options->numbers, "A number, or a range 42-57 with both ends; repeat it")
      ->required()
      ->allow_extra_args(false);
  command.add_option("--reason", options->reason, "Why: " + reason_names() + "; unspecified unless given");
  command.add_option("--effective", options->effective, "Since when, 2026-07-01 or with a time; now unless given");
  if (status == Status::superseded) {
    command.add_option("--by", options->by, "The entry that holds instead, INSTITUTION/REGISTER/NUMBER");
  }
  add_key_options(command, options->keys);
  command.add_option("--prepare", options->wish.prepare,
                     "Hand in nothing: write the statement to this file, for others to sign with \"testamur sign\"");
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_flag("--yes", options->yes, "Do not ask before it is done");
  command.callback([options, &context] { context.exit = run_amend(*options, context); });
}

}  // namespace

void add_amend(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("amend", "Revoke, suspend, reinstate or supersede entries");
  group.require_subcommand(1);
  add_one(group, context, Status::revoked, "Revoke entries, which is final");
  add_one(group, context, Status::suspended, "Suspend entries for a time");
  add_one(group, context, Status::good, "Make suspended entries good again");
  add_one(group, context, Status::superseded, "Mark entries as replaced, which is final");
}

}  // namespace testamur::tool
