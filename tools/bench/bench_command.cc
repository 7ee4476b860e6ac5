#include "bench_command.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <ostream>

#include "answer.h"
#include "files.h"
#include "reach.h"
#include "site.h"
#include "versus.h"

namespace testamur::bench {
namespace {

using tool::Context;
using tool::Failure;

struct Options {
  std::vector<unsigned> clients = {1, 16, 64, 256};
  unsigned seconds = 60;
  unsigned warm_up = 3;
  unsigned members = 3;
  std::uint64_t preload = 0;
  std::string directory;
  std::string program;
  std::string wait = "committed,certified";
  bool spread = false;
  // A cluster that runs already.
  std::vector<std::string> nodes;
  std::string policy;
  std::vector<std::string> registers;
  std::string key;
  // Of some workloads.
  std::uint32_t batch = 1000;
  std::uint64_t documents = 1'000'000;
  unsigned readers = 16;
  unsigned rounds = 3;
  std::size_t value_bytes = 256;
  std::uint64_t max_pending = 64;

  Period period() const { return {std::chrono::seconds(warm_up), std::chrono::seconds(seconds)}; }
  unsigned most_clients() const { return *std::max_element(clients.begin(), clients.end()); }
};

constexpr const char* kExample =
    R"(  testamur bench one --clients 1,16,64 --seconds 60
  testamur bench listed --batch 4096 --clients 4 --preload 10000000
  testamur bench vs-etcd --json > figures.json

  Without --node it makes a cluster of its own, in a directory that is removed afterwards unless --dir names one; with the same
  --dir it goes on with the same ledger. Against nodes that run: --node, --policy, --register for each client, and --key.
  Nothing is left out: every write is synced on a quorum of nodes, and every statement is signed within its call. A latency is from
  before the signing to the answer, so it includes waiting for the one thread that all clients of this program share.)";

/// The directory that a bench works in; its own is removed with it.
class Workplace {
 public:
  static Result<Workplace> open(const std::string& wanted) {
    if (!wanted.empty()) {
      if (auto made = tool::make_directory(wanted); !made) return made.error();
      return Workplace(wanted, false);
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "testamur-bench.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return Error{ErrorCode::storage, pattern + ": cannot be made"};
    return Workplace(pattern, true);
  }
  Workplace(Workplace&& other) noexcept : path_(std::exchange(other.path_, {})), own_(other.own_) {}
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace() {
    std::error_code ignored;
    if (own_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  Workplace(std::string path, bool own) : path_(std::move(path)), own_(own) {}
  std::string path_;
  bool own_;
};

std::string program_beside_this() {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "testamurd").string();
}

/// What is measured, and where: a cluster of this bench's, or one that runs.
struct Place {
  std::optional<Workplace> workplace;
  std::unique_ptr<TestamurCluster> cluster;
  Target target;

  Conditions conditions(const Options& options) const {
    return {target, cluster.get(), options.period(), options.spread};
  }
};

std::optional<Failure> open_running(const Options& options, Place& place) {
  tool::Reach reach;
  if (auto failure = tool::read_reach(options.nodes, "10s", options.policy, reach)) return failure;
  place.target.nodes = reach.nodes;
  place.target.policy = reach.policy;
  const auto key = tool::read_key(options.key);
  if (!key) return tool::failure_of(key.error());
  for (const std::string& text : options.registers) {
    const auto name = tool::parse_register(text);
    if (!name) return tool::failure_of(name.error(), tool::kUsage);
    place.target.registers.push_back({*name, options.key, *key});
  }
  return std::nullopt;
}

/// For this many callers that write.
std::optional<Failure> open_place(const Options& options, unsigned writers, Context& context, Place& place,
                                  std::uint64_t max_pending = 0) {
  auto workplace = Workplace::open(options.directory);
  if (!workplace) return tool::failure_of(workplace.error());
  place.workplace.emplace(std::move(*workplace));
  if (!options.nodes.empty()) {
    if (auto failure = open_running(options, place)) return failure;
  } else {
    const std::string program = options.program.empty() ? program_beside_this() : options.program;
    auto cluster =
        TestamurCluster::make({options.members, writers, place.workplace->path() + "/testamur", program, max_pending});
    if (!cluster) return tool::failure_of(cluster.error());
    place.cluster = std::move(*cluster);
    place.target = place.cluster->target();
    if (auto started = place.cluster->start(); !started) return tool::failure_of(started.error());
  }
  return preload(place.conditions(options), options.preload, context);
}

std::vector<v1::Wait> waits_of(const std::string& wait) {
  if (wait == "committed") return {v1::WAIT_COMMITTED};
  if (wait == "certified") return {v1::WAIT_CERTIFIED};
  return {v1::WAIT_COMMITTED, v1::WAIT_CERTIFIED};
}

/// Runs are told as they come; programs get them at the end, as one document.
class Report {
 public:
  explicit Report(Context& context) : context_(context) {}
  std::optional<Failure> add(const Result<Run>& run) {
    if (!run) return tool::failure_of(run.error());
    if (!context_.json) say(context_, *run);
    runs_.push_back(to_json(*run));
    errors_ += run->measured.failures();
    return std::nullopt;
  }
  int finish() {
    const int exit = errors_ == 0 ? tool::kGood : tool::kFailed;
    if (context_.json) context_.print({{"exit", exit}, {"runs", std::move(runs_)}});
    return exit;
  }

 private:
  Context& context_;
  boost::json::array runs_;
  std::uint64_t errors_ = 0;
};

int bench_statements(const Options& options, std::uint32_t entries, bool listed, Context& context) {
  Place place;
  if (auto failure = open_place(options, options.most_clients(), context, place)) return tool::fail(context, *failure);
  Report report(context);
  for (const unsigned clients : options.clients) {
    for (const v1::Wait wait : waits_of(options.wait)) {
      const auto run = run_statements(place.conditions(options), clients, {entries, listed, wait}, context);
      if (auto failure = report.add(run)) return tool::fail(context, *failure);
    }
  }
  return report.finish();
}

int bench_lookup(const Options& options, Context& context) {
  Place place;
  if (auto failure = open_place(options, 4, context, place)) return tool::fail(context, *failure);
  Report report(context);
  for (const unsigned clients : options.clients) {
    const auto run = run_lookups(place.conditions(options), clients, context);
    if (auto failure = report.add(run)) return tool::fail(context, *failure);
  }
  return report.finish();
}

int bench_mix(const Options& options, Context& context) {
  Place place;
  if (auto failure = open_place(options, options.most_clients(), context, place)) return tool::fail(context, *failure);
  Report report(context);
  for (const unsigned clients : options.clients) {
    auto runs = run_mix(place.conditions(options), clients, options.readers, context);
    if (!runs) return context.fail(runs.error());
    for (Run& run : *runs) {
      if (auto failure = report.add(std::move(run))) return tool::fail(context, *failure);
    }
  }
  return report.finish();
}

int bench_overload(const Options& options, Context& context) {
  Place place;
  const unsigned clients = options.most_clients();
  if (auto failure = open_place(options, clients, context, place, options.max_pending)) {
    return tool::fail(context, *failure);
  }
  const auto overload = run_overload(place.conditions(options), clients, context);
  if (!overload) return context.fail(overload.error());
  const bool kept = overload->lost == 0 && overload->doubled == 0;
  if (context.json) {
    context.print({{"exit", kept ? tool::kGood : tool::kFailed},
                   {"before", to_json(overload->before)},
                   {"during", to_json(overload->during)},
                   {"after", to_json(overload->after)},
                   {"lost", overload->lost},
                   {"doubled", overload->doubled}});
  } else {
    for (const Run* run : {&overload->before, &overload->during, &overload->after}) say(context, *run);
    context.out << "certified and not on the ledger: " << overload->lost
                << "; on the ledger twice: " << overload->doubled << "\n";
  }
  return kept ? tool::kGood : tool::kFailed;
}

int bench_sealed(const Options& options, Context& context) {
  Place place;
  if (auto failure = open_place(options, 1, context, place)) return tool::fail(context, *failure);
  SealedClass sealed;
  const auto failure =
      run_sealed(place.conditions(options), options.documents, place.workplace->path(), context, sealed);
  if (failure) return tool::fail(context, *failure);
  if (context.json) {
    context.print({{"exit", tool::kGood},
                   {"documents", sealed.documents},
                   {"hashing_seconds", sealed.hashing},
                   {"whole_seconds", sealed.whole},
                   {"beside_hashing_seconds", sealed.beside()}});
  } else {
    context.out << "a sealed class of " << sealed.documents << ": " << sealed.whole
                << " s from files to a bundle of proofs, " << sealed.hashing << " s of which read and hash the files, "
                << sealed.beside() << " s the rest\n";
  }
  return tool::kGood;
}

int bench_versus(const Options& options, Context& context) {
  auto workplace = Workplace::open(options.directory);
  if (!workplace) return context.fail(workplace.error());
  const std::string program = options.program.empty() ? program_beside_this() : options.program;
  auto ours =
      TestamurCluster::make({options.members, options.most_clients(), workplace->path() + "/testamur", program});
  if (!ours) return context.fail(ours.error());
  auto etcd = EtcdCluster::make(workplace->path() + "/etcd", options.members);
  if (!etcd) return context.fail(etcd.error());
  std::vector<Versus> versus;
  const VersusWish wish{options.clients, options.rounds, options.value_bytes, options.period()};
  if (auto failure = run_versus(**ours, **etcd, wish, context, versus)) return tool::fail(context, *failure);
  if (context.json) {
    context.print({{"exit", tool::kGood}, {"clients", to_json(versus)}});
  } else {
    say(context, versus);
  }
  return tool::kGood;
}

/// The options of every workload.
void add_common(CLI::App& command, Options& options) {
  command.add_option("--clients", options.clients, "How many clients; several, with commas, are measured in turn")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--seconds", options.seconds, "How long each is measured")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  command.add_option("--warm-up", options.warm_up, "Seconds before, which do not count")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command.add_option("--dir", options.directory,
                     "Where the cluster's data is, and stays; a temporary directory unless given");
  command.add_option("--members", options.members, "Nodes of the cluster that it starts")
      ->check(CLI::Range(1, 15))
      ->capture_default_str();
  command.add_option("--testamurd", options.program, "The node's program; the one beside this unless given");
}

void add_ledger(CLI::App& command, Options& options) {
  command.add_option("--preload", options.preload,
                     "Issue listed batches first, until the ledger holds so many entries");
  command.add_flag("--spread", options.spread, "Clients turn to all nodes, instead of the leader");
  auto* nodes = command.add_option("--node", options.nodes, "HOST:PORT of nodes that run already")->delimiter(',');
  auto* policy = command.add_option("--policy", options.policy, "Their ledger's policy");
  auto* registers =
      command.add_option("--register", options.registers, "Registers to issue in, one for each client")->delimiter(',');
  auto* key = command.add_option("--key", options.key, "The key file that signs for these registers");
  nodes->needs(policy)->needs(registers)->needs(key);
}

void add_wait(CLI::App& command, Options& options) {
  command.add_option("--wait", options.wait, "What a client waits for; both are measured in turn unless given")
      ->check(CLI::IsMember({"committed", "certified", "committed,certified"}))
      ->capture_default_str();
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("bench", "Measure a ledger");
  group.require_subcommand(1);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* words, auto run) -> CLI::App& {
    CLI::App& command = tool::add_command(group, context, name, words, kExample);
    add_common(command, *options);
    command.callback([options, &context, run] { context.exit = run(*options, context); });
    return command;
  };
  CLI::App& one = add("one", "One-entry statements, each client in a register of its own",
                      [](const Options& is, Context& in) { return bench_statements(is, 1, false, in); });
  CLI::App& listed = add("listed", "Listed batches",
                         [](const Options& is, Context& in) { return bench_statements(is, is.batch, true, in); });
  CLI::App& sealed = add("sealed", "A sealed class, from files to a bundle of verified proofs", bench_sealed);
  CLI::App& lookup = add("lookup", "Look-ups with full proofs, which are verified", bench_lookup);
  CLI::App& mix = add("mix", "One-entry statements and look-ups at once", bench_mix);
  CLI::App& overload =
      add("overload", "More clients than the nodes have room for, who come back at once when refused", bench_overload);
  CLI::App& versus = add("vs-etcd", "One-entry statements and etcd's puts by turns, on this machine", bench_versus);
  for (CLI::App* command : {&one, &listed, &sealed, &lookup, &mix, &overload}) add_ledger(*command, *options);
  for (CLI::App* command : {&one, &listed}) add_wait(*command, *options);
  listed.add_option("--batch", options->batch, "Entries of each batch")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  sealed.add_option("--documents", options->documents, "How many")
      ->check(CLI::Range(1, 8 << 20))
      ->capture_default_str();
  mix.add_option("--readers", options->readers, "Clients that look up")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  overload.add_option("--max-pending", options->max_pending, "Statements that may wait at each node")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  versus.add_option("--rounds", options->rounds, "Rounds, of which the medians are told")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  versus.add_option("--value", options->value_bytes, "Bytes of each put")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

}  // namespace testamur::bench
