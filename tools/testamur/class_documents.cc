#include "class_documents.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "files.h"
#include "testamur/credentials/document.h"
#include "testamur/ledger/sha256.h"

namespace testamur::tool {
namespace {

constexpr std::size_t kHashedAtOnce = 4096;

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
  RandomSource() = default;
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;
  ~RandomSource() { OPENSSL_cleanse(held_.data(), held_.size()); }

  template <std::size_t N>
  std::array<std::uint8_t, N> take() {
    if (held_.size() - used_ < N) {
      if (RAND_priv_bytes(held_.data(), static_cast<int>(held_.size())) != 1) {
        throw std::runtime_error("the system's random source failed");
      }
      used_ = 0;
    }
    std::array<std::uint8_t, N> out;
    std::copy_n(held_.begin() + static_cast<std::ptrdiff_t>(used_), N, out.begin());
    used_ += N;
    return out;
  }

 private:
  std::array<std::uint8_t, 16384> held_{};
  std::size_t used_ = held_.size();
};

}  // namespace

std::string below(std::string_view directory, std::string_view name) {
  std::string out;
  out.reserve(directory.size() + 1 + name.size());
  out += directory;
  if (!directory.empty() && !directory.ends_with('/')) out += '/';
  out += name;
  return out;
}

Bytes encode(const ClassDocument& document) {
  Writer writer;
  writer.raw(document.document).u64(document.row).u32(document.column).opaque16(as_bytes(document.name));
  writer.raw(as_bytes(document.reference));
  return std::move(writer).bytes();
}

ClassDocument decode_class_document(ByteView bytes) {
  ClassDocument document;
  Reader reader(bytes, "document");
  document.document = reader.hash("document");
  document.row = reader.u64("row");
  document.column = reader.u32("column");
  document.name = as_text(reader.opaque16("name"));
  document.reference = as_text(bytes.subspan(reader.offset()));
  return document;
}

Result<bool> DocumentCursor::next(ClassDocument& document) {
  ByteView record;
  const auto more = records_.next(record);
  if (!more || !*more) return more;
  document = decode_class_document(record);
  return true;
}

ClassDocuments::ClassDocuments(const std::string& directory)
    : directory_(directory), in_order_(directory), by_hash_(directory), sorter_(directory) {}

void ClassDocuments::put(const ClassDocument& document) {
  ++count_;
  in_order_.put(encode(document));
  sorter_->put(encode(ClassDocument{document.document, document.row, document.column, document.name, {}}));
}

Result<void> ClassDocuments::sort(const FoundAgain& found_again) {
  RecordFile sorted(directory_);
  Bytes first;
  for (ByteView record;;) {
    const auto more = sorter_->next(record);
    if (!more) return more.error();
    if (!*more) break;
    sorted.put(record);
    if (!first.empty() && std::equal(first.begin(), first.begin() + sizeof(Hash), record.begin())) {
      found_again(decode_class_document(first), decode_class_document(record));
    } else {
      first.assign(record.begin(), record.end());
    }
  }
  by_hash_ = std::move(sorted);
  sorter_.reset();
  return {};
}

Result<Hash> ClassDocuments::hash_with(ByteView head) {
  Sha256 hashing;
  hashing.add(head);
  RecordCursor cursor = by_hash_.read();
  for (ByteView record;;) {
    const auto more = cursor.next(record);
    if (!more) return more.error();
    if (!*more) return hashing.finish();
    hashing.add(record.first(sizeof(Hash)));
  }
}

Result<Hash> batch_id(const BatchHead& head, ClassDocuments& documents) {
  return documents.hash_with(encode_for_id(head));
}

Result<void> make_batch(ClassDocuments& documents, bool listed, bool keep_order, const PutDocument& put) {
  RandomSource random;
  // Random keys, sorted: an order that could be guessed would tell names by their numbers.
  RecordSorter shuffled(documents.directory());
  const auto put_salted = [&](const std::string& name, const Hash& document) {
    put({name, document, listed ? Salt{} : random.take<sizeof(Salt)>()});
  };
  DocumentCursor cursor = documents.in_order();
  for (ClassDocument document;;) {
    const auto more = cursor.next(document);
    if (!more) return more.error();
    if (!*more) break;
    if (keep_order) {
      put_salted(document.name, document.document);
      continue;
    }
    Writer record;
    record.raw(random.take<16>()).raw(document.document).raw(as_bytes(document.name));
    shuffled.put(record.bytes());
  }
  for (ByteView record;;) {
    const auto more = shuffled.next(record);
    if (!more) return more.error();
    if (!*more) return {};
    Reader reader(record, "document");
    reader.take("key", 16);
    const Hash document = reader.hash("document");
    put_salted(std::string(as_text(record.subspan(reader.offset()))), document);
  }
}

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

HashingInOrder::HashingInOrder(std::size_t total, const CountDocument& count, Take take)
    : total_(total), count_(count), take_(std::move(take)) {}

void HashingInOrder::put(ClassDocument document, std::string path) {
  documents_.push_back(std::move(document));
  paths_.push_back(std::move(path));
  if (documents_.size() == kHashedAtOnce) finish();
}

void HashingInOrder::finish() {
  std::vector<BatchDocument> hashed(documents_.size());
  const auto unread = hash_documents(
      hashed, [&](std::size_t i) { return paths_[i]; }, [&](std::size_t) { count_(total_); });
  auto failed = unread.begin();
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    documents_[i].document = hashed[i].document;
    const bool is_unread = failed != unread.end() && failed->index == i;
    take_(documents_[i], paths_[i], is_unread ? &failed->error : nullptr);
    if (is_unread) ++failed;
  }
  documents_.clear();
  paths_.clear();
}

}  // namespace testamur::tool
