#include "etcd_caller.h"

#include "target.h"

namespace testamur::bench {
PutCaller::PutCaller(const std::string& address, std::string name, std::size_t value_bytes)
    : stub_(etcdserverpb::KV::NewStub(open_channel(address))), name_(std::move(name)) {
  request_.set_value(std::string(value_bytes, 'v'));
}

void PutCaller::call(grpc::CompletionQueue& queue, void* tag) {
  request_.set_key(name_ + "/" + std::to_string(count_));
  reader_.reset();  // lives in what the context holds
  context_.emplace();
  context_->set_wait_for_ready(true);
  context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(65));
  reader_ = stub_->AsyncPut(&*context_, request_, &queue);
  reader_->Finish(&answer_, &status_, tag);
}

Step PutCaller::on_event(grpc::CompletionQueue&, void*, bool) {
  constexpr std::uint32_t kRetryMs = 100;
  if (!status_.ok()) return {Step::Kind::failed, kRetryMs, status_.error_message()};
  ++count_;
  return {Step::Kind::done, 0, {}};
}

}  // namespace testamur::bench
