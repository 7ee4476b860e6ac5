// What the streams of one transport share, and how they are set up.
#pragma once

#include <memory>

#include "refusals.h"
#include "testamur/consensus/transport.h"
#include "testamur/peer/v1/peer.pb.h"

namespace testamur::consensus {

/// Of peer.proto; both ends of a stream speak the same one.
constexpr std::uint32_t kProtocolVersion = 1;

/// A link that carries nothing is asked for a sign of life this often, and given up when none comes for so long: two nodes
/// that cannot hear one another know it within five seconds.
constexpr int kKeepaliveTimeMs = 2'000;
constexpr int kKeepaliveTimeoutMs = 3'000;
/// For a connection and its TLS handshake, and then for the hello.
constexpr int kHandshakeTimeoutMs = 5'000;

/// Outlives every stream; does not change but for the refusals.
struct Shared {
  TransportOptions options;
  TransportEvents events;
  identity::Pins pins;
  std::shared_ptr<Refusals> refusals;  ///< of members, and by them
  std::shared_ptr<Refusals>
      strangers;  ///< apart, so that a stranger who varies what he does hides no refusal of a member
};

inline peer::v1::Hello own_hello(const Shared& shared) {
  peer::v1::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_ledger(shared.options.ledger.data(), shared.options.ledger.size());
  hello.set_name(shared.options.name);
  return hello;
}

/// "ulisboa (node.ulisboa.pt:7411)"
inline std::string who(const PeerAddress& peer) { return peer.name + " (" + peer.address + ")"; }

}  // namespace testamur::consensus
