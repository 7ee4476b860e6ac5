#include "bundle.h"

#include <algorithm>
#include <fstream>

#include "batch_tree.h"
#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/rules.h"

namespace testamur::tool {
namespace {

constexpr std::string_view kMagic = "testamur-bundle/v1\n";

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
  void skip(std::size_t count) {
    if (!error_) in_.seekg(static_cast<std::streamoff>(count), std::ios::cur);
  }
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

BundleHeader read_header(BundleReader& reader) {
  BundleHeader header;
  if (as_text(reader.take(kMagic.size())) != kMagic) reader.fail("a bundle, which begins with \"testamur-bundle/v1\"");
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

BatchDocument read_entry(BundleReader& reader) {
  BatchDocument entry;
  entry.document = reader.hash();
  entry.salt = reader.hash();
  entry.name = reader.text(2);
  if (!stays_below(entry.name)) reader.fail("relative names without \"..\"");
  return entry;
}

/// The last proof at or below the number.
Result<Proof> read_proof(BundleReader& reader, EntryNumber number) {
  const std::uint64_t count = reader.integer(4);
  Bytes held;
  for (std::uint64_t i = 0; i < count && !reader.error(); ++i) {
    const EntryNumber at{reader.integer(8)};
    const std::size_t size = reader.integer(3);
    if (at > number) break;
    held = reader.take(size);
  }
  if (reader.error()) return *reader.error();
  return decode_proof(held);
}

}  // namespace

BundleWriter::BundleWriter(std::string path, const BundleHeader& header, std::span<const BatchDocument> documents)
    : out_(std::move(path), 0600) {  // it holds salts
  Writer head;
  head.raw(as_bytes(kMagic)).raw(header.ledger).text(header.in.institution).text(header.in.name);
  head.u8(header.listed ? 1 : 0).u64(header.first.value).u32(header.count);
  out_.put(head.bytes());
  for (const BatchDocument& document : documents) {
    Writer entry;
    entry.raw(document.document).raw(document.salt).opaque16(as_bytes(document.name));
    out_.put(entry.bytes());
  }
  entries_end_ = out_.size();
  out_.put(Bytes(4));  // how many proofs, filled in at the end
}

void BundleWriter::add(EntryNumber number, const Proof& proof) {
  Writer writer;
  writer.u64(number.value).opaque24(encode(proof));
  out_.put(writer.bytes());
  ++proofs_;
}

Result<void> BundleWriter::finish() {
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

Result<BundledProof> extract(const std::string& path, const std::optional<Hash>& document, std::string_view name) {
  BundleReader reader(path);
  BundledProof out;
  out.header = read_header(reader);
  if (reader.error()) return *reader.error();
  std::optional<std::uint32_t> found;
  std::vector<Hash> commitments;
  commitments.reserve(out.header.count);
  for (std::uint32_t i = 0; i < out.header.count && !reader.error(); ++i) {
    BatchDocument entry = read_entry(reader);
    commitments.push_back(commitment_of(entry, out.header.listed));
    if (document ? entry.document != *document : entry.name != name) continue;
    found = i;
    out.document = std::move(entry);
  }
  if (reader.error()) return *reader.error();
  if (!found) {
    return Error{ErrorCode::not_found, path + ": expected an entry for " +
                                           (document ? to_hex(*document) : std::string(name)) + ", found none"};
  }
  out.number = EntryNumber{out.header.first.value + *found};
  auto held = read_proof(reader, out.number);
  if (!held) return Error{held.error().code, path + ": " + held.error().message};
  auto proof = held->number == out.number ? std::optional(std::move(*held)) : proof_for(*held, out.number);
  if (!proof || !proof->entry) {
    return Error{ErrorCode::malformed,
                 path + ": expected a proof that serves number " + std::to_string(out.number.value)};
  }
  out.proof = std::move(*proof);
  out.proof.entry->document = DocumentProof{out.header.listed ? std::nullopt : std::optional(out.document.salt),
                                            BatchTree(commitments).path(*found)};
  return out;
}

}  // namespace testamur::tool
