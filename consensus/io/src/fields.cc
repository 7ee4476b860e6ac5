#include "testamur/consensus/fields.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace testamur::consensus {
namespace {

/// Takes the fields of a message and of those within it from what may come, until they are too many.
bool count_fields(google::protobuf::io::CodedInputStream& in, const google::protobuf::Descriptor& type,
                  std::size_t& left) {
  using Format = google::protobuf::internal::WireFormatLite;
  for (std::uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag()) {
    if (left-- == 0) return false;
    const auto wire_type = Format::GetTagWireType(tag);
    // Groups hold fields that skipping them would not count.
    if (wire_type == Format::WIRETYPE_START_GROUP || wire_type == Format::WIRETYPE_END_GROUP) return false;
    const auto* field = type.FindFieldByNumber(Format::GetTagFieldNumber(tag));
    if (field == nullptr || field->message_type() == nullptr || wire_type != Format::WIRETYPE_LENGTH_DELIMITED) {
      if (!Format::SkipField(&in, tag)) return false;
      continue;
    }
    int length = 0;
    if (!in.ReadVarintSizeAsInt(&length)) return false;
    const auto limit = in.PushLimit(length);
    if (!count_fields(in, *field->message_type(), left) || !in.CheckEntireMessageConsumedAndPopLimit(limit)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool has_at_most(std::size_t fields, google::protobuf::io::ZeroCopyInputStream& bytes,
                 const google::protobuf::Descriptor& type) {
  google::protobuf::io::CodedInputStream in(&bytes);
  return count_fields(in, type, fields) && in.ConsumedEntireMessage();
}

}  // namespace testamur::consensus
