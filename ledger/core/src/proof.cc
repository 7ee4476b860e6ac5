#include "testamur/ledger/proof.h"

#include <algorithm>

namespace testamur {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxPath = 64;

enum Evidence : std::uint8_t { kNone = 0, kFinal = 1, kSuspending = 2 };

void write(Writer& writer, const merkle::Path& path) {
  writer.u8(static_cast<std::uint8_t>(path.size()));
  for (const Hash& hash : path) writer.raw(hash);
}

merkle::Path read_path(Reader& reader, std::string_view field) {
  merkle::Path path(reader.u8_in(field, 0, kMaxPath));
  for (Hash& hash : path) hash = reader.hash(field);
  return path;
}

void write(Writer& writer, const EntryProof& entry) {
  writer.raw(entry.chunk);
  write(writer, entry.chunk_path);
  writer.u64(entry.statement_index.value).opaque16(encode(entry.statement));
  write(writer, entry.statement_path);
  writer.u8(entry.institution ? 1 : 0);
  if (entry.institution) {
    writer.u32(entry.institution->index).opaque24(encode(entry.institution->record));
    write(writer, entry.institution->path);
  }
  writer.u8(static_cast<std::uint8_t>(entry.evidence.index()));
  if (const auto* final_event = std::get_if<FinalEvent>(&entry.evidence)) {
    write(writer, final_event->event);
    write(writer, final_event->path);
  } else if (const auto* suspending = std::get_if<SuspendingEvents>(&entry.evidence)) {
    Writer events;
    for (const Event& event : suspending->events) write(events, event);
    write(writer, suspending->peaks);
    writer.opaque24(events.bytes());
  }
  writer.u8(entry.document ? 1 : 0);
  if (entry.document) {
    writer.opaque8(entry.document->salt ? ByteView{*entry.document->salt} : ByteView{});
    write(writer, entry.document->path);
  }
}

template <class T>
T read_record(Reader& reader, ByteView bytes, std::string_view field) {
  auto record = decode_record(bytes);
  const bool good = record && std::holds_alternative<T>(*record);
  reader.expect(good, field, record ? "a record of this type" : record.error().message);
  return good ? std::get<T>(std::move(*record)) : T{};
}

StatementLeaf read_statement(Reader& reader) {
  auto leaf = decode_statement_leaf(reader.opaque16("statement"));
  reader.expect(static_cast<bool>(leaf), "statement", leaf ? "" : leaf.error().message);
  return leaf ? std::move(*leaf) : StatementLeaf{};
}

SuspendingEvents read_suspending(Reader& reader) {
  SuspendingEvents suspending;
  suspending.peaks = read_path(reader, "events_before");
  Reader events(reader.opaque24("events", 1), "proof.events");
  while (events.ok() && !events.at_end()) suspending.events.push_back(read_event(events));
  if (const auto error = events.finish()) reader.expect(false, "events", "well-formed events; " + error->message);
  return suspending;
}

std::optional<DocumentProof> read_document(Reader& reader) {
  if (!reader.flag("has_document")) return std::nullopt;
  DocumentProof document;
  const ByteView salt = reader.opaque8("salt", 0, 32);
  reader.expect(salt.empty() || salt.size() == 32, "salt", "no bytes, or 32");
  if (salt.size() == 32) std::copy(salt.begin(), salt.end(), document.salt.emplace().begin());
  document.path = read_path(reader, "batch_path");
  return document;
}

EntryProof read_entry(Reader& reader) {
  EntryProof entry;
  entry.chunk = reader.fixed<32>("chunk");
  entry.chunk_path = read_path(reader, "chunk_path");
  entry.statement_index = LeafIndex{reader.u64("statement_index")};
  entry.statement = read_statement(reader);
  entry.statement_path = read_path(reader, "statement_path");
  if (reader.flag("has_institution")) {
    InstitutionProof institution;
    institution.index = reader.u32("institution_index");
    const ByteView bytes = reader.opaque24("institution", 1);
    institution.record = read_record<InstitutionRecord>(reader, bytes, "institution");
    institution.path = read_path(reader, "institution_path");
    entry.institution = std::move(institution);
  }
  switch (reader.u8_in("evidence", kNone, kSuspending)) {
    case kFinal: {
      FinalEvent final_event;
      final_event.event = read_event(reader);
      final_event.path = read_path(reader, "event_path");
      entry.evidence = std::move(final_event);
      break;
    }
    case kSuspending: entry.evidence = read_suspending(reader); break;
    default: break;
  }
  entry.document = read_document(reader);
  return entry;
}

}  // namespace

Bytes encode(const Proof& proof) {
  Writer writer;
  writer.u8(kVersion).raw(proof.ledger).u64(proof.number.value);
  writer.u64(proof.size).raw(proof.root).u32(proof.epoch);
  write(writer, proof.cosignatures);
  write(writer, proof.previous);
  write(writer, proof.block);
  write(writer, proof.block_path);
  writer.u8(proof.later ? 1 : 0);
  if (proof.later) {
    writer.u64(proof.later->index.value);
    write(writer, proof.later->record);
    write(writer, proof.later->path);
  }
  writer.u32(proof.register_index).opaque16(encode(proof.record));
  write(writer, proof.record_path);
  writer.u8(proof.entry ? 1 : 0);
  if (proof.entry) write(writer, *proof.entry);
  return std::move(writer).bytes();
}

Result<Proof> decode_proof(ByteView bytes) {
  if (bytes.size() > kMaxProofBytes) {
    return Error{ErrorCode::malformed,
                 "proof: expected 16 MiB at most, found " + std::to_string(bytes.size()) + " bytes"};
  }
  Proof proof;
  Reader reader(bytes, "proof");
  reader.u8_in("version", kVersion, kVersion);
  proof.ledger = reader.hash("ledger");
  proof.number = EntryNumber{reader.u64("number")};
  proof.size = reader.u64("size");
  proof.root = reader.hash("root");
  proof.epoch = reader.u32("epoch");
  proof.cosignatures = read_cosignatures(reader, "cosignatures");
  proof.previous = read_cosignatures(reader, "previous");
  proof.block = read_block_record(reader);
  proof.block_path = read_path(reader, "block_path");
  if (reader.flag("has_later")) {
    LaterBlock later;
    later.index = LeafIndex{reader.u64("later.index")};
    later.record = read_block_record(reader);
    later.path = read_path(reader, "later.path");
    proof.later = std::move(later);
  }
  proof.register_index = reader.u32("register_index");
  const ByteView record = reader.opaque16("register", 1);
  proof.record = read_record<RegisterRecord>(reader, record, "register");
  proof.record_path = read_path(reader, "register_path");
  if (reader.flag("issued")) proof.entry = read_entry(reader);
  if (auto error = reader.finish()) return *error;
  return proof;
}

}  // namespace testamur
