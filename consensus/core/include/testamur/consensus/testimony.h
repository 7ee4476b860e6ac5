// What the others said in the present term, as far as one word of theirs can contradict another: two entries of one index announced as
// durable, a vote for this node and one for themselves. Bounded, each peer for itself.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

class Testimony {
 public:
  static constexpr std::size_t kMaxKept = 64;  ///< announcements of one peer: those of the highest indexes

  void begin_term();
  /// The other entry of this index that it announced before.
  std::optional<EntryId> durable(NodeId from, const EntryId& last);
  /// It gave its vote to this node, or to itself: it campaigns, or leads. True when it has said both.
  bool voted(NodeId from, bool for_itself);

 private:
  std::map<NodeId, std::map<Index, EntryId>> durable_;
  std::set<NodeId> for_us_;
  std::set<NodeId> for_themselves_;
};

}  // namespace testamur::consensus
