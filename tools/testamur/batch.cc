#include "batch.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <stdexcept>

#include <openssl/rand.h>

#include "files.h"
#include "testamur/credentials/document.h"
#include "testamur/ledger/alphabet.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "testamur-batch/v1\n";
constexpr std::size_t kMaxNameBytes = 4096;

struct Found {
  std::string path;
  std::string name;
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// Files below a directory, in the order of their names.
Result<void> list_directory(const std::string& root, const std::string& leave_out, std::vector<Found>& files,
                            std::uint64_t& hidden) {
  std::error_code error;
  fs::recursive_directory_iterator it(root, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const bool is_file = it->is_regular_file(ignored);
    const bool left_out = it->is_directory(ignored) && fs::equivalent(it->path(), leave_out, ignored);
    if (is_hidden(it->path()) || left_out) {
      if (!is_file) it.disable_recursion_pending();
      if (is_file) ++hidden;
      continue;
    }
    if (is_file) files.push_back({it->path().string(), fs::relative(it->path(), root, ignored).string()});
    if (files.size() > kMaxDocuments) {
      return Error{ErrorCode::invalid, root + ": expected " + std::to_string(kMaxDocuments) + " documents at most"};
    }
  }
  if (error) return Error{ErrorCode::storage, root + ": reading the directory failed: " + error.message()};
  return {};
}

Result<std::vector<Found>> list_files(const std::vector<std::string>& paths, const std::string& leave_out,
                                      std::uint64_t& hidden) {
  std::vector<Found> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      if (auto listed = list_directory(path, leave_out, files, hidden); !listed) return listed.error();
    } else {
      files.push_back({path, fs::path(path).filename().string()});
    }
  }
  std::sort(files.begin(), files.end(), [](const Found& a, const Found& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].name.size() > kMaxNameBytes)
      return Error{ErrorCode::invalid, files[i].path + ": expected a shorter name"};
    if (i > 0 && files[i].name == files[i - 1].name) {
      return Error{ErrorCode::invalid, "expected each name once, since proofs are named after documents; found " +
                                           files[i - 1].path + " and " + files[i].path};
    }
  }
  return files;
}

Result<void> check_no_duplicates(const std::vector<BatchDocument>& documents) {
  std::vector<std::size_t> order(documents.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return documents[a].document < documents[b].document; });
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

void random_bytes(std::uint8_t* out, std::size_t count) {
  if (RAND_priv_bytes(out, static_cast<int>(count)) != 1) throw std::runtime_error("the system's random source failed");
}

}  // namespace

Result<Documents> read_documents(const std::vector<std::string>& paths, const std::string& leave_out,
                                 const CountDocument& count) {
  Documents out;
  const auto files = list_files(paths, leave_out, out.hidden);
  if (!files) return files.error();
  if (files->empty()) return Error{ErrorCode::not_found, "expected one document at least, found none"};
  out.documents.reserve(files->size());
  for (const Found& file : *files) {
    const auto bytes = read_file(file.path, credentials::kMaxDocumentBytes);
    if (!bytes) return bytes.error();
    const auto document = credentials::read_document(*bytes);
    if (!document) return Error{document.error().code, file.path + ": " + document.error().message};
    out.documents.push_back({file.name, document->hash, {}});
    count();
  }
  if (auto checked = check_no_duplicates(out.documents); !checked) return checked.error();
  return out;
}

Hash batch_id(const Batch& batch) {
  std::vector<Hash> hashes;
  hashes.reserve(batch.documents.size());
  for (const BatchDocument& document : batch.documents) hashes.push_back(document.document);
  std::sort(hashes.begin(), hashes.end());
  Writer writer;
  writer.raw(as_bytes(kMagic))
      .raw(batch.ledger)
      .text(batch.in.institution)
      .text(batch.in.name)
      .u8(batch.listed ? 1 : 0);
  for (const Hash& hash : hashes) writer.raw(hash);
  return sha256(writer.bytes());
}

void add_salts(Batch& batch) {
  for (BatchDocument& document : batch.documents) random_bytes(document.salt.data(), document.salt.size());
}

void shuffle(Batch& batch) {
  std::random_device source;  // the system's: an order that could be guessed would tell names by their numbers
  std::shuffle(batch.documents.begin(), batch.documents.end(), source);
}

bool stays_below(std::string_view name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && name.find('\0') == name.npos &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Hash commitment_of(const BatchDocument& document, bool listed) {
  return listed ? document.document : sealed_commitment(document.salt, document.document);
}

Bytes encode(const Batch& batch) {
  Writer writer;
  writer.raw(as_bytes(kMagic))
      .raw(batch.ledger)
      .text(batch.in.institution)
      .text(batch.in.name)
      .u8(batch.listed ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(batch.documents.size()));
  for (const BatchDocument& document : batch.documents) {
    writer.raw(document.document).raw(document.salt).opaque16(as_bytes(document.name));
  }
  return std::move(writer).bytes();
}

Result<Batch> decode_batch(ByteView bytes) {
  Reader reader(bytes, "batch");
  Batch batch;
  reader.expect(as_text(reader.take("magic", kMagic.size())) == kMagic, "magic", "\"testamur-batch/v1\"");
  batch.ledger = reader.hash("ledger");
  batch.in.institution = reader.text("institution");
  batch.in.name = reader.text("register");
  reader.expect(is_institution_id(batch.in.institution) && is_register_name(batch.in.name), "register", "a register");
  batch.listed = reader.flag("listed");
  const std::uint32_t count = reader.u32("count");
  reader.expect(count >= 1 && count <= kMaxDocuments, "count", "1 to " + std::to_string(kMaxDocuments));
  for (std::uint32_t i = 0; reader.ok() && i < count; ++i) {
    BatchDocument document;
    document.document = reader.hash("document");
    document.salt = reader.hash("salt");
    document.name = std::string(as_text(reader.opaque16("name", 1, kMaxNameBytes)));
    reader.expect(stays_below(document.name), "name", "a relative name without \"..\"");
    batch.documents.push_back(std::move(document));
  }
  if (auto error = reader.finish()) return *error;
  return batch;
}

}  // namespace testamur::tool
