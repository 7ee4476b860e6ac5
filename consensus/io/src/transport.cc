#include "testamur/consensus/transport.h"

#include <set>

#include "incoming.h"
#include "outgoing.h"
#include "parts.h"
#include "testamur/consensus/address.h"

namespace testamur::consensus {
namespace {

constexpr std::size_t kMostMessageBytes = 1u << 30;

/// The addresses are addresses, and names, ids and keys are each one node's: a key that two peers share would let one speak as
/// the other.
Result<void> check(const TransportOptions& options) {
  if (options.max_message_bytes > kMostMessageBytes) {
    return Error{ErrorCode::invalid, "messages of more than 1 GiB are not carried"};
  }
  std::set<NodeId> ids{options.self};
  std::set<std::string> names{options.name};
  std::set<Hash> keys{options.tls.spki};
  for (const PeerAddress& peer : options.peers) {
    if (const auto parsed = parse_address(peer.address); !parsed) {
      return Error{ErrorCode::invalid, "the peer " + peer.name + ": " + parsed.error().message};
    }
    if (!ids.insert(peer.id).second || !names.insert(peer.name).second || !keys.insert(peer.spki).second) {
      return Error{ErrorCode::invalid,
                   "the peer " + peer.name + " has the id, name or TLS key of another node, or of this one"};
    }
  }
  return {};
}

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(TransportOptions options, TransportEvents events)
      : shared_(share(std::move(options), std::move(events))),
        loop_(std::make_unique<Loop>(builder_.AddCompletionQueue())),
        incoming_(shared_, *loop_, [this](NodeId peer) { outgoing_.at(peer)->redial(); }) {
    for (const PeerAddress& peer : shared_.options.peers) {
      outgoing_.emplace(peer.id, std::make_unique<Outgoing>(shared_, peer, *loop_));
    }
  }

  ~GrpcTransport() override {
    for (auto& [peer, outgoing] : outgoing_) outgoing->stop();
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
    // Returns when every stream has ended: nothing arrives from here on.
    loop_.reset();
    server_.reset();
    outgoing_.clear();
    shared_.refusals->close();
    shared_.strangers->close();
  }

  Result<void> listen() {
    if (auto can = check_can_listen(shared_.options.listen); !can) return can;
    const auto told = [strangers = shared_.strangers](const std::string& why) {
      strangers->tell(why, "a connection is refused: " + why);
    };
    builder_.AddListeningPort(shared_.options.listen,
                              identity::server_credentials(shared_.options.tls, shared_.pins, told), &port_);
    builder_.RegisterService(&incoming_.service());
    builder_.SetMaxReceiveMessageSize(static_cast<int>(kMaxFrameBytes));
    // Two nodes on one port would share its connections between them, at random.
    builder_.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder_.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
    builder_.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    builder_.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    // The peers ask for signs of life as often as this node does.
    builder_.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepaliveTimeMs / 2);
    builder_.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder_.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
    builder_.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);
    server_ = builder_.BuildAndStart();
    if (!server_) {
      return Error{ErrorCode::conflict, "cannot listen on " + shared_.options.listen + ": is the port in use?"};
    }
    return {};
  }

  void begin() {
    incoming_.listen();
    for (auto& [peer, outgoing] : outgoing_) outgoing->start();
    loop_->start();
  }

  void send(Message message) override {
    if (const auto found = outgoing_.find(message.to); found != outgoing_.end())
      found->second->send(std::move(message));
  }
  void send_all(std::vector<Message> messages) override {
    std::map<NodeId, std::vector<Message>> of_each;
    for (Message& message : messages) of_each[message.to].push_back(std::move(message));
    for (auto& [to, its] : of_each) {
      if (const auto found = outgoing_.find(to); found != outgoing_.end()) found->second->send_all(std::move(its));
    }
  }
  void send_letter(NodeId to, Bytes letter) override {
    if (const auto found = outgoing_.find(to); found != outgoing_.end()) found->second->send(std::move(letter));
  }
  bool is_connected(NodeId peer) const override {
    const auto found = outgoing_.find(peer);
    return found != outgoing_.end() && found->second->is_connected();
  }
  std::uint64_t dropped(NodeId peer) const override {
    const auto found = outgoing_.find(peer);
    return found == outgoing_.end() ? 0 : found->second->dropped();
  }
  int port() const override { return port_; }

 private:
  static Shared share(TransportOptions options, TransportEvents events) {
    Shared shared{std::move(options), std::move(events), {}, nullptr, nullptr};
    for (const PeerAddress& peer : shared.options.peers) shared.pins.emplace(peer.spki, peer.name);
    shared.refusals = std::make_shared<Refusals>(shared.events.refused);
    shared.strangers = std::make_shared<Refusals>(shared.events.refused);
    return shared;
  }

  const Shared shared_;
  grpc::ServerBuilder builder_;
  std::unique_ptr<Loop> loop_;
  std::map<NodeId, std::unique_ptr<Outgoing>> outgoing_;  // complete before anything runs
  Incoming incoming_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Transport>> Transport::start(TransportOptions options, TransportEvents events) {
  std::erase_if(options.peers, [&](const PeerAddress& peer) { return peer.id == options.self; });
  if (const auto checked = check(options); !checked) return checked.error();
  auto transport = std::make_unique<GrpcTransport>(std::move(options), std::move(events));
  if (const auto listening = transport->listen(); !listening) return listening.error();
  transport->begin();
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace testamur::consensus
