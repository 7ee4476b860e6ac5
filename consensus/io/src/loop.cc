#include "loop.h"

#include <pthread.h>

namespace testamur::consensus {

Loop::~Loop() {
  {
    // Nothing may be begun on a queue that has shut down.
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return active_ == 0; });
  }
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    run();  // of a server that was never started, the queue is emptied here
  }
}

void Loop::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "peers");
    run();
  });
}

void Loop::run() {
  void* operation = nullptr;
  bool ok = false;
  while (queue_->Next(&operation, &ok)) static_cast<Operation*>(operation)->complete(ok);
}

}  // namespace testamur::consensus
