#include "batch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "files.h"
#include "testamur/credentials/document.h"
#include "testamur/ledger/alphabet.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "testamur-batch/v1\n";
constexpr std::string_view kErasedMagic = "testamur-batch/v2\n";  ///< some entries are erased
constexpr std::size_t kMaxNameBytes = 4096;

/// A file below one of the paths given. A million of them are listed: the path is put together when it is read.
struct Found {
  std::uint32_t root = 0;  ///< index of the directory
  std::string name;
};
struct FoundFiles {
  std::vector<std::string> roots;
  std::vector<Found> files;

  std::string path(const Found& file) const { return (fs::path(roots[file.root]) / file.name).string(); }
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// Files below a directory. `root` is its index.
Result<void> list_directory(const std::string& path, std::uint32_t root, const std::string& leave_out,
                            std::vector<Found>& files, std::uint64_t& hidden) {
  std::error_code error;
  fs::recursive_directory_iterator it(path, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const bool is_file = it->is_regular_file(ignored);
    const bool left_out = it->is_directory(ignored) && fs::equivalent(it->path(), leave_out, ignored);
    if (is_hidden(it->path()) || left_out) {
      if (!is_file) it.disable_recursion_pending();
      if (is_file) ++hidden;
      continue;
    }
    if (is_file) files.push_back({root, it->path().lexically_relative(path).string()});
    if (files.size() > kMaxDocuments) {
      return Error{ErrorCode::invalid, path + ": expected " + std::to_string(kMaxDocuments) + " documents at most"};
    }
  }
  if (error) return Error{ErrorCode::storage, path + ": reading the directory failed: " + error.message()};
  return {};
}

/// All files, in the order of their names.
Result<FoundFiles> list_files(const std::vector<std::string>& paths, const std::string& leave_out,
                              std::uint64_t& hidden) {
  FoundFiles found;
  for (const std::string& path : paths) {
    std::error_code error;
    const auto root = static_cast<std::uint32_t>(found.roots.size());
    if (fs::is_directory(path, error)) {
      found.roots.push_back(path);
      if (auto listed = list_directory(path, root, leave_out, found.files, hidden); !listed) return listed.error();
    } else {
      found.roots.push_back(fs::path(path).parent_path().string());
      found.files.push_back({root, fs::path(path).filename().string()});
    }
  }
  std::vector<Found>& files = found.files;
  std::sort(files.begin(), files.end(), [](const Found& a, const Found& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].name.size() > kMaxNameBytes) {
      return Error{ErrorCode::invalid, found.path(files[i]) + ": expected a shorter name"};
    }
    if (i > 0 && files[i].name == files[i - 1].name) {
      return Error{ErrorCode::invalid, "expected each name once, since proofs are named after documents; found " +
                                           found.path(files[i - 1]) + " and " + found.path(files[i])};
    }
  }
  return found;
}

Result<void> check_no_duplicates(const std::vector<BatchDocument>& documents) {
  std::vector<std::uint32_t> order(documents.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return documents[a].document < documents[b].document; });
  std::string pairs;
  std::size_t count = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (documents[order[i]].document != documents[order[i - 1]].document) continue;
    if (++count <= 5) pairs += "\n  " + documents[order[i - 1]].name + " and " + documents[order[i]].name;
  }
  if (count == 0) return {};
  return Error{ErrorCode::invalid, "expected each document once in a class; these hold the same (" +
                                       std::to_string(count) + " in all):" + pairs};
}

/// What a batch says of itself before its documents.
Writer header_of(const Batch& batch, std::string_view magic) {
  Writer writer;
  writer.raw(as_bytes(magic)).raw(batch.ledger).text(batch.in.institution).text(batch.in.name).u8(batch.listed ? 1 : 0);
  return writer;
}

Result<Hash> hash_document(const std::string& path) {
  const auto bytes = read_file(path, credentials::kMaxDocumentBytes);
  if (!bytes) return bytes.error();
  const auto document = credentials::read_document(*bytes);
  if (!document) return Error{document.error().code, path + ": " + document.error().message};
  return document->hash;
}

/// The system's random bytes, fetched many at a time: a million salts and a million places in an order are drawn from it.
class RandomSource {
 public:
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT64_MAX; }

  RandomSource() = default;
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;
  ~RandomSource() { OPENSSL_cleanse(held_.data(), held_.size()); }

  void fill(std::span<std::uint8_t> out) {
    if (held_.size() - used_ < out.size()) {
      if (RAND_priv_bytes(held_.data(), static_cast<int>(held_.size())) != 1) {
        throw std::runtime_error("the system's random source failed");
      }
      used_ = 0;
    }
    std::copy_n(held_.begin() + static_cast<std::ptrdiff_t>(used_), out.size(), out.begin());
    used_ += out.size();
  }
  result_type operator()() {
    std::array<std::uint8_t, sizeof(result_type)> bytes{};
    fill(bytes);
    result_type out = 0;
    for (const std::uint8_t byte : bytes) out = out << 8 | byte;
    return out;
  }

 private:
  static constexpr std::size_t kStoreBytes = 16384;

  std::array<std::uint8_t, kStoreBytes> held_{};
  std::size_t used_ = kStoreBytes;
};

}  // namespace

std::vector<Unread> hash_documents(std::span<BatchDocument> documents, const PathOf& path_of,
                                   const CountDocument& count) {
  std::vector<Unread> unread;
  std::atomic<std::size_t> next{0};
  std::mutex telling;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < documents.size();) {
      const std::string path = path_of(i);
      auto hash = hash_document(path);
      if (hash) documents[i].document = *hash;
      const std::lock_guard lock(telling);
      if (!hash) unread.push_back({i, hash.error()});
      count(documents.size());
    }
  };
  const std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(threads, documents.size()); ++i) helpers.emplace_back(work);
    work();
  }
  std::sort(unread.begin(), unread.end(), [](const Unread& a, const Unread& b) { return a.index < b.index; });
  return unread;
}

Result<Documents> read_documents(const std::vector<std::string>& paths, const std::string& leave_out,
                                 const CountDocument& count) {
  Documents out;
  auto found = list_files(paths, leave_out, out.hidden);
  if (!found) return found.error();
  if (found->files.empty()) return Error{ErrorCode::not_found, "expected one document at least, found none"};
  out.documents.resize(found->files.size());
  std::vector<std::uint32_t> roots(found->files.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    roots[i] = found->files[i].root;
    out.documents[i].name = std::move(found->files[i].name);
  }
  found->files = {};
  const auto path_of = [&](std::size_t i) { return found->path({roots[i], out.documents[i].name}); };
  const auto unread = hash_documents(out.documents, path_of, count);
  if (!unread.empty()) {
    Error first = unread.front().error;
    if (unread.size() > 1) first.message += "; and " + std::to_string(unread.size() - 1) + " more that cannot be read";
    return first;
  }
  if (auto checked = check_no_duplicates(out.documents); !checked) return checked.error();
  return out;
}

Hash batch_id(const Batch& batch) {
  std::vector<Hash> hashes;
  hashes.reserve(batch.documents.size());
  for (const BatchDocument& document : batch.documents) hashes.push_back(document.document);
  std::sort(hashes.begin(), hashes.end());
  const std::span<const Hash> all(hashes);
  const Writer head = header_of(batch, kMagic);
  return sha256({head.bytes(), ByteView(reinterpret_cast<const std::uint8_t*>(all.data()), all.size_bytes())});
}

void add_salts(Batch& batch) {
  RandomSource source;
  for (BatchDocument& document : batch.documents) source.fill(document.salt);
}

void shuffle(Batch& batch) {
  RandomSource source;  // an order that could be guessed would tell names by their numbers
  std::shuffle(batch.documents.begin(), batch.documents.end(), source);
}

bool stays_below(std::string_view name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && name.find('\0') == name.npos &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Hash commitment_of(const BatchDocument& document, bool listed) {
  return listed || document.is_erased() ? document.document : sealed_commitment(document.salt, document.document);
}

void erase(BatchDocument& entry, bool listed) { entry = {{}, commitment_of(entry, listed), {}}; }

void encode(const Batch& batch, const std::function<void(ByteView)>& put) {
  const bool erased = std::any_of(batch.documents.begin(), batch.documents.end(),
                                  [](const BatchDocument& document) { return document.is_erased(); });
  Writer head = header_of(batch, erased ? kErasedMagic : kMagic);
  head.u32(static_cast<std::uint32_t>(batch.documents.size()));
  put(head.bytes());
  for (const BatchDocument& document : batch.documents) {
    Writer writer;
    writer.raw(document.document).raw(document.salt).opaque16(as_bytes(document.name));
    put(writer.bytes());
  }
}

Bytes encode(const Batch& batch) {
  Bytes out;
  encode(batch, [&](ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  return out;
}

Result<Batch> decode_batch(ByteView bytes) {
  Reader reader(bytes, "batch");
  Batch batch;
  const std::string_view magic = as_text(reader.take("magic", kMagic.size()));
  const bool erased = magic == kErasedMagic;
  reader.expect(erased || magic == kMagic, "magic", "\"testamur-batch/v1\" or v2");
  batch.ledger = reader.hash("ledger");
  batch.in.institution = reader.text("institution");
  batch.in.name = reader.text("register");
  reader.expect(is_institution_id(batch.in.institution) && is_register_name(batch.in.name), "register", "a register");
  batch.listed = reader.flag("listed");
  const std::uint32_t count = reader.u32("count");
  reader.expect(count >= 1 && count <= kMaxDocuments, "count", "1 to " + std::to_string(kMaxDocuments));
  // No entry is shorter than its hashes and a name of one byte.
  batch.documents.reserve(std::min<std::size_t>(reader.ok() ? count : 0, bytes.size() / (2 * sizeof(Hash) + 3)));
  for (std::uint32_t i = 0; reader.ok() && i < count; ++i) {
    BatchDocument document;
    document.document = reader.hash("document");
    document.salt = reader.hash("salt");
    document.name = std::string(as_text(reader.opaque16("name", erased ? 0 : 1, kMaxNameBytes)));
    reader.expect(document.is_erased() || stays_below(document.name), "name", "a relative name without \"..\"");
    batch.documents.push_back(std::move(document));
  }
  if (auto error = reader.finish()) return *error;
  return batch;
}

}  // namespace testamur::tool
