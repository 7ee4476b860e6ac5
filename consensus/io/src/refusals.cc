#include "refusals.h"

#include <algorithm>

namespace testamur::consensus {

bool Refusals::due_locked(const std::string& subject) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(last_, [now](const auto& told) { return now - told.second >= kInterval; });
  if (last_.contains(subject) || last_.size() >= kMaxSubjects) return false;
  last_.emplace(subject, now);
  return true;
}

bool Refusals::due(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  return !closed_ && due_locked(subject);
}

void Refusals::tell(const std::string& subject, const std::string& sentence) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || !tell_ || !due_locked(subject)) return;
    ++telling_;
  }
  // Not under the lock: the owner may come back here from within.
  tell_(sentence);
  {
    const std::lock_guard lock(mutex_);
    --telling_;
    told_.notify_all();
  }
}

void Refusals::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  told_.wait(lock, [this] { return telling_ == 0; });
}

std::string for_log(const std::string& text) {
  constexpr std::size_t kMost = 300;
  std::string kept = text.substr(0, kMost);
  std::replace_if(
      kept.begin(), kept.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > kMost) kept += "...";
  return kept;
}

}  // namespace testamur::consensus
