#include "testamur/node/history_filler.h"

#include <algorithm>

#include "testamur/node/log.h"

namespace testamur::node {
namespace {

constexpr std::uint32_t kBlocksAtOnce = 64;
constexpr std::size_t kBytesAtOnce = 8u << 20;
constexpr std::chrono::seconds kAskAgain{3};

}  // namespace

HistoryFiller::HistoryFiller(std::shared_ptr<storage::KeyValueStore> state, std::vector<consensus::NodeId> others,
                             Events events)
    : others_(std::move(others)), events_(std::move(events)) {
  auto fill = store::HistoryFill::open(std::move(state));
  if (fill) {
    fill_ = std::move(*fill);
    log_info("history_has_a_gap", {{"what_now", "older blocks are asked of the other nodes"}});
  } else if (fill.error().code != ErrorCode::not_found) {
    events_.failed(fill.error());
  }
}

void HistoryFiller::tick() {
  if (!fill_) return;
  if (fill_->next()) {
    if (!last_asked_) {
      ask();
    } else if (Clock::now() - last_heard_ > kAskAgain) {
      ask_another();
    }
    return;
  }
  const auto closed = fill_->close();
  if (!closed) return events_.failed(closed.error());
  if (!*closed) return;
  fill_.reset();
  log_info("history_is_whole");
  events_.filled();
}

void HistoryFiller::ask() {
  last_heard_ = Clock::now();
  const Height next = *fill_->next();
  last_asked_ = Height{next.value + kBlocksAtOnce - 1};
  if (!others_.empty()) events_.send(others_[asked_], letter_of(BlockAsksLetter{next, kBlocksAtOnce}));
}

void HistoryFiller::ask_another() {
  if (!others_.empty()) asked_ = (asked_ + 1) % others_.size();
  ask();
}

void HistoryFiller::on(consensus::NodeId from, const BlockGivesLetter& letter) {
  if (!fill_ || others_[asked_] != from || fill_->next() != letter.height) return;
  last_heard_ = Clock::now();
  // It may have a gap of its own.
  if (!letter.block) return ask_another();
  const auto taken = fill_->take(*letter.block);
  if (!taken) {
    const bool theirs = taken.error().code == ErrorCode::invalid || taken.error().code == ErrorCode::conflict;
    if (!theirs) return events_.failed(taken.error());
    events_.strange(from, taken.error());
    return ask_another();
  }
  if (fill_->next() && letter.height != last_asked_) return;
  events_.filled();
  last_asked_.reset();
  tick();
}

void give_blocks(const store::History& history, const BlockAsksLetter& asked,
                 const std::function<void(const BlockGivesLetter&)>& give) {
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < std::min(asked.count, kBlocksAtOnce) && bytes < kBytesAtOnce; ++i) {
    BlockGivesLetter letter{Height{asked.height.value + i}, {}};
    const auto payload = history.block_payload(letter.height);
    auto leaves = history.block_leaves(letter.height);
    if (payload && leaves) {
      for (const Bytes& leaf : leaves->data) bytes += leaf.size();
      letter.block = store::OlderBlock{*payload, std::move(*leaves)};
    }
    give(letter);
    if (!letter.block) return;
  }
}

}  // namespace testamur::node
