#include "refresh.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "batch_tree.h"
#include "bundle.h"
#include "pending.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

Status status_of(const FreshProof& fresh) { return chunk_status(fresh.proof.entry->chunk, fresh.proof.number); }

/// A file keeps the rights it has.
unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777u : 0600u;
}

/// Several at once, each with a node to ask for itself.
class Workers {
 public:
  explicit Workers(const Reach& reach) {
    while (nodes_.size() < kRefreshCalls) {
      nodes_.push_back(std::make_unique<FreshProofs>(reach.nodes, reach.policy, reach.timeout_ms));
    }
  }

  /// Work for 0, 1, ... below `count`; back once all is done.
  using Work = std::function<void(FreshProofs& node, std::size_t index)>;
  void each(std::size_t count, const Work& work) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < std::min(count, nodes_.size()); ++i) {
      threads.emplace_back([&, i] {
        for (std::size_t index = next++; index < count; index = next++) work(*nodes_[i], index);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  std::vector<std::unique_ptr<FreshProofs>> nodes_;
};

class Refreshing {
 public:
  Refreshing(const Reach& reach, Context& context, RefreshReport& report)
      : policy_(reach.policy), workers_(reach), context_(context), report_(report) {}

  void run(const std::vector<std::string>& files) {
    std::vector<std::size_t> single;
    for (const std::string& path : files) {
      if (!is_bundle(path)) single.push_back(report_.files.size());
      report_.files.push_back({path, {}, {}, Verdict::good, 1, {}, 0});
    }
    run_single(single);
    for (RefreshReport::File& file : report_.files) {
      if (is_bundle(file.path)) file.failure = refresh_bundle(file);
      if (file.failure) {
        ++report_.failed;
        continue;
      }
      for (std::size_t i = 0; i < file.by_status.size(); ++i) report_.by_status[i] += file.by_status[i];
      report_.erased += file.erased;
    }
  }

 private:
  /// Entries of a bundle whose proofs are fetched in one go by one worker: a status chunk, which one proof serves where all are good.
  struct Segment {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::vector<std::pair<EntryNumber, Proof>> proofs{};
    std::array<std::uint64_t, 4> by_status{};
    std::uint64_t erased = 0;
    std::optional<Failure> failure{};
  };
  /// So many segments are in memory at once.
  static constexpr std::size_t kWindow = 256;

  void run_single(const std::vector<std::size_t>& files) {
    Progress progress(context_, "refreshing", files.size());
    std::mutex mutex;
    workers_.each(files.size(), [&](FreshProofs& node, std::size_t index) {
      RefreshReport::File& file = report_.files[files[index]];
      file.failure = refresh_file(file, node);
      const std::lock_guard lock(mutex);
      progress.advance();
    });
  }

  std::optional<Failure> check_ledger(const std::string& path, const Hash& ledger) const {
    if (ledger == policy_.ledger) return std::nullopt;
    return Failure{kFailed, "wrong_ledger", path + ": expected a proof of the policy's ledger, " + policy_.origin};
  }

  std::optional<Failure> refresh_file(RefreshReport::File& file, FreshProofs& node) const {
    const auto bytes = read_file(file.path, kMaxProofBytes);
    if (!bytes) return failure_of(bytes.error());
    const auto held = decode_proof(*bytes);
    if (!held) return Failure{kFailed, "malformed_proof", file.path + ": " + held.error().message};
    if (auto failure = check_ledger(file.path, held->ledger)) return failure;
    FreshWish wish{{{held->record.institution, held->record.name}, held->number}, {}, {}, {}, held->size};
    if (held->entry) {
      wish.tie = held->entry->document;
      wish.statement = held->entry->statement;
    }
    FreshProof fresh;
    if (auto failure = node.fetch(wish, context_.clock(), fresh)) return failure;
    // Through a link the file is replaced, not the link.
    std::error_code error;
    const fs::path real = fs::canonical(file.path, error);
    const std::string target = error ? file.path : real.string();
    if (auto written = write_file(target, encode(fresh.proof), Existing::replace, mode_of(target)); !written) {
      return failure_of(written.error());
    }
    file.entry = wish.entry;
    file.verdict = fresh.answer.verdict;
    ++file.by_status[static_cast<std::size_t>(status_of(fresh))];
    return std::nullopt;
  }

  std::optional<Failure> refresh_bundle(RefreshReport::File& file) {
    const auto bundle = read_bundle(file.path);
    if (!bundle) return failure_of(bundle.error());
    if (auto failure = check_ledger(file.path, bundle->header.ledger)) return failure;
    BundleWriter writer(file.path, bundle->header, bundle->documents);
    auto failure = fetch_bundle(*bundle, writer, file);
    if (!failure) {
      if (auto finished = writer.finish(); !finished) failure = failure_of(finished.error());
    }
    if (failure) {
      std::error_code ignored;
      fs::remove(file.path + ".partial", ignored);
      return failure;
    }
    file.entries = bundle->documents.size();
    return std::nullopt;
  }

  static std::vector<Segment> segments_of(const BundleHeader& header) {
    std::vector<Segment> out;
    for (std::uint32_t at = 0; at < header.count;) {
      const std::uint64_t left = kChunkEntries - (header.first.value + at) % kChunkEntries;
      const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(at + left, header.count));
      out.push_back({at, end});
      at = end;
    }
    return out;
  }

  std::optional<Failure> fetch_bundle(const Bundle& bundle, BundleWriter& writer, RefreshReport::File& file) {
    const BundleHeader& header = bundle.header;
    std::vector<Hash> commitments;
    commitments.reserve(bundle.documents.size());
    for (const BatchDocument& entry : bundle.documents) commitments.push_back(commitment_of(entry, header.listed));
    const BatchTree tree(commitments);
    std::vector<Segment> segments = segments_of(header);
    Progress progress(context_, "entries", header.count);
    for (std::size_t at = 0; at < segments.size(); at += kWindow) {
      const auto window = std::span(segments).subspan(at, std::min(kWindow, segments.size() - at));
      workers_.each(window.size(), [&](FreshProofs& node, std::size_t index) {
        window[index].failure = fetch_segment(bundle, tree, node, window[index]);
      });
      for (Segment& segment : window) {
        if (segment.failure) return segment.failure;
        for (const auto& [number, proof] : segment.proofs) writer.add(number, proof);
        for (std::size_t i = 0; i < file.by_status.size(); ++i) file.by_status[i] += segment.by_status[i];
        file.erased += segment.erased;
        progress.advance(segment.end - segment.first);
        segment.proofs = {};
      }
    }
    return std::nullopt;
  }

  /// One proof, and one more for each entry that the proof before it does not serve.
  std::optional<Failure> fetch_segment(const Bundle& bundle, const BatchTree& tree, FreshProofs& node,
                                       Segment& segment) const {
    const BundleHeader& header = bundle.header;
    const Proof* shared = nullptr;
    segment.proofs.reserve(segment.end - segment.first);  // what `shared` points to stays where it is
    for (std::uint32_t i = segment.first; i < segment.end; ++i) {
      const BatchDocument& entry = bundle.documents[i];
      if (entry.is_erased()) {
        ++segment.erased;
        continue;
      }
      if (shared != nullptr && serves(*shared, bundle.number(i))) {
        ++segment.by_status[static_cast<std::size_t>(Status::good)];
        continue;
      }
      const auto held = proof_in(bundle, i);
      if (!held) return failure_of(held.error());
      FreshWish wish{{header.in, bundle.number(i)}, entry.document, {}, held->entry->statement, held->size};
      wish.tie = document_proof(entry, header.listed, tree.path(i));
      FreshProof fresh;
      if (auto failure = node.fetch(wish, context_.clock(), fresh)) return failure;
      ++segment.by_status[static_cast<std::size_t>(status_of(fresh))];
      fresh.proof.entry->document.reset();
      segment.proofs.emplace_back(bundle.number(i), std::move(fresh.proof));
      shared = &segment.proofs.back().second;
    }
    return std::nullopt;
  }

  const Policy& policy_;
  Workers workers_;
  Context& context_;
  RefreshReport& report_;
};

}  // namespace

Result<std::vector<std::string>> list_proofs(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    fs::recursive_directory_iterator it(path, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      const std::string ending = it->path().extension().string();
      if (it->is_regular_file(ignored) && (ending == ".proof" || ending == ".bundle")) {
        out.push_back(it->path().string());
      }
    }
    if (error) return Error{ErrorCode::storage, path + ": reading the directory failed: " + error.message()};
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) return Error{ErrorCode::not_found, paths.front() + ": expected proofs or bundles, found none"};
  return out;
}

Result<std::vector<DirectoryLock>> lock_places(const std::vector<std::string>& paths,
                                               const std::vector<std::string>& files) {
  std::set<std::string> places;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    places.insert(fs::is_directory(real, error) ? real.string() : real.parent_path().string());
  }
  std::set<fs::path> seen;
  for (const std::string& file : files) {
    std::error_code error;
    fs::path above = fs::weakly_canonical(file, error).parent_path();
    for (; seen.insert(above).second; above = above.parent_path()) {
      if (keeps_classes(above.string())) places.insert(above.string());
    }
  }
  std::vector<DirectoryLock> out;
  for (const std::string& place : places) {
    if (!exists(place)) continue;  // which is told of the file
    auto lock = DirectoryLock::take(place);
    if (!lock) return lock.error();
    out.push_back(std::move(*lock));
  }
  return out;
}

void refresh(const std::vector<std::string>& files, const Reach& reach, Context& context, RefreshReport& report) {
  Refreshing(reach, context, report).run(files);
}

}  // namespace testamur::tool
