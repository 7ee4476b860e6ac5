#include "pending.h"

#include <algorithm>
#include <filesystem>

#include <boost/json.hpp>

#include "files.h"
#include "json_reading.h"
#include "testamur/ledger/leaf.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "pending-";
constexpr std::string_view kIssuedPrefix = "issued-";
constexpr std::string_view kBatchEnding = ".batch";
constexpr std::string_view kStatementEnding = ".statement";
constexpr std::string_view kPreparedEnding = ".prepared";
constexpr std::size_t kMaxPrepared = 1000;
/// 64 bytes of hashes and a name for each document.
constexpr std::size_t kMaxBatchBytes = std::size_t{4} << 30;

std::vector<std::string> names_in(const std::string& directory, std::string_view prefix = kPrefix) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(directory, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix)) out.push_back(name);
  }
  return out;
}

}  // namespace

bool keeps_classes(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator it(directory, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) || name.starts_with(kIssuedPrefix)) return true;
  }
  return false;
}

Result<Issued> read_issued(const std::string& path) {
  const auto text = read_text_file(path, 1 << 20);
  if (!text) return text.error();
  boost::json::error_code wrong;
  const auto value = boost::json::parse(*text, wrong);
  if (wrong || !value.is_object()) return Error{ErrorCode::malformed, path + ": expected a JSON object"};
  JsonErrors errors;
  JsonReader reader(value.get_object(), "issued", errors);
  Issued out;
  reader.expect(reader.integer("testamur_issued", 1) == 1, "testamur_issued", "1");
  const auto in = parse_register(reader.text("register"));
  reader.expect(static_cast<bool>(in), "register", "INSTITUTION/NAME");
  if (in) out.in = *in;
  for (JsonReader& part : reader.list("parts", kMaxDocuments)) {
    Issued::Part& held = out.parts.emplace_back();
    held.first = EntryNumber{part.integer("first", INT64_MAX)};
    held.count = static_cast<std::uint32_t>(part.integer("count", UINT32_MAX));
    held.bundle = part.text("bundle");
    part.finish();
  }
  reader.finish();
  if (errors.first()) return Error{errors.first()->code, path + ": " + errors.first()->message};
  return out;
}

Pending::Pending(const std::string& directory, const Hash& batch_id)
    : directory_(directory), id_(to_hex(ByteView(batch_id).first(8))), prefix_(std::string(kPrefix) + id_) {}

std::vector<std::string> Pending::others() const {
  std::vector<std::string> out;
  for (const std::string& name : names_in(directory_)) {
    if (name.ends_with(kBatchEnding) && !name.starts_with(prefix_)) out.push_back(directory_ + "/" + name);
  }
  return out;
}

bool Pending::is_there() const { return exists(directory_ + "/" + prefix_ + std::string(kBatchEnding)); }

Result<Batch> read_batch_file(const std::string& path) {
  const auto bytes = read_file(path, kMaxBatchBytes);
  if (!bytes) return bytes.error();
  auto batch = decode_batch(*bytes);
  if (!batch) return Error{batch.error().code, path + ": " + batch.error().message};
  return batch;
}

Result<Batch> Pending::load() const { return read_batch_file(directory_ + "/" + prefix_ + std::string(kBatchEnding)); }

Result<void> Pending::store(const Batch& batch) const {
  if (auto removed = remove_statements(); !removed) return removed;
  // Salts unlock what the ledger hides: the owner's eyes only.
  FileWriter file(directory_ + "/" + prefix_ + std::string(kBatchEnding), 0600);
  encode(batch, [&](ByteView bytes) { file.put(bytes); });
  return file.finish(Existing::refuse);
}

std::string Pending::statement_path(std::size_t part) const {
  return directory_ + "/" + prefix_ + "." + std::to_string(part) + std::string(kStatementEnding);
}

Result<std::optional<SignedStatement>> Pending::statement(std::size_t part) const {
  const std::string path = statement_path(part);
  if (!exists(path)) return std::optional<SignedStatement>();
  const auto bytes = read_file(path, kMaxLeafBytes);
  if (!bytes) return bytes.error();
  auto statement = decode_signed_statement(*bytes);
  if (!statement) return Error{statement.error().code, path + ": " + statement.error().message};
  return std::optional(std::move(*statement));
}

Result<void> Pending::store_statement(std::size_t part, const SignedStatement& statement) const {
  return write_file(statement_path(part), encode(statement), Existing::replace, 0600);
}

std::string Pending::prepared_path(std::size_t part) const {
  return directory_ + "/" + prefix_ + "." + std::to_string(part) + std::string(kPreparedEnding);
}

Result<std::vector<Bytes>> Pending::prepared(std::size_t part) const {
  std::vector<Bytes> out;
  const std::string path = prepared_path(part);
  if (!exists(path)) return out;
  const auto bytes = read_file(path, kMaxPrepared * kMaxLeafBytes);
  if (!bytes) return bytes.error();
  Reader reader(*bytes, "prepared");
  while (reader.ok() && !reader.at_end()) {
    const ByteView statement = reader.opaque16("statement", 1);
    out.emplace_back(statement.begin(), statement.end());
  }
  if (const auto error = reader.finish()) return Error{error->code, path + ": " + error->message};
  return out;
}

Result<void> Pending::store_prepared(std::size_t part, const std::vector<Bytes>& statements) const {
  if (statements.size() > kMaxPrepared) {
    return Error{ErrorCode::conflict, prepared_path(part) + ": expected to be prepared 1000 times at most"};
  }
  Writer writer;
  for (const Bytes& statement : statements) writer.opaque16(statement);
  return write_file(prepared_path(part), writer.bytes(), Existing::replace, 0600);
}

Result<void> Pending::remove_statements() const {
  for (const std::string& name : names_in(directory_)) {
    if (!name.starts_with(prefix_ + ".") || (!name.ends_with(kStatementEnding) && !name.ends_with(kPreparedEnding))) {
      continue;
    }
    std::error_code error;
    fs::remove(directory_ + "/" + name, error);
    if (error) return Error{ErrorCode::storage, directory_ + "/" + name + ": removing failed: " + error.message()};
  }
  return sync_directory(directory_);
}

std::string Pending::issued_path() const { return directory_ + "/" + std::string(kIssuedPrefix) + id_ + ".json"; }

Result<std::optional<Issued>> Pending::issued() const {
  if (!exists(issued_path())) return std::optional<Issued>();
  auto held = read_issued(issued_path());
  if (!held) return held.error();
  return std::optional(std::move(*held));
}

std::vector<std::string> Pending::others_named(std::string_view ending) const {
  std::vector<std::string> out;
  for (const std::string& name : names_in(directory_, kIssuedPrefix)) {
    if (name.ends_with(ending) && name != std::string(kIssuedPrefix) + id_ + std::string(ending)) {
      out.push_back(directory_ + "/" + name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string Pending::index_path() const { return directory_ + "/" + std::string(kIssuedPrefix) + id_ + ".index"; }

std::vector<std::string> Pending::other_indexes() const { return others_named(".index"); }

Result<std::vector<std::string>> Pending::other_bundles() const {
  std::vector<std::string> out;
  for (const std::string& path : others_named(".json")) {
    const auto issued = read_issued(path);
    if (!issued) return issued.error();
    for (const Issued::Part& part : issued->parts) out.push_back(part.bundle);
  }
  return out;
}

Result<void> Pending::finish(const Batch& batch, const Issued& issued) const {
  std::vector<NumberedDocument> numbered;
  numbered.reserve(batch.documents.size());
  for (const Issued::Part& part : issued.parts) {
    for (std::uint32_t i = 0; i < part.count; ++i) {
      numbered.push_back({batch.documents[numbered.size()].document, EntryNumber{part.first.value + i}});
    }
  }
  if (auto kept = write_issued_index(index_path(), batch.ledger, batch.in, std::move(numbered)); !kept) return kept;
  boost::json::array parts;
  for (const Issued::Part& part : issued.parts) {
    parts.push_back(boost::json::object{{"first", part.first.value}, {"count", part.count}, {"bundle", part.bundle}});
  }
  const boost::json::object record = {
      {"testamur_issued", 1}, {"register", format(batch.in)}, {"parts", std::move(parts)}};
  const std::string text = boost::json::serialize(record) + "\n";
  if (auto written = write_file(issued_path(), as_bytes(text), Existing::replace); !written) return written;
  const std::string pending = directory_ + "/" + prefix_ + std::string(kBatchEnding);
  const bool in_files = std::any_of(issued.parts.begin(), issued.parts.end(),
                                    [](const Issued::Part& part) { return part.bundle.empty(); });
  std::error_code ignored;
  if (in_files) {
    fs::rename(pending, directory_ + "/issued-" + id_ + std::string(kBatchEnding), ignored);
  } else {
    fs::remove(pending, ignored);
  }
  // A statement that stays is cleared by the next batch of its name, and never used without one.
  if (!ignored && sync_directory(directory_)) (void)remove_statements();
  return {};
}

std::uint64_t Issued::count() const {
  std::uint64_t total = 0;
  for (const Part& part : parts) total += part.count;
  return total;
}

}  // namespace testamur::tool
