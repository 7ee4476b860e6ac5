// The certified ledger of now, opened once for a head and lent to one caller at a time: to open it costs more than most look-ups.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "testamur/node/certified_view.h"

namespace testamur::node {

/// From any thread. Outlives what it lends.
class OpenHistories {
 public:
  struct Opened {
    explicit Opened(std::unique_ptr<store::History> of) : history(std::move(of)), view(*history) {}
    const std::unique_ptr<store::History> history;
    const CertifiedView view;
    std::uint64_t generation = 0;
  };
  struct GiveBack {
    OpenHistories* to = nullptr;
    void operator()(Opened* opened) const { to->give_back(std::unique_ptr<Opened>(opened)); }
  };
  using Loan = std::unique_ptr<Opened, GiveBack>;

  explicit OpenHistories(std::shared_ptr<const storage::KeyValueStore> store) : histories_(std::move(store)) {}

  /// Errors: as store::Histories::open().
  Result<Loan> borrow() {
    std::uint64_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Loan loan(idle_.back().release(), GiveBack{this});
        idle_.pop_back();
        return loan;
      }
      generation = generation_;
    }
    auto history = histories_.open();
    if (!history) return history.error();
    Loan loan(new Opened(std::move(*history)), GiveBack{this});
    loan->generation = generation;
    return loan;
  }

  /// There is a newer certified head: what was opened before is lent no more.
  void renew() {
    std::vector<std::unique_ptr<Opened>> old;
    const std::lock_guard lock(mutex_);
    ++generation_;
    old.swap(idle_);
  }

 private:
  static constexpr std::size_t kMaxIdle = 16;

  void give_back(std::unique_ptr<Opened> opened) {
    const std::lock_guard lock(mutex_);
    if (opened->generation == generation_ && idle_.size() < kMaxIdle) idle_.push_back(std::move(opened));
  }

  const store::Histories histories_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::vector<std::unique_ptr<Opened>> idle_;
};

}  // namespace testamur::node
