// A node that lies in every way that the protocol leaves it: its core is an honest one, but what leaves the node is not what the
// core said. It cannot sign for others, and cannot find two entries of one hash.
#pragma once

#include <map>

#include "owner.h"
#include "random.h"

namespace testamur::consensus::simulation {

/// How often it told which lie.
struct Lies {
  std::uint64_t forked = 0;               ///< as leader: an entry of another story, to some
  std::uint64_t wrong_hash = 0;           ///< as leader: an entry under the hash of another
  std::uint64_t too_far_ahead = 0;        ///< as leader: a time that no honest node accepts
  std::uint64_t ahead = 0;                ///< as leader: a time ahead, which they do
  std::uint64_t behind = 0;               ///< as leader: a time long past
  std::uint64_t withheld = 0;             ///< as leader: a request not sent
  std::uint64_t leading = 0;              ///< leads a term in which nobody elected it
  std::uint64_t terms = 0;                ///< leads a term far ahead
  std::uint64_t members = 0;              ///< as leader: members that an honest leader would not propose
  std::uint64_t durable = 0;              ///< what has just come is durable
  std::uint64_t votes = 0;                ///< a vote or pre-vote for whoever asks
  std::uint64_t heads = 0;                ///< a head made up, or derived by others
  std::uint64_t cosignatures = 0;         ///< of a head that somebody else cosigned
  std::uint64_t double_cosignatures = 0;  ///< of another head beside
  std::uint64_t places = 0;               ///< where in the log a snapshot is of, and who took part there
};

/// A term in which nobody is.
constexpr Term kFarTerm{std::uint64_t{1} << 40};

void add(Lies& sum, const Lies& lies);

class Liar {
 public:
  /// Which lies it tells, and to whom, is drawn.
  Liar(NodeId self, std::size_t nodes, std::uint64_t seed);

  /// What leaves in the place of what the core says.
  void say(Message message, std::vector<Message>& leaving);
  /// The entries of another story that it made to say so: it may name them before, or without, sending them.
  const std::vector<Entry>& made() const { return made_; }
  /// What it says at once to what it hears, and what its core hears of that.
  Message hear(Message message, std::vector<Message>& leaving);
  /// What it says of itself.
  void tick(const Core& core, const Owner& owner, std::vector<Message>& leaving);
  /// The heads it cosigns, towards one who cosigned this.
  std::vector<Claim> cosign(const Claim& theirs);
  /// What no hash vouches for in a snapshot that it gives.
  void misplace(Snapshot& snapshot, NodeId to);
  const Lies& told() const { return told_; }

 private:
  void fork(AppendRequest& request, Term term);
  void claim_to_lead(const Core& core, const Owner& owner, std::vector<Message>& leaving);
  Payload false_members(const Configuration& now, NodeId to);
  Payload another(const Payload& payload, bool wrong_time);
  Time wrong(Time time);
  static void tell(std::uint64_t& count, Message lie, std::vector<Message>& leaving);
  void to_others(Term term, const Body& body, std::vector<Message>& leaving);
  Message from_me(NodeId to, Term term, Body body) const { return {self_, to, term, std::move(body)}; }
  bool is_forked(NodeId node) const { return (forked_ >> node.value & 1) == 1; }
  void translate(EntryId& id, const std::map<Digest, EntryId>& table) const;

  NodeId self_;
  std::size_t nodes_;
  Random random_;
  std::uint64_t forked_ = 0;  ///< those who hear the other story, a bit each
  // Rates, of a thousand.
  unsigned fork_ = 0;        ///< as leader: another story begins at an entry
  unsigned withhold_ = 0;    ///< as leader: entries are not sent
  unsigned durable_ = 0;     ///< what comes is durable at once
  unsigned vote_ = 0;        ///< everybody gets its vote
  unsigned echo_ = 0;        ///< it derived what others derived
  unsigned head_ = 0;        ///< a tick: it derived anything
  unsigned lead_ = 0;        ///< a tick: it says that it leads
  unsigned far_term_ = 0;    ///< where it says that it leads: in a term far ahead
  unsigned members_ = 0;     ///< where it says that it leads: with other members
  unsigned cosign_ = 0;      ///< it cosigns what others cosigned
  unsigned wrong_time_ = 0;  ///< of forked entries
  unsigned wrong_hash_ = 0;  ///< of requests: their last entry is another under its hash
  unsigned misplace_ = 0;    ///< of snapshots; and, where it says that it leads, that others lack what its log lacks
  std::map<Digest, EntryId> forged_;    // by the hash of the entry in its core's log
  std::map<Digest, EntryId> original_;  // by the hash of the forged one
  std::vector<Entry> made_;             // for what it said last
  Lies told_;
};

}  // namespace testamur::consensus::simulation
