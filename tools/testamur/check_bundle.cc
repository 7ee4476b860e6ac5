#include "check_bundle.h"

#include <algorithm>

#include "batch_tree.h"
#include "checked_signatures.h"

namespace testamur::tool {
namespace {

/// Whether the proof's statement issued exactly these entries of the bundle.
bool issues(const Proof& proof, const BundleHeader& header, const Hash& batch_root) {
  const auto statement = decode_statement(proof.entry->statement.statement.statement);
  const auto* body = statement ? std::get_if<IssueBody>(&statement->body) : nullptr;
  return body != nullptr && statement->institution == header.in.institution && body->register_name == header.in.name &&
         body->first == header.first && body->count == header.count && body->batch_root == batch_root;
}

}  // namespace

std::size_t erased_in(const Bundle& bundle) {
  return static_cast<std::size_t>(std::count_if(bundle.documents.begin(), bundle.documents.end(),
                                                [](const BatchDocument& document) { return document.is_erased(); }));
}

Answer check_entry(Proof proof, const Policy& policy, Time now, const SignatureCheck& check_signature) {
  Asked asked;
  asked.entry = EntryName{{proof.record.institution, proof.record.name}, proof.number};
  asked.now = now;
  if (proof.entry) proof.entry->document.reset();
  return check(encode(proof), policy, asked, check_signature);
}

Result<BundleAnswer> check_bundle(const Bundle& bundle, const Policy& policy, Time now) {
  std::vector<Hash> commitments;
  commitments.reserve(bundle.documents.size());
  for (const BatchDocument& entry : bundle.documents) commitments.push_back(commitment_of(entry, bundle.header.listed));
  const Hash root = BatchTree(commitments).root();
  CheckedSignatures checked;
  BundleAnswer out;
  std::optional<Proof> proof;
  Answer answer;
  std::size_t held = 0;
  for (std::size_t i = 0; i < bundle.documents.size(); ++i) {
    const EntryNumber number = bundle.number(i);
    for (; held < bundle.proofs.size() && bundle.proofs[held].number <= number; ++held) proof.reset();
    if (bundle.documents[i].is_erased()) continue;
    if (!proof || !serves(*proof, number)) {
      auto found = proof_in(bundle, i);
      if (!found) return found.error();
      proof = std::move(*found);
      answer = check_entry(*proof, policy, now, std::ref(checked));
      if (answer.exit != kRefused && !issues(*proof, bundle.header, root)) {
        answer.exit = kRefused;
        answer.verdict = Verdict::document_mismatch;
      }
    }
    ++out.verdicts[answer.verdict];
    out.exit = most_careful(out.exit, answer.exit);
  }
  return out;
}

}  // namespace testamur::tool
