// A large frame goes in parts, so that what is urgent does not wait until the whole of it is through: on a slow link that takes longer
// than an election timeout. Here the parts become the frame again. They may come from a liar: each must be the very one that is next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::consensus {

/// What is longer goes in parts of this length, the last one of what is left.
constexpr std::size_t kPartBytes = 128 << 10;
/// No frame is longer on its way: a part, and what is around it.
constexpr std::size_t kMaxFrameBytes = kPartBytes + 64;

/// The frame that is coming in parts, one at a time. It takes no memory for what has not come.
class Assembly {
 public:
  explicit Assembly(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Errors: malformed, where this is not the part that is next; then nothing has changed.
  Result<void> take(std::uint64_t total, std::uint64_t offset, std::string&& bytes);
  /// Something has come, and something is missing.
  bool is_under_way() const { return taken_ < total_; }
  /// The bytes of a frame, once nothing is missing, as the parts that they came in. The next may begin.
  std::vector<std::string> finish();

 private:
  const std::size_t max_bytes_;
  std::uint64_t total_ = 0;
  std::uint64_t taken_ = 0;
  std::vector<std::string> parts_;
};

}  // namespace testamur::consensus
