// Nodes for the transport's tests: each a real transport on a loopback address, with what it was told.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "parts.h"
#include "testamur/consensus/transport.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::consensus {

/// Nothing here waits longer than this for what must come.
constexpr std::chrono::seconds kPatience{60};

/// What a transport told, from its threads.
class Told {
 public:
  std::vector<Message> messages;
  std::vector<std::pair<NodeId, Bytes>> letters;
  std::vector<std::size_t> letters_after;  ///< how many messages had come before each letter
  std::vector<NodeId> connected;
  std::vector<std::string> disconnected;
  std::vector<std::string> refused;
  std::vector<std::size_t> hung_up;  ///< how many messages had come by then

  TransportEvents events() {
    TransportEvents events;
    events.message = [this](Message message) { note([&] { messages.push_back(std::move(message)); }); };
    events.letter = [this](NodeId from, Bytes letter) {
      note([&] {
        letters.emplace_back(from, std::move(letter));
        letters_after.push_back(messages.size());
      });
    };
    events.connected = [this](NodeId peer) { note([&] { connected.push_back(peer); }); };
    events.disconnected = [this](NodeId, const std::string& why) { note([&] { disconnected.push_back(why); }); };
    events.hung_up = [this](NodeId) { note([&] { hung_up.push_back(messages.size()); }); };
    events.refused = [this](const std::string& what) { note([&] { refused.push_back(what); }); };
    return events;
  }

  /// Waits until it holds; whether it came to.
  template <class Condition>
  bool until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, condition);
  }
  bool until_refused(const std::string& words) {
    return until([&] {
      return std::any_of(refused.begin(), refused.end(),
                         [&](const std::string& what) { return what.find(words) != std::string::npos; });
    });
  }
  bool until_disconnected(const std::string& words) {
    return until([&] {
      return std::any_of(disconnected.begin(), disconnected.end(),
                         [&](const std::string& why) { return why.find(words) != std::string::npos; });
    });
  }
  template <class Read>
  auto read(Read what) {
    const std::lock_guard lock(mutex_);
    return what(*this);
  }

 private:
  template <class Change>
  void note(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// Waits until what has no event of its own holds; whether it came to.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline identity::TlsIdentity tls_for(const std::string& name) {
  auto identity = identity::make_tls_identity(name);
  EXPECT_TRUE(identity) << identity.error().message;
  return *std::move(identity);
}

/// A loopback address that no other test process, and no other call in this one, uses.
inline std::string an_address() {
  static int port = 7411;
  const int process = static_cast<int>(::getpid());
  return "127." + std::to_string(1 + (process >> 16) % 254) + "." + std::to_string((process >> 8) & 0xff) + "." +
         std::to_string(process & 0xff) + ":" + std::to_string(port++);
}

struct Node {
  NodeId id;
  std::string name;
  identity::TlsIdentity tls = tls_for(name);
  std::string address = an_address();
  Hash ledger{7};

  // The transport goes first.
  std::unique_ptr<Told> told = std::make_unique<Told>();
  std::unique_ptr<Transport> transport = nullptr;

  PeerAddress as_peer() const { return {id, name, address, tls.spki}; }
  TransportOptions options(std::vector<PeerAddress> peers) const {
    TransportOptions options;
    options.self = id;
    options.name = name;
    options.listen = address;
    options.ledger = ledger;
    options.tls = tls;
    options.peers = std::move(peers);
    return options;
  }
  void start(TransportOptions options) {
    auto started = Transport::start(std::move(options), told->events());
    ASSERT_TRUE(started) << started.error().message;
    transport = *std::move(started);
  }
  void start_with(std::vector<PeerAddress> peers) { start(options(std::move(peers))); }
};

inline bool until_connected(Node& node, NodeId peer) {
  return node.told->until(
      [&] { return std::count(node.told->connected.begin(), node.told->connected.end(), peer) > 0; });
}

/// Calls a node as gRPC lets anybody with a key call it.
class RawCaller {
 public:
  RawCaller(const Node& as, const Node& callee)
      : stub_(peer::v1::Peer::NewStub(grpc::CreateCustomChannel(
            "dns:///" + callee.address, identity::channel_credentials(as.tls, callee.tls.spki, nullptr),
            named(callee)))) {
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    stream_ = stub_->Talk(&context_);
  }

  RawCaller& say(const peer::v1::Frame& frame) {
    stream_->Write(frame);
    return *this;
  }
  /// Has said all.
  RawCaller& fall_silent() {
    stream_->WritesDone();
    return *this;
  }
  RawCaller& say_hello(const Node& as) {
    peer::v1::Frame frame;
    frame.mutable_hello()->set_version(1);
    frame.mutable_hello()->set_ledger(as.ledger.data(), as.ledger.size());
    frame.mutable_hello()->set_name(as.name);
    return say(frame);
  }
  std::optional<peer::v1::Hello> hear() {
    peer::v1::Hello hello;
    return stream_->Read(&hello) ? std::optional(hello) : std::nullopt;
  }
  /// How the callee ends it.
  grpc::Status end() {
    while (hear()) {
    }
    return stream_->Finish();
  }

 private:
  static grpc::ChannelArguments named(const Node& callee) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(callee.name);  // else gRPC writes to standard error that it knows no such name
    return arguments;
  }

  std::unique_ptr<peer::v1::Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<peer::v1::Frame, peer::v1::Hello>> stream_;
};

/// One part of a frame.
inline peer::v1::Frame part(std::uint64_t total, std::uint64_t offset, const std::string& bytes) {
  peer::v1::Frame frame;
  frame.mutable_part()->set_total(total);
  frame.mutable_part()->set_offset(offset);
  frame.mutable_part()->set_bytes(bytes);
  return frame;
}

/// A frame as a node sends it: in parts, in order, where it is large.
inline std::vector<peer::v1::Frame> in_parts(const peer::v1::Frame& whole) {
  const std::string bytes = whole.SerializeAsString();
  if (bytes.size() <= kPartBytes) return {whole};
  std::vector<peer::v1::Frame> parts;
  for (std::size_t at = 0; at < bytes.size(); at += kPartBytes) {
    parts.push_back(part(bytes.size(), at, bytes.substr(at, kPartBytes)));
  }
  return parts;
}

/// A node that answers calls with a given hello and then does not read, until it is let go.
class RawCallee final : public peer::v1::Peer::Service {
 public:
  RawCallee(const Node& as, const Node& caller, peer::v1::Hello answer) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(as.address,
                             identity::server_credentials(as.tls, {{caller.tls.spki, caller.name}}, nullptr));
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~RawCallee() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Talk(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<peer::v1::Hello, peer::v1::Frame>* stream) override {
    stream->Write(answer_);
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return grpc::Status::OK;
  }

 private:
  const peer::v1::Hello answer_;
  std::unique_ptr<grpc::Server> server_;
};

inline peer::v1::Hello hello_of(const Node& node) {
  peer::v1::Hello hello;
  hello.set_version(1);
  hello.set_ledger(node.ledger.data(), node.ledger.size());
  hello.set_name(node.name);
  return hello;
}

}  // namespace testamur::consensus
