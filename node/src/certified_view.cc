#include "testamur/node/certified_view.h"

namespace testamur::node {
namespace {

/// A value, or nothing when the ledger has none; a disk that fails is thrown on.
template <class T>
std::optional<T> if_found(Result<T> read) {
  if (read) return *std::move(read);
  if (read.error().code == ErrorCode::not_found) return std::nullopt;
  throw storage::StorageFault(read.error().code, read.error().message);
}

}  // namespace

const InstitutionRecord* CertifiedView::find_institution(std::string_view id) const {
  if (const auto known = institutions_.find(id); known != institutions_.end()) return &known->second;
  auto record = if_found(history_.institution_at(id, history_.height()));
  return record ? &institutions_.emplace(id, std::move(*record)).first->second : nullptr;
}

const RegisterRecord* CertifiedView::find_register(std::string_view institution, std::string_view name) const {
  const std::pair key{std::string(institution), std::string(name)};
  if (const auto known = registers_.find(key); known != registers_.end()) return &known->second;
  auto record = if_found(history_.register_at(institution, name, history_.height()));
  return record ? &registers_.emplace(key, std::move(*record)).first->second : nullptr;
}

std::vector<StatusRun> CertifiedView::statuses(const RegisterRecord& record, EntryNumber first,
                                               std::uint64_t count) const {
  auto runs = if_found(history_.statuses_at(record.institution, record.name, first, count, history_.height()));
  return runs ? std::move(*runs) : std::vector<StatusRun>{};
}

}  // namespace testamur::node
