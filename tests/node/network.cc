#include "network.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "link.h"

namespace testamur::test {
namespace {

namespace asio = boost::asio;

/// To which no machine here listens: what is sent there is lost on the switch.
constexpr unsigned kNobody = 89;

std::string host(unsigned i) { return "10.77.0." + std::to_string(i + 1); }
std::string known_as(unsigned i) { return "10.78.0." + std::to_string(i + 1); }
/// Two decimal digits at the end are as good as hexadecimal ones.
std::string hardware_address(unsigned i) { return "02:77:00:00:00:" + std::to_string(10 + i); }

/// Commands of `ip`, in the namespace that `prefix` enters.
void ip(const std::string& prefix, const std::string& commands) {
  FILE* const to = popen((prefix + " ip -batch -").c_str(), "w");
  if (to == nullptr) throw std::runtime_error("ip cannot be started");
  std::fwrite(commands.data(), 1, commands.size(), to);
  if (pclose(to) != 0) throw std::runtime_error("ip has failed: " + commands);
}

/// A new network namespace, which lasts as long as the descriptor or a process in it.
int new_namespace() {
  int fd = -1;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  }).join();
  if (fd < 0) throw std::runtime_error("no network namespace can be made");
  return fd;
}

bool write_to(const std::string& path, const std::string& text) {
  std::ofstream stream(path);
  stream << text;
  return static_cast<bool>(stream.flush());
}

}  // namespace

namespace {

std::string why_none = "nobody has asked for one";

/// Empty, or why not.
std::string enter() {
  // Without it nothing here would work, loopback neither.
  if (std::system("ip -V >/dev/null 2>&1") != 0) return "there is no program ip (package iproute2)";
  const uid_t user = geteuid();
  const gid_t group = getegid();
  const int flags = user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
  if (unshare(flags) != 0) return std::string("a network namespace is not permitted here: ") + std::strerror(errno);
  if (user != 0) {
    const bool mapped = write_to("/proc/self/setgroups", "deny") &&
                        write_to("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
                        write_to("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    if (!mapped) return "a user namespace is not permitted here";
  }
  try {
    ip("", "link set lo up\n");
    ip("", "link add hub type bridge\naddr add 10.77.0.254/24 dev hub\nlink set hub up\n");
  } catch (const std::runtime_error& error) {
    return std::string("a switch cannot be made here: ") + error.what();
  }
  return {};
}

}  // namespace

void enter_own_network() { why_none = enter(); }
const std::string& why_no_network() { return why_none; }

class Network::Impl {
 public:
  explicit Impl(unsigned nodes) {
    for (unsigned i = 0; i < nodes; ++i) {
      namespaces_.push_back(new_namespace());
      const std::string end = "node" + std::to_string(i);
      ip("", "link add " + end + " type veth peer name eth0 address " + hardware_address(i) + " netns " + path(i) +
                 "\nlink set " + end + " master hub up\n");
      std::string inside = "link set lo up\naddr add " + host(i) + "/24 dev eth0\nlink set eth0 up\n";
      for (unsigned other = 0; other < nodes; ++other) {
        if (other != i) inside += "addr add " + known_as(other) + "/32 dev lo\n" + neighbour(other, other);
      }
      ip(enter(i), inside);
    }
  }
  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    links_.clear();
    for (unsigned i = 0; i < namespaces_.size(); ++i) {
      // The namespace goes when its last user has gone, and may not have yet.
      if (std::system(("ip link del node" + std::to_string(i)).c_str()) != 0) std::abort();
      close(namespaces_[i]);
    }
  }

  unsigned size() const { return static_cast<unsigned>(namespaces_.size()); }
  std::string path(unsigned i) const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(namespaces_[i]);
  }
  std::string enter(unsigned i) const { return "nsenter --net=" + path(i); }

  void carry(const Cluster& cluster) {
    for (unsigned from = 0; from < size(); ++from) {
      for (unsigned to = 0; to < size(); ++to) {
        if (from == to) continue;
        const auto port = static_cast<std::uint16_t>(cluster.peer_port(to));
        links_[{from, to}] =
            std::make_unique<Link>(io_, namespaces_[from], Link::Endpoint{asio::ip::make_address(known_as(to)), port},
                                   Link::Endpoint{asio::ip::make_address(host(to)), port});
      }
    }
    thread_ = std::thread([this] { io_.run(); });
  }

  /// Where `from` takes `to` to be.
  void set_neighbour(unsigned from, unsigned to, unsigned at) { ip(enter(from), neighbour(to, at)); }

  void set_link(unsigned from, unsigned to, Link::Carriage how) {
    std::promise<void> done;
    asio::post(io_, [&] {
      links_.at({from, to})->set(how);
      done.set_value();
    });
    done.get_future().wait();
  }

  std::set<std::pair<unsigned, unsigned>> lost, touched;

 private:
  static std::string neighbour(unsigned of, unsigned at) {
    return "neigh replace " + host(of) + " lladdr " + hardware_address(at) + " nud permanent dev eth0\n";
  }

  std::vector<int> namespaces_;
  asio::io_context io_{1};
  std::map<std::pair<unsigned, unsigned>, std::unique_ptr<Link>> links_;  // from, to
  std::thread thread_;
};

Network::Network(unsigned nodes) : impl_(std::make_unique<Impl>(nodes)) {}
Network::~Network() = default;

std::vector<Host> Network::hosts() const {
  std::vector<Host> all;
  for (unsigned i = 0; i < impl_->size(); ++i) {
    all.push_back({host(i), known_as(i), {"nsenter", "--net=" + impl_->path(i)}});
  }
  return all;
}

void Network::carry(const Cluster& cluster) { impl_->carry(cluster); }

void Network::lose(unsigned from, unsigned to) {
  if (from == to || !impl_->lost.insert({from, to}).second) return;
  impl_->set_neighbour(from, to, kNobody);
}

void Network::part(const std::set<unsigned>& some) {
  for (const unsigned one : some) {
    for (unsigned other = 0; other < impl_->size(); ++other) {
      if (some.contains(other)) continue;
      lose(one, other);
      lose(other, one);
    }
  }
}

void Network::delay(unsigned from, unsigned to, std::chrono::milliseconds by) {
  impl_->touched.insert({from, to});
  impl_->set_link(from, to, {.delay = by});
}

void Network::swallow(unsigned from, unsigned to) {
  impl_->touched.insert({from, to});
  impl_->set_link(from, to, {.swallows = true});
}

void Network::heal() {
  for (const auto& [from, to] : std::exchange(impl_->lost, {})) impl_->set_neighbour(from, to, to);
  for (const auto& [from, to] : std::exchange(impl_->touched, {})) impl_->set_link(from, to, {});
}

}  // namespace testamur::test
