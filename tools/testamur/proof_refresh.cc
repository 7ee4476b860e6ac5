// `testamur proof refresh`: proofs of long ago become proofs of now.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "proof_command.h"
#include "reach.h"
#include "refresh.h"

namespace testamur::tool {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::vector<std::string> nodes;
  std::string policy;
  std::string timeout = "10s";
};

constexpr const char* kExample =
    R"(  testamur proof refresh proofs --node node.ulisboa.pt:7201 --policy policy

  Replaces each proof by one of now, for the same entry and document; below a directory, all that end in .proof or .bundle. A file
  that cannot be refreshed stays as it is, and spoils no other. Eight calls at most are under way at once; no other command may be at
  work in the directory. Ends with 0 when all are fresh, however their entries stand: that is told, and testamur verify says it of each.
  1: some are as they were.)";

std::uint64_t count_of(const RefreshReport& report, Status status) {
  return report.by_status[static_cast<std::size_t>(status)];
}

constexpr std::array kStatuses = {Status::good, Status::suspended, Status::revoked, Status::superseded};

void say(Context& context, const RefreshReport& report) {
  for (const auto& file : report.files) {
    if (file.failure) {
      const std::string& message = file.failure->message;
      context.err << "testamur: " << (message.starts_with(file.path) ? "" : file.path + ": ") << message
                  << "; the file is as it was [" << file.failure->code << "]\n";
    } else if (file.entry && file.verdict != Verdict::good) {
      context.out << name(file.verdict) << "  " << file.path << ", " << format(*file.entry) << "\n";
    }
  }
  const std::size_t fresh = report.files.size() - report.failed;
  context.out << context.paint(report.failed == 0 ? Colour::green : Colour::yellow,
                               "Refreshed: " + std::to_string(fresh) + " of " + std::to_string(report.files.size()) +
                                   (report.files.size() == 1 ? " file." : " files."))
              << "\n";
  for (const Status status : kStatuses) {
    const std::uint64_t count = count_of(report, status);
    if (count == 0) continue;
    const std::string word(name(status));
    context.out << "  " << word << std::string(11 - word.size(), ' ') << count
                << (count == 1 ? " entry\n" : " entries\n");
  }
  if (report.erased > 0) context.out << "  erased     " << report.erased << " entries of bundles\n";
  if (report.failed > 0) context.out << "  failed     " << report.failed << ", which are as they were\n";
}

void print(Context& context, const RefreshReport& report, int exit) {
  boost::json::array files;
  for (const auto& file : report.files) {
    boost::json::object shown = {{"path", file.path}};
    if (file.failure) {
      shown["error"] = boost::json::object{{"code", file.failure->code}, {"message", file.failure->message}};
    } else if (file.entry) {
      shown["entry"] = format(*file.entry);
      shown["status"] = name(file.verdict);
    } else {
      shown["entries"] = file.entries;
    }
    files.push_back(std::move(shown));
  }
  boost::json::object out = {{"exit", exit}, {"failed", report.failed}, {"erased", report.erased}};
  for (const Status status : kStatuses) out[name(status)] = count_of(report, status);
  out["files"] = std::move(files);
  context.print(out);
}

int run_refresh(const Options& options, Context& context) {
  Reach reach;
  if (auto failure = read_reach(options.nodes, options.timeout, options.policy, reach)) return fail(context, *failure);
  const auto files = list_proofs(options.paths);
  if (!files) return context.fail(files.error());
  // A file that was erased meanwhile must not come back; one that is gone by now is told of.
  const auto locks = lock_places(options.paths, *files);
  if (!locks) return context.fail(locks.error());
  RefreshReport report;
  refresh(*files, reach, context, report);
  const int exit = report.failed == 0 ? kGood : kFailed;
  context.json ? print(context, report, exit) : say(context, report);
  return exit;
}

}  // namespace

void add_proof_refresh(CLI::App& group, Context& context) {
  CLI::App& command = add_command(group, context, "refresh", "Replace proofs by those of now", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("PATH", options->paths, "Proofs, bundles, and directories of them")->required();
  add_node_option(command, options->nodes);
  command.add_option("--policy", options->policy, "The policy you trust")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--timeout", options->timeout, "How long to keep trying without an answer")->capture_default_str();
  command.callback([options, &context] { context.exit = run_refresh(*options, context); });
}

}  // namespace testamur::tool
