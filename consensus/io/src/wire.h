// Messages of the consensus to and from their bytes between nodes (peer.proto). What arrives may come from a liar: it becomes a
// Message only when every field that must be there is there and within its bounds.
#pragma once

#include <google/protobuf/io/zero_copy_stream.h>

#include <cstddef>

#include "testamur/consensus/messages.h"
#include "testamur/encoding/result.h"
#include "testamur/peer/v1/peer.pb.h"

namespace testamur::consensus::wire {

/// Terms, indexes and heights end here, where nobody gets to by counting, so that the next one is always a number too.
constexpr std::uint64_t kMaxNumber = ~std::uint64_t{0} >> 1;

/// One append request carries no more entries than this.
constexpr std::size_t kMaxEntries = 8'192;

/// Whether a frame of these bytes takes memory in proportion to its length (fields.h). To be asked before parsing. False also for bytes
/// that are no frame.
bool within_bounds(google::protobuf::io::ZeroCopyInputStream& bytes);

/// Sender and receiver are not in it: the stream says who they are.
void encode(const Message& message, peer::v1::Message& out);

/// Errors: malformed, naming the field and what was expected.
Result<Message> decode(const peer::v1::Message& message, NodeId from, NodeId to);

/// Whether a receiver takes as many entries.
bool within_bounds(const Message& message);

/// No frame of this message is longer.
std::size_t max_frame_bytes(const Message& message);

}  // namespace testamur::consensus::wire
