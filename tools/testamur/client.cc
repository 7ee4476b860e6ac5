#include "client.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "testamur/v1/ledger.grpc.pb.h"

namespace testamur::tool {
namespace {

constexpr int kMaxMessageBytes = 32 << 20;
constexpr std::uint64_t kCallMs = 10'000;
/// A submission waits at the node; a page of proofs takes its time.
constexpr std::uint64_t kLongCallMs = 70'000;

std::string_view code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT: return "invalid";
    case grpc::StatusCode::NOT_FOUND: return "not_found";
    case grpc::StatusCode::UNAVAILABLE: return "unavailable";
    case grpc::StatusCode::DEADLINE_EXCEEDED: return "deadline_exceeded";
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return "busy";
    case grpc::StatusCode::UNIMPLEMENTED: return "unsupported";
    default: return "node_error";
  }
}

std::uint64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

std::string shown(std::string_view words) {
  std::string out(words.substr(0, 1000));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return out;
}

CallFailure failure_of(const grpc::Status& status, const std::string& address) {
  const auto code = status.error_code();
  const bool transient = code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED ||
                         code == grpc::StatusCode::RESOURCE_EXHAUSTED || code == grpc::StatusCode::ABORTED;
  return {std::string(code_of(code)), "node " + address + ": " + shown(status.error_message()), transient};
}

void set_deadline(grpc::ClientContext& context, std::uint64_t ms) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(ms));
}

struct NodeClient::Stub {
  std::string address;
  std::unique_ptr<v1::Ledger::Stub> ledger;
};

NodeClient::NodeClient(const std::vector<std::string>& addresses) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // A node that restarts is back within a second; gRPC's own patience grows to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A registrar's proxy for the web is not meant for nodes.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  for (const std::string& address : addresses) {
    auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stubs_.push_back({address, v1::Ledger::NewStub(channel)});
  }
}

NodeClient::~NodeClient() = default;

const std::string& NodeClient::address() const { return stubs_[current_].address; }

void NodeClient::turn() { current_ = (current_ + 1) % stubs_.size(); }

CallFailure NodeClient::failed(CallFailure failure) {
  if (failure.transient) turn();
  return failure;
}

template <class Request, class Response, class Method>
Called<Response> NodeClient::call(Method method, const Request& request, std::uint64_t ms) {
  grpc::ClientContext context;
  set_deadline(context, ms);
  Response response;
  const grpc::Status status = (stubs_[current_].ledger.get()->*method)(&context, request, &response);
  if (!status.ok()) return {{}, failed(failure_of(status, address()))};
  return {std::move(response), {}};
}

Called<v1::Outcome> NodeClient::submit(const v1::SubmitRequest& request) {
  return call<v1::SubmitRequest, v1::Outcome>(&v1::Ledger::Stub::Submit, request, kLongCallMs);
}

Called<v1::Register> NodeClient::get_register(const RegisterName& name) {
  v1::GetRegisterRequest request;
  request.set_institution(name.institution);
  request.set_register_(name.name);
  return call<v1::GetRegisterRequest, v1::Register>(&v1::Ledger::Stub::GetRegister, request, kCallMs);
}

Called<v1::FindListedResponse> NodeClient::find_listed(const v1::FindListedRequest& request) {
  return call<v1::FindListedRequest, v1::FindListedResponse>(&v1::Ledger::Stub::FindListed, request, kCallMs);
}

Called<v1::NodeStatus> NodeClient::get_node() {
  return call<v1::GetNodeRequest, v1::NodeStatus>(&v1::Ledger::Stub::GetNode, {}, kCallMs);
}

Called<std::uint32_t> NodeClient::get_proofs(const EntryName& first, std::uint32_t count, bool with_document,
                                             const TakeProof& take, std::optional<Time> at, std::uint32_t step) {
  v1::GetProofsRequest request;
  request.set_institution(first.in.institution);
  request.set_register_(first.in.name);
  request.set_first(first.number.value);
  request.set_count(count);
  request.set_step(step);
  request.set_with_document(with_document);
  if (at) request.set_at(at->value);
  grpc::ClientContext context;
  set_deadline(context, kLongCallMs);
  const auto reader = stubs_[current_].ledger->GetProofs(&context, request);
  v1::EntryProof message;
  std::uint32_t taken = 0;
  while (reader->Read(&message)) {
    ++taken;
    if (taken <= count && take(EntryNumber{message.number()}, as_bytes(message.proof()))) continue;
    context.TryCancel();
    reader->Finish();
    return {taken, {}};
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return {{}, failed(failure_of(status, address()))};
  return {taken, {}};
}

Patience::Patience(std::uint64_t total_ms) : end_ms_(steady_ms() + total_ms) {}

bool Patience::is_over() const { return left_ms() == 0; }

std::uint64_t Patience::left_ms() const {
  const std::uint64_t now = steady_ms();
  return now < end_ms_ ? end_ms_ - now : 0;
}

void Patience::pause(std::uint64_t at_least_ms) {
  constexpr std::uint64_t longest_ms = 10'000;
  const std::uint64_t wanted = std::min(std::max(next_ms_, at_least_ms), longest_ms);
  next_ms_ = std::min<std::uint64_t>(next_ms_ * 2, 2000);
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wanted, left_ms())));
}

}  // namespace testamur::tool
