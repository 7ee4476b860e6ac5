#include "testamur/node/applier.h"

#include "testamur/ledger/sha256.h"

namespace testamur::node {

consensus::Digest head_digest(const Checkpoint& checkpoint) { return sha256(as_bytes(encode(checkpoint))); }

Applier::Applier(store::Ledger& ledger, Cosigner& cosigner, Intake& intake, SignatureMemory& signatures, Events events)
    : ledger_(ledger), cosigner_(cosigner), intake_(intake), signatures_(signatures), events_(std::move(events)) {
  if (const auto found = find_again(); !found) {
    failed_ = true;
    events_.failed(found.error());
  }
}

Result<void> Applier::find_again() {
  for (Height at = ledger_.certified_height(); at <= ledger_.head().height; ++at.value) {
    auto head = ledger_.block_head(at);
    if (!head) return head.error();
    cosigner_.derived(*head);
    if (at.value > 0) found_again_.emplace(consensus::Index{head->payload.value}, std::move(*head));
  }
  return {};
}

/// What each submission came to, but for the refused ones that nobody here waits for. One that is refused for its number may be
/// accepted already: the same bytes, handed in twice. Whoever hands them in from now on hears of it from a later block.
Result<std::vector<BlockOutcome>> Applier::outcomes_of(const Payload& payload, const store::Applied& applied) const {
  std::vector<BlockOutcome> outcomes;
  for (std::size_t i = 0; i < applied.outcomes.size(); ++i) {
    const ByteView statement = payload.submissions[i].signed_statement;
    BlockOutcome outcome{sha256(statement), applied.outcomes[i].code, std::nullopt};
    if (outcome.code == Acceptance::ok) {
      outcome.placed = store::Placed{applied.outcomes[i].leaf, applied.record.height, applied.record.time};
    } else if (intake_.is_pending(outcome.id)) {
      const auto placed = ledger_.find_statement(statement);
      if (!placed) return placed.error();
      outcome.placed = *placed;
    } else {
      continue;
    }
    outcomes.push_back(outcome);
  }
  return outcomes;
}

Result<std::optional<store::BlockHead>> Applier::apply(const consensus::Entry& entry) {
  const store::LogIndex index{entry.id.index.value};
  const ByteView bytes = entry.is_owners() ? ByteView(*entry.payload) : ByteView{};
  // Decoded once; its views lie in the entry. What does not decode has time 0, and makes no block.
  const auto decoded = decode_payload(bytes);
  const Payload payload = decoded ? *decoded : Payload{};
  const auto applied = ledger_.apply(index, payload, signatures_.as_check());
  if (!applied) return applied.error();
  if (!applied->made_block) return std::optional<store::BlockHead>{};
  const auto outcomes = outcomes_of(payload, *applied);
  if (!outcomes) return outcomes.error();
  intake_.applied(applied->record.height, *outcomes);
  const store::Head& head = ledger_.head();
  return std::optional(store::BlockHead{index, head.height, head.time, ledger_.checkpoint()});
}

void Applier::committed(const std::vector<consensus::Entry>& entries) {
  if (failed_) return;
  std::vector<consensus::Claim> claims;
  bool is_new = false;
  const auto claim = [&](const store::BlockHead& head) {
    claims.push_back({consensus::Index{head.payload.value}, head.height.value, head_digest(head.checkpoint)});
  };
  for (const consensus::Entry& entry : entries) {
    if (entry.id.index.value <= ledger_.head().applied.value) {
      if (const auto again = found_again_.find(entry.id.index); again != found_again_.end()) {
        claim(again->second);
        found_again_.erase(again);
      }
      continue;
    }
    auto head = apply(entry);
    if (!head) {
      failed_ = true;
      return events_.failed(head.error());
    }
    if (!*head) continue;
    claim(**head);
    cosigner_.derived(**head);
    is_new = true;
  }
  events_.applied(entries.back().id.index, std::move(claims),
                  is_new ? std::optional(cosigner_.promise()) : std::nullopt);
}

void Applier::agreed(const consensus::Claim& claim) {
  if (failed_) return;
  const auto head = ledger_.block_head(Height{claim.height});
  if (!head) return events_.failed(head.error());
  // What a quorum agreed on, and this node said it derived, must be what lies on its disk.
  if (head_digest(head->checkpoint) != claim.head) {
    failed_ = true;
    return events_.failed({ErrorCode::corrupt, "block " + std::to_string(claim.height) +
                                                   ": the store holds another head than the one this node derived"});
  }
  cosigner_.agreed(*head);
}

}  // namespace testamur::node
