// One proof out of a bundle, as its holder gets it.
#pragma once

#include <stdexcept>

#include "batch_tree.h"
#include "bundle.h"
#include "world.h"

namespace testamur::test {

struct Bundled {
  EntryNumber number;
  Proof proof;
};

/// Of the document with this name.
inline Bundled bundled(const std::string& path, std::string_view name) {
  const tool::Bundle bundle = value_of(tool::read_bundle(path));
  std::vector<Hash> commitments;
  std::optional<std::size_t> at;
  for (const tool::BatchDocument& document : bundle.documents) {
    if (document.name == name) at = commitments.size();
    commitments.push_back(commitment_of(document, bundle.header.listed));
  }
  if (!at) throw std::runtime_error(path + " holds no " + std::string(name));
  Proof proof = value_of(proof_in(bundle, *at));
  proof.entry->document =
      document_proof(bundle.documents[*at], bundle.header.listed, tool::BatchTree(commitments).path(*at));
  return {bundle.number(*at), std::move(proof)};
}

}  // namespace testamur::test
