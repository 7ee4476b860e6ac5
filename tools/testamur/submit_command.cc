// `testamur submit`: hands in what was prepared and signed.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "app.h"
#include "hand_in.h"
#include "reach.h"

namespace testamur::tool {
namespace {

struct Options {
  std::vector<std::string> nodes;
  std::string policy;
  std::string timeout = "2m";
  std::string file;
};

constexpr const char* kExample =
    R"(  testamur submit --node node.ulisboa.pt:7201 --policy policy class.sign

  Hands in what "testamur issue", "amend" or "reissue" wrote with --prepare and "testamur sign" signed, and waits until a proof shows
  that it is recorded. Again with the same file it records nothing twice, and says the same.
  After the file of a class, run the command that prepared it again without --prepare and --key: it fetches the proofs.)";

boost::json::object to_json(const HandedIn& handed) {
  boost::json::object out = {{"recorded_before", handed.before}};
  if (handed.recorded_at.value != 0) out["recorded_at"] = format_time(handed.recorded_at);
  if (const auto* issue = std::get_if<IssueBody>(&handed.statement.body)) {
    out["first"] = issue->first.value;
    out["count"] = issue->count;
  } else {
    out["changes"] = std::get<AmendBody>(handed.statement.body).changes.size();
  }
  return out;
}

std::string changes_of(std::size_t count) {
  return count == 1 ? "1 change holds in " : std::to_string(count) + " changes hold in ";
}

void say(Context& context, const RegisterName& in, const std::vector<HandedIn>& done) {
  for (const HandedIn& handed : done) {
    const auto* issue = std::get_if<IssueBody>(&handed.statement.body);
    const std::string what =
        issue != nullptr
            ? "numbers " + format(NumberRange{issue->first, issue->count}) + " of " + format(in) + " are issued"
            : changes_of(std::get<AmendBody>(handed.statement.body).changes.size()) + format(in);
    context.out << context.paint(Colour::green, "Done: ") << what << ", certified"
                << (handed.before ? "; it was recorded before" : "") << ".\n";
  }
  if (std::holds_alternative<IssueBody>(done.front().statement.body)) {
    context.out << "Now run the command that prepared it again, without --prepare and --key: it fetches the proofs.\n";
  }
}

int run_submit(const Options& options, Context& context) {
  Reach reach;
  if (auto failure = read_reach(options.nodes, options.timeout, options.policy, reach)) return fail(context, *failure);
  const auto file = read_signing_file(options.file);
  if (!file) return context.fail(file.error());
  NodeClient node(reach.nodes);
  std::vector<HandedIn> done;
  if (const auto failure = hand_in(*file, node, reach.policy, context, reach.timeout_ms, done))
    return fail(context, *failure);
  if (!context.json) {
    say(context, file->in(), done);
    return kGood;
  }
  boost::json::array statements;
  for (const HandedIn& handed : done) statements.push_back(to_json(handed));
  context.print({{"exit", kGood}, {"register", format(file->in())}, {"statements", std::move(statements)}});
  return kGood;
}

}  // namespace

void add_submit(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "submit", "Hand in statements that were prepared and signed", kExample);
  const auto options = std::make_shared<Options>();
  add_node_option(command, options->nodes);
  command.add_option("--policy", options->policy, "The policy of the ledger")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.add_option("FILE", options->file, "The file that was prepared and signed")->required();
  command.callback([options, &context] { context.exit = run_submit(*options, context); });
}

}  // namespace testamur::tool
