#include "block_view.h"

namespace testamur::store {

const InstitutionRecord* BlockView::find_institution(std::string_view id) const {
  return registry_.find_institution(id);
}

const RegisterRecord* BlockView::find_register(std::string_view institution, std::string_view name) const {
  const RegisterState* found = registry_.find_register(institution, name);
  return found == nullptr ? nullptr : &found->record;
}

std::vector<StatusRun> BlockView::statuses(const RegisterRecord& record, EntryNumber first, std::uint64_t count) const {
  const RegisterState& state = *registry_.find_register(record.institution, record.name);
  const auto pending = touched_.find(state.index);
  if (pending == touched_.end()) {
    return StatusTree(view_, keys::status_tree(state.index), stored_, record.issued, state.statuses).runs(first, count);
  }
  // Numbers issued in this very block are beyond the stored tree, and good.
  return pending->second.overlay.read(first, count, [&](EntryNumber from, std::uint64_t number) {
    return pending->second.statuses->runs(from, number);
  });
}

PendingRegister& BlockView::touch(std::string_view institution, std::string_view name) {
  RegisterState& state = *registry_.find_register(institution, name);
  const auto [place, is_new] = touched_.try_emplace(state.index);
  PendingRegister& pending = place->second;
  if (is_new) {
    pending.state = &state;
    pending.statuses = std::make_unique<StatusTree>(view_, keys::status_tree(state.index), stored_, state.record.issued,
                                                    state.statuses);
    if (!state.batches) state.batches = AppendEdge::load(view_, keys::batches_tree(state.index), state.record.batches);
    if (!state.events) state.events = AppendEdge::load(view_, keys::events_tree(state.index), state.record.events);
  }
  return pending;
}

}  // namespace testamur::store
