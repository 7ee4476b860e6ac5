#include "workloads.h"

#include <filesystem>
#include <thread>

#include "class_documents.h"
#include "files.h"
#include "issue.h"
#include "sample.h"
#include "signers.h"
#include "submit.h"

namespace testamur::bench {
namespace {

constexpr std::uint32_t kPreloadBatch = 65'536;
constexpr std::chrono::seconds kToCatchUp{120};

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// The node that caller `i` turns to.
std::string node_for(const Conditions& conditions, const std::vector<std::string>& nodes, std::size_t i) {
  return nodes[conditions.spread ? i % nodes.size() : 0];
}

Result<std::vector<std::unique_ptr<Caller>>> writers(const Conditions& conditions, unsigned clients,
                                                     StatementCaller::Wish wish) {
  const Target& target = conditions.target;
  if (target.registers.size() < clients) {
    return Error{ErrorCode::invalid, "expected a register for each of " + std::to_string(clients) + " clients, found " +
                                         std::to_string(target.registers.size())};
  }
  const auto nodes = leader_first(target);
  std::vector<std::unique_ptr<Caller>> callers;
  std::random_device seed;
  for (unsigned i = 0; i < clients; ++i) {
    callers.push_back(std::make_unique<StatementCaller>(node_for(conditions, nodes, i), target, target.registers[i],
                                                        wish, (std::uint64_t{seed()} << 32) + seed()));
  }
  return callers;
}

std::vector<std::unique_ptr<Caller>> readers(const Conditions& conditions, unsigned clients,
                                             const std::vector<ProofCaller::Issued>& issued) {
  const auto nodes = leader_first(conditions.target);
  std::vector<std::unique_ptr<Caller>> callers;
  std::random_device seed;
  for (unsigned i = 0; i < clients; ++i) {
    callers.push_back(std::make_unique<ProofCaller>(node_for(conditions, nodes, i), conditions.target, issued, seed()));
  }
  return callers;
}

Run described(unsigned clients, const StatementCaller::Wish& wish) {
  Run run;
  run.what = wish.entries == 1 && !wish.listed
                 ? "one-entry statements"
                 : (wish.listed ? "listed batches of " : "sealed batches of ") + std::to_string(wish.entries);
  run.what += wish.wait == v1::WAIT_CERTIFIED ? " to certified" : " to committed";
  run.unit = wish.entries == 1 ? "statements" : "entries";
  run.clients = clients;
  run.units = wish.entries;
  return run;
}

Run described_lookups(unsigned clients) {
  Run run;
  run.what = "look-ups with full proofs, verified";
  run.unit = "look-ups";
  run.clients = clients;
  return run;
}

Watch watch_of(const Conditions& conditions) { return {conditions.cluster, conditions.target.nodes}; }

/// Files of some 700 bytes, no two the same, a thousand in each directory below. Those that are there already are kept.
Result<void> make_documents(const std::string& directory, std::uint64_t count, tool::Context& context) {
  tool::Progress progress(context, "making documents", count);
  constexpr std::uint64_t kInOne = 1000;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string below = directory + "/" + std::to_string(i / kInOne);
    if (i % kInOne == 0) {
      if (auto made = tool::make_directory(below); !made) return made.error();
    }
    const std::string path = below + "/" + std::to_string(i) + ".json";
    if (tool::exists(path)) continue;
    if (auto written = tool::write_file_unsynced(path, as_bytes(tool::sample_credential(1, i))); !written) {
      return written.error();
    }
    progress.advance();
  }
  return {};
}

/// The entries in all registers, certified as this node knows it.
std::optional<tool::Failure> count_entries(tool::NodeClient& node, const Target& target, std::uint64_t& count) {
  count = 0;
  for (const LoadRegister& in : target.registers) {
    const auto now = tool::ask_register(node, in.name);
    if (!now) return tool::failure_of(now.failure);
    count += now->record.issued;
  }
  return std::nullopt;
}

/// Until so many are certified at each node: what one has told may be news to another.
std::optional<tool::Failure> wait_for_entries(const Target& target, std::uint64_t entries) {
  const auto until = std::chrono::steady_clock::now() + kToCatchUp;
  for (const std::string& address : target.nodes) {
    tool::NodeClient node({address});
    std::uint64_t count = 0;
    while (true) {
      if (auto failure = count_entries(node, target, count)) return failure;
      if (count >= entries) break;
      if (std::chrono::steady_clock::now() > until) {
        return tool::Failure{tool::kFailed, "preload_failed",
                             "preloading: " + address + " has certified " + std::to_string(count) + " entries of " +
                                 std::to_string(entries)};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Run> run_statements(const Conditions& conditions, unsigned clients, StatementCaller::Wish wish,
                           tool::Context& context) {
  auto callers = writers(conditions, clients, wish);
  if (!callers) return callers.error();
  return run(described(clients, wish), *callers, conditions.period, watch_of(conditions), context);
}

Result<Run> run_lookups(const Conditions& conditions, unsigned clients, tool::Context& context) {
  const auto issued = issued_in(conditions.target);
  if (!issued) return issued.error();
  auto callers = readers(conditions, clients, *issued);
  return run(described_lookups(clients), callers, conditions.period, watch_of(conditions), context);
}

Result<std::vector<Run>> run_mix(const Conditions& conditions, unsigned write_clients, unsigned read_clients,
                                 tool::Context& context) {
  const StatementCaller::Wish wish{1, false, v1::WAIT_CERTIFIED};
  const auto issued = issued_in(conditions.target);
  if (!issued) return issued.error();
  auto writing = writers(conditions, write_clients, wish);
  if (!writing) return writing.error();
  // The processes' use is told once, with the writers.
  Run lookups = described_lookups(read_clients);
  std::thread reading([&] {
    auto callers = readers(conditions, read_clients, *issued);
    lookups.measured = run_closed_loop(callers, conditions.period, {});
  });
  Run statements = run(described(write_clients, wish), *writing, conditions.period, watch_of(conditions), context);
  reading.join();
  return std::vector<Run>{std::move(statements), std::move(lookups)};
}

/// What the registers hold against what the callers were told.
std::optional<tool::Failure> compare(const Conditions& conditions, const std::vector<const StatementCaller*>& callers,
                                     Overload& out) {
  tool::NodeClient node(conditions.target.nodes);
  for (const StatementCaller* caller : callers) {
    const auto now = tool::ask_register(node, caller->in().name);
    if (!now) return tool::failure_of(now.failure);
    const std::uint64_t acknowledged = caller->first() + caller->acknowledged();
    const std::uint64_t issued = now->record.issued;
    // One that was under way at the end may have come through or not.
    if (issued < acknowledged) out.lost += acknowledged - issued;
    if (issued > acknowledged + 1) out.doubled += issued - acknowledged - 1;
  }
  return std::nullopt;
}

Result<Overload> run_overload(const Conditions& conditions, unsigned clients, tool::Context& context) {
  constexpr unsigned kFew = 16;
  const StatementCaller::Wish patient{1, false, v1::WAIT_CERTIFIED};
  StatementCaller::Wish impatient = patient;
  impatient.impatient = true;
  Overload out;
  auto before = run_statements(conditions, std::min(kFew, clients), patient, context);
  if (!before) return before.error();
  out.before = std::move(*before);
  auto many = writers(conditions, clients, impatient);
  if (!many) return many.error();
  std::vector<const StatementCaller*> callers;
  for (const auto& caller : *many) callers.push_back(static_cast<const StatementCaller*>(caller.get()));
  Run crowd = described(clients, impatient);
  crowd.what += ", refused and back at once";
  out.during = run(std::move(crowd), *many, conditions.period, watch_of(conditions), context);
  auto after = run_statements(conditions, std::min(kFew, clients), patient, context);
  if (!after) return after.error();
  out.after = std::move(*after);
  // The callers of the last run write in registers of the crowd's.
  callers.erase(callers.begin(), callers.begin() + std::min(kFew, clients));
  if (const auto failure = compare(conditions, callers, out)) return Error{ErrorCode::storage, failure->message};
  return out;
}

std::optional<tool::Failure> preload(const Conditions& conditions, std::uint64_t entries, tool::Context& context) {
  std::uint64_t held = 0;
  tool::NodeClient node(conditions.target.nodes);
  if (auto failure = count_entries(node, conditions.target, held)) return failure;
  if (held >= entries) return std::nullopt;
  tool::Progress progress(context, "preloading entries", entries - held);
  // As many callers as keep the nodes busy; each of whole batches, so a little more may come to be issued.
  const auto batches = (entries - held + kPreloadBatch - 1) / kPreloadBatch;
  const auto nodes = leader_first(conditions.target);
  constexpr std::size_t kTogether = 4;
  const std::size_t count = std::min({kTogether, conditions.target.registers.size(), std::size_t{batches}});
  std::vector<std::unique_ptr<StatementCaller>> callers;
  const StatementCaller::Wish wish{kPreloadBatch, true, v1::WAIT_CERTIFIED};
  for (std::size_t i = 0; i < count; ++i) {
    callers.push_back(std::make_unique<StatementCaller>(nodes[0], conditions.target, conditions.target.registers[i],
                                                        wish, std::random_device{}()));
  }
  grpc::CompletionQueue queue;
  std::uint64_t begun = 0;
  std::size_t open = 0;
  std::optional<tool::Failure> failure;
  for (auto& caller : callers) {
    caller->call(queue, caller.get());
    ++begun;
    ++open;
  }
  void* tag = nullptr;
  bool ok = false;
  while (open > 0 && queue.Next(&tag, &ok)) {
    auto* caller = static_cast<StatementCaller*>(tag);
    const Step step = caller->on_event(queue, tag, ok);
    --open;
    if (step.kind == Step::Kind::done) {
      progress.advance(kPreloadBatch);
      if (begun == batches) continue;
      ++begun;
    } else if (step.kind == Step::Kind::again) {
      std::this_thread::sleep_for(std::chrono::milliseconds(step.pause_ms));
    } else {
      failure = tool::Failure{tool::kFailed, "preload_failed", "preloading: " + step.why};
    }
    if (failure) continue;
    caller->call(queue, tag);
    ++open;
  }
  return failure ? failure : wait_for_entries(conditions.target, entries);
}

std::optional<tool::Failure> run_sealed(const Conditions& conditions, std::uint64_t documents,
                                        const std::string& directory, tool::Context& context, SealedClass& out) {
  const std::string class_directory = directory + "/class-of-" + std::to_string(documents);
  if (auto made = make_documents(class_directory, documents, context); !made) return tool::failure_of(made.error());
  out.documents = documents;
  // Twice: the first time, the files come into memory, where they are when the class is issued.
  for (int pass = 0; pass < 2; ++pass) {
    const auto hashing = std::chrono::steady_clock::now();
    if (const auto read = tool::read_documents({class_directory}, "", directory, [](std::size_t) {}); !read) {
      return tool::failure_of(read.error());
    }
    out.hashing = seconds_since(hashing);
  }
  tool::IssueWish wish;
  wish.in = conditions.target.registers[0].name;
  wish.paths = {class_directory};
  // A directory of its own for each run: one that knows the class would finish at once.
  wish.proofs = directory + "/proofs-" + std::to_string(context.clock().value);
  tool::Signers signers({{conditions.target.registers[0].key_path}, {}}, context);
  tool::NodeClient node(conditions.target.nodes);
  tool::IssueReport report;
  const auto begun = std::chrono::steady_clock::now();
  if (auto failure = tool::issue(wish, signers, node, conditions.target.policy, context, report)) return failure;
  out.whole = seconds_since(begun);
  return std::nullopt;
}

}  // namespace testamur::bench
