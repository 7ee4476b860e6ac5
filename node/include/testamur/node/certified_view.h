// The certified state as the rules see it: what a submission is examined against.
#pragma once

#include <map>

#include "testamur/store/history.h"

namespace testamur::node {

class CertifiedView final : public LedgerView {
 public:
  explicit CertifiedView(const store::History& history) : history_(history) {}

  const InstitutionRecord* find_institution(std::string_view id) const override;
  const RegisterRecord* find_register(std::string_view institution, std::string_view name) const override;
  std::vector<StatusRun> statuses(const RegisterRecord& record, EntryNumber first, std::uint64_t count) const override;

 private:
  const store::History& history_;
  // Read when asked for, and kept since they are handed out by address.
  mutable std::map<std::string, InstitutionRecord, std::less<>> institutions_;
  mutable std::map<std::pair<std::string, std::string>, RegisterRecord> registers_;
};

}  // namespace testamur::node
