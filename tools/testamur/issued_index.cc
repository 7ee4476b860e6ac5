#include "issued_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "files.h"
#include "testamur/ledger/alphabet.h"

namespace testamur::tool {
namespace {

constexpr std::string_view kMagic = "testamur-issued/v1\n";
constexpr std::uint64_t kEntryBytes = sizeof(Hash) + sizeof(std::uint64_t);
constexpr std::uint32_t kBlockEntries = 1024;
constexpr std::size_t kMaxHeadBytes = kMagic.size() + sizeof(Hash) + 2 * 256 + 4;

Bytes head_bytes(const Hash& ledger, const RegisterName& in, std::uint64_t count) {
  Writer head;
  head.raw(as_bytes(kMagic)).raw(ledger).text(in.institution).text(in.name).u32(static_cast<std::uint32_t>(count));
  return std::move(head).bytes();
}

Bytes encode(const NumberedDocument& entry) {
  return std::move(Writer().raw(entry.document).u64(entry.number.value)).bytes();
}

bool by_document(const NumberedDocument& a, const NumberedDocument& b) { return a.document < b.document; }

}  // namespace

Result<void> write_issued_index(const std::string& path, const Hash& ledger, const RegisterName& in,
                                std::vector<NumberedDocument> documents) {
  std::sort(documents.begin(), documents.end(), by_document);
  FileWriter file(path, 0600);
  file.put(head_bytes(ledger, in, documents.size()));
  for (const NumberedDocument& entry : documents) file.put(encode(entry));
  return file.finish(Existing::replace);
}

IssuedIndexWriter::IssuedIndexWriter(std::string path, const BatchHead& head, const std::string& scratch)
    : path_(std::move(path)), head_(head), documents_(scratch) {}

void IssuedIndexWriter::put(const NumberedDocument& document) { documents_.put(encode(document)); }

Result<void> IssuedIndexWriter::finish() {
  FileWriter file(path_, 0600);
  file.put(head_bytes(head_.ledger, head_.in, documents_.count()));
  for (ByteView record;;) {
    const auto more = documents_.next(record);  // as the entries are encoded, they rise by document
    if (!more) return more.error();
    if (!*more) return file.finish(Existing::replace);
    file.put(record);
  }
}

Result<void> erase_from_issued_index(const std::string& path, const Hash& document) {
  auto index = IssuedIndex::open(path);
  if (!index) return index.error();
  auto documents = index->all();
  if (!documents) return documents.error();
  if (std::erase_if(*documents, [&](const NumberedDocument& one) { return one.document == document; }) == 0) return {};
  return write_issued_index(path, index->ledger(), index->in(), std::move(*documents));
}

Result<IssuedIndex> IssuedIndex::open(const std::string& path) {
  IssuedIndex index;
  index.path_ = path;
  index.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (index.fd_ < 0) {
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::storage, path + ": opening failed"};
  }
  Bytes head(kMaxHeadBytes);
  const ssize_t got = ::pread(index.fd_, head.data(), head.size(), 0);
  Reader reader(ByteView(head).first(got < 0 ? 0 : static_cast<std::size_t>(got)), "issued index");
  reader.expect(as_text(reader.take("magic", kMagic.size())) == kMagic, "magic", "\"testamur-issued/v1\"");
  index.ledger_ = reader.hash("ledger");
  index.in_.institution = reader.text("institution");
  index.in_.name = reader.text("register");
  reader.expect(is_institution_id(index.in_.institution) && is_register_name(index.in_.name), "register", "a register");
  index.count_ = reader.u32("count");
  if (!reader.ok()) {
    const Error error = *reader.finish();
    return Error{error.code, path + ": " + error.message};
  }
  index.entries_at_ = kMagic.size() + sizeof(Hash) + 2 + index.in_.institution.size() + index.in_.name.size() + 4;
  struct stat status {};
  const std::uint64_t size = index.entries_at_ + index.count_ * kEntryBytes;
  if (::fstat(index.fd_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size) {
    return Error{ErrorCode::malformed, path + ": expected " + std::to_string(size) + " bytes"};
  }
  return index;
}

IssuedIndex::IssuedIndex(IssuedIndex&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      ledger_(other.ledger_),
      in_(std::move(other.in_)),
      count_(other.count_),
      entries_at_(other.entries_at_),
      block_(other.block_),
      held_(std::move(other.held_)) {}

IssuedIndex::~IssuedIndex() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint32_t IssuedIndex::blocks() const { return count_ / kBlockEntries + (count_ % kBlockEntries != 0 ? 1 : 0); }

Result<void> IssuedIndex::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
  if (got == static_cast<ssize_t>(out.size())) return {};
  return Error{ErrorCode::storage, path_ + ": reading failed"};
}

Result<void> IssuedIndex::load(std::uint32_t block) {
  const std::uint64_t first = std::uint64_t{block} * kBlockEntries;
  Bytes bytes(std::min<std::uint64_t>(kBlockEntries, count_ - first) * kEntryBytes);
  if (auto read = read_at(entries_at_ + first * kEntryBytes, bytes); !read) return read;
  Reader reader(bytes, "issued index");
  held_.clear();
  for (std::size_t i = 0; i < bytes.size() / kEntryBytes; ++i) {
    const Hash document = reader.hash("document");
    held_.push_back({document, EntryNumber{reader.u64("number")}});
  }
  if (!std::is_sorted(held_.begin(), held_.end(), by_document)) {
    return Error{ErrorCode::corrupt, path_ + ": expected entries that rise by document"};
  }
  block_ = block;
  return {};
}

Result<std::vector<NumberedDocument>> IssuedIndex::all() {
  std::vector<NumberedDocument> out;
  for (std::uint32_t block = 0; block < blocks(); ++block) {
    if (auto loaded = load(block); !loaded) return loaded.error();
    out.insert(out.end(), held_.begin(), held_.end());
  }
  return out;
}

Result<std::optional<EntryNumber>> IssuedIndex::find(const Hash& document) {
  if (count_ == 0) return std::optional<EntryNumber>();
  const bool held = block_ && held_.front().document <= document && document <= held_.back().document;
  if (!held) {
    // The last block whose first document is not above this one.
    std::uint32_t low = block_ && held_.front().document <= document ? *block_ : 0;
    for (std::uint32_t high = blocks(); high - low > 1;) {
      const std::uint32_t middle = low + (high - low) / 2;
      Hash first{};
      const std::uint64_t offset = entries_at_ + std::uint64_t{middle} * kBlockEntries * kEntryBytes;
      if (auto read = read_at(offset, first); !read) return read.error();
      (first <= document ? low : high) = middle;
    }
    if (block_ != low) {
      if (auto loaded = load(low); !loaded) return loaded.error();
    }
  }
  const auto at = std::lower_bound(held_.begin(), held_.end(), NumberedDocument{document, {}}, by_document);
  if (at == held_.end() || at->document != document) return std::optional<EntryNumber>();
  return std::optional(at->number);
}

}  // namespace testamur::tool
