// The command line of `testamur`: its subcommands, each in a file of its own.
#pragma once

#include <string>
#include <vector>

#include "context.h"

namespace CLI {
class App;
}

namespace testamur::tool {

using AddCommand = void (*)(CLI::App& app, Context& context);
/// Runs one command line, without the program's name, and returns its exit code. `more` adds subcommands from beyond this library.
int run(std::vector<std::string> arguments, Context& context, AddCommand more = nullptr);

/// Adds a subcommand with its words, an example below the options, and --json.
CLI::App& add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::string& example);

/// --node, repeated for nodes to turn to when one fails, or TESTAMUR_NODE, separated by commas.
void add_node_option(CLI::App& command, std::vector<std::string>& nodes);

void add_institution(CLI::App& app, Context& context);
void add_key(CLI::App& app, Context& context);
void add_consortium(CLI::App& app, Context& context);
void add_node(CLI::App& app, Context& context);
void add_cluster(CLI::App& app, Context& context);
void add_issue(CLI::App& app, Context& context);
void add_amend(CLI::App& app, Context& context);
void add_reissue(CLI::App& app, Context& context);
void add_sign(CLI::App& app, Context& context);
void add_submit(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_proof(CLI::App& app, Context& context);
void add_salt(CLI::App& app, Context& context);
void add_sample(CLI::App& app, Context& context);
void add_document(CLI::App& app, Context& context);

}  // namespace testamur::tool
