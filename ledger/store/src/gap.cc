#include "gap.h"

#include "registry.h"

namespace testamur::store {
namespace {

[[noreturn]] void not_here(const Gap& gap, const std::string& what) {
  throw storage::StorageFault(ErrorCode::not_here, "store: " + what + " is not here yet: blocks after " +
                                                       std::to_string(gap.filled.value) + " and before " +
                                                       std::to_string(gap.snapshot.value) + " are being filled in");
}

}  // namespace

Bytes encode(const Gap& gap) { return Writer{}.u64(gap.filled.value).u64(gap.snapshot.value).u64(gap.size).bytes(); }

std::optional<Gap> read_gap(const storage::View& view) {
  const auto value = view.get(keys::gap());
  if (!value) return std::nullopt;
  Reader reader(*value, "gap");
  Gap gap;
  gap.filled = Height{reader.u64("filled")};
  gap.snapshot = Height{reader.u64("snapshot")};
  gap.size = reader.u64("size");
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return gap;
}

void require_here(const storage::View& view, Height height) { require_here(read_gap(view), height); }

void require_here(const std::optional<Gap>& gap, Height height) {
  if (gap && gap->hides(height)) not_here(*gap, "block " + std::to_string(height.value));
}

void excuse_missing(const storage::View& view, LeafIndex leaf) {
  const auto gap = read_gap(view);
  if (gap && leaf.value < gap->size) not_here(*gap, "leaf " + std::to_string(leaf.value));
}

}  // namespace testamur::store
