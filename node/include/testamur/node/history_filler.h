// Fetches the blocks that are older than a snapshot, from one node after another, and fills them in (store/fill.h).
//
// One thread: that of the ledger.
#pragma once

#include <chrono>

#include "testamur/node/letters.h"

namespace testamur::node {

class HistoryFiller {
 public:
  struct Events {
    std::function<bool(consensus::NodeId to, Bytes letter)> send;
    /// More of the history is here than before.
    std::function<void()> filled;
    std::function<void(consensus::NodeId from, const Error&)> strange;
    std::function<void(const Error&)> failed;
  };

  /// `others`: who may be asked.
  HistoryFiller(std::shared_ptr<storage::KeyValueStore> state, std::vector<consensus::NodeId> others, Events events);

  /// Several times a second.
  void tick();
  void on(consensus::NodeId from, const BlockGivesLetter& letter);

 private:
  using Clock = std::chrono::steady_clock;

  void ask();
  void ask_another();

  const std::vector<consensus::NodeId> others_;
  const Events events_;
  std::unique_ptr<store::HistoryFill> fill_;  // null: nothing to fill
  std::size_t asked_ = 0;                     // place in others_
  std::optional<Height> last_asked_;          // the last block that is under way
  Clock::time_point last_heard_;
};

/// What a node that is asked gives: up to `count` blocks, within bounds.
void give_blocks(const store::History& history, const BlockAsksLetter& asked,
                 const std::function<void(const BlockGivesLetter&)>& give);

}  // namespace testamur::node
