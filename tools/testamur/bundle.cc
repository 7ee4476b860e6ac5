#include "bundle.h"

#include <algorithm>
#include <fstream>

#include "batch_tree.h"
#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

constexpr std::string_view kMagic = "testamur-bundle/v1\n";
constexpr std::string_view kErasedMagic = "testamur-bundle/v2\n";  ///< some entries are erased

/// Reads a bundle front to back; the first thing that is wrong stays.
class BundleReader {
 public:
  explicit BundleReader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_) error_ = Error{ErrorCode::not_found, path + ": opening failed"};
  }

  Bytes take(std::size_t count) {
    Bytes bytes(count);
    if (error_) return bytes;
    in_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count));
    if (static_cast<std::size_t>(in_.gcount()) != count) fail("more bytes: the file ends early");
    return bytes;
  }
  std::uint64_t integer(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }
  Hash hash() {
    Hash out{};
    const Bytes bytes = take(out.size());
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }
  std::string text(std::size_t length_width) { return std::string(as_text(take(integer(length_width)))); }
  bool at_end() { return in_.peek() == std::ifstream::traits_type::eof(); }

  void fail(const std::string& expected) {
    if (!error_) error_ = Error{ErrorCode::malformed, path_ + ": expected " + expected};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string path_;
  std::ifstream in_;
  std::optional<Error> error_;
};

/// `erased`: entries may be.
BundleHeader read_header(BundleReader& reader, bool& erased) {
  BundleHeader header;
  const Bytes magic = reader.take(kMagic.size());
  erased = as_text(magic) == kErasedMagic;
  if (!erased && as_text(magic) != kMagic) reader.fail("a bundle, which begins with \"testamur-bundle/v1\" or v2");
  header.ledger = reader.hash();
  header.in.institution = reader.text(1);
  header.in.name = reader.text(1);
  const std::uint64_t listed = reader.integer(1);
  header.first = EntryNumber{reader.integer(8)};
  header.count = static_cast<std::uint32_t>(reader.integer(4));
  if (!is_institution_id(header.in.institution) || !is_register_name(header.in.name) || listed > 1) {
    reader.fail("a register's names");
  }
  if (header.count < 1 || header.count > kMaxBatch || header.first.value > UINT64_MAX - header.count) {
    reader.fail("a count of 1 to 2^20");
  }
  header.listed = listed == 1;
  return header;
}

BatchDocument read_entry(BundleReader& reader, bool erased) {
  BatchDocument entry;
  entry.document = reader.hash();
  entry.salt = reader.hash();
  entry.name = reader.text(2);
  if (!(erased && entry.is_erased()) && !stays_below(entry.name)) reader.fail("relative names without \"..\"");
  return entry;
}

}  // namespace

BundleWriter::BundleWriter(std::string path, const BundleHeader& header, bool erased)
    : out_(std::move(path), 0600) {  // it holds salts
  Writer head;
  head.raw(as_bytes(erased ? kErasedMagic : kMagic))
      .raw(header.ledger)
      .text(header.in.institution)
      .text(header.in.name);
  head.u8(header.listed ? 1 : 0).u64(header.first.value).u32(header.count);
  out_.put(head.bytes());
}

BundleWriter::BundleWriter(std::string path, const BundleHeader& header, std::span<const BatchDocument> documents)
    : BundleWriter(std::move(path), header,
                   std::any_of(documents.begin(), documents.end(),
                               [](const BatchDocument& document) { return document.is_erased(); })) {
  for (const BatchDocument& document : documents) add(document);
}

void BundleWriter::add(const BatchDocument& entry) { out_.put(encode(entry)); }

void BundleWriter::end_entries() {
  if (entries_end_ != 0) return;
  entries_end_ = out_.size();
  out_.put(Bytes(4));  // how many proofs, filled in at the end
}

void BundleWriter::add(EntryNumber number, const Proof& proof) {
  end_entries();
  Writer writer;
  writer.u64(number.value).opaque24(encode(proof));
  out_.put(writer.bytes());
  ++proofs_;
}

Result<void> BundleWriter::finish() {
  end_entries();
  Writer count;
  count.u32(proofs_);
  out_.put_at(entries_end_, count.bytes());
  return out_.finish(Existing::replace);
}

bool serves(const Proof& proof, EntryNumber number) {
  return proof.entry && proof.number.value / kChunkEntries == number.value / kChunkEntries &&
         std::holds_alternative<std::monostate>(proof.entry->evidence) && number.value < proof.record.issued &&
         chunk_status(proof.entry->chunk, number) == Status::good;
}

std::optional<Proof> proof_for(const Proof& proof, EntryNumber number) {
  if (!serves(proof, number)) return std::nullopt;
  Proof out = proof;
  out.number = number;
  return out;
}

bool is_bundle(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string magic(kMagic.size(), '\0');
  in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
  return in && (magic == kMagic || magic == kErasedMagic);
}

Result<Bundle> read_bundle(const std::string& path) {
  BundleReader reader(path);
  Bundle out;
  bool erased = false;
  out.header = read_header(reader, erased);
  for (std::uint32_t i = 0; i < out.header.count && !reader.error(); ++i) {
    out.documents.push_back(read_entry(reader, erased));
  }
  const std::uint64_t proofs = reader.error() ? 0 : reader.integer(4);
  for (std::uint64_t i = 0; i < proofs && !reader.error(); ++i) {
    const EntryNumber number{reader.integer(8)};
    if (i > 0 && number <= out.proofs.back().number) reader.fail("numbers that rise");
    out.proofs.push_back({number, reader.take(reader.integer(3))});
  }
  if (!reader.error() && !reader.at_end()) reader.fail("no bytes after the last proof");
  if (reader.error()) return *reader.error();
  return out;
}

Result<Proof> proof_in(const Bundle& bundle, std::size_t index) {
  const EntryNumber number = bundle.number(index);
  const auto none = [&] {
    return Error{ErrorCode::malformed, "expected a proof that serves number " + std::to_string(number.value)};
  };
  auto after = std::upper_bound(bundle.proofs.begin(), bundle.proofs.end(), number,
                                [](EntryNumber at, const Bundle::Held& held) { return at < held.number; });
  if (after == bundle.proofs.begin()) return none();
  auto held = decode_proof(std::prev(after)->proof);
  if (!held) return held.error();
  auto proof = held->number == number ? std::optional(std::move(*held)) : proof_for(*held, number);
  if (!proof || !proof->entry) return none();
  return std::move(*proof);
}

DocumentProof document_proof(const BatchDocument& document, bool listed, merkle::Path path) {
  return {listed ? std::nullopt : std::optional(document.salt), std::move(path)};
}

}  // namespace testamur::tool
