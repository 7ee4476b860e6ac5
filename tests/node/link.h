// A proxy for the TCP connections that one node opens to another: it passes on, delays or swallows what they carry.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <list>
#include <memory>

namespace testamur::test {

/// Used on its io_context's one thread alone, but for the constructor.
class Link {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  using Socket = boost::asio::ip::tcp::socket;
  struct Carriage {
    std::chrono::milliseconds delay{
        0};                 ///< of what is read at once, in both directions; so up to twice as much of the rest
    bool swallows = false;  ///< what is said is read and lost
  };

  /// Listens at `at` in a network namespace, and goes on to `to` from there.
  Link(boost::asio::io_context& io, int network_namespace, const Endpoint& at, const Endpoint& to);

  /// From now on. Connections of which something was swallowed are ended when it swallows no more.
  void set(Carriage how);

 private:
  struct Pair {
    Socket one, other;
    bool broken = false;
    void close();
  };

  boost::asio::awaitable<void> accept_all();
  boost::asio::awaitable<void> connect(std::shared_ptr<Pair> pair);
  boost::asio::awaitable<void> carry(std::shared_ptr<Pair> pair, Socket& from, Socket& to);

  boost::asio::io_context& io_;
  const int namespace_;
  const Endpoint to_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Carriage how_;
  std::list<std::weak_ptr<Pair>> pairs_;
};

}  // namespace testamur::test
