// The state that a block's statements are judged against: the stored one with the block's earlier statements on top.
#pragma once

#include <memory>

#include "registry.h"
#include "status_tree.h"

namespace testamur::store {

/// What a block has done to one register so far.
struct PendingRegister {
  RegisterState* state = nullptr;
  std::unique_ptr<StatusTree> statuses;  ///< as stored, before this block
  StatusOverlay overlay;                 ///< this block's changes
};

class BlockView final : public LedgerView {
 public:
  BlockView(const storage::View& view, Registry& registry, Height stored)
      : view_(view), registry_(registry), stored_(stored) {}

  const InstitutionRecord* find_institution(std::string_view id) const override;
  const RegisterRecord* find_register(std::string_view institution, std::string_view name) const override;
  std::vector<StatusRun> statuses(const RegisterRecord& record, EntryNumber first, std::uint64_t count) const override;

  /// The register that an accepted statement changes.
  PendingRegister& touch(std::string_view institution, std::string_view name);
  /// The registers changed, by record index.
  std::map<RecordIndex, PendingRegister>& touched() { return touched_; }

 private:
  const storage::View& view_;
  Registry& registry_;
  Height stored_;
  std::map<RecordIndex, PendingRegister> touched_;
};

}  // namespace testamur::store
