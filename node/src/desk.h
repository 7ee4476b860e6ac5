// A thread with a queue and a timer.
#pragma once

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <thread>

namespace testamur::node {

class Desk {
 public:
  Desk() : work_(boost::asio::make_work_guard(io_)), queue_(boost::asio::make_strand(io_)), timer_(io_) {}
  ~Desk() { stop(); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// In the order of the calls, the desk's own among them: for that an io_context alone does not stand.
  template <class Function>
  void post(Function function) {
    boost::asio::post(queue_, std::move(function));
  }
  void every(std::chrono::milliseconds period, std::function<void()> what) {
    timer_.expires_after(period);
    timer_.async_wait([this, period, what](const boost::system::error_code& error) {
      if (error) return;
      what();
      every(period, what);
    });
  }
  void start(const char* name) {
    thread_ = std::thread([this, name] {
      ::pthread_setname_np(::pthread_self(), name);
      io_.run();
    });
  }
  /// What waits is dropped.
  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::strand<boost::asio::io_context::executor_type> queue_;
  boost::asio::steady_timer timer_;
  std::thread thread_;
};

}  // namespace testamur::node
