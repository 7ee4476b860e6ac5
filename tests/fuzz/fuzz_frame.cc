// A frame of the peer protocol, taken as the transport takes it: looked at, parsed, each message in it decoded. What decodes encodes to
// the very message it came from, within the length that the sender would count on.
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "fuzz.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

using fuzz::require;

void take(const peer::v1::Message& message) {
  const auto decoded = wire::decode(message, NodeId{2}, NodeId{1});
  if (!decoded) return require(decoded.error().code == ErrorCode::malformed && !decoded.error().message.empty());
  require(decoded->from == NodeId{2} && decoded->to == NodeId{1});
  require(decoded->term.value <= wire::kMaxNumber);
  peer::v1::Frame again;
  wire::encode(*decoded, *again.mutable_message());
  peer::v1::Message known = message;
  known.DiscardUnknownFields();
  require(again.message().SerializeAsString() == known.SerializeAsString());
  require(again.ByteSizeLong() <= wire::max_frame_bytes(*decoded));
  if (const auto* entries = entries_of(decoded->body)) {
    for (const Entry& entry : *entries) {
      require(entry.id.index.value <= wire::kMaxNumber && entry.id.term.value <= wire::kMaxNumber);
    }
  }
}

void take(const std::uint8_t* data, std::size_t size) {
  google::protobuf::io::ArrayInputStream looked_at(data, static_cast<int>(size));
  peer::v1::Frame frame;
  const bool within = wire::within_bounds(looked_at);
  if (!within || !frame.ParseFromArray(data, static_cast<int>(size))) return;
  if (frame.has_message()) take(frame.message());
  for (const peer::v1::Following& next : frame.following()) {
    if (next.has_message()) take(next.message());
  }
}

}  // namespace
}  // namespace testamur::consensus

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  testamur::consensus::take(data, size);
  return 0;
}
