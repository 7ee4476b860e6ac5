// What one honest node was told, held against itself. Two stories of one peer about one thing show that the peer lies: the node must name
// it in its evidence. And what a node does because of what it was told must follow from that.
//
// Looked at is what the node still knows when the second story comes: what it heard since it started, of the term that it is in, and of
// entries only those that it took.
#pragma once

#include <map>
#include <set>
#include <string>

#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

/// What somebody was caught at, by his own two words.
enum class Caught : std::uint8_t {
  heads,      ///< two heads of one height derived
  entries,    ///< as leader: two entries of one index and term
  durable,    ///< two entries of one index and term durable
  votes,      ///< a vote of a term for the node that heard it, and one for itself
  leading,    ///< leads the term in which the node itself was elected
  unchained,  ///< as leader: an entry that does not follow the one before, or not by its hash
  cosigned,   ///< two heads of one height cosigned
};
constexpr std::size_t kKindsOfCaught = 7;

class Heard {
 public:
  /// How the node stood before the message reached it.
  struct Before {
    Role role = Role::follower;
    Term term;
  };
  static Before before(const Core& core) { return {core.role(), core.term()}; }

  /// The message has reached the core, which has not been asked yet what it does. Throws Violation.
  void hear(const Before& before, const Core& core, const Message& message);
  /// It asks for pre-votes.
  void campaigns(std::uint64_t campaign);
  std::uint64_t campaign() const { return campaign_; }
  /// A cosignature of a head that is not certified yet reached its owner.
  void hear_cosignature(NodeId from, const Claim& claim);
  void reports(std::string_view what, NodeId from) { named_.emplace(what, from); }
  /// Whoever was caught is named. Throws Violation.
  void check_named(NodeId node) const;
  /// What was reported is kept; the rest was in memory.
  void restarted();
  /// A certified head replaced what the node had.
  void replaced() {
    took_.clear();
    derived_.clear();
  }
  /// Its owner began anew from a snapshot: what it had of others' cosignatures was in memory.
  void owner_began_anew() { cosigned_.clear(); }
  /// So many peers were caught at it, each counted once.
  const std::set<std::pair<Caught, NodeId>>& caught() const { return caught_; }

 private:
  template <class Key>
  void hold(Caught kind, NodeId from, std::map<NodeId, std::map<Key, Digest>>& known, Key at, const Digest& digest);
  void hear_leader(const Before& before, const Core& core, const Message& message);
  void hear_entries(const Core& core, NodeId from, const AppendRequest& request);
  void hear_vote(const Message& message);
  void hear_pre_vote(const Before& before, const Core& core, NodeId from, const PreVoteResponse& response);

  Term term_;  // the rest is of
  std::map<std::pair<NodeId, Index>, Digest> took_;
  std::map<NodeId, std::map<Index, Digest>> durable_;  // the newest of each
  std::set<NodeId> voted_for_this_;
  std::set<NodeId> voted_for_themselves_;

  std::map<NodeId, std::map<std::uint64_t, Digest>> derived_;   // the newest of each
  std::map<NodeId, std::map<std::uint64_t, Digest>> cosigned_;  // the newest of each
  std::uint64_t campaign_ = 0;
  std::map<NodeId, bool> pre_votes_;
  std::set<std::pair<Caught, NodeId>> caught_;
  std::set<std::pair<std::string_view, NodeId>> named_;
};

/// What an owner reports of one who cosigned two heads of one height.
constexpr std::string_view kTwoCosignatures = "two cosignatures of one height";
std::string_view name_of(Caught kind);
/// Whether this can be said of an honest node: it repeats what it was told.
bool may_name_the_honest(std::string_view what);

}  // namespace testamur::consensus::simulation
