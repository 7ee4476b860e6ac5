// How much memory bytes of a peer would take as a protocol buffer. An empty element of a list is two bytes, and up to eighty once parsed:
// one frame of a liar would fill a small machine. To be asked before parsing.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cstddef>

namespace testamur::consensus {

/// Whether these bytes are a message of this type with no more fields than so many, those of the messages within it and unknown ones
/// counted. False also for bytes that are no message, and for groups. No message of the type may be within one of its own type.
bool has_at_most(std::size_t fields, google::protobuf::io::ZeroCopyInputStream& bytes,
                 const google::protobuf::Descriptor& type);

}  // namespace testamur::consensus
