// Goal: every message comes back from its bytes as it was, and bytes that are no message become none.
// Method: each kind encoded, decoded and encoded again; then each field of a good one made wrong.
#include "wire.h"

#include <gmock/gmock.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "messages_of_every_kind.h"

namespace testamur::consensus {
namespace {

using testing::HasSubstr;

std::string bytes_of(const Message& message) {
  peer::v1::Frame frame;
  wire::encode(message, *frame.mutable_message());
  return frame.SerializeAsString();
}

TEST(Wire, EveryKindOfMessageComesBackAsItWas) {
  for (const Message& message : messages_of_every_kind()) {
    const std::string bytes = bytes_of(message);
    peer::v1::Frame frame;
    ASSERT_TRUE(frame.ParseFromString(bytes));
    const auto back = wire::decode(frame.message(), message.from, message.to);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->from, message.from);
    EXPECT_EQ(back->to, message.to);
    EXPECT_EQ(back->body.index(), message.body.index());
    EXPECT_EQ(bytes_of(*back), bytes);
  }
}

TEST(Wire, AnEmptyPayloadIsNotNone) {
  AppendRequest request;
  request.entries = {an_entry(1, std::nullopt), an_entry(2, std::vector<std::uint8_t>{})};
  peer::v1::Frame frame;
  wire::encode({NodeId{1}, NodeId{2}, Term{3}, request}, *frame.mutable_message());
  const auto back = wire::decode(frame.message(), NodeId{1}, NodeId{2});
  ASSERT_TRUE(back);
  const auto& entries = std::get<AppendRequest>(back->body).entries;
  EXPECT_EQ(entries[0].payload, nullptr);
  ASSERT_NE(entries[1].payload, nullptr);
  EXPECT_TRUE(entries[1].payload->empty());
}

TEST(Wire, NoFrameIsLongerThanItsBound) {
  EntryId large = an_id(0);
  large.term = Term{wire::kMaxNumber};
  large.index = Index{wire::kMaxNumber};
  Entry entry{large, large.hash, std::make_shared<const std::vector<std::uint8_t>>(std::size_t{1} << 21)};
  const Term term{wire::kMaxNumber};
  std::vector<Message> messages = messages_of_every_kind();
  messages.push_back({NodeId{1}, NodeId{2}, term, PreVoteRequest{~std::uint64_t{0}, large}});
  messages.push_back({NodeId{1}, NodeId{2}, term, AppendResponse{AppendOutcome::stale, large}});
  messages.push_back({NodeId{1}, NodeId{2}, term, Derived{{large.index, wire::kMaxNumber, large.hash}}});
  for (const std::size_t count : {0u, 1u, 5u}) {
    messages.push_back({NodeId{1}, NodeId{2}, term, AppendRequest{large, std::vector<Entry>(count, entry)}});
  }
  for (const Message& message : messages) {
    EXPECT_LE(bytes_of(message).size(), wire::max_frame_bytes(message)) << message.body.index();
  }
}

/// Why the message is not decoded.
std::string refusal(const peer::v1::Message& message) {
  const auto decoded = wire::decode(message, NodeId{1}, NodeId{2});
  if (decoded) return "decoded";
  EXPECT_EQ(decoded.error().code, ErrorCode::malformed);
  return decoded.error().message;
}

TEST(Wire, WhatIsMissingOrOutOfBoundsIsRefusedByName) {
  const std::string hash(32, 'h');
  const auto set = [&](peer::v1::EntryId* id) { id->set_hash(hash); };
  peer::v1::Message message;
  EXPECT_THAT(refusal(message), HasSubstr("body is missing"));
  message.mutable_vote_request();
  EXPECT_THAT(refusal(message), HasSubstr("last entry is missing"));
  message.mutable_pre_vote_request();
  EXPECT_THAT(refusal(message), HasSubstr("last entry is missing"));
  message.mutable_durable()->mutable_last()->set_hash("short");
  EXPECT_THAT(refusal(message), HasSubstr("5 bytes, expected 32"));
  message.mutable_durable()->mutable_last()->set_hash(hash + "x");
  EXPECT_THAT(refusal(message), HasSubstr("33 bytes, expected 32"));
  set(message.mutable_durable()->mutable_last());
  EXPECT_EQ(refusal(message), "decoded");
  message.mutable_durable()->mutable_last()->set_index(wire::kMaxNumber + 1);
  EXPECT_THAT(refusal(message), HasSubstr("expected less than 2^63"));
  message.mutable_durable()->mutable_last()->set_index(wire::kMaxNumber);
  EXPECT_EQ(refusal(message), "decoded");
  message.set_term(~std::uint64_t{0});
  EXPECT_THAT(refusal(message), HasSubstr("the term"));
  message.set_term(1);

  set(message.mutable_append_response()->mutable_at());
  message.mutable_append_response()->set_outcome(3);
  EXPECT_EQ(refusal(message), "decoded");
  message.mutable_append_response()->set_outcome(5);
  EXPECT_THAT(refusal(message), HasSubstr("outcome is 5, expected 0 to 4"));

  message.mutable_derived()->set_head(hash.substr(1));
  EXPECT_THAT(refusal(message), HasSubstr("the head is of 31 bytes"));
  message.mutable_derived()->set_head(hash);
  message.mutable_derived()->set_height(wire::kMaxNumber + 1);
  EXPECT_THAT(refusal(message), HasSubstr("the height"));
}

bool within_bounds(const std::string& bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return wire::within_bounds(stream);
}

/// A field of this number that holds these bytes.
std::string field(char number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  for (std::size_t left = bytes.size();; left >>= 7) {
    out += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) return out + bytes;
  }
}

TEST(Wire, AFrameThatWouldGrowWhenParsedIsOutOfBounds) {
  for (const Message& message : messages_of_every_kind()) EXPECT_TRUE(within_bounds(bytes_of(message)));
  EXPECT_TRUE(within_bounds(""));
  const auto append = [](const std::string& entries) { return field(2, field(6, entries)); };
  const auto times = [](std::size_t count, const std::string& what) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += what;
    return all;
  };
  const std::string empty_entry = field(2, "");
  EXPECT_TRUE(within_bounds(append(times(1'000, empty_entry))));
  EXPECT_FALSE(within_bounds(append(times(100'000, empty_entry))));
  EXPECT_FALSE(within_bounds(append(field(2, times(100'000, std::string("\x78\x01"))))));  // unknown, within an entry
  EXPECT_FALSE(within_bounds(times(100'000, std::string("\x78\x01"))));
  EXPECT_FALSE(within_bounds("\x7b\x7c"));                 // a group
  EXPECT_FALSE(within_bounds(field(2, "").substr(0, 1)));  // cut off
  EXPECT_FALSE(within_bounds(append("x").substr(0, 3)));
  EXPECT_FALSE(within_bounds(std::string("\x12\xff\xff\xff\xff\x7f")));  // longer than anything

  Message most{NodeId{1}, NodeId{2}, Term{3}, AppendRequest{an_id(0), {}}};
  auto& entries = std::get<AppendRequest>(most.body).entries;
  entries.assign(wire::kMaxEntries, an_entry(1, std::vector<std::uint8_t>{1}));
  EXPECT_TRUE(wire::within_bounds(most));
  EXPECT_TRUE(within_bounds(bytes_of(most)));
  entries.push_back(entries.back());
  EXPECT_FALSE(wire::within_bounds(most));
}

TEST(Wire, EachEntryOfAnAppendIsChecked) {
  const std::string hash(32, 'h');
  peer::v1::Message message;
  auto* append = message.mutable_append_request();
  append->add_entries();
  EXPECT_THAT(refusal(message), HasSubstr("previous entry is missing"));
  append->mutable_previous()->set_hash(hash);
  EXPECT_THAT(refusal(message), HasSubstr("entry's id is missing"));
  append->mutable_entries(0)->mutable_id()->set_hash(hash);
  EXPECT_THAT(refusal(message), HasSubstr("entry's previous hash is of 0 bytes"));
  append->mutable_entries(0)->set_previous(hash);
  EXPECT_EQ(refusal(message), "decoded");
  *append->add_entries() = append->entries(0);
  append->mutable_entries(1)->mutable_id()->set_hash("");
  EXPECT_THAT(refusal(message), HasSubstr("entry's id is of 0 bytes"));
}

}  // namespace
}  // namespace testamur::consensus
