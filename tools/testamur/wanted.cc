#include "wanted.h"

#include <algorithm>
#include <cstring>

#include <CLI/CLI.hpp>

#include "files.h"
#include "testamur/credentials/document.h"

namespace testamur::tool {
namespace {

Result<Hash> document_hash(const std::string& text) {
  if (!exists(text)) {
    if (const auto hash = hash_from_hex(text)) return *hash;
  }
  const auto file = read_file(text, credentials::kMaxDocumentBytes);
  if (!file) return file.error();
  const auto document = credentials::read_document(*file);
  if (!document) return Error{document.error().code, text + ": " + document.error().message};
  return document->hash;
}

bool overlap(const NumberRange& a, const NumberRange& b) {
  return a.first.value - b.first.value < b.count || b.first.value - a.first.value < a.count;
}

}  // namespace

void add_wanted_options(CLI::App& command, WantedWords& words) {
  command.add_option("DOCUMENT", words.documents, "Documents, or their hashes");
  command.add_option("--name", words.names, "A document by its name in the class; repeat it")->allow_extra_args(false);
  command.add_option("--number", words.numbers, "An entry by its number, or a range 42-57; repeat it")
      ->allow_extra_args(false);
}

Result<Wanted> Wanted::read(const WantedWords& words) {
  Wanted out;
  for (const std::string& text : words.documents) {
    const auto hash = document_hash(text);
    if (!hash) return hash.error();
    if (out.by_document_.emplace(*hash, out.items_.size()).second) out.items_.push_back({text});
  }
  for (const std::string& name : words.names) {
    if (name.empty()) return Error{ErrorCode::invalid, "--name: expected a name"};
    if (out.by_name_.emplace(name, out.items_.size()).second) out.items_.push_back({name});
  }
  for (const std::string& text : words.numbers) {
    const auto range = parse_range(text);
    if (!range) return Error{range.error().code, "--number: " + range.error().message};
    for (const auto& [other, item] : out.ranges_) {
      if (overlap(other, *range)) return Error{ErrorCode::invalid, "--number: expected each number once, " + text};
    }
    out.ranges_.emplace_back(*range, out.items_.size());
    out.items_.push_back({"number " + text, range->count});
  }
  if (out.items_.empty()) return Error{ErrorCode::invalid, "expected a DOCUMENT, a --name or a --number"};
  return out;
}

std::vector<std::size_t> Wanted::among(std::span<const BatchDocument> documents, EntryNumber first) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const BatchDocument& document = documents[i];
    const std::uint64_t number = first.value + i;
    bool meant = false;
    const auto count = [&](std::size_t item) {
      ++items_[item].found;
      meant = true;
    };
    if (!document.is_erased()) {
      if (const auto it = by_document_.find(document.document); it != by_document_.end()) count(it->second);
      if (const auto it = by_name_.find(document.name); it != by_name_.end()) count(it->second);
    }
    for (const auto& [range, item] : ranges_) {
      if (number - range.first.value < range.count) count(item);
    }
    if (meant) out.push_back(i);
  }
  return out;
}

std::vector<std::string> Wanted::missing() const {
  std::vector<std::string> out;
  for (const Item& item : items_) {
    if (item.found < item.expected) out.push_back(item.words);
  }
  return out;
}

std::vector<std::string> Wanted::doubled() const {
  std::vector<std::string> out;
  for (const Item& item : items_) {
    if (item.found > item.expected) out.push_back(item.words);
  }
  return out;
}

bool Wanted::leaves_out(const NumberRange& range) const {
  return by_document_.empty() && by_name_.empty() &&
         std::none_of(ranges_.begin(), ranges_.end(), [&](const auto& meant) { return overlap(meant.first, range); });
}

std::size_t Wanted::HashOf::operator()(const Hash& hash) const {
  std::size_t out = 0;  // any of its bytes are as good as random
  std::memcpy(&out, hash.data(), sizeof(out));
  return out;
}

}  // namespace testamur::tool
