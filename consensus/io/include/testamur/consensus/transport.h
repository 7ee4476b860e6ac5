// Messages between nodes: one long-lived gRPC stream that each node opens to each other one, over mutual TLS with pinned keys.
// Whatever arrives is known to come from the node whose key opened the stream; anything else is refused and logged.
//
// Messages may be lost (a full queue, a broken stream), never doubled. Within a stream, entries and letters keep their order, and so do all
// other messages, which overtake those, also one that is on its way: a large one goes in parts. Nothing here blocks its caller.
#pragma once

#include <functional>
#include <memory>

#include "testamur/consensus/messages.h"
#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"
#include "testamur/identity/tls.h"

namespace testamur::consensus {

struct PeerAddress {
  NodeId id;
  std::string name;
  std::string address;  ///< host:port
  Hash spki{};          ///< of its TLS key
};

struct TransportOptions {
  NodeId self;
  std::string name;
  std::string listen;  ///< host:port; port 0 takes any free one
  Hash ledger{};       ///< both ends of a stream must be of one ledger
  identity::TlsIdentity tls;
  std::vector<PeerAddress> peers;            ///< this node among them is passed over
  std::size_t max_queued_bytes = 64u << 20;  ///< to one peer, of what keeps an order; beyond, messages are dropped
  std::size_t max_queued_messages = 8192;
  std::size_t max_message_bytes = 24u << 20;  ///< the same at all nodes; a longer one is dropped, and told as refused
};

/// Called from the transport's own thread, `refused` also from gRPC's; must be quick, for whatever comes meanwhile waits. One peer's
/// messages and letters come in the order that the stream keeps. They may send; they may not end the transport.
struct TransportEvents {
  std::function<void(Message)> message;
  std::function<void(NodeId from, Bytes letter)> letter;
  std::function<void(NodeId peer)> connected;  ///< a new stream to this peer is open: what was in flight may be lost
  /// The stream to this peer is over; or there is still none, told once a minute for each reason.
  std::function<void(NodeId peer, const std::string& why)> disconnected;
  /// The stream from this peer is over; told after all that came on it, and before anything that comes on its next.
  std::function<void(NodeId peer)> hung_up;
  /// Somebody was refused, here or there: a key that is not pinned, another ledger, a name that is not the key's, a message
  /// in another's name. The same is told once a minute.
  std::function<void(const std::string& what)> refused;
};

class Transport {
 public:
  /// Listens and begins to call the others. Errors: conflict (the port is in use), invalid (an address that is none or not
  /// this machine's; two peers of one id, name or key).
  static Result<std::unique_ptr<Transport>> start(TransportOptions options, TransportEvents events);
  /// Ends all streams and waits for the thread.
  virtual ~Transport() = default;

  virtual void send(Message message) = 0;
  /// What there is to be said at one moment: what goes to one peer leaves together.
  virtual void send_all(std::vector<Message> messages) = 0;
  /// To the node above the consensus at the other end.
  virtual void send_letter(NodeId to, Bytes letter) = 0;
  virtual bool is_connected(NodeId peer) const = 0;
  /// Messages and letters to this peer that were dropped since the start: no stream, no room, or too long. For metrics.
  virtual std::uint64_t dropped(NodeId) const { return 0; }
  /// The port it listens on.
  virtual int port() const = 0;
};

}  // namespace testamur::consensus
