#include "incoming.h"

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <deque>
#include <variant>
#include <vector>

#include "hello.h"
#include "parts.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

bool parse(grpc::ByteBuffer& bytes, peer::v1::Frame& frame) {
  grpc::ProtoBufferReader looked_at(&bytes);
  if (!looked_at.status().ok() || !wire::within_bounds(looked_at)) return false;
  grpc::ProtoBufferReader parsed(&bytes);
  return frame.ParseFromZeroCopyStream(&parsed);
}

bool parse(const std::vector<std::string>& parts, peer::v1::Frame& frame) {
  namespace io = google::protobuf::io;
  const auto as_one = [&parts](const auto& read) {
    std::deque<io::ArrayInputStream> each;
    std::vector<io::ZeroCopyInputStream*> all;
    for (const std::string& part : parts) all.push_back(&each.emplace_back(part.data(), static_cast<int>(part.size())));
    io::ConcatenatingInputStream stream(all.data(), static_cast<int>(all.size()));
    return read(stream);
  };
  return as_one([](auto& stream) { return wire::within_bounds(stream); }) &&
         as_one([&frame](auto& stream) { return frame.ParseFromZeroCopyStream(&stream); });
}

grpc::ByteBuffer bytes_of(const peer::v1::Hello& hello) {
  const grpc::Slice slice(hello.SerializeAsString());
  return {&slice, 1};
}

constexpr std::string_view kNoFrame = "bytes that are no frame, or one of too many fields";
constexpr std::string_view kOutOfOrder = "entries or a letter between the parts of another";

grpc::Status replaced() { return {grpc::StatusCode::ABORTED, "replaced by a newer stream of the same node"}; }

}  // namespace

/// One stream, from when gRPC is ready for the next until it has ended.
class Incoming::Call : public std::enable_shared_from_this<Call> {
 public:
  explicit Call(Incoming& all) : all_(all), stream_(&context_), large_(all.shared_.options.max_message_bytes) {}

  static void listen(Incoming& all) {
    const auto call = std::make_shared<Call>(all);
    // From now on, since a call that has come may still wait in the queue when the server shuts down.
    call->active_.emplace(all.loop_);
    auto* queue = all.loop_.queue();
    all.service_.RequestTalk(&call->context_, &call->stream_, queue, queue, call->begun_.begin(call));
  }

  void cancel() { context_.TryCancel(); }
  /// The place that it asked for is its own.
  void go_on() {
    if (at_ == At::greeting) return read();
    stream_.Write(bytes_of(own_hello(all_.shared_)), answered_.begin(shared_from_this()));
  }
  /// Another took the place before this one had it.
  void give_way() { finish(replaced()); }

 private:
  enum class At : std::uint8_t { greeting, talking };

  void begun(bool ok) {
    if (!ok) return;  // the server shuts down
    listen(all_);
    const auto name = identity::caller(context_, all_.shared_.pins);
    for (const PeerAddress& peer : all_.shared_.options.peers) {
      if (name != peer.name) continue;
      peer_ = &peer;
      caller_ = peer.name + " (calling from " + for_log(context_.peer()) + ")";
      return all_.enter(all_.greeting_.at(peer.id), shared_from_this());
    }
    finish(
        all_.refuse(grpc::StatusCode::PERMISSION_DENIED, "nobody", for_log(context_.peer()), "its key is not pinned"));
  }

  void read() { stream_.Read(&bytes_, read_.begin(shared_from_this())); }
  void have_read(bool ok) {
    if (at_ == At::greeting) return greet(ok);
    const auto ended = ok ? take() : std::optional(end());
    if (!ended) return read();
    if (all_.shared_.events.hung_up) all_.shared_.events.hung_up(peer_->id);
    hang_up(*ended);
  }
  /// One that says it has said all, within a frame, hears that it has not. It is not told here: a link that breaks looks the same.
  grpc::Status end() const {
    if (!large_.is_under_way()) return grpc::Status::OK;
    return {grpc::StatusCode::INVALID_ARGUMENT, "the stream ends within a frame in parts"};
  }
  void hang_up(const grpc::Status& status) {
    const auto self = shared_from_this();
    all_.leave(all_.talking_.at(peer_->id));
    finish(status);
  }

  void greet(bool ok) {
    const auto refusal = ok ? wrong_hello() : std::optional(grpc::Status::OK);
    const auto self = shared_from_this();
    all_.leave(all_.greeting_.at(peer_->id));
    if (refusal) return finish(*refusal);
    at_ = At::talking;
    all_.enter(all_.talking_.at(peer_->id), self);
  }
  std::optional<grpc::Status> wrong_hello() {
    if (!parse(bytes_, frame_) || !frame_.has_hello()) return malformed("the first frame is no hello");
    const auto wrong = check_hello(frame_.hello(), all_.shared_.options.ledger, peer_->name);
    if (!wrong) return std::nullopt;
    const bool other_name = wrong->fault == HelloFault::name;
    return all_.refuse(other_name ? grpc::StatusCode::PERMISSION_DENIED : grpc::StatusCode::FAILED_PRECONDITION,
                       peer_->name, caller_, wrong->why);
  }
  void answered(bool ok) {
    if (!ok) return hang_up(grpc::Status::OK);
    all_.heard_(peer_->id);
    read();
  }

  /// Returns how the stream is to end, if it is.
  std::optional<grpc::Status> take() {
    if (!parse(bytes_, frame_)) return malformed(std::string(kNoFrame));
    if (!frame_.has_part()) return hand_on(frame_);
    if (frame_.following_size() > 0) return malformed("a part that something follows");
    peer::v1::Part& part = *frame_.mutable_part();
    if (const auto taken = large_.take(part.total(), part.offset(), std::move(*part.mutable_bytes())); !taken) {
      return malformed(taken.error().message);
    }
    if (large_.is_under_way()) return std::nullopt;
    peer::v1::Frame whole;
    if (!parse(large_.finish(), whole)) return malformed(std::string(kNoFrame));
    return hand_on(whole);
  }
  /// All of it or nothing.
  std::optional<grpc::Status> hand_on(const peer::v1::Frame& frame) {
    if (frame.has_hello()) return malformed("a second hello");
    std::vector<std::variant<Message, Bytes>> came;
    if (auto wrong = unpack(frame, came)) return wrong;
    for (const peer::v1::Following& next : frame.following()) {
      if (auto wrong = unpack(next, came)) return wrong;
    }
    const TransportEvents& events = all_.shared_.events;
    for (auto& one : came) {
      if (auto* message = std::get_if<Message>(&one)) {
        if (events.message) events.message(std::move(*message));
      } else if (events.letter) {
        events.letter(peer_->id, std::get<Bytes>(std::move(one)));
      }
    }
    return std::nullopt;
  }
  /// A frame, or what follows in one.
  template <class Place>
  std::optional<grpc::Status> unpack(const Place& place, std::vector<std::variant<Message, Bytes>>& came) const {
    if (place.has_message()) {
      auto message = wire::decode(place.message(), peer_->id, all_.shared_.options.self);
      if (!message) return malformed("a malformed message: " + message.error().message);
      if (entries_of(message->body) != nullptr && large_.is_under_way()) return malformed(std::string(kOutOfOrder));
      came.emplace_back(*std::move(message));
      return std::nullopt;
    }
    if (!place.has_letter()) return malformed("a frame of no kind known here");
    if (large_.is_under_way()) return malformed(std::string(kOutOfOrder));
    came.emplace_back(Bytes(place.letter().begin(), place.letter().end()));
    return std::nullopt;
  }

  grpc::Status malformed(const std::string& why) const {
    return all_.refuse(grpc::StatusCode::INVALID_ARGUMENT, peer_->name, caller_, why);
  }
  void finish(const grpc::Status& status) { stream_.Finish(status, finished_.begin(shared_from_this())); }

  Incoming& all_;
  std::optional<Loop::Active> active_;  // goes when all below has gone
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
  const PeerAddress* peer_ = nullptr;
  std::string caller_;
  At at_ = At::greeting;
  grpc::ByteBuffer bytes_;
  peer::v1::Frame frame_;
  Assembly large_;

  Operation begun_{[this](bool ok) { begun(ok); }};
  Operation read_{[this](bool ok) { have_read(ok); }};
  Operation answered_{[this](bool ok) { answered(ok); }};
  Operation finished_{[](bool) {}};
};

Incoming::Incoming(const Shared& shared, Loop& loop, std::function<void(NodeId)> heard)
    : shared_(shared), loop_(loop), heard_(std::move(heard)) {
  for (const PeerAddress& peer : shared.options.peers) {
    greeting_[peer.id];
    talking_[peer.id];
  }
}

void Incoming::listen() { Call::listen(*this); }

void Incoming::enter(Place& place, const std::shared_ptr<Call>& call) {
  if (const auto older = std::exchange(place.waiting, call)) older->give_way();
  if (place.inside) return place.inside->cancel();  // it leaves in a moment
  place.inside = std::exchange(place.waiting, nullptr);
  call->go_on();
}

void Incoming::leave(Place& place) {
  place.inside = std::exchange(place.waiting, nullptr);
  if (place.inside) place.inside->go_on();
}

grpc::Status Incoming::refuse(grpc::StatusCode code, const std::string& subject, const std::string& caller,
                              const std::string& why) const {
  shared_.refusals->tell(subject + why, caller + " is refused: " + why);
  return {code, why};
}

}  // namespace testamur::consensus
