// `testamur cluster`: what an operator asks and orders of the consensus.
#include <unistd.h>

#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "cluster_client.h"
#include "site.h"
#include "table.h"
#include "values.h"

namespace testamur::tool {
namespace {

using cluster::v1::Answer;
using cluster::v1::ChangeRequest;
using cluster::v1::ClusterStatus;
using cluster::v1::Member;

struct Options {
  std::string directory;
  std::string node;
  std::string target;
  std::string wait = "60s";
  bool stay_learner = false;
  std::uint64_t height = 0;
  bool not_cosigned = false;
  bool yes = false;
};

const Member* find(const ClusterStatus& status, const std::string& name) {
  for (const Member& member : status.members()) {
    if (member.name() == name) return &member;
  }
  return nullptr;
}

boost::json::object json_of(const ClusterStatus& status) {
  boost::json::array members;
  for (const Member& member : status.members()) {
    members.push_back(boost::json::object{{"name", cell(member.name())},
                                          {"institution", cell(member.institution())},
                                          {"role", cell(member.role())},
                                          {"rising", member.rising()},
                                          {"recorded_role", cell(member.recorded_role())},
                                          {"state", cell(member.state())},
                                          {"match", member.match()},
                                          {"active", member.active()},
                                          {"refuses", member.refuses()}});
  }
  return {{"answered_by", cell(status.answered_by())},
          {"leader", cell(status.leader())},
          {"term", status.term()},
          {"last_index", status.last_index()},
          {"committed_index", status.committed_index()},
          {"configuration_index", status.configuration_index()},
          {"changing", status.changing()},
          {"threshold", status.threshold()},
          {"transferee", cell(status.transferee())},
          {"members", std::move(members)}};
}

std::string how(const ClusterStatus& status, const Member& member) {
  if (member.name() == status.leader()) return "leads";
  if (status.answered_by() != status.leader() || member.role() == "removed") return "-";
  std::string out = member.active() ? cell(member.state()) : "silent";
  if (member.refuses()) out += ", refuses an entry";
  if (member.name() == status.transferee()) out += ", is to lead";
  return out;
}

void print(const ClusterStatus& status, Context& context) {
  std::size_t voters = 0;
  std::vector<Row> rows = {{"node", "institution", "role", "log", "how"}};
  for (const Member& member : status.members()) {
    if (member.role() == "voter") ++voters;
    rows.push_back({cell(member.name()), cell(member.institution()),
                    cell(member.role()) + (member.rising() ? ", rising" : ""),
                    member.role() == "removed" ? "-" : std::to_string(member.match()), how(status, member)});
  }
  print_table(context.out, rows);
  context.out << "\nTerm " << status.term() << ", led by " << cell(status.leader()) << ". Log " << status.last_index()
              << ", committed " << status.committed_index() << ". " << status.threshold() << " of " << voters
              << " voters decide.";
  if (status.changing()) context.out << " A change is under way.";
  if (status.answered_by() != status.leader())
    context.out << "\nAs " << cell(status.answered_by()) << " sees it: no leader answers.";
  context.out << "\n";
}

int fail(const CallFailure& failure, Context& context) {
  return context.fail(failure.transient ? kUnknown : kFailed, failure.code, failure.message);
}

Result<ClusterClient> open(const Options& options) {
  const auto address = parse_address(options.node);
  if (!address) return Error{address.error().code, "--node: " + address.error().message};
  return ClusterClient::open(options.directory, *address);
}

int status(const Options& options, Context& context) {
  auto client = open(options);
  if (!client) return context.fail(client.error());
  const auto status = client->status();
  if (!status) return fail(status.failure, context);
  if (context.json) {
    boost::json::object out = json_of(*status);
    out["exit"] = kGood;
    context.print(out);
  } else {
    print(*status, context);
  }
  return kGood;
}

int refused(const Answer& answer, Context& context) {
  return context.fail(answer.again() ? kUnknown : kFailed, shown(answer.code()), shown(answer.detail()));
}

/// Orders something until it has begun, then waits until it is done. `done` gives the words for it, and nothing before.
template <class Order, class Done>
int carry_out(ClusterClient& client, const Options& options, Context& context, const Order& order, const Done& done) {
  const auto wait = parse_duration(options.wait);
  if (!wait) return context.fail(Error{wait.error().code, "--wait: " + wait.error().message}, kUsage);
  Patience patience(*wait);
  for (;;) {
    const auto answer = order();
    // "nothing": it is so already, or this is the second try of what went through.
    if (answer && (answer->code() == "ok" || answer->code() == "nothing")) break;
    const bool again = answer ? answer->again() : answer.failure.transient;
    if (!again || patience.is_over()) return answer ? refused(*answer, context) : fail(answer.failure, context);
    patience.pause();
  }
  patience.reset();
  for (;;) {
    const auto status = client.status();
    const std::optional<std::string> words = status ? done(*status) : std::nullopt;
    if (words) {
      if (context.json) {
        boost::json::object out = json_of(*status);
        out["exit"] = kGood;
        context.print(out);
      } else {
        context.out << *words << "\n";
      }
      return kGood;
    }
    if (patience.is_over()) {
      return context.fail(
          kUnknown, "timeout",
          "it has begun, and was not done within " + options.wait + "; testamur cluster status shows how far it is");
    }
    patience.pause();
  }
}

int change(const Options& options, ChangeRequest::Kind kind, Context& context) {
  auto client = open(options);
  if (!client) return context.fail(client.error());
  ChangeRequest request;
  request.set_kind(kind);
  request.set_node(options.target);
  request.set_stay_learner(options.stay_learner);
  const auto order = [&] { return client->change(request); };
  return carry_out(*client, options, context, order, [&](const ClusterStatus& status) -> std::optional<std::string> {
    const Member* member = find(status, options.target);
    if (member == nullptr || status.changing()) return std::nullopt;
    // One that the consortium record names a learner stays one.
    std::string wanted = options.stay_learner || member->recorded_role() == "learner" ? "learner" : "voter";
    if (kind == ChangeRequest::KIND_REMOVE) wanted = "removed";
    if (member->role() != wanted) return std::nullopt;
    return options.target + (wanted == "removed" ? " takes part no more." : " is a " + wanted + ".");
  });
}

int transfer(const Options& options, Context& context) {
  auto client = open(options);
  if (!client) return context.fail(client.error());
  const auto before = client->status();
  if (!before) return fail(before.failure, context);
  const auto order = [&] { return client->transfer(options.target); };
  return carry_out(*client, options, context, order, [&](const ClusterStatus& status) -> std::optional<std::string> {
    if (status.leader().empty()) return std::nullopt;
    const bool done = options.target.empty() ? status.leader() != before->leader() : status.leader() == options.target;
    return done ? std::optional<std::string>("Leadership is handed on.") : std::nullopt;
  });
}

/// The node's own program does it, on its own disk.
int recover(const Options& options, Context& context) {
  if (!options.yes) {
    const std::string question =
        "Everything that is not certified goes from this node's log. This is for a quorum's operators who have agreed "
        "on it, with "
        "all their nodes stopped. Go on?";
    if (!context.confirm) return context.fail(kUsage, "usage", "expected --yes, since nobody is there to ask");
    if (!context.confirm(question)) return context.fail(kFailed, "cancelled", "nothing was changed");
  }
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "testamurd";
  const std::string config = options.directory + "/" + std::string(kNodeFile);
  const std::string height = std::to_string(options.height);
  context.out.flush();
  ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), "--recover", height.c_str(),
          options.not_cosigned ? "--not-cosigned" : static_cast<char*>(nullptr), static_cast<char*>(nullptr));
  return context.fail(kFailed, "not_found",
                      program.string() + ": expected the node's program here, and it cannot be run");
}

constexpr const char* kStatusExample =
    R"(  testamur cluster status --directory ulisboa --node node.ulisboa.pt:7301

  Any node may be asked; what only the leader knows, it asks the leader.)";
constexpr const char* kTransferExample =
    R"(  testamur cluster transfer node.uporto.pt --directory ulisboa --node node.ulisboa.pt:7301

  Before a leader's machine is stopped for long; without a name, the one whose log is the longest takes over. The operator of
  the node that leads may; those of others where enough institutions order the same within ten minutes.)";
constexpr const char* kAddExample =
    R"(  testamur cluster add node.uporto.pt --directory ulisboa --node node.ulisboa.pt:7301

  A node that the consortium record names, and that was removed or starts anew, takes part again: as a learner, which becomes a
  voter by itself once its log is level. Voters change through a joint configuration: a quorum of those before and of those after
  decides meanwhile. The operator of the node that leads may; those of others where enough institutions order the same within ten
  minutes.)";
constexpr const char* kPromoteExample =
    R"(  testamur cluster promote node.uporto.pt --directory ulisboa --node node.ulisboa.pt:7301

  For a learner that was added with --stay-learner. The operator of the node that leads may; those of others where enough institutions
  order the same within ten minutes.)";
constexpr const char* kRemoveExample =
    R"(  testamur cluster remove node.uporto.pt --directory ulisboa --node node.ulisboa.pt:7301

  A machine that is gone for good counts against the others as long as it is a voter. A leader hands on leadership first. Refused
  where those left could not decide, or not certify, anything. The operator of the node that leads may, and whoever takes out a
  node of his own institution; those of others where enough institutions order the same within ten minutes.)";
constexpr const char* kRecoverExample =
    R"(  testamur cluster recover --directory ulisboa --height 4711

  The last resort, when a node that lied has left others with different uncertified blocks, and nothing goes on. The operators of a
  quorum stop their nodes and run this, each on his node's machine: its log and state go back to the last certified head, the same
  on all, and with them what it promised about later ones. Nothing certified is lost. A node that has cosigned a later block does not
  go back: the others take that block up. deploy/operate.md says how.)";

}  // namespace

void add_cluster(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("cluster", "Operate the consensus: who takes part, who leads");
  group.require_subcommand(1);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description, const char* example) -> CLI::App& {
    CLI::App& command = add_command(group, context, name, description, example);
    command
        .add_option("--directory", options->directory,
                    "The site's directory, with operator.pem, operator.crt and the node's keys/tls.crt")
        ->required();
    return command;
  };
  const auto add_order = [&](const char* name, const char* description, const char* example) -> CLI::App& {
    CLI::App& command = add(name, description, example);
    command.add_option("--node", options->node, "HOST:PORT where the node answers its operator")
        ->required()
        ->envname("TESTAMUR_OPERATOR_NODE");
    return command;
  };
  const auto add_target = [&](CLI::App& command, bool required) {
    command.add_option("name", options->target, "The node's name in the consortium record")->required(required);
    command.add_option("--wait", options->wait, "How long to wait until it is done")->capture_default_str();
  };

  CLI::App& show = add_order("status", "Show who takes part, who leads, and how far each is", kStatusExample);
  show.callback([options, &context] { context.exit = status(*options, context); });

  CLI::App& hand_on = add_order("transfer", "Hand leadership to another voter", kTransferExample);
  add_target(hand_on, false);
  hand_on.callback([options, &context] { context.exit = transfer(*options, context); });

  CLI::App& adding = add_order("add", "Have a node take part", kAddExample);
  add_target(adding, true);
  adding.add_flag("--stay-learner", options->stay_learner, "It stays a learner until it is promoted");
  adding.callback([options, &context] { context.exit = change(*options, ChangeRequest::KIND_ADD, context); });

  CLI::App& promoting = add_order("promote", "Make a voter of a learner", kPromoteExample);
  add_target(promoting, true);
  promoting.callback([options, &context] { context.exit = change(*options, ChangeRequest::KIND_PROMOTE, context); });

  CLI::App& removing = add_order("remove", "Have a node take part no more", kRemoveExample);
  add_target(removing, true);
  removing.callback([options, &context] { context.exit = change(*options, ChangeRequest::KIND_REMOVE, context); });

  CLI::App& recovering = add("recover", "Go back to the last certified head, with the node stopped", kRecoverExample);
  recovering
      .add_option("--height", options->height,
                  "The last certified block, on which the operators have agreed (testamur node status shows it)")
      ->required();
  recovering.add_flag(
      "--not-cosigned", options->not_cosigned,
      "Where the node does not know whether it cosigned a later block: the operators found that it did not");
  recovering.add_flag("--yes", options->yes, "Do not ask");
  recovering.callback([options, &context] { context.exit = recover(*options, context); });
}

}  // namespace testamur::tool
