// Each node counts commits itself, from what the voters tell it directly: an index is committed when `threshold` voters, this one
// among them, announced in one and the same term a durable entry of that term whose chain includes this node's own synced entry
// there. Announcements of different terms are never added up (Raft thesis 3.6.2, figure 3.7).
#pragma once

#include "testamur/consensus/log.h"
#include "testamur/consensus/quorum.h"

namespace testamur::consensus {

class DurableCount {
 public:
  /// A new term: what was announced in the one before counts no more.
  void begin_term(Term term);

  enum class Heard { counted, kept, contradicts };
  /// A voter's announcement. `contradicts`: it names another entry of this term at an index where ours is synced.
  Heard announce(NodeId voter, const EntryId& last, const Log& log);
  /// This node's own log is synced further, or less far.
  void synced(NodeId self, const Log& log);
  /// Whether more of these voters than may lie have announced, in this term, what our own log does not reach.
  bool is_left_behind(const Voters& voters) const;
  /// What may be counted as committed now. A voter never counts what it has not announced itself; one that does not vote counts
  /// what the voters announced, as far as its own log is synced.
  std::optional<Index> committed(const Configuration& configuration, NodeId self, bool votes) const;

  /// What could be counted if this node's own log were synced so far.
  Index will_count(const Configuration& configuration, NodeId self, bool votes) const;

 private:
  static constexpr std::size_t kMaxKept = 128;

  Term term_;
  std::map<NodeId, Index> reached_;
  std::map<NodeId, std::deque<EntryId>> ahead_;  // announcements beyond our own synced log, oldest first
};

}  // namespace testamur::consensus
