// Which documents a class was: kept beside issued-ID.json, so that a document is not issued again by accident, and its number is found
// by its hash.
//
//   opaque magic[19] = "testamur-issued/v1\n";
//   opaque ledger[32]; Text institution; Text register; uint32 count;
//   struct { opaque document[32]; uint64 number; } entries[count];      rising by document
//
// H(document) and no names. The file is the owner's alone: whoever holds a document could tell from it that it was issued.
#pragma once

#include "batch.h"
#include "scratch.h"

namespace testamur::tool {

struct NumberedDocument {
  Hash document{};
  EntryNumber number;
};

/// Sorts, and writes and syncs the file.
Result<void> write_issued_index(const std::string& path, const Hash& ledger, const RegisterName& in,
                                std::vector<NumberedDocument> documents);
/// The same without holding more than a piece of them.
class IssuedIndexWriter {
 public:
  /// What is to be sorted lies in the directory `scratch` until it is.
  IssuedIndexWriter(std::string path, const BatchHead& head, const std::string& scratch);
  void put(const NumberedDocument& document);
  Result<void> finish();

 private:
  std::string path_;
  const BatchHead& head_;
  RecordSorter documents_;
};

/// Writes the file anew without this document; nothing happens where it is not in it. Errors: those of IssuedIndex.
Result<void> erase_from_issued_index(const std::string& path, const Hash& document);

/// Looks documents up without holding more than a block of the file. Hashes that are asked for in rising order are found with the
/// fewest reads.
class IssuedIndex {
 public:
  /// Errors: not_found, malformed, storage.
  static Result<IssuedIndex> open(const std::string& path);
  IssuedIndex(IssuedIndex&& other) noexcept;
  IssuedIndex& operator=(IssuedIndex&&) = delete;
  ~IssuedIndex();

  const RegisterName& in() const { return in_; }
  std::uint32_t count() const { return count_; }
  Result<std::optional<EntryNumber>> find(const Hash& document);
  /// All of them, in their order.
  Result<std::vector<NumberedDocument>> all();
  const Hash& ledger() const { return ledger_; }

 private:
  IssuedIndex() = default;
  std::uint32_t blocks() const;
  Result<void> load(std::uint32_t block);
  Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;

  std::string path_;
  int fd_ = -1;
  Hash ledger_{};
  RegisterName in_;
  std::uint32_t count_ = 0;
  std::uint64_t entries_at_ = 0;
  std::optional<std::uint32_t> block_;  ///< the one held
  std::vector<NumberedDocument> held_;
};

}  // namespace testamur::tool
