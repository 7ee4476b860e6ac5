#include "testamur/consensus/testimony.h"

namespace testamur::consensus {

void Testimony::begin_term() {
  durable_.clear();
  for_us_.clear();
  for_themselves_.clear();
}

std::optional<EntryId> Testimony::durable(NodeId from, const EntryId& last) {
  auto& said = durable_[from];
  const auto [known, is_new] = said.emplace(last.index, last);
  if (!is_new) return known->second == last ? std::nullopt : std::optional(known->second);
  if (said.size() > kMaxKept) said.erase(said.begin());
  return std::nullopt;
}

bool Testimony::voted(NodeId from, bool for_itself) {
  (for_itself ? for_themselves_ : for_us_).insert(from);
  return for_us_.contains(from) && for_themselves_.contains(from);
}

}  // namespace testamur::consensus
