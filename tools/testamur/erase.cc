#include "erase.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "bundle.h"
#include "files.h"
#include "issued_index.h"
#include "old_file.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

/// Secrets as bytes and as hexadecimal digits.
class Traces {
 public:
  explicit Traces(std::initializer_list<Hash> secrets) {
    for (const Hash& secret : secrets) {
      const std::string hex = to_hex(secret);
      needles_.emplace_back(secret.begin(), secret.end());
      needles_.emplace_back(hex.begin(), hex.end());
    }
  }

  bool in(ByteView bytes) const {
    return std::any_of(needles_.begin(), needles_.end(), [&](const Bytes& needle) {
      return ::memmem(bytes.data(), bytes.size(), needle.data(), needle.size()) != nullptr;
    });
  }

  /// Reads the file block by block. Errors: storage.
  Result<bool> in_file(const std::string& path) const {
    constexpr std::size_t block = 1 << 20;
    constexpr std::size_t overlap = 2 * sizeof(Hash);
    std::ifstream in(path, std::ios::binary);
    Bytes held;
    while (in) {
      const std::size_t before = std::min(held.size(), overlap);
      std::copy(held.end() - static_cast<std::ptrdiff_t>(before), held.end(), held.begin());
      held.resize(before + block);
      in.read(reinterpret_cast<char*>(held.data() + before), block);
      held.resize(before + static_cast<std::size_t>(in.gcount()));
      if (this->in(held)) return true;
    }
    if (!in.eof()) return Error{ErrorCode::storage, path + ": reading failed, so nobody knows what it holds"};
    return false;
  }

 private:
  std::vector<Bytes> needles_;
};

bool is_proof_of(const std::string& path, const KeptEntry& entry) {
  const auto bytes = read_file(path, kMaxProofBytes);
  if (!bytes) return false;
  const auto proof = decode_proof(*bytes);
  return proof && proof->entry && proof->entry->document && proof->entry->document->salt == entry.document.salt;
}

/// Another class's index, of the same document issued again, is another entry's.
bool is_index_of(const std::string& path, const KeptEntry& entry) {
  auto index = IssuedIndex::open(path);
  if (!index || index->ledger() != entry.ledger || index->in() != entry.in) return false;
  const auto number = index->find(entry.document.document);
  return number && *number == entry.number;
}

Holder::Kind kind_of(const fs::path& path, const KeptEntry& entry) {
  const std::string name = path.filename().string();
  if (name.starts_with("pending-")) return Holder::Kind::pending;
  if (fs::is_symlink(path)) return Holder::Kind::other;
  if (is_proof_of(path.string(), entry)) return Holder::Kind::proof;
  if (is_index_of(path.string(), entry)) return Holder::Kind::index;
  // Another class may hold the same document under another salt: that is another entry.
  const auto has_salt = Traces({entry.document.salt}).in_file(path.string());
  if (!has_salt || !*has_salt) return Holder::Kind::other;
  if (is_bundle(path.string())) return Holder::Kind::bundle;
  return name.ends_with(".batch") ? Holder::Kind::batch : Holder::Kind::other;
}

void erase_among(std::vector<BatchDocument>& documents, const KeptEntry& entry) {
  for (BatchDocument& document : documents) {
    if (!document.is_erased() && document.salt == entry.document.salt) erase(document, false);
  }
}

Result<void> erase_from_bundle(const std::string& path, const KeptEntry& entry) {
  auto bundle = read_bundle(path);
  if (!bundle) return bundle.error();
  erase_among(bundle->documents, entry);
  OldFile old(path);
  if (auto opened = old.opened(); !opened) return opened;
  BundleWriter writer(path, bundle->header, bundle->documents);
  for (const Bundle::Held& held : bundle->proofs) {
    const auto proof = decode_proof(held.proof);
    if (!proof) return Error{proof.error().code, path + ": " + proof.error().message};
    writer.add(held.number, *proof);
  }
  if (auto finished = writer.finish(); !finished) return finished;
  return old.overwrite();
}

Result<void> erase_from_batch(const std::string& path, const KeptEntry& entry) {
  auto batch = read_batch_file(path);
  if (!batch) return batch.error();
  erase_among(batch->documents, entry);
  OldFile old(path);
  if (auto opened = old.opened(); !opened) return opened;
  if (auto written = write_file(path, encode(*batch), Existing::replace, 0600); !written) return written;
  return old.overwrite();
}

Result<void> erase_from_index(const std::string& path, const KeptEntry& entry) {
  OldFile old(path);
  if (auto opened = old.opened(); !opened) return opened;
  if (auto erased = erase_from_issued_index(path, entry.document.document); !erased) return erased;
  return old.overwrite();
}

Result<void> remove_proof(const std::string& path) {
  OldFile old(path);
  if (auto opened = old.opened(); !opened) return opened;
  std::error_code error;
  fs::remove(path, error);
  if (error) return Error{ErrorCode::storage, path + ": removing failed: " + error.message()};
  if (auto synced = sync_directory(fs::path(path).parent_path().string()); !synced) return synced;
  return old.overwrite();
}

}  // namespace

Result<std::vector<Holder>> find_holders(const std::string& directory, const KeptEntry& entry) {
  const Traces traces({entry.document.salt, entry.document.document});
  std::vector<Holder> out;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const auto found = traces.in_file(it->path().string());
    if (!found) return found.error();
    if (*found) out.push_back({it->path().string(), kind_of(it->path(), entry)});
  }
  if (error) return Error{ErrorCode::storage, directory + ": reading the directory failed: " + error.message()};
  std::sort(out.begin(), out.end(), [](const Holder& a, const Holder& b) { return a.path < b.path; });
  std::error_code ignored;
  std::stable_partition(out.begin(), out.end(),
                        [&](const Holder& holder) { return !fs::equivalent(holder.path, entry.source, ignored); });
  return out;
}

Result<void> erase_from(const Holder& holder, const KeptEntry& entry) {
  switch (holder.kind) {
    case Holder::Kind::proof: return remove_proof(holder.path);
    case Holder::Kind::bundle: return erase_from_bundle(holder.path, entry);
    case Holder::Kind::batch: return erase_from_batch(holder.path, entry);
    case Holder::Kind::index: return erase_from_index(holder.path, entry);
    case Holder::Kind::pending:
    case Holder::Kind::other: break;
  }
  return Error{ErrorCode::unsupported, holder.path + ": expected a proof, a bundle, a batch or an index"};
}

}  // namespace testamur::tool
