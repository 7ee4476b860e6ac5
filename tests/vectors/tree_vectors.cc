// tree_vectors FILE...: checks the RFC 6962 code against files of cases made elsewhere.
//
// Each case has leaves, a root, an inclusion proof and a consistency proof: all are made anew and compared, and verified.
#include "json_file.h"
#include "testamur/ledger/merkle.h"

namespace testamur::vectors {
namespace {

void expect_path(const Field& field, const merkle::Path& found) {
  const auto expected = field.items();
  if (expected.size() != found.size()) {
    field.fail("expected " + std::to_string(expected.size()) + " hashes, found " + std::to_string(found.size()));
  }
  for (std::size_t i = 0; i < found.size(); ++i) expected[i].expect_hex(found[i]);
}

void check_case(const Field& tree) {
  std::vector<Hash> leaves;
  merkle::CompactRange range;
  for (const Field& leaf : tree["leaves"].items()) {
    leaves.push_back(merkle::leaf_hash(leaf.hex()));
    range.append(leaves.back());
  }
  const std::uint64_t size = tree["size"].number();
  tree["size"].expect(leaves.size());
  const auto node = merkle::reader_of(leaves);
  const Hash root = merkle::root(node, size);
  tree["root"].expect_hex(root);
  tree["root"].expect_hex(range.root());

  const std::uint64_t index = tree["index"].number();
  if (index >= size) tree["index"].fail("expected an index below the size");
  const merkle::Path inclusion = merkle::inclusion_path(node, index, size);
  expect_path(tree["inclusion"], inclusion);
  if (!merkle::verify_inclusion(leaves[index], index, size, inclusion, root)) {
    tree["inclusion"].fail("expected the proof to verify");
  }

  const std::uint64_t old_size = tree["old_size"].number();
  if (old_size == 0 || old_size > size) tree["old_size"].fail("expected 1 to the size");
  const Hash old_root = merkle::root(node, old_size);
  tree["old_root"].expect_hex(old_root);
  const merkle::Path consistency = merkle::consistency_path(node, old_size, size);
  expect_path(tree["consistency"], consistency);
  if (!merkle::verify_consistency(old_size, size, consistency, old_root, root)) {
    tree["consistency"].fail("expected the proof to verify");
  }
}

std::string check_file(const std::string& path) {
  const boost::json::value json = read_json(path);
  const auto cases = Field(json, "")["cases"].items();
  for (const Field& tree : cases) check_case(tree);
  return std::to_string(cases.size()) + " cases";
}

}  // namespace
}  // namespace testamur::vectors

int main(int argc, char** argv) {
  return testamur::vectors::run_files({argv + 1, static_cast<std::size_t>(argc - 1)}, "tree_vectors FILE...",
                                      testamur::vectors::check_file);
}
