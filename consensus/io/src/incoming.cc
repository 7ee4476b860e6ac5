#include "incoming.h"

#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include "hello.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

constexpr const char* kTalk = "/testamur.peer.v1.Peer/Talk";

enum class Heard : std::uint8_t { frame, no_frame, end };

Heard hear(grpc::ServerReaderWriter<peer::v1::Hello, grpc::ByteBuffer>& stream, peer::v1::Frame& frame) {
  grpc::ByteBuffer bytes;
  if (!stream.Read(&bytes)) return Heard::end;
  grpc::ProtoBufferReader looked_at(&bytes);
  if (!looked_at.status().ok() || !wire::within_bounds(looked_at)) return Heard::no_frame;
  grpc::ProtoBufferReader parsed(&bytes);
  return frame.ParseFromZeroCopyStream(&parsed) ? Heard::frame : Heard::no_frame;
}

constexpr std::string_view kNoFrame = "bytes that are no frame, or one of too many fields";

grpc::Status replaced() { return {grpc::StatusCode::ABORTED, "replaced by a newer stream of the same node"}; }

}  // namespace

/// A place, left with the scope.
class Incoming::Held {
 public:
  Held(Incoming& incoming, Place& place, grpc::ServerContext& context)
      : incoming_(incoming), place_(place), context_(context), held_(incoming.enter(place, context)) {}
  ~Held() { incoming_.leave(place_, context_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  explicit operator bool() const { return held_; }

 private:
  Incoming& incoming_;
  Place& place_;
  grpc::ServerContext& context_;
  bool held_;
};

Incoming::Incoming(const Shared& shared, std::function<void(NodeId)> heard)
    : shared_(shared), heard_(std::move(heard)) {
  // As the generated service does it, but with the request left as it came.
  AddMethod(new grpc::internal::RpcServiceMethod(
      kTalk, grpc::internal::RpcMethod::BIDI_STREAMING,
      new grpc::internal::BidiStreamingHandler<Incoming, grpc::ByteBuffer, peer::v1::Hello>(
          [](Incoming* self, grpc::ServerContext* context, Stream* stream) { return self->talk(*context, *stream); },
          this)));
  for (const PeerAddress& peer : shared.options.peers) {
    greeting_[peer.id];
    talking_[peer.id];
  }
}

bool Incoming::enter(Place& place, grpc::ServerContext& context) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++place.newest;
  for (grpc::ServerContext* older : place.inside) older->TryCancel();
  left_.notify_all();  // those that wait are no longer the newest
  left_.wait(lock, [&] { return stopping_ || place.newest != ticket || place.inside.empty(); });
  if (stopping_ || place.newest != ticket) return false;
  place.inside.insert(&context);
  return true;
}

void Incoming::leave(Place& place, grpc::ServerContext& context) {
  const std::lock_guard lock(mutex_);
  place.inside.erase(&context);
  left_.notify_all();
}

void Incoming::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (auto* places : {&greeting_, &talking_}) {
    for (auto& [peer, place] : *places) {
      for (grpc::ServerContext* context : place.inside) context->TryCancel();
    }
  }
  left_.notify_all();
}

grpc::Status Incoming::refuse(grpc::StatusCode code, const std::string& subject, const std::string& caller,
                              const std::string& why) const {
  shared_.refusals->tell(subject + why, caller + " is refused: " + why);
  return {code, why};
}

grpc::Status Incoming::talk(grpc::ServerContext& context, Stream& stream) {
  const auto name = identity::caller(context, shared_.pins);
  for (const PeerAddress& peer : shared_.options.peers) {
    if (name == peer.name) return talk_with(peer, context, stream);
  }
  return refuse(grpc::StatusCode::PERMISSION_DENIED, "nobody", for_log(context.peer()), "its key is not pinned");
}

grpc::Status Incoming::talk_with(const PeerAddress& peer, grpc::ServerContext& context, Stream& stream) {
  const std::string caller = peer.name + " (calling from " + for_log(context.peer()) + ")";
  {
    const Held greeting(*this, greeting_.at(peer.id), context);
    if (!greeting) return replaced();
    peer::v1::Frame first;
    const Heard heard = hear(stream, first);
    if (heard == Heard::end) return grpc::Status::OK;
    if (heard == Heard::no_frame || !first.has_hello()) {
      return refuse(grpc::StatusCode::INVALID_ARGUMENT, peer.name, caller, "the first frame is no hello");
    }
    if (const auto wrong = check_hello(first.hello(), shared_.options.ledger, peer.name)) {
      const bool other_name = wrong->fault == HelloFault::name;
      return refuse(other_name ? grpc::StatusCode::PERMISSION_DENIED : grpc::StatusCode::FAILED_PRECONDITION, peer.name,
                    caller, wrong->why);
    }
  }
  const Held talking(*this, talking_.at(peer.id), context);
  if (!talking) return replaced();
  if (!stream.Write(own_hello(shared_))) return grpc::Status::OK;
  heard_(peer.id);
  auto status = read_all(peer, caller, stream);
  if (shared_.events.hung_up) shared_.events.hung_up(peer.id);
  return status;
}

grpc::Status Incoming::read_all(const PeerAddress& peer, const std::string& caller, Stream& stream) {
  const auto malformed = [&](const std::string& why) {
    return refuse(grpc::StatusCode::INVALID_ARGUMENT, peer.name, caller, why);
  };
  peer::v1::Frame frame;
  for (;;) {
    const Heard heard = hear(stream, frame);
    if (heard == Heard::end) return grpc::Status::OK;
    if (heard == Heard::no_frame) return malformed(std::string(kNoFrame));
    switch (frame.kind_case()) {
      case peer::v1::Frame::kMessage: {
        auto message = wire::decode(frame.message(), peer.id, shared_.options.self);
        if (!message) return malformed("a malformed message: " + message.error().message);
        if (shared_.events.message) shared_.events.message(*std::move(message));
        break;
      }
      case peer::v1::Frame::kLetter:
        if (shared_.events.letter) shared_.events.letter(peer.id, Bytes(frame.letter().begin(), frame.letter().end()));
        break;
      case peer::v1::Frame::kHello: return malformed("a second hello");
      case peer::v1::Frame::KIND_NOT_SET: return malformed("a frame of no kind known here");
    }
  }
}

}  // namespace testamur::consensus
