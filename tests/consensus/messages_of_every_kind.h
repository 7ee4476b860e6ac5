// One message of every kind, and of each answer, with no two fields alike.
#pragma once

#include <optional>

#include "testamur/consensus/messages.h"

namespace testamur::consensus {

inline EntryId an_id(std::uint64_t number) {
  EntryId id{Term{1000 + number}, Index{2000 + number}, {}};
  for (std::size_t i = 0; i < id.hash.size(); ++i) id.hash[i] = static_cast<std::uint8_t>(number + i * 5);
  return id;
}

inline Entry an_entry(std::uint64_t number, const std::optional<std::vector<std::uint8_t>>& payload) {
  Entry entry{an_id(number), an_id(number - 1).hash, nullptr, EntryKind::data};
  if (payload) entry.payload = std::make_shared<const std::vector<std::uint8_t>>(*payload);
  return entry;
}

inline Entry a_configuration(std::uint64_t number) {
  Entry entry = an_entry(number, std::vector<std::uint8_t>{4, 5});
  entry.kind = EntryKind::configuration;
  return entry;
}

inline std::vector<Message> messages_of_every_kind(NodeId from = NodeId{1}, NodeId to = NodeId{2}) {
  const std::vector<Body> bodies{
      PreVoteRequest{11, an_id(1)},
      PreVoteResponse{12, true},
      PreVoteResponse{~std::uint64_t{0}, false},
      VoteRequest{an_id(2), false},
      VoteRequest{an_id(12), true},
      VoteResponse{true},
      VoteResponse{false},
      AppendRequest{an_id(3), {}},
      AppendRequest{an_id(4), {an_entry(5, std::vector<std::uint8_t>{1, 0, 255}), an_entry(6, std::nullopt)}},
      AppendResponse{AppendOutcome::accepted, an_id(7)},
      AppendResponse{AppendOutcome::conflict, an_id(8)},
      AppendResponse{AppendOutcome::refused, an_id(9)},
      AppendResponse{AppendOutcome::stale, EntryId{}},
      AppendResponse{AppendOutcome::full, an_id(16)},
      AppendRequest{an_id(13), {a_configuration(14)}},
      Heartbeat{51},
      HeartbeatResponse{52},
      Durable{an_id(10)},
      Derived{{Index{31}, 32, an_id(11).hash}},
      CampaignNow{},
      ReadRequest{53},
      ReadResponse{54, Index{55}},
      ReadResponse{56, std::nullopt},
      Behind{an_id(15)},
      Lacking{an_id(17)},
      Found{an_id(18), {an_entry(19, std::vector<std::uint8_t>{7}), a_configuration(20)}},
  };
  std::vector<Message> messages;
  std::uint64_t term = 40;
  for (const Body& body : bodies) messages.push_back({from, to, Term{term++}, body});
  return messages;
}

}  // namespace testamur::consensus
