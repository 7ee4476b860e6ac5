// The streams that others open to this node. Each peer has one at most: a newer one replaces it, and begins when nothing of the
// older can arrive any more, so that what a peer sends arrives in the order it was sent.
#pragma once

#include <grpcpp/grpcpp.h>

#include <set>

#include "loop.h"
#include "stream.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::consensus {

class Incoming {
 public:
  /// `heard`: this peer has just opened a stream, so it is there. Called by the loop.
  Incoming(const Shared& shared, Loop& loop, std::function<void(NodeId)> heard);

  grpc::Service& service() { return service_; }
  /// Once the server has started, and before the loop does.
  void listen();

 private:
  // Frames are taken as bytes, since gRPC would parse whatever comes before anybody looked at it.
  using Service = peer::v1::Peer::WithRawMethod_Talk<peer::v1::Peer::Service>;
  class Call;

  /// One place, for one stream of one peer: the newest that asks for it, once the one before has left. Of the loop's thread.
  struct Place {
    std::shared_ptr<Call> inside;
    std::shared_ptr<Call> waiting;
  };

  grpc::Status refuse(grpc::StatusCode code, const std::string& subject, const std::string& caller,
                      const std::string& why) const;
  void enter(Place& place, const std::shared_ptr<Call>& call);
  void leave(Place& place);

  const Shared& shared_;
  Loop& loop_;
  const std::function<void(NodeId)> heard_;
  Service service_;

  // A stream that has not said hello takes the place of another such one alone: a node of another ledger that was given this
  // one's key by mistake must not end the streams of the right one.
  std::map<NodeId, Place> greeting_;
  std::map<NodeId, Place> talking_;
};

}  // namespace testamur::consensus
