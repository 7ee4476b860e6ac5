// Calls to a node's public service. Nothing that comes back is believed: what matters is verified by who asked.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "testamur/v1/ledger.pb.h"
#include "values.h"

namespace grpc {
class ClientContext;
class Status;
}  // namespace grpc

namespace testamur::tool {

/// Why a call brought nothing.
struct CallFailure {
  std::string code;        ///< "unavailable", "not_found", "invalid", ...
  std::string message;     ///< with the node's address
  bool transient = false;  ///< the same call may go through later
};

template <class T>
struct Called {
  std::optional<T> value;
  CallFailure failure;

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
};

/// One node at a time of those that were named: when a call fails for now, the next one goes to the node after it. Every call has a
/// deadline; nothing here retries.
class NodeClient {
 public:
  /// One address at least.
  explicit NodeClient(const std::vector<std::string>& addresses);
  ~NodeClient();

  /// Of the node that the next call goes to.
  const std::string& address() const;
  /// From now on the node after it.
  void turn();

  Called<v1::Outcome> submit(const v1::SubmitRequest& request);
  Called<v1::Register> get_register(const RegisterName& name);
  Called<v1::FindListedResponse> find_listed(const v1::FindListedRequest& request);
  Called<v1::NodeStatus> get_node();
  /// The proofs of `count` numbers from `first`, `step` apart, each as it comes. Stops early when `take` says false.
  /// The value is how many came. They show the status at `at`; nothing: now.
  using TakeProof = std::function<bool(EntryNumber number, ByteView proof)>;
  Called<std::uint32_t> get_proofs(const EntryName& first, std::uint32_t count, bool with_document,
                                   const TakeProof& take, std::optional<Time> at = {}, std::uint32_t step = 1);

 private:
  struct Stub;
  /// One unary call.
  template <class Request, class Response, class Method>
  Called<Response> call(Method method, const Request& request, std::uint64_t ms);
  CallFailure failed(CallFailure failure);

  std::vector<Stub> stubs_;
  std::size_t current_ = 0;
};

/// A node's words are shown on terminals, which obey control characters.
std::string shown(std::string_view words);
/// Of a call to the node at this address.
CallFailure failure_of(const grpc::Status& status, const std::string& address);
void set_deadline(grpc::ClientContext& context, std::uint64_t ms);

/// For how long to try again, and how long to sleep in between: longer each time.
class Patience {
 public:
  explicit Patience(std::uint64_t total_ms);

  bool is_over() const;
  std::uint64_t left_ms() const;
  /// Sleeps before the next try, `at_least_ms` where somebody said when to come back, but not beyond the end.
  void pause(std::uint64_t at_least_ms = 0);
  /// Something went well: the next pause is short again.
  void reset() { next_ms_ = kFirstMs; }

 private:
  static constexpr std::uint64_t kFirstMs = 50;
  std::uint64_t end_ms_ = 0;
  std::uint64_t next_ms_ = kFirstMs;
};

/// Calls until it works, fails for good, or patience is over.
template <class Call>
auto retry(Patience& patience, const Call& call) {
  for (;;) {
    auto result = call();
    if (result || !result.failure.transient || patience.is_over()) return result;
    patience.pause();
  }
}

}  // namespace testamur::tool
