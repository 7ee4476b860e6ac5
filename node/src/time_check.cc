#include "testamur/node/time_check.h"

#include "testamur/ledger/payload.h"

namespace testamur::node {
namespace {

constexpr std::uint64_t kTellEveryMs = 10'000;
// An honest leader stops at 4 MiB, or after the submission that goes beyond it: 2 MiB of commitments and a statement at most.
constexpr std::size_t kMaxPayloadBytes = 8u << 20;

}  // namespace

TimeCheck::TimeCheck(Clock clock, consensus::Index applied, Time last, std::span<const consensus::Entry> entries,
                     Alarms alarms)
    : clock_(std::move(clock)), alarms_(std::move(alarms)), applied_(applied), base_(last) {
  for (const consensus::Entry& entry : entries) {
    if (!entry.is_owners()) continue;
    const auto payload = decode_payload(*entry.payload);
    if (payload && payload->time > this->last()) times_.push_back({entry.id.index, payload->time});
  }
}

bool TimeCheck::accept(consensus::Index index, const consensus::Payload& bytes, consensus::NodeId leader) {
  if (bytes->size() > kMaxPayloadBytes) return refuse(leader, "expected at most 8 MiB");
  const auto payload = decode_payload(*bytes);
  if (!payload) return refuse(leader, payload.error().message);
  // What is fetched again, since the log lost it, was judged when it came first.
  if (index <= applied_) return true;
  if (payload->time <= last()) {
    return refuse(leader, "expected a time after " + std::to_string(last().value) + ", found " +
                              std::to_string(payload->time.value));
  }
  const Time now = clock_();
  if (payload->time.value > now.value + kMaxAheadMs) {
    return refuse(leader, "its time is " + std::to_string((payload->time.value - now.value) / 1000) +
                              " s ahead of this node's clock; 60 s are allowed");
  }
  watch_lag(leader, payload->time);
  times_.push_back({index, payload->time});
  return true;
}

bool TimeCheck::refuse(consensus::NodeId leader, const std::string& why) {
  // A refused entry is asked again with each heartbeat; it is told now and then.
  const Time now = clock_();
  if (refused_told_.value == 0 || now.value >= refused_told_.value + kTellEveryMs) {
    refused_told_ = now;
    alarms_.refused(leader, why);
  }
  return false;
}

/// A node that catches up gets old times for a while; so only what lasts is an alarm.
void TimeCheck::watch_lag(consensus::NodeId leader, Time time) {
  const Time now = clock_();
  if (time.value + kBehindAlarmMs >= now.value) {
    behind_since_ = {};
    behind_told_ = false;
    return;
  }
  if (behind_since_.value == 0) behind_since_ = now;
  if (behind_told_ || now.value < behind_since_.value + 60'000) return;
  behind_told_ = true;
  alarms_.behind(leader, now.value - time.value);
}

void TimeCheck::truncated(consensus::Index from) {
  while (!times_.empty() && times_.back().index >= from) times_.pop_back();
}

Time TimeCheck::propose(consensus::Index index) {
  const Time time = std::max(clock_(), Time{last().value + 1});
  times_.push_back({index, time});
  return time;
}

void TimeCheck::committed(consensus::Index index) {
  while (!times_.empty() && times_.front().index <= index) {
    base_ = times_.front().time;
    times_.pop_front();
  }
}

}  // namespace testamur::node
