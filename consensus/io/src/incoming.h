// The streams that others open to this node. Each peer has one at most: a newer one replaces it, and begins when nothing of the
// older can arrive any more, so that what a peer sends arrives in the order it was sent.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/sync_stream.h>

#include <set>

#include "stream.h"

namespace testamur::consensus {

// Frames are taken as bytes, since gRPC would parse whatever comes before anybody looked at it.
class Incoming final : public grpc::Service {
 public:
  /// `heard`: this peer has just opened a stream, so it is there.
  Incoming(const Shared& shared, std::function<void(NodeId)> heard);

  /// Ends all streams, and lets none begin.
  void stop();

 private:
  using Stream = grpc::ServerReaderWriter<peer::v1::Hello, grpc::ByteBuffer>;

  /// One place, for one stream of one peer: the newest that asks for it, once all before have left.
  struct Place {
    std::uint64_t newest = 0;
    std::set<grpc::ServerContext*> inside;
  };
  class Held;

  grpc::Status talk(grpc::ServerContext& context, Stream& stream);
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
