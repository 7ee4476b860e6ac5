// What nodes say to one another. Every message carries its sender's term.
#pragma once

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
};
struct AppendResponse {
  AppendOutcome outcome = AppendOutcome::accepted;
  EntryId at;
};
struct Heartbeat {};
struct HeartbeatResponse {};
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

using Body = std::variant<PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse, AppendRequest, AppendResponse,
                          Heartbeat, HeartbeatResponse, Durable, Derived>;

struct Message {
  NodeId from;
  NodeId to;
  Term term;
  Body body;
};

}  // namespace testamur::consensus
