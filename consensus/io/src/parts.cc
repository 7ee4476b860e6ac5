#include "parts.h"

#include <algorithm>
#include <utility>

namespace testamur::consensus {
namespace {

Error wrong(const std::string& what, std::uint64_t is, const std::string& expected) {
  return {ErrorCode::malformed, what + " " + std::to_string(is) + ", expected " + expected};
}

}  // namespace

Result<void> Assembly::take(std::uint64_t total, std::uint64_t offset, std::string&& bytes) {
  // Before anything is kept.
  if (total > max_bytes_)
    return wrong("the bytes of a frame in parts are", total, "at most " + std::to_string(max_bytes_));
  if (total <= kPartBytes) {
    return wrong("the bytes of a frame in parts are", total, "more than " + std::to_string(kPartBytes));
  }
  if (is_under_way() && total != total_) {
    return wrong("a part is of a frame of bytes", total, "of the one begun, of " + std::to_string(total_));
  }
  if (offset != taken_) return wrong("a part begins at byte", offset, std::to_string(taken_));
  // All of them full but the last: so they are no more than need be.
  const std::uint64_t length = std::min<std::uint64_t>(kPartBytes, total - offset);
  if (bytes.size() != length) return wrong("the bytes of a part are", bytes.size(), std::to_string(length));
  total_ = total;
  taken_ += length;
  parts_.push_back(std::move(bytes));
  return {};
}

std::vector<std::string> Assembly::finish() {
  total_ = taken_ = 0;
  return std::exchange(parts_, {});
}

}  // namespace testamur::consensus
