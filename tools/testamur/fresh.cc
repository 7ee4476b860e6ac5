#include "fresh.h"

namespace testamur::tool {

std::optional<Failure> FreshProofs::call(const EntryName& entry, Bytes& bytes) {
  const auto take = [&](EntryNumber, ByteView proof) {
    bytes.assign(proof.begin(), proof.end());
    return true;
  };
  const auto got = retry(patience_, [&] { return node_.get_proofs(entry, 1, false, take); });
  if (!got) return failure_of(got.failure);
  patience_ = Patience(timeout_ms_);
  return std::nullopt;
}

std::optional<Failure> FreshProofs::fetch(const FreshWish& wish, Time now, FreshProof& fresh) {
  Bytes bytes;
  for (std::size_t tried = 0;; ++tried) {
    if (auto failure = call(wish.entry, bytes)) return failure;
    auto proof = decode_proof(bytes);
    if (!proof) return failure_of(proof.error());
    fresh.proof = std::move(*proof);
    if (fresh.proof.entry && fresh.proof.size >= wish.at_least_size) break;
    // A node that is behind is nothing to wait for: it may be so for long, and others may not be.
    if (tried + 1 >= nodes_) {
      return Failure{kFailed, "behind",
                     "node " + node_.address() + " has not come as far as what is at hand of " + format(wish.entry)};
    }
    node_.turn();
  }
  // What ties a document to its entry can be checked only where the document is known.
  if (wish.document) fresh.proof.entry->document = wish.tie;
  Asked asked;
  asked.document = wish.document;
  asked.entry = wish.entry;
  asked.now = now;
  fresh.answer = check(encode(fresh.proof), policy_, asked);
  const Finding& finding = fresh.answer.finding;
  const bool is_entry = finding.number == wish.entry.number && finding.institution == wish.entry.in.institution &&
                        finding.register_name == wish.entry.in.name;
  if (!is_answer(fresh.answer.verdict) || !is_entry || finding.document_checked != wish.document.has_value()) {
    return Failure{kFailed, std::string(name(fresh.answer.verdict)),
                   "node " + node_.address() + ": the proof of " + format(wish.entry) + " does not hold. " +
                       headline(fresh.answer)};
  }
  // The same statement, so the same batch: the salt and path at hand tie the document to it as they did before.
  if (wish.statement && encode(*wish.statement) != encode(fresh.proof.entry->statement)) {
    return Failure{kFailed, "wrong_entry",
                   format(wish.entry) +
                       ": expected the statement by which the ledger issued this number; the proof "
                       "at hand has another, and is not of this ledger"};
  }
  fresh.proof.entry->document = wish.tie;
  return std::nullopt;
}

}  // namespace testamur::tool
