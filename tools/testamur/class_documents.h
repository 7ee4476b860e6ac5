// The documents of a class as they were read, on disk: in the order of their names or rows, and in that of their hashes.
#pragma once

#include "batch.h"
#include "scratch.h"

namespace testamur::tool {

struct ClassDocument {
  Hash document{};           ///< H(document)
  std::uint64_t row = 0;     ///< of the CSV, or the document's place among the names
  std::uint32_t column = 0;  ///< of the CSV: that names the document
  std::string name;          ///< as BatchDocument's
  std::string reference;     ///< of the row
};

Bytes encode(const ClassDocument& document);
ClassDocument decode_class_document(ByteView bytes);

class DocumentCursor {
 public:
  explicit DocumentCursor(RecordCursor records) : records_(std::move(records)) {}
  /// False: there are no more. Errors: storage.
  Result<bool> next(ClassDocument& document);

 private:
  RecordCursor records_;
};

class ClassDocuments {
 public:
  ClassDocuments() = default;
  /// With its files in the directory.
  explicit ClassDocuments(const std::string& directory);

  /// In the order of the class.
  void put(const ClassDocument& document);
  /// Once all are there. Calls for each that holds the same as one before it.
  using FoundAgain = std::function<void(const ClassDocument& first, const ClassDocument& again)>;
  Result<void> sort(const FoundAgain& found_again);

  std::uint64_t count() const { return count_; }
  DocumentCursor in_order() { return DocumentCursor(in_order_.read()); }
  /// Rising by hash; without references.
  DocumentCursor by_hash() { return DocumentCursor(by_hash_.read()); }
  /// Of the head and all hashes, rising.
  Result<Hash> hash_with(ByteView head);
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::uint64_t count_ = 0;
  RecordFile in_order_;
  RecordFile by_hash_;
  std::optional<RecordSorter> sorter_;
};

/// What a batch is recognised by: the same documents for the same register, whatever their order and salts.
Result<Hash> batch_id(const BatchHead& head, ClassDocuments& documents);

/// The class as a batch, document by document: in random order, or in its own, and with random salts where it is sealed.
using PutDocument = std::function<void(const BatchDocument& document)>;
Result<void> make_batch(ClassDocuments& documents, bool listed, bool keep_order, const PutDocument& put);

/// Told after each document, one call at a time, of how many.
using CountDocument = std::function<void(std::size_t total)>;

/// The path of a name below a directory, which may be the empty path; for a million of them.
std::string below(std::string_view directory, std::string_view name);

struct Unread {
  std::size_t index = 0;
  Error error;
};
using PathOf = std::function<std::string(std::size_t index)>;
/// Reads each document's file on as many threads as there are cores, one document in memory for each, and fills in its hash. The
/// value is those that could not be read, in the order of the documents.
std::vector<Unread> hash_documents(std::span<BatchDocument> documents, const PathOf& path_of,
                                   const CountDocument& count);

/// Hashes documents as they come, some thousands at a time, and hands them on in their order.
class HashingInOrder {
 public:
  /// `error`: why it could not be read.
  using Take = std::function<void(ClassDocument& document, const std::string& path, const Error* error)>;
  /// `total`: how many there will be.
  HashingInOrder(std::size_t total, const CountDocument& count, Take take);

  void put(ClassDocument document, std::string path);
  /// Of the last ones.
  void finish();

 private:
  std::size_t total_;
  const CountDocument& count_;
  Take take_;
  std::vector<ClassDocument> documents_;
  std::vector<std::string> paths_;
};

struct Documents {
  ClassDocuments documents;
  std::uint64_t hidden = 0;  ///< files left out because their names begin with a dot
};
/// Reads all documents of the files and directories, hidden files and `leave_out` left out. Errors name the file; invalid when two
/// hold the same document, or two share a name. Keeps them in `scratch`.
Result<Documents> read_documents(const std::vector<std::string>& paths, const std::string& leave_out,
                                 const std::string& scratch, const CountDocument& count);

}  // namespace testamur::tool
