#include "run.h"

#include <unistd.h>

#include <iomanip>
#include <ostream>
#include <sstream>

#include <boost/json.hpp>

#include "client.h"

namespace testamur::bench {
namespace {

std::string with_digits(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

std::string ms(std::uint64_t us) { return with_digits(static_cast<double>(us) / 1000, 2) + " ms"; }
std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Watch::Look Watch::look() const {
  Look out;
  if (cluster_ != nullptr) out.use = cluster_->use();
  if (const auto own = use_of(::getpid())) out.use.emplace("bench", *own);
  for (const std::string& address : nodes_) {
    const auto status = tool::NodeClient({address}).get_node();
    out.logs.push_back(status ? Log{status->log_syncs(), status->log_entries()} : Log{});
  }
  out.at = std::chrono::steady_clock::now();
  return out;
}

std::vector<UseInRun> Watch::use() const {
  const double seconds = std::chrono::duration<double>(ended_.at - begun_.at).count();
  std::vector<UseInRun> out;
  for (const auto& [name, after] : ended_.use) {
    const auto before = begun_.use.find(name);
    if (before == begun_.use.end()) continue;
    const double cpu = static_cast<double>(after.cpu_us - before->second.cpu_us) / 1e6 / seconds;
    out.push_back({name, cpu, before->second.rss_bytes, after.rss_bytes, after.peak_rss_bytes});
  }
  for (std::size_t i = 0; i < begun_.logs.size(); ++i) {
    const std::string name = "node " + std::to_string(i);
    auto found = std::find_if(out.begin(), out.end(), [&](const UseInRun& one) { return one.name == name; });
    if (found == out.end()) found = out.insert(out.end(), UseInRun{name});
    const auto syncs = static_cast<double>(ended_.logs[i].syncs - begun_.logs[i].syncs);
    found->syncs = syncs / seconds;
    if (syncs > 0) {
      found->entries_a_sync = static_cast<double>(ended_.logs[i].entries - begun_.logs[i].entries) / syncs;
    }
  }
  return out;
}

Run run(Run described, std::vector<std::unique_ptr<Caller>>& callers, Period period, Watch watch,
        tool::Context& context) {
  tool::Progress progress(context, described.what + ", " + std::to_string(described.clients) + " clients, seconds",
                          static_cast<std::uint64_t>((period.warm_up + period.measured).count() / 1000));
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t shown = 0;
  LoopEvents events;
  events.begins = [&] { watch.begin(); };
  events.ends = [&] { watch.end(); };
  events.tick = [&] {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    const auto seconds = static_cast<std::uint64_t>(passed.count());
    progress.advance(seconds - shown);
    shown = seconds;
  };
  described.measured = run_closed_loop(callers, period, events);
  described.processes = watch.use();
  return described;
}

void say(tool::Context& context, const Run& run) {
  const Latencies& took = run.measured.latencies;
  std::ostream& out = context.out;
  out << context.paint(tool::Colour::bold, run.what) << ", " << run.clients
      << (run.clients == 1 ? " client" : " clients") << ", " << with_digits(run.measured.seconds, 0) << " s\n  "
      << with_digits(run.rate(), run.rate() < 100 ? 1 : 0) << " " << run.unit << "/s   p50 " << ms(took.at(0.5))
      << "   p99 " << ms(took.at(0.99)) << "   p99.9 " << ms(took.at(0.999)) << "   busy " << run.measured.again
      << "   errors " << run.measured.failures() << "\n";
  for (const auto& [why, count] : run.measured.failed) out << "    " << count << " times: " << why << "\n";
  for (const UseInRun& process : run.processes) {
    out << "    " << std::left << std::setw(8) << process.name << " cpu " << with_digits(process.cpu, 2)
        << " cores   memory " << mib(process.rss_bytes) << ", at most " << mib(process.peak_rss_bytes);
    if (process.syncs > 0) {
      out << "   " << with_digits(process.syncs, 0) << " syncs/s, " << with_digits(process.entries_a_sync, 1)
          << " log entries each";
    }
    out << "\n";
  }
  out << std::flush;
}

boost::json::object to_json(const Run& run) {
  const Latencies& took = run.measured.latencies;
  boost::json::object failed;
  for (const auto& [why, count] : run.measured.failed) failed[why] = count;
  boost::json::array processes;
  for (const UseInRun& process : run.processes) {
    processes.push_back(boost::json::object{{"name", process.name},
                                            {"cpu_cores", process.cpu},
                                            {"rss_before_bytes", process.rss_before_bytes},
                                            {"rss_bytes", process.rss_bytes},
                                            {"peak_rss_bytes", process.peak_rss_bytes},
                                            {"log_syncs_per_second", process.syncs},
                                            {"log_entries_per_sync", process.entries_a_sync}});
  }
  return {{"workload", run.what},
          {"unit", run.unit},
          {"clients", run.clients},
          {"units_per_call", run.units},
          {"seconds", run.measured.seconds},
          {"calls", run.measured.latencies.count()},
          {"per_second", run.rate()},
          {"p50_us", took.at(0.5)},
          {"p99_us", took.at(0.99)},
          {"p999_us", took.at(0.999)},
          {"busy", run.measured.again},
          {"failed", std::move(failed)},
          {"processes", std::move(processes)}};
}

}  // namespace testamur::bench
