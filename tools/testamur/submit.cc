#include "submit.h"

#include <algorithm>

namespace testamur::tool {
namespace {

/// How long one call waits at the node.
constexpr std::uint64_t kWaitMs = 30'000;

v1::SubmitRequest request_of(ByteView signed_statement, std::span<const Hash> listed) {
  v1::SubmitRequest request;
  request.set_signed_statement(std::string(as_text(signed_statement)));
  std::string& commitments = *request.mutable_listed_commitments();
  commitments.reserve(listed.size() * sizeof(Hash));
  for (const Hash& commitment : listed) commitments += as_text(commitment);
  request.set_wait(v1::WAIT_CERTIFIED);
  return request;
}

/// What an outcome settles, or nothing while the fate is open.
std::optional<Fate> settled(const v1::Outcome& outcome) {
  Fate fate{Fate::Kind::refused, outcome.code(), outcome.detail(), Time{outcome.recorded_at()}, outcome.leaf_index()};
  if (outcome.stage() == v1::STAGE_NOT_TAKEN) return fate;
  if (outcome.stage() != v1::STAGE_CERTIFIED) return std::nullopt;
  if (outcome.code() == "ok") fate.kind = Fate::Kind::accepted;
  return fate;
}

}  // namespace

Fate submit_statement(NodeClient& node, ByteView signed_statement, std::span<const Hash> listed, Patience& patience) {
  v1::SubmitRequest request = request_of(signed_statement, listed);
  Fate open;
  do {
    request.set_wait_ms(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(patience.left_ms(), 100, kWaitMs)));
    const auto outcome = node.submit(request);
    if (!outcome) {
      open.code = outcome.failure.code;
      open.detail = outcome.failure.message;
      if (!outcome.failure.transient) {
        open.kind = Fate::Kind::refused;
        return open;
      }
      patience.pause();
      continue;
    }
    if (const auto fate = settled(*outcome)) return *fate;
    open.code = outcome->stage() == v1::STAGE_BUSY      ? "busy"
                : outcome->stage() == v1::STAGE_UNKNOWN ? "unknown"
                                                        : "pending";
    open.detail = outcome->detail();
    // A node that does not know may be cut off from the others; another may know.
    if (outcome->stage() != v1::STAGE_BUSY) node.turn();
    patience.pause(outcome->stage() == v1::STAGE_BUSY ? outcome->retry_after_ms() : 0);
  } while (!patience.is_over());
  return open;
}

std::string_view advice(std::string_view code) {
  if (code == "wrong_ledger") return "The policy is of another ledger than the node.";
  if (code == "institution_not_active") return "The institution is suspended or closed on this ledger.";
  if (code == "unknown_register") return "The institution has no register of this name.";
  if (code == "signed_at_out_of_range" || code == "effective_in_future") {
    return "Is the clock of this machine right? Dates after now are not taken.";
  }
  if (code == "bad_signature") return "A key is not one of the institution's.";
  if (code == "not_enough_signatures")
    return "Give more keys: each --key is one signature of those the register asks for.";
  if (code == "wrong_first_number") return "Others issued in this register first, and have these numbers.";
  if (code == "wrong_next_event")
    return "Another amendment of this register came first. Look at it, then run this again.";
  if (code == "no_such_entry") return "The register has not issued all of these numbers.";
  if (code == "forbidden_transition") {
    return "Only a good entry can be suspended and a suspended one reinstated; revoked and superseded are final.";
  }
  if (code == "bad_replacement") return "The replacement must exist, and be another entry.";
  return "";
}

}  // namespace testamur::tool
