// Goal: what an operator's monitoring reads is what the node is, under names that deploy/metrics.md explains, all of them and no others.
// Method: real nodes, fetched over HTTP as Prometheus does, compared with what the public service says of the same node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "cluster.h"
#include "scrape.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace v1 = testamur::v1;

std::string file_text(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("no " + path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Nodes with metrics on ports of their own.
class WatchedCluster : public Cluster {
 public:
  explicit WatchedCluster(ClusterOptions options = {}) : Cluster(options) {
    for (unsigned i = 0; i < size(); ++i) {
      ports_.push_back(free_port());
      set_more_config(i, "[metrics]\nlisten = \"127.0.0.1:" + std::to_string(ports_[i]) + "\"\n");
    }
  }
  int metrics_port(unsigned i) const { return ports_[i]; }
  Scrape metrics(unsigned i) const { return scrape(ports_[i]); }

  /// What the node said of itself, and its metrics, both of one moment: nothing changed between two answers around the fetch.
  std::pair<v1::NodeStatus, Scrape> still(unsigned i) {
    std::optional<std::pair<v1::NodeStatus, Scrape>> found;
    const bool came = wait_until([&] {
      const auto before = status(i);
      Scrape now = metrics(i);
      const auto after = status(i);
      if (!before || !after || before->SerializeAsString() != after->SerializeAsString()) return false;
      found.emplace(*after, std::move(now));
      return true;
    });
    if (!came) throw std::runtime_error("the node did not come to rest");
    return *found;
  }

 private:
  std::vector<int> ports_;
};

TEST(Metrics, AreWhatTheNodeSaysOfItself) {
  WatchedCluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  const v1::Outcome outcome = cluster.submit(leader, cluster.one_entry(0, "r0", 0));
  ASSERT_EQ(outcome.code(), "ok");
  ASSERT_TRUE(wait_until([&] { return cluster.level(outcome.height()); }));
  for (unsigned i = 0; i < cluster.size(); ++i) {
    SCOPED_TRACE(cluster.node_name(i));
    const auto [is, metrics] = cluster.still(i);
    for (const std::string role : {"follower", "pre_candidate", "candidate", "leader"}) {
      EXPECT_EQ(metrics.at("testamur_role{role=\"" + role + "\"}"), role == is.role() ? 1 : 0) << role;
    }
    EXPECT_EQ(metrics.at("testamur_leader_known"), is.leader().empty() ? 0 : 1);
    EXPECT_EQ(metrics.at("testamur_term"), is.term());
    EXPECT_GT(is.term(), 0u);
    EXPECT_EQ(metrics.at("testamur_last_index"), is.last_index());
    EXPECT_EQ(metrics.at("testamur_committed_index"), is.committed_index());
    EXPECT_EQ(metrics.at("testamur_applied_index"), is.applied_index());
    EXPECT_EQ(metrics.at("testamur_height"), is.height());
    EXPECT_EQ(metrics.at("testamur_certified_height"), is.certified_height());
    EXPECT_GE(is.certified_height(), outcome.height());
    EXPECT_EQ(metrics.at("testamur_uncertified_blocks"), is.height() - is.certified_height());
    EXPECT_LE(metrics.at("testamur_certified_index"), is.applied_index());
    EXPECT_GE(metrics.at("testamur_certified_index"), is.certified_height()) << "an entry for each block, at least";
    EXPECT_EQ(metrics.at("testamur_log_syncs_total"), is.log_syncs());
    EXPECT_EQ(metrics.at("testamur_log_entries_total"), is.log_entries());
    EXPECT_EQ(metrics.at("testamur_pending_statements"), is.pending());
    EXPECT_EQ(metrics.at("testamur_build_info{version=\"" + is.version() + "\"}"), 1);
    EXPECT_EQ(metrics.at("testamur_node_info{institution=\"" + is.institution() + "\",node=\"" + is.name() + "\"}"), 1);
    for (const auto& peer : is.peers()) {
      EXPECT_EQ(metrics.at("testamur_peer_connected{node=\"" + peer.name() + "\"}"), peer.connected() ? 1 : 0);
      EXPECT_EQ(metrics.has("testamur_peer_match_index{node=\"" + peer.name() + "\"}"), is.role() == "leader");
    }
    const double now = static_cast<double>(clock_now().value) / 1000;
    EXPECT_NEAR(metrics.at("testamur_certified_timestamp_seconds"), now, 600);
    EXPECT_NEAR(metrics.at("process_start_time_seconds"), now, 600);
    EXPECT_GT(metrics.at("process_resident_memory_bytes"), 1 << 20);
    EXPECT_GT(metrics.at("process_open_fds"), 10);
    EXPECT_GT(metrics.at("process_cpu_seconds_total"), 0);
  }
}

TEST(Metrics, CountWhatHappens) {
  WatchedCluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  const Scrape before = cluster.metrics(leader);
  EXPECT_GE(before.at("testamur_elections_started_total"), 1);
  EXPECT_GE(before.at("testamur_elections_won_total"), 1);
  EXPECT_GE(before.at("testamur_leader_changes_total"), 1);
  constexpr unsigned kStatements = 5;
  for (unsigned number = 0; number < kStatements; ++number) {
    const auto taken = cluster.try_submit(leader, cluster.one_entry(0, "r0", number), {}, v1::WAIT_CERTIFIED, 30'000);
    ASSERT_TRUE(taken);
    ASSERT_EQ(taken->code(), "ok");
  }
  Bytes forged = cluster.one_entry(0, "r0", kStatements);
  forged.back() ^= 1;
  ASSERT_EQ(cluster.try_submit(leader, forged, {}, v1::WAIT_NONE, 1000)->code(), "bad_signature");
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  const auto [is, after] = cluster.still(leader);
  ASSERT_EQ(is.role(), "leader");
  const auto grown = [&](const std::string& sample) { return after.at(sample) - before.at(sample); };
  EXPECT_EQ(grown("testamur_submissions_total{code=\"ok\"}"), kStatements);
  EXPECT_EQ(grown("testamur_submissions_total{code=\"bad_signature\"}"), 1);
  EXPECT_EQ(grown("testamur_submissions_total{code=\"busy\"}"), 0);
  // One after the other, each had a block of its own.
  EXPECT_EQ(grown("testamur_certified_height"), kStatements);
  EXPECT_EQ(grown("testamur_append_seconds_count"), kStatements);
  EXPECT_EQ(grown("testamur_certify_seconds_count"), kStatements);
  EXPECT_GT(grown("testamur_append_seconds_sum"), 0);
  EXPECT_GE(grown("testamur_certify_seconds_sum"), grown("testamur_append_seconds_sum"));
  EXPECT_GE(grown("testamur_log_syncs_total"), kStatements);
  for (unsigned i = 0; i < cluster.size(); ++i) {
    const auto [here, metrics] = cluster.still(i);
    EXPECT_EQ(metrics.at("testamur_log_sync_seconds_count"), here.log_syncs());
    EXPECT_EQ(metrics.at("testamur_log_sync_seconds_bucket{le=\"+Inf\"}"), here.log_syncs());
    EXPECT_GT(metrics.at("testamur_log_sync_seconds_sum"), 0);
    if (i != leader) {
      EXPECT_EQ(metrics.at("testamur_append_seconds_count"), 0) << "of the leader alone";
    }
    for (const auto& peer : here.peers()) {
      EXPECT_EQ(metrics.at("testamur_evidence_total{node=\"" + peer.name() + "\"}"), 0);
    }
  }
}

TEST(Metrics, ALeaderShowsWhoIsMissingAndHowFarItIs) {
  WatchedCluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  const unsigned gone = (leader + 1) % 4;
  const auto of = [&](const std::string& name) { return name + "{node=\"" + cluster.node_name(gone) + "\"}"; };
  const auto in_state = [&](const Scrape& metrics, const std::string& state) {
    return metrics.at("testamur_peer_state{node=\"" + cluster.node_name(gone) + "\",state=\"" + state + "\"}") == 1;
  };
  const auto is_level = [&] {
    const Scrape metrics = cluster.metrics(leader);
    return metrics.at(of("testamur_peer_match_index")) == metrics.at("testamur_last_index") &&
           metrics.at(of("testamur_peer_next_index")) == metrics.at("testamur_last_index") + 1 &&
           in_state(metrics, "replicate") && !in_state(metrics, "probe") && !in_state(metrics, "snapshot");
  };
  ASSERT_TRUE(wait_until(is_level));
  const double reached = cluster.metrics(leader).at(of("testamur_peer_match_index"));
  cluster.kill(gone);
  ASSERT_EQ(cluster.submit(leader, cluster.one_entry(0, "r0", 0)).code(), "ok");
  ASSERT_TRUE(wait_until([&] {
    const Scrape metrics = cluster.metrics(leader);
    return metrics.at(of("testamur_peer_connected")) == 0 && metrics.at(of("testamur_peer_sends_dropped_total")) > 0 &&
           in_state(metrics, "probe");
  }));
  EXPECT_EQ(cluster.metrics(leader).at(of("testamur_peer_match_index")), reached);
  ASSERT_EQ(cluster.status(leader)->role(), "leader");
  cluster.start(gone);
  EXPECT_TRUE(wait_until(is_level));
}

TEST(Metrics, ANodeWithoutAQuorumSaysSo) {
  WatchedCluster cluster({.nodes = 2});
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(1 - leader);
  ASSERT_TRUE(wait_until([&] { return cluster.metrics(leader).at("testamur_leader_known") == 0; }));
  ASSERT_EQ(cluster.try_submit(leader, cluster.one_entry(0, "r0", 0), {}, v1::WAIT_NONE, 1000)->stage(),
            v1::STAGE_PENDING);
  const Scrape metrics = cluster.metrics(leader);
  EXPECT_EQ(metrics.at("testamur_pending_statements"), 1);
  EXPECT_EQ(metrics.at("testamur_submissions_total{code=\"pending\"}"), 1);
  EXPECT_EQ(metrics.at("testamur_role{role=\"leader\"}"), 0);
}

/// A row of deploy/metrics.md: | `name` | type | labels | ...
struct Row {
  std::string type;
  std::set<std::string> labels;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.type;
  for (const std::string& label : row.labels) *out << " " << label;
}

std::map<std::string, Row> documented() {
  static const std::regex pattern(R"(\| `([a-z_]+)` \| (\w+) \|([^|]*)\|.*)");
  std::map<std::string, Row> rows;
  std::istringstream lines(file_text(TESTAMUR_DEPLOY "/metrics.md"));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, pattern)) continue;
    Row row{match[2], {}};
    static const std::regex word("[a-z_]+");
    const std::string labels = match[3];
    for (std::sregex_iterator at(labels.begin(), labels.end(), word), end; at != end; ++at)
      row.labels.insert(at->str());
    EXPECT_TRUE(rows.emplace(match[1], row).second) << match[1] << " twice";
  }
  return rows;
}

TEST(Metrics, AreThoseThatTheDocumentationListsAndNamedByTheRules) {
  WatchedCluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.metrics(leader);  // what the listener counts of itself begins with the first fetch
  const Scrape metrics = cluster.metrics(leader);
  std::map<std::string, Row> served;
  const std::regex ours("(testamur|process)_[a-z]+(_[a-z]+)*");
  const std::regex reserved(".*_(total|count|sum|bucket|info)");
  const std::regex other_unit(".*_(milliseconds|ms|us|ns|minutes|kib|mib|percent)(_.*)?");
  for (const auto& [name, family] : metrics.families()) {
    SCOPED_TRACE(name);
    served.emplace(name, Row{family.type, family.labels});
    EXPECT_FALSE(family.samples.empty());
    if (name.starts_with("exposer_")) continue;  // of the library, which has rules of its own
    EXPECT_TRUE(std::regex_match(name, ours));
    EXPECT_THAT(family.help, ::testing::EndsWith("."));
    EXPECT_THAT(family.type, ::testing::AnyOf("gauge", "counter", "histogram"));
    EXPECT_EQ(family.type == "counter", name.ends_with("_total"));
    EXPECT_EQ(family.type == "histogram",
              std::regex_match(name, std::regex("testamur_.*_seconds")) && !name.ends_with("_timestamp_seconds"));
    if (family.type == "gauge") {
      EXPECT_TRUE(!std::regex_match(name, reserved) || name.ends_with("_info"));
    }
    EXPECT_FALSE(std::regex_match(name, other_unit)) << "seconds and bytes are the units";
    for (const auto& [sample, value] : family.samples) {
      EXPECT_GE(value, 0) << sample;
    }
  }
  EXPECT_EQ(documented(), served);
}

TEST(Metrics, AlertsRestOnMetricsThatThereAre) {
  const auto rows = documented();
  const std::string rules = file_text(TESTAMUR_DEPLOY "/prometheus-alerts.yml");
  const std::regex name("(testamur|process)_[a-z_]+");
  std::set<std::string> used;
  for (std::sregex_iterator at(rules.begin(), rules.end(), name), end; at != end; ++at) {
    std::string metric = std::regex_replace(at->str(), std::regex("_(bucket|count|sum)$"), "");
    EXPECT_TRUE(rows.contains(metric)) << at->str();
    used.insert(std::move(metric));
  }
  EXPECT_GE(used.size(), 5u);
}

TEST(Metrics, OnlyTheirPathIsAnswered) {
  WatchedCluster cluster({.nodes = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  const auto answer = http_get(cluster.metrics_port(0), "/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200u);
  EXPECT_THAT(answer->content_type, StartsWith("text/plain"));
  for (const std::string path : {"/", "/node.toml", "/../node.toml"}) {
    EXPECT_EQ(http_get(cluster.metrics_port(0), path)->status / 100, 4u) << path;
  }
}

/// The loopback ports that a process listens on.
std::set<int> listening(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  std::set<std::string> sockets;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory + "/fd", error)) {
    const std::string to = std::filesystem::read_symlink(file, error).string();
    if (to.starts_with("socket:[")) sockets.insert(to.substr(8, to.size() - 9));
  }
  std::set<int> ports;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::istringstream lines(file_text(directory + table));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::vector<std::string> word(std::istream_iterator<std::string>(words), {});
      const bool listens = word.at(3) == "0A";
      if (listens && sockets.contains(word.at(9)))
        ports.insert(std::stoi(word[1].substr(word[1].find(':') + 1), nullptr, 16));
    }
  }
  return ports;
}

TEST(Metrics, WithoutAWordInTheConfigurationNobodyListens) {
  WatchedCluster cluster({.nodes = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  const std::set<int> usual = {cluster.peer_port(0), cluster.public_port(0), cluster.operator_port(0)};
  std::set<int> with_metrics = usual;
  with_metrics.insert(cluster.metrics_port(0));
  EXPECT_EQ(listening(cluster.pid(0)), with_metrics);
  EXPECT_EQ(cluster.stop(0), 0);
  cluster.set_more_config(0, "");
  cluster.start(0);
  cluster.wait_for_leader();
  EXPECT_EQ(listening(cluster.pid(0)), usual);
}

TEST(Metrics, AnAddressThatCannotBeIsNamed) {
  WatchedCluster cluster({.nodes = 2});
  const auto try_with = [&](const std::string& address) {
    cluster.set_more_config(1, "[metrics]\nlisten = \"" + address + "\"\n");
    cluster.start(1);
    return cluster.wait_for_exit(1);
  };
  EXPECT_EQ(try_with("9464"), 2);
  EXPECT_THAT(cluster.log(1), HasSubstr("metrics.listen: expected host:port such as 127.0.0.1:9464, found \"9464\""));
  // Of no machine: set aside for documentation (RFC 5737).
  EXPECT_EQ(try_with("192.0.2.1:9464"), 1);
  EXPECT_THAT(cluster.log(1), HasSubstr("metrics.listen: cannot listen on 192.0.2.1:9464: "));
  cluster.start(0);
  const std::string taken = "127.0.0.1:" + std::to_string(cluster.metrics_port(0));
  ASSERT_TRUE(wait_until([&] { return http_get(cluster.metrics_port(0), "/metrics").has_value(); }));
  EXPECT_EQ(try_with(taken), 1);
  EXPECT_THAT(cluster.log(1), HasSubstr("metrics.listen: cannot listen on " + taken + ": port"));
  EXPECT_THAT(cluster.log(1), HasSubstr("is in use by another program"));
}

}  // namespace
}  // namespace testamur::test
