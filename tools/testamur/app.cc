#include "app.h"

#include <algorithm>
#include <ostream>

#include <CLI/CLI.hpp>

namespace testamur::tool {
namespace {

constexpr const char* kFooter = R"(
Exit codes of checks:   0 good, 3 refused, 4 suspended, 5 revoked, 6 superseded, 7 not issued, 8 could not check or not listed
Exit codes of the rest: 0 done, 1 failed, 8 the outcome is not known; and 2 for a command line that is not understood

Each command explains itself, with an example: testamur issue --help)";

/// The first word that should name a subcommand and does not, as it is told.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    if (at->get_require_subcommand_min() == 0) return "";
    if (word.starts_with('-')) continue;
    const auto named = at->get_subcommands([&](const CLI::App* command) { return command->get_name() == word; });
    if (named.empty()) {
      const std::string all = at == &app ? "testamur" : "testamur " + at->get_name();
      return "expected a command, found \"" + word + "\"; \"" + all + " --help\" names them";
    }
    at = named.front();
  }
  return "";
}

}  // namespace

CLI::App& add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App& command = *parent.add_subcommand(name, description);
  command.footer("\nExample:\n" + example);
  command.add_flag("--json", context.json, "Answer as one JSON document, for programs");
  return command;
}

void add_node_option(CLI::App& command, std::vector<std::string>& nodes) {
  command
      .add_option("--node", nodes,
                  "HOST:PORT of any node of the ledger; repeat it for others to turn to when one fails")
      ->required()
      ->allow_extra_args(false)
      ->delimiter(',')
      ->envname("TESTAMUR_NODE");
}

int run(std::vector<std::string> arguments, Context& context, AddCommand more) {
  CLI::App app("Keeps and checks an institution's registers on a Testamur ledger.", "testamur");
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "testamur " TESTAMUR_VERSION);
  for (const auto add :
       {add_institution, add_key, add_consortium, add_node, add_cluster, add_sample, add_issue, add_amend, add_reissue,
        add_sign, add_submit, add_status, add_verify, add_proof, add_salt, add_document}) {
    add(app, context);
  }
  if (more != nullptr) more(app, context);
  // Also for a command line that does not get as far as its subcommand.
  context.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  const std::vector<std::string> words = arguments;
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);  // --help, --version
    if (const std::string unknown = unknown_command(app, words); !asked && !unknown.empty()) {
      return context.fail(kUsage, "usage", unknown);
    }
    if (!asked && context.json) return context.fail(kUsage, "usage", error.what());
    app.exit(error, context.out, context.err);
    return asked ? kGood : kUsage;
  }
  return context.exit;
}

}  // namespace testamur::tool
