// The streams that others open to this node. Each peer has one at most: a newer one replaces it, and begins when nothing of the
// older can arrive any more, so that what a peer sends arrives in the order it was sent.
#pragma once

#include <grpcpp/grpcpp.h>

#include <set>

#include "stream.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::consensus {

class Incoming final : public peer::v1::Peer::Service {
 public:
  /// `heard`: this peer has just opened a stream, so it is there.
  Incoming(const Shared& shared, std::function<void(NodeId)> heard);

  grpc::Status Talk(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<peer::v1::Hello, peer::v1::Frame>* stream) override;

  /// Ends all streams, and lets none begin.
  void stop();

 private:
  using Stream = grpc::ServerReaderWriter<peer::v1::Hello, peer::v1::Frame>;

  /// One place, for one stream of one peer: the newest that asks for it, once all before have left.
  struct Place {
    std::uint64_t newest = 0;
    std::set<grpc::ServerContext*> inside;
  };
  class Held;

  grpc::Status talk_with(const PeerAddress& peer, grpc::ServerContext& context, Stream& stream);
  grpc::Status read_all(const PeerAddress& peer, const std::string& caller, Stream& stream);
  grpc::Status refuse(grpc::StatusCode code, const std::string& subject, const std::string& caller,
                      const std::string& why) const;
  bool enter(Place& place, grpc::ServerContext& context);
  void leave(Place& place, grpc::ServerContext& context);

  const Shared& shared_;
  const std::function<void(NodeId)> heard_;

  std::mutex mutex_;
  std::condition_variable left_;
  bool stopping_ = false;
  // A stream that has not said hello takes the place of another such one alone: a node of another ledger that was given this
  // one's key by mistake must not end the streams of the right one.
  std::map<NodeId, Place> greeting_;
  std::map<NodeId, Place> talking_;
};

}  // namespace testamur::consensus
