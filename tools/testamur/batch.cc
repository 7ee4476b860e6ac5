#include "batch.h"

#include <algorithm>
#include <filesystem>

#include "testamur/ledger/alphabet.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "testamur-batch/v1\n";
constexpr std::string_view kErasedMagic = "testamur-batch/v2\n";  ///< some entries are erased

Writer header_of(const BatchHead& head, std::string_view magic) {
  Writer writer;
  writer.raw(as_bytes(magic)).raw(head.ledger).text(head.in.institution).text(head.in.name).u8(head.listed ? 1 : 0);
  return writer;
}

}  // namespace

bool stays_below(std::string_view name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && name.find('\0') == name.npos &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Hash commitment_of(const BatchDocument& document, bool listed) {
  return listed || document.is_erased() ? document.document : sealed_commitment(document.salt, document.document);
}

void erase(BatchDocument& entry, bool listed) { entry = {{}, commitment_of(entry, listed), {}}; }

Bytes encode_for_id(const BatchHead& head) { return header_of(head, kMagic).bytes(); }

Bytes encode(const BatchHead& head, bool erased, std::uint32_t count) {
  return std::move(header_of(head, erased ? kErasedMagic : kMagic).u32(count)).bytes();
}

Bytes encode(const BatchDocument& document) {
  Writer writer;
  writer.raw(document.document).raw(document.salt).opaque16(as_bytes(document.name));
  return std::move(writer).bytes();
}

Bytes encode(const Batch& batch) {
  const bool erased = std::any_of(batch.documents.begin(), batch.documents.end(),
                                  [](const BatchDocument& document) { return document.is_erased(); });
  Bytes out = encode(batch, erased, static_cast<std::uint32_t>(batch.documents.size()));
  for (const BatchDocument& document : batch.documents) {
    const Bytes bytes = encode(document);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

BatchOpening read_batch_opening(Reader& reader) {
  BatchOpening out;
  const std::string_view magic = as_text(reader.take("magic", kMagic.size()));
  out.erased = magic == kErasedMagic;
  reader.expect(out.erased || magic == kMagic, "magic", "\"testamur-batch/v1\" or v2");
  out.head.ledger = reader.hash("ledger");
  out.head.in.institution = reader.text("institution");
  out.head.in.name = reader.text("register");
  reader.expect(is_institution_id(out.head.in.institution) && is_register_name(out.head.in.name), "register",
                "a register");
  out.head.listed = reader.flag("listed");
  out.count = reader.u32("count");
  reader.expect(out.count >= 1 && out.count <= kMaxDocuments, "count", "1 to " + std::to_string(kMaxDocuments));
  return out;
}

BatchDocument read_batch_document(Reader& reader, bool erased) {
  BatchDocument document;
  document.document = reader.hash("document");
  document.salt = reader.hash("salt");
  document.name = std::string(as_text(reader.opaque16("name", erased ? 0 : 1, kMaxNameBytes)));
  const bool no_name = erased && document.is_erased();
  reader.expect(no_name || stays_below(document.name), "name", "a relative name without \"..\"");
  return document;
}

Result<Batch> decode_batch(ByteView bytes) {
  Reader reader(bytes, "batch");
  const BatchOpening opening = read_batch_opening(reader);
  Batch batch{opening.head, {}};
  // No entry is shorter than its hashes and a name of one byte.
  batch.documents.reserve(
      std::min<std::size_t>(reader.ok() ? opening.count : 0, bytes.size() / (2 * sizeof(Hash) + 3)));
  for (std::uint32_t i = 0; reader.ok() && i < opening.count; ++i) {
    batch.documents.push_back(read_batch_document(reader, opening.erased));
  }
  if (auto error = reader.finish()) return *error;
  return batch;
}

}  // namespace testamur::tool
