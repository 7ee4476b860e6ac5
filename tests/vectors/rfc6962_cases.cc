// rfc6962_cases inclusion|consistency FILE...: runs the proof verifiers over the JSON cases that transparency-dev/merkle
// publishes (github.com/transparency-dev/merkle, testdata). A case with wantErr must be refused, every other accepted.
#include <cstring>

#include "json_file.h"
#include "testamur/ledger/merkle.h"

namespace testamur::vectors {
namespace {

/// A hash, or nothing where the case has bytes of another length in its place.
std::optional<Hash> hash_of(const Field& field) {
  const Bytes bytes = field.base64();
  if (bytes.size() != sizeof(Hash)) return std::nullopt;
  Hash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::optional<merkle::Path> path_of(const Field& field) {
  merkle::Path path;
  for (const Field& item : field.items_or_null()) {
    const auto hash = hash_of(item);
    if (!hash) return std::nullopt;
    path.push_back(*hash);
  }
  return path;
}

bool accepts_inclusion(const Field& c) {
  const auto leaf = hash_of(c["leafHash"]);
  const auto root = hash_of(c["root"]);
  const auto path = path_of(c["proof"]);
  if (!leaf || !root || !path) return false;
  return merkle::verify_inclusion(*leaf, c["leafIdx"].number(), c["treeSize"].number(), *path, *root);
}

bool accepts_consistency(const Field& c) {
  const auto path = path_of(c["proof"]);
  if (!path) return false;
  const std::uint64_t old_size = c["size1"].number();
  const std::uint64_t size = c["size2"].number();
  const auto old_root = hash_of(c["root1"]);
  const auto root = hash_of(c["root2"]);
  // Between equal sizes nothing is hashed, and some cases have words for roots: then the same words are the same root.
  if (!old_root || !root) return old_size == size && path->empty() && c["root1"].text() == c["root2"].text();
  return merkle::verify_consistency(old_size, size, *path, *old_root, *root);
}

std::string check_file(const std::string& path, bool inclusion) {
  const boost::json::value json = read_json(path);
  const Field c(json, "");
  const bool refuse = c["wantErr"].boolean();
  const bool accepted = inclusion ? accepts_inclusion(c) : accepts_consistency(c);
  if (accepted == refuse) {
    throw Mismatch(c["desc"].text() + ": expected the proof to be " + (refuse ? "refused" : "accepted") + ", it was " +
                   (accepted ? "accepted" : "refused"));
  }
  return refuse ? "refused as it must be" : "accepted";
}

}  // namespace
}  // namespace testamur::vectors

int main(int argc, char** argv) {
  constexpr std::string_view usage = "rfc6962_cases inclusion|consistency FILE...";
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const bool known = kind == "inclusion" || kind == "consistency";
  const auto files = known ? std::span(argv + 2, static_cast<std::size_t>(argc - 2)) : std::span<char*>{};
  return testamur::vectors::run_files(
      files, usage, [&](const std::string& path) { return testamur::vectors::check_file(path, kind == "inclusion"); });
}
