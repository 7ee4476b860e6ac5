// A network between two nodes that can fall silent, at once or after so many bytes: connections stay up, and nothing passes. Or it cuts
// them off.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace testamur::consensus {

/// Passes on what arrives at a port of its own on 127.0.0.1 to another address "a.b.c.d:port", and back.
class Relay {
 public:
  explicit Relay(const std::string& to) : to_(address_of(to)) {
    sockaddr_in at = address_of("127.0.0.1:0");
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error("no relay can be made");
    }
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] {
      while (!done_) step();
    });
  }
  ~Relay() {
    done_ = true;
    thread_.join();
    hang_up();
    ::close(listener_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  const std::string& address() const { return address_; }
  void silence(bool silent) { silent_ = silent; }
  /// Passes on so many bytes, or a few more, and falls silent.
  void pass_only(std::size_t bytes) {
    left_ = static_cast<std::ptrdiff_t>(bytes);
    silent_ = false;
  }
  bool is_silent() const { return silent_; }
  void cut() { cut_ = true; }

 private:
  static sockaddr_in address_of(const std::string& text) {
    std::array<unsigned, 4> part{};
    unsigned port = 0;
    if (std::sscanf(text.c_str(), "%u.%u.%u.%u:%u", &part[0], &part[1], &part[2], &part[3], &port) != 5) {
      throw std::runtime_error("no address: " + text);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3]);
    return address;
  }

  void step() {
    if (cut_.exchange(false)) hang_up();
    if (silent_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return;
    }
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (const auto& [one, other] : other_end_) watched.push_back({one, POLLIN, 0});
    if (::poll(watched.data(), watched.size(), 10) <= 0) return;
    for (const pollfd& ready : watched) {
      if (ready.revents == 0) continue;
      ready.fd == listener_ ? accept_one() : pass_on(ready.fd);
    }
  }

  void hang_up() {
    for (const auto& [one, other] : other_end_) ::close(one);
    other_end_.clear();
  }

  void accept_one() {
    const int one = ::accept(listener_, nullptr, nullptr);
    const int other = ::socket(AF_INET, SOCK_STREAM, 0);
    if (one < 0 || ::connect(other, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) != 0) {
      ::close(one);
      ::close(other);
      return;
    }
    other_end_[one] = other;
    other_end_[other] = one;
  }

  void pass_on(int from) {
    const auto pair = other_end_.find(from);
    if (pair == other_end_.end()) return;  // closed with its other end, in this very round
    const int to = pair->second;
    std::array<char, 16'384> bytes;
    const ssize_t got = ::recv(from, bytes.data(), bytes.size(), 0);
    if ((left_ -= got) <= 0) silent_ = true;
    if (got > 0 && ::send(to, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got) return;
    other_end_.erase(from);
    other_end_.erase(to);
    ::close(from);
    ::close(to);
  }

  const sockaddr_in to_;
  const int listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string address_;
  std::map<int, int> other_end_;
  std::atomic<std::ptrdiff_t> left_ = std::numeric_limits<std::ptrdiff_t>::max();
  std::atomic<bool> silent_ = false;
  std::atomic<bool> cut_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace testamur::consensus
