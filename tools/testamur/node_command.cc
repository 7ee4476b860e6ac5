// `testamur node init`: a site's node, ready to start. `testamur node status`: how nodes are.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "consortium.h"
#include "files.h"
#include "node_status.h"
#include "site.h"
#include "values.h"

namespace testamur::tool {
namespace {

struct InitOptions {
  NodeWish wish;
  std::string directory;
  std::string genesis;
};

constexpr const char* kInitExample =
    R"(  testamur node init --directory ulisboa --genesis founding/genesis

  Checks that genesis names this site's keys, and writes ulisboa/node.toml, from which testamurd starts.)";

int init(const InitOptions& options, Context& context) {
  const auto node = make_node(options.wish, options.directory, options.genesis);
  if (!node) return context.fail(node.error());
  const auto genesis = read_file(options.directory + "/" + std::string(kGenesisFile), kMaxGenesisBytes);
  if (!genesis) return context.fail(genesis.error());
  const std::string id = to_hex(ledger_id(*genesis));
  const std::string settings = options.directory + "/" + std::string(kNodeFile);
  if (context.json) {
    context.print({{"exit", kGood}, {"node", node->name}, {"ledger", id}, {"settings", settings}});
    return kGood;
  }
  context.out << "The node " << node->name << " of " << node->institution << " is ready: " << settings
              << "\nIt belongs to the ledger with this id. Is it what the other sites read?\n\n  "
              << context.paint(Colour::bold, id) << "\n";
  return kGood;
}

constexpr const char* kStatusExample =
    R"(  testamur node status --node node.ulisboa.pt:7201 --node node.uporto.pt:7202

  One line a node: its role, the height it has applied and the height that is certified. Nodes that agree show the same root at
  the same number of leaves; --wait 30s gives them so long to come to that, and fails when they do not.)";

struct StatusOptions {
  std::vector<std::string> nodes;
  std::string wait;
};

int status(const StatusOptions& options, Context& context) {
  const auto addresses = parse_nodes(options.nodes);
  if (!addresses) return context.fail(addresses.error(), kUsage);
  if (options.wait.empty()) return node_status(*addresses, {}, context);
  const auto wait = parse_duration(options.wait);
  if (!wait) return context.fail(Error{wait.error().code, "--wait: " + wait.error().message}, kUsage);
  return node_status(*addresses, *wait, context);
}

}  // namespace

void add_node(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("node", "Set up a node, and see how nodes are");
  group.require_subcommand(1);
  CLI::App& command =
      add_command(group, context, "init", "Make a node's settings from the site and the genesis", kInitExample);
  const auto options = std::make_shared<InitOptions>();
  command.add_option("--directory", options->directory, "The site's directory, with its keys")->required();
  command.add_option("--genesis", options->genesis, "The ledger's genesis")->required();
  command.add_option("--data", options->wish.data, "Where the node keeps its data, seen from the site's directory")
      ->capture_default_str();
  command.add_option("--listen", options->wish.peer_listen,
                     "HOST:PORT to listen on for other nodes; the address they call unless given");
  command.add_option("--public-listen", options->wish.public_listen,
                     "HOST:PORT to listen on for programs; the card's public address unless given");
  command.add_option(
      "--operator-listen", options->wish.operator_listen,
      "HOST:PORT to listen on for the operator, whose key is made in the site's directory; nowhere unless "
      "given (see testamur cluster --help)");
  command.add_option("--metrics-listen", options->wish.metrics_listen,
                     "HOST:PORT to serve metrics on, for Prometheus; none are served unless given");
  command.callback([options, &context] { context.exit = init(*options, context); });

  CLI::App& asking = add_command(group, context, "status", "Show how nodes are", kStatusExample);
  const auto asked = std::make_shared<StatusOptions>();
  asking.add_option("--node", asked->nodes, "HOST:PORT of a node; repeat it")
      ->required()
      ->delimiter(',')
      ->envname("TESTAMUR_NODE");
  asking.add_option("--wait", asked->wait, "Ask again for so long until all of them have certified the same head");
  asking.callback([asked, &context] { context.exit = status(*asked, context); });
}

}  // namespace testamur::tool
