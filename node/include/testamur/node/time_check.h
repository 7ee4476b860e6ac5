// The check before a payload is acknowledged: it decodes, its time is above the last one's, and at most a minute ahead of this
// node's clock (DESIGN, "Time comes from outside"). So no leader can date a block into the future, and none can go back.
//
// It belongs to whoever has the turn at the core.
#pragma once

#include <deque>

#include "testamur/consensus/core.h"
#include "testamur/node/clock.h"

namespace testamur::node {

inline constexpr std::uint64_t kMaxAheadMs = 60'000;
inline constexpr std::uint64_t kBehindAlarmMs = 5 * 60'000;

class TimeCheck final : public consensus::PayloadCheck {
 public:
  struct Alarms {
    /// A payload of this leader was refused, and why.
    std::function<void(consensus::NodeId leader, const std::string& why)> refused;
    /// The leader's times have been so far behind this node's clock for a minute.
    std::function<void(consensus::NodeId leader, std::uint64_t behind_ms)> behind;
  };

  /// `last`: the time of the newest block, which what is applied up to `applied` made; the entries after that follow in order.
  TimeCheck(Clock clock, consensus::Index applied, Time last, std::span<const consensus::Entry> entries, Alarms alarms);

  bool accept(consensus::Index index, const consensus::Payload& payload, consensus::NodeId leader) override;
  void truncated(consensus::Index from) override;

  /// The time for a payload that this node proposes at this index.
  Time propose(consensus::Index index);
  /// Entries up to this one are not truncated any more.
  void committed(consensus::Index index);

 private:
  struct At {
    consensus::Index index;
    Time time;
  };

  Time last() const { return times_.empty() ? base_ : times_.back().time; }
  bool refuse(consensus::NodeId leader, const std::string& why);
  void watch_lag(consensus::NodeId leader, Time time);

  const Clock clock_;
  const Alarms alarms_;
  consensus::Index applied_;
  Time base_;
  std::deque<At> times_;
  Time refused_told_;  // when a refusal was last told
  Time behind_since_;  // 0: not behind
  bool behind_told_ = false;
};

}  // namespace testamur::node
