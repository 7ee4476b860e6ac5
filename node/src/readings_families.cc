#include "readings_families.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace testamur::node {
namespace {

using consensus::PeerProgress;
using consensus::ProposeResult;
using consensus::Role;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr Role kRoles[] = {Role::follower, Role::pre_candidate, Role::candidate, Role::leader};
constexpr PeerProgress::State kStates[] = {PeerProgress::State::probe, PeerProgress::State::replicate,
                                           PeerProgress::State::snapshot};
constexpr std::pair<ProposeResult, const char*> kRefusals[] = {{ProposeResult::not_leader, "not_leader"},
                                                               {ProposeResult::not_ready, "not_ready"},
                                                               {ProposeResult::too_many, "too_many"},
                                                               {ProposeResult::too_uncertified, "too_uncertified"},
                                                               {ProposeResult::transferring, "transferring"}};

/// A double holds whole numbers up to 2^53.
template <class T>
double number(T value) {
  return static_cast<double>(value);
}

class Families {
 public:
  /// Values that follow belong to this family.
  Families& gauge(std::string name, std::string help) { return begin(MetricType::Gauge, name, help); }
  Families& counter(std::string name, std::string help) { return begin(MetricType::Counter, name, help); }
  Families& value(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (families_.back().type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  /// Without those that have no values: their names would say nothing.
  std::vector<MetricFamily> take() {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  Families& begin(MetricType type, std::string& name, std::string& help) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }

  std::vector<MetricFamily> families_;
};

void add_standing(Families& out, const Readings& is) {
  out.gauge("testamur_role", "1 for the role that the node has in the consensus, 0 for the others.");
  for (const Role role : kRoles) {
    out.value(role == is.standing.role ? 1 : 0, {{"role", std::string(name(role))}});
  }
  out.gauge("testamur_leader_known", "1 when the node knows who leads, itself included.")
      .value(is.standing.leader ? 1 : 0);
  out.gauge("testamur_term", "The node's term in the consensus.").value(number(is.standing.term.value));
  out.gauge("testamur_last_index", "Index of the last entry of the node's log.").value(number(is.standing.last.value));
  out.gauge("testamur_committed_index", "Index up to which the node has counted a quorum itself.")
      .value(number(is.standing.committed.value));
  out.gauge("testamur_applied_index", "Index up to which entries are applied to the ledger.")
      .value(number(is.applied.value));
  out.gauge("testamur_height", "Height of the ledger as applied, certified or not.").value(number(is.height.value));
}

void add_certified(Families& out, const Readings& is) {
  const Readings::Certified certified = is.certified.value_or(Readings::Certified{});
  out.gauge("testamur_certified_index", "Index of the entry that made the newest certified block.")
      .value(number(certified.index.value));
  out.gauge("testamur_certified_height", "Height of the newest certified block.").value(number(certified.height.value));
  out.gauge("testamur_uncertified_blocks", "Blocks applied and not certified.")
      .value(number(is.height.value - std::min(is.height.value, certified.height.value)));
  out.gauge("testamur_certified_timestamp_seconds",
            "When the newest certified head was cosigned, in seconds since 1970.");
  if (is.certified) out.value(number(certified.seconds));
}

void add_counts(Families& out, const Readings& is) {
  out.counter("testamur_elections_started_total", "Terms in which the node stood for election.")
      .value(number(is.counts.elections_started));
  out.counter("testamur_elections_won_total", "Elections that the node won.").value(number(is.counts.elections_won));
  out.counter("testamur_leader_changes_total", "Times that the node came to know a new leader, or one of a new term.")
      .value(number(is.counts.leader_changes));
  out.counter("testamur_proposals_refused_total",
              "Times that statements waited at the leader and the consensus took no block, by reason.");
  for (const auto& [why, word] : kRefusals) out.value(number(is.counts.refused(why)), {{"reason", word}});
  out.counter("testamur_messages_dropped_total", "Messages of other nodes dropped for want of room at the consensus.")
      .value(number(is.counts.dropped_messages));
  out.counter("testamur_log_syncs_total", "Writes of the consensus log, each with one sync.")
      .value(number(is.written.syncs));
  out.counter("testamur_log_entries_total", "Entries written to the consensus log.").value(number(is.written.entries));
  out.gauge("testamur_pending_statements", "Statements that wait at this node for a block.").value(number(is.pending));
}

void add_peers(Families& out, const Readings& is) {
  out.gauge("testamur_peer_connected", "1 when this node's stream to the other member is open.");
  for (const auto& peer : is.peers) {
    if (peer.is_member) out.value(peer.connected ? 1 : 0, {{"node", peer.name}});
  }
  out.counter("testamur_peer_sends_dropped_total",
              "Messages and letters to the other node that were dropped: no stream, no room, or too long.");
  for (const auto& peer : is.peers) out.value(number(peer.sends_dropped), {{"node", peer.name}});
}

/// Of a leader; others know nothing of it, and leave it out.
void add_progress(Families& out, const Readings& is) {
  const auto of_each = [&](const auto& add) {
    for (const PeerProgress& progress : is.progress) {
      const auto peer = std::find_if(is.peers.begin(), is.peers.end(),
                                     [&](const Readings::Peer& one) { return one.id == progress.peer; });
      if (peer != is.peers.end()) add(progress, ClientMetric::Label{"node", peer->name});
    }
  };
  out.gauge("testamur_peer_match_index", "Index up to which the other node's log is known to be the leader's.");
  of_each([&](const PeerProgress& peer, const auto& node) { out.value(number(peer.match.value), {node}); });
  out.gauge("testamur_peer_next_index", "Index of the next entry that the leader sends to the other node.");
  of_each([&](const PeerProgress& peer, const auto& node) { out.value(number(peer.next.value), {node}); });
  out.gauge("testamur_peer_state", "1 for how the leader sends entries to the other node, 0 for the other ways.");
  of_each([&](const PeerProgress& peer, const auto& node) {
    for (const auto state : kStates) {
      out.value(state == peer.state ? 1 : 0, {node, {"state", std::string(name(state))}});
    }
  });
  out.gauge("testamur_peer_refuses", "1 when the other node does not acknowledge a block of this leader.");
  of_each([&](const PeerProgress& peer, const auto& node) { out.value(peer.refused ? 1 : 0, {node}); });
}

std::string contents(const char* path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Pages that are in memory; the second number of statm.
double resident_bytes() {
  std::istringstream statm(contents("/proc/self/statm"));
  double all = 0;
  double resident = 0;
  statm >> all >> resident;
  return resident * number(::sysconf(_SC_PAGESIZE));
}

/// The boot's time, and the process's start in ticks since: the 20th number after the name, which may hold anything.
double start_seconds() {
  const std::string stat = contents("/proc/self/stat");
  std::istringstream after_name(stat.substr(stat.rfind(')') + 1));
  std::string word;
  for (int i = 0; i < 20; ++i) after_name >> word;
  const std::string boot = contents("/proc/stat");
  const std::size_t at = boot.find("\nbtime ");
  if (word.empty() || at == std::string::npos) return 0;
  return std::strtod(boot.c_str() + at + 7, nullptr) +
         std::strtod(word.c_str(), nullptr) / number(::sysconf(_SC_CLK_TCK));
}

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) { return number(time.tv_sec) + number(time.tv_usec) / 1e6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double open_files() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) {
    ++count;
  }
  return count;
}

double most_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return number(limit.rlim_cur);
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::follower: return "follower";
    case Role::pre_candidate: return "pre_candidate";
    case Role::candidate: return "candidate";
    case Role::leader: return "leader";
  }
  return "unknown";
}

std::string_view name(PeerProgress::State state) {
  switch (state) {
    case PeerProgress::State::probe: return "probe";
    case PeerProgress::State::replicate: return "replicate";
    case PeerProgress::State::snapshot: return "snapshot";
  }
  return "unknown";
}

std::vector<MetricFamily> ReadingsFamilies::Collect() const {
  const Readings is = read_();
  Families out;
  add_standing(out, is);
  add_certified(out, is);
  add_counts(out, is);
  add_peers(out, is);
  add_progress(out, is);
  return out.take();
}

std::vector<MetricFamily> ProcessFamilies::Collect() const {
  Families out;
  out.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.").value(start_seconds());
  out.counter("process_cpu_seconds_total", "Time that the process spent on processors, user and system.")
      .value(cpu_seconds());
  out.gauge("process_resident_memory_bytes", "Memory of the process that is in use, in bytes.").value(resident_bytes());
  out.gauge("process_open_fds", "Files and sockets that the process has open.").value(open_files());
  out.gauge("process_max_fds", "Files and sockets that the process may have open.").value(most_files());
  return out.take();
}

}  // namespace testamur::node
