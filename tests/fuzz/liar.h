// Makes of any message one that fits what a node holds: terms near its own, entries that follow those in its log and have the hash that
// they should have. What is left to the fuzzer is which of them, and whether.
#pragma once

#include <map>

#include "some_entries.h"
#include "testamur/consensus/core.h"

namespace testamur::fuzz {

class Liar {
 public:
  Liar(const consensus::Core& core, const std::map<consensus::Index, consensus::Claim>& heads, std::uint64_t campaign)
      : core_(core), heads_(heads), campaign_(campaign) {}

  void fit(consensus::Message& message) {
    message.term = near(message.term);
    term_ = message.term;
    std::visit([&](auto& body) { fit(body); }, message.body);
  }

 private:
  using Term = consensus::Term;
  using Index = consensus::Index;

  /// The term before the node's to two after it.
  Term near(Term term) const {
    const std::uint64_t at = core_.term().value + term.value % 4;
    return Term{at == 0 ? 0 : at - 1};
  }
  /// An entry of the node's log; or one that it does not have, there or up to two after the end.
  void fit(consensus::EntryId& id) const {
    id.index = Index{id.index.value % (core_.log().last().index.value + 3)};
    const auto mine = core_.log().at(id.index);
    if (mine && id.hash[0] < 0x80) {
      id = *mine;
    } else {
      id.term = near(id.term);
    }
  }
  void chain(consensus::EntryId last, std::vector<consensus::Entry>& entries) const {
    for (consensus::Entry& entry : entries) {
      const auto mine = core_.log().at(next(last.index));
      if (mine && mine->index > core_.log().base().index && entry.id.hash[0] < 0x80) {
        entry = core_.log().entry(mine->index);
      } else {
        const Term term = std::max(last.term, std::min(near(entry.id.term), term_));
        if (entry.kind == consensus::EntryKind::configuration) entry.payload = configuration(entry.payload);
        const std::uint8_t how = entry.id.hash[1];
        entry = consensus::following(last, term, entry.payload, entry.kind);
        slip(entry, how);
      }
      last = entry.id;
    }
  }
  /// Even so, one thing may be wrong.
  static void slip(consensus::Entry& entry, std::uint8_t how) {
    switch (how) {
      case 1: entry.id.hash[31] ^= 1; return;
      case 2: entry.previous[31] ^= 1; break;
      case 3: entry.id.index = next(entry.id.index); break;
      case 4: entry.id.term = Term{entry.id.term.value / 2}; break;
      case 5: entry.id.term = Term{entry.id.term.value + 3}; break;
      default: return;
    }
    entry.id.hash = consensus::some_hash(entry);
  }
  /// The node's own, changed as the first bytes say; or what was there, if that is one.
  consensus::Payload configuration(const consensus::Payload& payload) const {
    using Kind = consensus::Change::Kind;
    if (payload && (consensus::decode_configuration(*payload) || payload->size() < 2)) return payload;
    const consensus::Configuration& now = core_.configuration();
    if (!payload || (*payload)[0] % 4 == 0) return encode(consensus::leave_joint(now).configuration);
    const consensus::Change change{Kind{static_cast<std::uint8_t>((*payload)[0] / 4 % 3)},
                                   consensus::NodeId{(*payload)[1] % 8u}, (*payload)[0] >= 0x80,
                                   (*payload)[1] / 8u % 4};
    const bool joint = (*payload)[0] % 4 == 1;
    const auto quorum = consensus::byzantine_quorum;
    return encode((joint ? enter_joint(now, true, std::span(&change, 1), quorum)
                         : change_simply(now, std::span(&change, 1), quorum))
                      .configuration);
  }

  void fit(consensus::PreVoteRequest& body) const { fit(body.last); }
  void fit(consensus::PreVoteResponse& body) const { body.campaign = campaign_ - body.campaign % 2; }
  void fit(consensus::VoteRequest& body) const { fit(body.last); }
  void fit(consensus::AppendRequest& body) const {
    fit(body.previous);
    chain(body.previous, body.entries);
  }
  void fit(consensus::AppendResponse& body) const { fit(body.at); }
  void fit(consensus::HeartbeatResponse& body) const { body.round %= 16; }
  void fit(consensus::Durable& body) const { fit(body.last); }
  void fit(consensus::Derived& body) const {
    body.claim.height %= heads_.size() + 2;
    for (const auto& [index, claim] : heads_) {
      if (claim.height == body.claim.height && body.claim.head[0] < 0x80) body.claim = claim;
    }
  }
  void fit(consensus::ReadResponse& body) const { body.id %= 16; }
  void fit(consensus::Behind& body) const { fit(body.base); }
  void fit(consensus::Lacking& body) const { fit(body.after); }
  void fit(consensus::Found& body) const {
    body.after = core_.log().last();
    chain(body.after, body.entries);
  }
  template <class Other>
  void fit(Other&) const {}

  const consensus::Core& core_;
  const std::map<consensus::Index, consensus::Claim>& heads_;
  std::uint64_t campaign_;
  Term term_;
};

}  // namespace testamur::fuzz
