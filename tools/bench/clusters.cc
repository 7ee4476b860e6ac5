#include "clusters.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "answer.h"
#include "client.h"
#include "consortium.h"
#include "etcd.grpc.pb.h"
#include "files.h"
#include "site.h"

namespace testamur::bench {
namespace {

constexpr std::chrono::seconds kToServe{60};
constexpr std::size_t kMaxLogBytes = 16u << 20;
/// So that one ledger serves for every workload.
constexpr unsigned kUsualRegisters = 256;

std::string loopback(int port) { return "127.0.0.1:" + std::to_string(port); }
std::string institution(unsigned i) { return "bench-" + std::to_string(i) + ".example"; }

/// The last lines of a process's log, for whoever asks why it does not run.
std::string end_of(const std::string& log) {
  const auto text = tool::read_text_file(log, kMaxLogBytes);
  constexpr std::size_t kShown = 500;
  return text ? text->substr(text->size() - std::min(text->size(), kShown)) : "";
}

template <class Holds>
bool wait_until(const Holds& holds) {
  const auto end = std::chrono::steady_clock::now() + kToServe;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace

void Cluster::stop() {
  for (auto& [name, process] : processes_) process.stop();
  processes_.clear();
}

std::map<std::string, Use> Cluster::use() const {
  std::map<std::string, Use> out;
  for (const auto& [name, process] : processes_) {
    if (const auto used = use_of(process.pid())) out.emplace(name, *used);
  }
  return out;
}

Result<std::unique_ptr<TestamurCluster>> TestamurCluster::make(const ClusterWish& wish) {
  std::unique_ptr<TestamurCluster> cluster(new TestamurCluster(wish));
  if (!tool::exists(wish.directory + "/founding/genesis")) {
    if (auto made = cluster->make_sites(); !made) return made.error();
  }
  if (auto read = cluster->read_sites(); !read) return read.error();
  return cluster;
}

/// The ceremony of the documentation, by one person.
Result<void> TestamurCluster::make_sites() {
  if (tool::exists(wish_.directory) && !std::filesystem::is_empty(wish_.directory)) {
    return Error{ErrorCode::conflict, wish_.directory + ": expected a new directory, or a bench's"};
  }
  std::vector<tool::Card> cards;
  for (unsigned i = 0; i < wish_.nodes; ++i) {
    tool::SiteWish site_wish{institution(i), institution(i), {}, {}, "node." + institution(i), {}, {}};
    site_wish.peer_address = loopback(free_port());
    site_wish.public_address = loopback(free_port());
    site_wish.keys.push_back({"registrar", kUseIssue | kUseAmend});
    for (unsigned k = i; k < std::max(wish_.registers, kUsualRegisters); k += wish_.nodes) {
      site_wish.registers.push_back({"r" + std::to_string(k), 1});
    }
    auto card = tool::make_site(site_wish, site(i));
    if (!card) return card.error();
    cards.push_back(std::move(*card));
  }
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const Time created{static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count())};
  const auto genesis = tool::found({"testamur.example/bench", {}, created}, std::move(cards));
  if (!genesis) return genesis.error();
  const std::string founding = wish_.directory + "/founding";
  if (auto made = tool::make_directory(founding); !made) return made.error();
  const std::string beside = founding + "/genesis.new";
  if (auto written = tool::write_file(beside, encode(*genesis), tool::Existing::replace); !written)
    return written.error();
  for (unsigned i = 0; i < wish_.nodes; ++i) {
    if (const auto made = tool::make_node({}, site(i), beside); !made) return made.error();
    if (wish_.max_pending > 0) {
      std::ofstream(site(i) + "/" + std::string(tool::kNodeFile), std::ios::app)
          << "\n[limits]\nmax_pending = " << wish_.max_pending << "\n";
    }
  }
  std::filesystem::rename(beside, founding + "/genesis");
  return {};
}

Result<void> TestamurCluster::read_sites() {
  auto policy = tool::read_policy(site(0) + "/" + std::string(tool::kPolicyFile));
  if (!policy) return policy.error();
  target_.policy = std::move(*policy);
  for (unsigned i = 0; tool::exists(site(i)); ++i) {
    const auto text = tool::read_text_file(site(i) + "/" + std::string(tool::kCardFile), tool::kMaxCardBytes);
    if (!text) return text.error();
    const auto card = tool::read_card(*text);
    if (!card) return card.error();
    target_.nodes.push_back(card->node->public_address);
    const std::string key_path = site(i) + "/" + std::string(tool::kStatementKeys) + "/registrar.pem";
    const auto key = tool::read_key(key_path);
    if (!key) return key.error();
    for (const auto& in : card->registers) target_.registers.push_back({{card->institution, in.name}, key_path, *key});
  }
  if (target_.nodes.size() != wish_.nodes || target_.registers.size() < wish_.registers) {
    return Error{ErrorCode::conflict,
                 wish_.directory + ": expected a bench's cluster of " + std::to_string(wish_.nodes) + " nodes and " +
                     std::to_string(wish_.registers) + " registers, found " + std::to_string(target_.nodes.size()) +
                     " and " + std::to_string(target_.registers.size())};
  }
  return {};
}

Result<void> TestamurCluster::start() {
  for (unsigned i = 0; i < wish_.nodes; ++i) {
    const std::string name = "node " + std::to_string(i);
    if (processes_.contains(name)) continue;
    auto process =
        Process::start({wish_.program, "--config", site(i) + "/" + std::string(tool::kNodeFile)}, site(i) + "/log");
    if (!process) return process.error();
    processes_.emplace(name, std::move(*process));
  }
  const auto serves = [](const std::string& address) {
    const auto status = tool::NodeClient({address}).get_node();
    return status && !status->leader().empty() && status->certified_height() == status->height();
  };
  const bool all = wait_until([&] { return std::all_of(target_.nodes.begin(), target_.nodes.end(), serves); });
  if (!all) return Error{ErrorCode::storage, "the nodes do not serve: " + end_of(site(0) + "/log")};
  return {};
}

Result<std::unique_ptr<EtcdCluster>> EtcdCluster::make(const std::string& directory, unsigned members) {
  if (!tool::exists("/usr/bin/etcd")) {
    return Error{ErrorCode::not_found, "/usr/bin/etcd: not found; apt-get install etcd-server"};
  }
  if (auto made = tool::make_directory(directory); !made) return made.error();
  std::unique_ptr<EtcdCluster> cluster(new EtcdCluster(directory));
  for (unsigned i = 0; i < members; ++i) {
    cluster->members_.push_back({"etcd-" + std::to_string(i), free_port(), free_port()});
  }
  return cluster;
}

std::vector<std::string> EtcdCluster::arguments_of(const Member& member) const {
  std::string all;
  for (const Member& one : members_) {
    all += (all.empty() ? "" : ",") + one.name + "=http://" + loopback(one.peer_port);
  }
  const std::string client = "http://" + loopback(member.client_port);
  const std::string peer = "http://" + loopback(member.peer_port);
  return {"/usr/bin/etcd",
          "--name",
          member.name,
          "--data-dir",
          directory_ + "/" + member.name,
          "--listen-client-urls",
          client,
          "--advertise-client-urls",
          client,
          "--listen-peer-urls",
          peer,
          "--initial-advertise-peer-urls",
          peer,
          "--initial-cluster",
          all,
          "--initial-cluster-state",
          "new",
          "--log-level",
          "error"};
}

Result<void> EtcdCluster::start() {
  for (const Member& member : members_) {
    if (processes_.contains(member.name)) continue;
    auto process = Process::start(arguments_of(member), directory_ + "/" + member.name + ".log");
    if (!process) return process.error();
    processes_.emplace(member.name, std::move(*process));
  }
  if (!wait_until([&] { return static_cast<bool>(leader_first()); })) {
    return Error{ErrorCode::storage, "etcd does not serve: " + end_of(directory_ + "/etcd-0.log")};
  }
  return {};
}

Result<std::vector<std::string>> EtcdCluster::leader_first() const {
  std::vector<std::string> out;
  for (const Member& member : members_) {
    const std::string address = loopback(member.client_port);
    const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    const auto stub = etcdserverpb::Maintenance::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
    etcdserverpb::StatusResponse status;
    if (!stub->Status(&context, {}, &status).ok() || status.leader() == 0) {
      return Error{ErrorCode::storage, member.name + " does not serve"};
    }
    const bool leads = status.leader() == status.header().member_id();
    out.insert(leads ? out.begin() : out.end(), address);
  }
  return out;
}

}  // namespace testamur::bench
