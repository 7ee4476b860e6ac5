#include "kept.h"

#include <algorithm>
#include <filesystem>

#include "batch_tree.h"
#include "bundle.h"
#include "files.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

/// A class that was issued into the directory.
struct KeptClass {
  std::string record;  ///< issued-ID.json
  std::string batch;   ///< issued-ID.batch, which need not be there
  Issued issued;
};

Result<std::vector<KeptClass>> list_classes(const std::string& directory) {
  std::vector<KeptClass> out;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path path = it->path();
    if (!path.filename().string().starts_with("issued-") || path.extension() != ".json") continue;
    auto issued = read_issued(path.string());
    if (!issued) return issued.error();
    out.push_back({path.string(), fs::path(path).replace_extension(".batch").string(), std::move(*issued)});
  }
  if (error) return Error{ErrorCode::not_found, directory + ": reading the directory failed: " + error.message()};
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.record < b.record; });
  return out;
}

class Finding {
 public:
  Finding(const std::string& directory, Wanted& wanted, std::vector<KeptEntry>& entries)
      : directory_(directory), wanted_(wanted), entries_(entries) {}

  Result<void> look_into(const KeptClass& kept) {
    const auto left_out = [&](const Issued::Part& part) { return wanted_.leaves_out({part.first, part.count}); };
    if (std::all_of(kept.issued.parts.begin(), kept.issued.parts.end(), left_out)) return {};
    const bool in_files = kept.issued.parts.empty() || kept.issued.parts.front().bundle.empty();
    if (in_files) return look_into_batch(kept);
    for (const Issued::Part& part : kept.issued.parts) {
      if (left_out(part)) continue;
      const std::string path = directory_ + "/" + part.bundle;
      const auto bundle = read_bundle(path);
      if (!bundle && bundle.error().code == ErrorCode::not_found) {
        not_kept_.push_back(path);
        continue;
      }
      if (!bundle) return bundle.error();
      const BundleHeader& header = bundle->header;
      if (header.first != part.first || header.count != part.count || header.in != kept.issued.in) {
        return Error{ErrorCode::corrupt, path + ": expected the bundle that " + kept.record + " speaks of"};
      }
      if (auto taken =
              take({path, header.ledger, header.in, header.listed, {}, {}, {}, true}, bundle->documents, header.first);
          !taken) {
        return taken;
      }
    }
    return {};
  }

  /// Sources that would have been looked into, and are gone.
  const std::vector<std::string>& not_kept() const { return not_kept_; }

 private:
  Result<void> look_into_batch(const KeptClass& kept) {
    const auto batch = read_batch_file(kept.batch);
    if (!batch && batch.error().code == ErrorCode::not_found) {
      not_kept_.push_back(kept.batch);
      return {};
    }
    if (!batch) return batch.error();
    std::size_t at = 0;
    for (const Issued::Part& part : kept.issued.parts) {
      if (part.count > batch->documents.size() - at) break;
      const auto documents = std::span(batch->documents).subspan(at, part.count);
      at += part.count;
      if (auto taken =
              take({kept.batch, batch->ledger, batch->in, batch->listed, {}, {}, {}, false}, documents, part.first);
          !taken) {
        return taken;
      }
    }
    if (at != batch->documents.size() || batch->in != kept.issued.in) {
      return Error{ErrorCode::corrupt, kept.batch + ": expected the batch that " + kept.record + " speaks of"};
    }
    return {};
  }

  Result<void> take(KeptEntry of, std::span<const BatchDocument> documents, EntryNumber first) {
    const auto meant = wanted_.among(documents, first);
    if (meant.empty()) return {};
    if (entries_.size() + meant.size() > kMaxKeptEntries) {
      return Error{ErrorCode::invalid, "expected at most " + std::to_string(kMaxKeptEntries) + " entries at once"};
    }
    std::vector<Hash> commitments;
    commitments.reserve(documents.size());
    for (const BatchDocument& document : documents) commitments.push_back(commitment_of(document, of.listed));
    const BatchTree tree(commitments);
    for (const std::size_t index : meant) {
      of.number = EntryNumber{first.value + index};
      of.document = documents[index];
      of.path = tree.path(index);
      entries_.push_back(of);
    }
    return {};
  }

  const std::string& directory_;
  Wanted& wanted_;
  std::vector<KeptEntry>& entries_;
  std::vector<std::string> not_kept_;
};

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < 5; ++i) out += (out.empty() ? "" : ", ") + words[i];
  return words.size() > 5 ? out + " and " + std::to_string(words.size() - 5) + " more" : out;
}

}  // namespace

std::optional<Failure> find_kept(const std::string& directory, const std::optional<RegisterName>& in, Wanted& wanted,
                                 std::vector<KeptEntry>& entries) {
  auto classes = list_classes(directory);
  if (!classes) return failure_of(classes.error());
  if (in) std::erase_if(*classes, [&](const KeptClass& kept) { return kept.issued.in != *in; });
  const auto elsewhere = [&](const KeptClass& kept) { return kept.issued.in != classes->front().issued.in; };
  if (wanted.has_numbers() && std::any_of(classes->begin(), classes->end(), elsewhere)) {
    return Failure{kUsage, "usage", directory + " keeps classes of several registers: say which with --register"};
  }
  Finding finding(directory, wanted, entries);
  for (const KeptClass& kept : *classes) {
    if (auto looked = finding.look_into(kept); !looked) return failure_of(looked.error());
  }
  if (const auto missing = wanted.missing(); !missing.empty()) {
    std::string why;
    if (!finding.not_kept().empty()) {
      why = ". " + join(finding.not_kept()) +
            " is not there, with which a class could be looked into; what was not kept can only come back from a copy";
    }
    return Failure{kFailed, "not_found", directory + ": expected " + join(missing) + ", found none" + why};
  }
  if (const auto doubled = wanted.doubled(); !doubled.empty()) {
    return Failure{kFailed, "conflict",
                   directory + ": found " + join(doubled) + " more than once: say which with --register and --number"};
  }
  return std::nullopt;
}

}  // namespace testamur::tool
