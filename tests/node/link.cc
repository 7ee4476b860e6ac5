#include "link.h"

#include <sched.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace testamur::test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// A socket belongs to the namespace that its thread was in when it was made; so it is made by a thread that goes there.
template <class Make>
void in_namespace(int network_namespace, Make make) {
  bool entered = false;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      entered = setns(network_namespace, CLONE_NEWNET) == 0;
      if (entered) make();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  if (!entered) throw std::runtime_error("the network namespace cannot be entered");
}

}  // namespace

void Link::Pair::close() {
  error_code ignored;
  one.close(ignored);
  other.close(ignored);
}

Link::Link(asio::io_context& io, int network_namespace, const Endpoint& at, const Endpoint& to)
    : io_(io), namespace_(network_namespace), to_(to), acceptor_(io) {
  in_namespace(namespace_, [&] { acceptor_.open(at.protocol()); });
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.bind(at);
  acceptor_.listen();
  asio::co_spawn(io_, accept_all(), asio::detached);
}

void Link::set(Carriage how) {
  how_ = how;
  std::erase_if(pairs_, [](const std::weak_ptr<Pair>& pair) { return pair.expired(); });
  if (how_.swallows) return;
  for (const auto& weak : pairs_) {
    if (const auto pair = weak.lock(); pair && pair->broken) pair->close();
  }
}

asio::awaitable<void> Link::accept_all() {
  while (true) {
    error_code error;
    Socket accepted = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    auto pair = std::make_shared<Pair>(Pair{std::move(accepted), Socket(io_)});
    pairs_.push_back(pair);
    asio::co_spawn(io_, connect(std::move(pair)), asio::detached);
  }
}

asio::awaitable<void> Link::connect(std::shared_ptr<Pair> pair) {
  in_namespace(namespace_, [&] { pair->other.open(to_.protocol()); });
  error_code error;
  co_await pair->other.async_connect(to_, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    pair->close();
    co_return;
  }
  pair->one.set_option(asio::ip::tcp::no_delay(true), error);
  pair->other.set_option(asio::ip::tcp::no_delay(true), error);
  asio::co_spawn(io_, carry(pair, pair->one, pair->other), asio::detached);
  asio::co_spawn(io_, carry(pair, pair->other, pair->one), asio::detached);
}

asio::awaitable<void> Link::carry(std::shared_ptr<Pair> pair, Socket& from, Socket& to) {
  std::array<char, 64 << 10> bytes;
  asio::steady_timer timer(io_);
  error_code error;
  while (!error) {
    const std::size_t read =
        co_await from.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    if (how_.delay.count() > 0) {
      timer.expires_after(how_.delay);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
    // Once a part is lost, the rest would only be garbage.
    pair->broken |= how_.swallows;
    if (pair->broken) continue;
    co_await asio::async_write(to, asio::buffer(bytes, read), asio::redirect_error(asio::use_awaitable, error));
  }
  pair->close();
}

}  // namespace testamur::test
