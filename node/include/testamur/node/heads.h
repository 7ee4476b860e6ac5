// The newest heads, for those who ask and those who wait for newer ones. From any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "testamur/consensus/types.h"
#include "testamur/store/ledger.h"

namespace testamur::node {

/// A certified checkpoint, and the block it ends with.
struct CertifiedHead {
  CertifiedCheckpoint certified;
  consensus::Index index;  ///< of the entry that made it
  Height height;
  std::string note;  ///< as a signed note
};

class Heads {
 public:
  void applied(const store::Head& head) {
    {
      const std::lock_guard lock(mutex_);
      applied_ = head;
    }
    changed_.notify_all();
  }
  void certified(CertifiedHead head) {
    {
      const std::lock_guard lock(mutex_);
      certified_ = std::make_shared<const CertifiedHead>(std::move(head));
    }
    changed_.notify_all();
  }
  store::Head applied() const {
    const std::lock_guard lock(mutex_);
    return applied_;
  }
  /// Null before the first.
  std::shared_ptr<const CertifiedHead> certified() const {
    const std::lock_guard lock(mutex_);
    return certified_;
  }
  /// The newest, as soon as it is another one than `seen`; `seen` itself when that takes too long.
  std::shared_ptr<const CertifiedHead> next(const std::shared_ptr<const CertifiedHead>& seen,
                                            std::chrono::milliseconds most) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [&] { return certified_ != seen; });
    return certified_;
  }
  /// A certified head that covers what came of the log up to this index; null when that takes too long.
  std::shared_ptr<const CertifiedHead> covering(store::LogIndex index,
                                                std::chrono::steady_clock::time_point until) const {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, until, [&] { return applied_.applied >= index; })) return nullptr;
    // Not all that is applied makes a block; what did by now is enough.
    const Height height = applied_.height;
    const bool covered = changed_.wait_until(lock, until, [&] { return certified_ && certified_->height >= height; });
    return covered ? certified_ : nullptr;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  store::Head applied_;
  std::shared_ptr<const CertifiedHead> certified_;
};

}  // namespace testamur::node
