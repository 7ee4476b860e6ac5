// How far this node has cosigned, in a file of its own.
//
// A certificate of a head that it cosigned may be somewhere, so its operator must not take it back behind that head
// (return_to_certified). The promise in the log does not say so much: it is made for what was derived, cosigned or not. Hence this file,
// written before a signature leaves. A sync for each head would cost too much, so it is not synced: it outlives the process, not a
// machine that loses power. Therefore it names the boot of the machine that it was written in, or none once the node has ended as told
// and synced it. Read in another boot it says nothing of what came last, and what was promised counts as cosigned.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "testamur/store/ledger.h"

namespace testamur::node {

/// Another one each time the machine starts; empty where it is not known.
std::string boot_of_machine();

class Cosigned {
 public:
  /// Makes it where it is not there. `promised`: what the log holds. Errors: storage.
  static Result<std::unique_ptr<Cosigned>> open(const std::filesystem::path& path,
                                                const std::optional<CosignMemory>& promised,
                                                const std::string& boot = boot_of_machine());
  /// The node ends as told.
  ~Cosigned();
  Cosigned(const Cosigned&) = delete;
  Cosigned& operator=(const Cosigned&) = delete;

  /// Before a signature leaves. Errors: storage.
  Result<void> note(const Checkpoint& checkpoint);

  /// Of the newest head that was cosigned, or may have been; 0: none.
  std::uint64_t size() const { return size_; }
  /// It was cosigned for certain.
  bool is_certain() const { return certain_; }

 private:
  Cosigned(std::filesystem::path path, int file, const Hash& boot) : path_(std::move(path)), file_(file), boot_(boot) {}
  Result<void> write(const Hash& boot) const;
  Result<void> sync() const;
  Error failed(std::string_view what) const;

  const std::filesystem::path path_;
  const int file_;
  const Hash boot_;
  std::uint64_t size_ = 0;
  bool certain_ = true;
};

}  // namespace testamur::node
