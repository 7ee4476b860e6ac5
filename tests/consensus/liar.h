// A node that lies in every way that the protocol leaves it: its core is an honest one, but what leaves the node is not what the
// core said. It cannot sign for others, and cannot find two entries of one hash.
#pragma once

#include <map>

#include "owner.h"
#include "random.h"

namespace testamur::consensus::simulation {

class Liar {
 public:
  /// Which lies it tells, and to whom, is drawn.
  Liar(NodeId self, std::size_t nodes, std::uint64_t seed);

  /// What leaves in the place of what the core says.
  void say(Message message, std::vector<Message>& leaving);
  /// What it says at once to what it hears, and what its core hears of that.
  Message hear(Message message, std::vector<Message>& leaving);
  /// What it says of itself.
  void tick(const Core& core, const Owner& owner, std::vector<Message>& leaving);
  /// The head it cosigns, towards one who cosigned this.
  std::optional<Claim> cosign(const Claim& theirs);

 private:
  void fork(AppendRequest& request, Term term);
  void claim_to_lead(const Core& core, const Owner& owner, std::vector<Message>& leaving);
  Payload another(const Payload& payload, bool wrong_time);
  void to_others(Term term, const Body& body, std::vector<Message>& leaving);
  Message from_me(NodeId to, Term term, Body body) const { return {self_, to, term, std::move(body)}; }
  bool is_forked(NodeId node) const { return (forked_ >> node.value & 1) == 1; }
  void translate(EntryId& id, const std::map<Digest, EntryId>& table) const;

  NodeId self_;
  std::size_t nodes_;
  Random random_;
  std::uint64_t forked_ = 0;  ///< those who hear the other story, a bit each
  // Rates, of a thousand.
  unsigned fork_ = 0;                   ///< as leader: another story begins at an entry
  unsigned withhold_ = 0;               ///< as leader: entries are not sent
  unsigned durable_ = 0;                ///< what comes is durable at once
  unsigned vote_ = 0;                   ///< everybody gets its vote
  unsigned echo_ = 0;                   ///< it derived what others derived
  unsigned head_ = 0;                   ///< a tick: it derived anything
  unsigned lead_ = 0;                   ///< a tick: it says that it leads
  unsigned cosign_ = 0;                 ///< it cosigns what others cosigned
  unsigned wrong_time_ = 0;             ///< of forked entries
  std::map<Digest, EntryId> forged_;    // by the hash of the entry in its core's log
  std::map<Digest, EntryId> original_;  // by the hash of the forged one
};

}  // namespace testamur::consensus::simulation
