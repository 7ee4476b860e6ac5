#include "versus.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include <boost/json.hpp>

#include "etcd_caller.h"

namespace testamur::bench {
namespace {

Result<Run> run_puts(const EtcdCluster& etcd, unsigned clients, const VersusWish& wish, unsigned round,
                     tool::Context& context) {
  const auto members = etcd.leader_first();
  if (!members) return members.error();
  std::vector<std::unique_ptr<Caller>> callers;
  for (unsigned i = 0; i < clients; ++i) {
    const std::string name = std::to_string(round) + "-" + std::to_string(clients) + "-" + std::to_string(i);
    callers.push_back(std::make_unique<PutCaller>(members->front(), name, wish.value_bytes));
  }
  Run described;
  described.what = "etcd puts of " + std::to_string(wish.value_bytes) + " bytes";
  described.unit = "puts";
  described.clients = clients;
  return run(std::move(described), callers, wish.period, Watch(&etcd, {}), context);
}

std::optional<tool::Failure> measure_etcd(EtcdCluster& etcd, const VersusWish& wish, unsigned round,
                                          tool::Context& context, std::vector<Versus>& out) {
  if (auto started = etcd.start(); !started) return tool::failure_of(started.error());
  for (Versus& at : out) {
    auto puts = run_puts(etcd, at.clients, wish, round, context);
    if (!puts) return tool::failure_of(puts.error());
    at.puts.push_back(std::move(*puts));
  }
  etcd.stop();
  return std::nullopt;
}

std::optional<tool::Failure> measure_ours(TestamurCluster& ours, const VersusWish& wish, tool::Context& context,
                                          std::vector<Versus>& out) {
  if (auto started = ours.start(); !started) return tool::failure_of(started.error());
  const Conditions conditions{ours.target(), &ours, wish.period, false};
  for (Versus& at : out) {
    for (const auto& [wait, runs] :
         {std::pair(v1::WAIT_COMMITTED, &at.committed), {v1::WAIT_CERTIFIED, &at.certified}}) {
      auto statements = run_statements(conditions, at.clients, {1, false, wait}, context);
      if (!statements) return tool::failure_of(statements.error());
      runs->push_back(std::move(*statements));
    }
  }
  ours.stop();
  return std::nullopt;
}

/// Of the rounds.
double median(const std::vector<Run>& runs, const std::function<double(const Run&)>& figure) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(figure(run));
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  if (values.empty()) return 0;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double rate(const Run& run) { return run.rate(); }
double p50_ms(const Run& run) { return static_cast<double>(run.measured.latencies.at(0.5)) / 1000; }
double p99_ms(const Run& run) { return static_cast<double>(run.measured.latencies.at(0.99)) / 1000; }
double errors(const Run& run) { return static_cast<double>(run.measured.failures()); }

double ratio(double ours, double theirs) { return theirs == 0 ? 0 : ours / theirs; }

}  // namespace

std::optional<tool::Failure> run_versus(TestamurCluster& ours, EtcdCluster& etcd, const VersusWish& wish,
                                        tool::Context& context, std::vector<Versus>& out) {
  for (const unsigned clients : wish.clients) out.push_back({clients, {}, {}, {}});
  for (unsigned round = 0; round < wish.rounds; ++round) {
    if (auto failure = measure_etcd(etcd, wish, round, context, out)) return failure;
    if (auto failure = measure_ours(ours, wish, context, out)) return failure;
  }
  return std::nullopt;
}

void say(tool::Context& context, const std::vector<Versus>& versus) {
  std::ostream& out = context.out;
  out << "Medians of " << (versus.empty() ? 0 : versus[0].puts.size())
      << " rounds by turns; one-entry statements by as many clients as puts\n\n"
      << " clients   etcd puts: rate, p50, p99    committed: rate, p50, p99    certified: rate, p50, p99    rate of "
         "etcd's   "
         "p50 of etcd's: committed, certified\n";
  for (const Versus& at : versus) {
    out << std::setw(8) << at.clients;
    for (const auto* runs : {&at.puts, &at.committed, &at.certified}) {
      out << "   " << std::fixed << std::setprecision(0) << std::setw(7) << median(*runs, rate) << "/s "
          << std::setprecision(2) << std::setw(7) << median(*runs, p50_ms) << " " << std::setw(7)
          << median(*runs, p99_ms) << " ms";
    }
    const double put_p50 = median(at.puts, p50_ms);
    out << "   " << std::setw(6) << ratio(median(at.committed, rate), median(at.puts, rate)) << "   " << std::setw(6)
        << ratio(median(at.committed, p50_ms), put_p50) << " " << std::setw(6)
        << ratio(median(at.certified, p50_ms), put_p50);
    const double failed = median(at.puts, errors) + median(at.committed, errors) + median(at.certified, errors);
    if (failed > 0) out << "   " << context.paint(tool::Colour::red, "with errors");
    out << "\n";
  }
}

boost::json::array to_json(const std::vector<Versus>& versus) {
  boost::json::array out;
  for (const Versus& at : versus) {
    boost::json::object one{{"clients", at.clients}};
    for (const auto& [name, runs] :
         {std::pair("etcd", &at.puts), {"committed", &at.committed}, {"certified", &at.certified}}) {
      boost::json::array rounds;
      for (const Run& run : *runs) rounds.push_back(to_json(run));
      one[name] = std::move(rounds);
    }
    one["rate_ratio"] = ratio(median(at.committed, rate), median(at.puts, rate));
    one["p50_ratio_committed"] = ratio(median(at.committed, p50_ms), median(at.puts, p50_ms));
    one["p50_ratio_certified"] = ratio(median(at.certified, p50_ms), median(at.puts, p50_ms));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace testamur::bench
