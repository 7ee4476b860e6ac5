// What nodes say to one another. Every message carries its sender's term.
#pragma once

#include <optional>
#include <variant>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

/// Would you vote for me in the term after `term`? Changes nothing at the receiver (Raft thesis 9.6).
struct PreVoteRequest {
  std::uint64_t campaign = 0;  ///< echoed, so that an answer to an earlier campaign counts for none
  EntryId last;
};
struct PreVoteResponse {
  std::uint64_t campaign = 0;
  bool granted = false;
};
struct VoteRequest {
  EntryId last;
  bool transferred = false;  ///< the leader asked for it: that it is heard is no reason to refuse
};
struct VoteResponse {
  bool granted = false;
};
/// Entries that follow `previous`. Without entries: a probe of whether `previous` is there.
struct AppendRequest {
  EntryId previous;
  std::vector<Entry> entries;
};
enum class AppendOutcome : std::uint8_t {
  accepted,  ///< `at` and everything before it is durable
  conflict,  ///< `previous` is not there; `at` is where the logs may agree
  refused,   ///< the payload check refused the entry at this index; it is asked again later
  stale,     ///< the request's term is over; the answer's term is the news
  full,      ///< `at` and everything before it is durable, and there is no room for more; it is asked again later
};
constexpr bool acknowledges(AppendOutcome outcome) {
  return outcome == AppendOutcome::accepted || outcome == AppendOutcome::full;
}
struct AppendResponse {
  AppendOutcome outcome = AppendOutcome::accepted;
  EntryId at;
};
struct Heartbeat {
  std::uint64_t round = 0;  ///< echoed: an answer shows that the sender was the leader when the round began
};
struct HeartbeatResponse {
  std::uint64_t round = 0;
};
/// To every voter: my log is durable up to this entry, which is of my current term. Cumulative, and repeated.
struct Durable {
  EntryId last;
};
/// To every voter: after applying up to `index` I derived this head of this height. On disk before it is said.
struct Claim {
  Index index;
  std::uint64_t height = 0;
  Digest head{};
  bool operator==(const Claim&) const = default;
};
struct Derived {
  Claim claim;
};
/// From the leader: take over from me, now (Raft thesis 3.10).
struct CampaignNow {};
/// To the leader: up to where must I have applied, to answer from what holds now? (Raft thesis 6.4)
struct ReadRequest {
  std::uint64_t id = 0;
};
struct ReadResponse {
  std::uint64_t id = 0;
  std::optional<Index> index;  ///< nothing: it cannot say
};
/// From the leader: what you lack is in my log no more, which begins after this. Fetch a snapshot.
struct Behind {
  EntryId base;
};

/// To every member, where nobody leads: damage took what followed this entry of my log. Of any term; what comes of it rests on hashes.
struct Lacking {
  EntryId after;
};
/// The answer: what follows `after` here.
struct Found {
  EntryId after;
  std::vector<Entry> entries;
};

using Body =
    std::variant<PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse, AppendRequest, AppendResponse, Heartbeat,
                 HeartbeatResponse, Durable, Derived, CampaignNow, ReadRequest, ReadResponse, Behind, Lacking, Found>;

/// Those that a message carries; null for one that carries none.
inline const std::vector<Entry>* entries_of(const Body& body) {
  if (const auto* append = std::get_if<AppendRequest>(&body)) return &append->entries;
  if (const auto* found = std::get_if<Found>(&body)) return &found->entries;
  return nullptr;
}

struct Message {
  NodeId from;
  NodeId to;
  Term term;
  Body body;
};

}  // namespace testamur::consensus
