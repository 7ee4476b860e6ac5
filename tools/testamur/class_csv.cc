#include "class_csv.h"

#include <filesystem>

#include "files.h"
#include "files_by_reference.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 4096;

class ReadingClass {
 public:
  ReadingClass(const ClassCsvWish& wish, const std::vector<std::string>& directories, const std::string& scratch,
               const CountDocument& count, CsvClass& out)
      : directories_(directories),
        scratch_(scratch),
        home_(fs::path(wish.path).parent_path().string()),
        count_(count),
        out_(out),
        map_(wish.map),
        more_(wish.more),
        table_(wish.path, meanings(wish.more)),
        by_reference_(scratch),
        by_row_(scratch),
        by_name_(scratch) {}

  std::optional<Failure> run() {
    if (auto failure = table_.map(map_)) return failure;
    FilesByReference files(scratch_);
    if (auto listed = files.list(directories_); !listed) return failure_of(listed.error());
    if (auto failure = read_rows()) return failure;
    if (auto found = find_files(files); !found) return failure_of(found.error());
    if (auto hashed = hash(); !hashed) return failure_of(hashed.error());
    if (auto checked = check_doubles(); !checked) return failure_of(checked.error());
    if (auto failure = table_.problems()) return failure;
    out_.table = std::move(table_);
    return std::nullopt;
  }

 private:
  enum Meaning : std::size_t { kFile, kReference = kClassReference };  // of columns

  static std::vector<std::string> meanings(const MoreColumns& more) {
    std::vector<std::string> out = {"file", "reference"};
    out.insert(out.end(), more.meanings.begin(), more.meanings.end());
    return out;
  }

  std::optional<Failure> check_header() const {
    if (table_.has(kFile) || (table_.has(kReference) && !directories_.empty())) return std::nullopt;
    if (!table_.has(kReference)) {
      return table_.bad_header(
          "a column named \"file\" or \"reference\"; if they have other names here, give --map "
          "file=NAME or --map reference=NAME");
    }
    return Failure{kUsage, "usage",
                   "PATH: expected a directory in which the files are found by their references, since " +
                       table_.path() + " has no column " + in_quotes(table_.name(kFile))};
  }

  std::optional<Failure> read_rows() {
    if (auto failure = table_.open()) return failure;
    if (auto failure = check_header()) return failure;
    file_ = table_.column(kFile);
    reference_ = table_.column(kReference);
    return table_.each_row(kMaxDocuments, [&](std::size_t row, const auto& cells) {
      take_row(row, cells);
      if (more_.take) more_.take(table_, row, cells);
    });
  }

  void take_row(std::size_t number, const std::vector<std::string>& cells) {
    ReferredRow row{reference_ == CsvTable::kNone ? "" : cells[reference_], number, false, ""};
    if (reference_ != CsvTable::kNone && row.reference.empty())
      return table_.add_problem(number, reference_, "expected a reference, found an empty cell");
    if (file_ != CsvTable::kNone) row.file = cells[file_];
    if (row.file.empty()) {
      if (directories_.empty() || reference_ == CsvTable::kNone) {
        return table_.add_problem(number, file_, "expected a file, found an empty cell");
      }
      if (row.reference.find('/') != row.reference.npos || row.reference.starts_with('.')) {
        return table_.add_problem(
            number, reference_,
            "expected a reference that a file can be named after, found " + in_quotes(row.reference));
      }
      row.to_find = true;
    } else if (row.file.size() > kMaxFileBytes || !stays_below(row.file)) {
      return table_.add_problem(number, file_,
                                "expected a path below the CSV's directory, found " + in_quotes(row.file));
    }
    by_reference_.put(encode(row));
  }

  /// Goes through rows and files side by side, both in the order of the references; and finds references that are there again.
  Result<void> find_files(FilesByReference& files) {
    FilesByReference::Found found;
    std::string before;
    std::size_t first_row = 0;
    for (ByteView record;;) {
      const auto more = by_reference_.next(record);
      if (!more) return more.error();
      if (!*more) return {};
      const ReferredRow row = decode_referred_row(record);
      if (row.to_find) {
        if (auto looked = files.find(row.reference, found); !looked) return looked;
        if (!is_one(row, found)) continue;
      }
      if (reference_ != CsvTable::kNone && first_row != 0 && row.reference == before) {
        table_.add_problem(row.row, reference_,
                           "expected each reference once, found " + in_quotes(row.reference) + " in row " +
                               std::to_string(first_row) + " too");
      } else {
        before = row.reference;
        first_row = row.row;
      }
      put_found(row, found);
    }
  }

  bool is_one(const ReferredRow& row, const FilesByReference::Found& found) {
    if (found.count == 1) return true;
    const std::string expected = row.reference + ".*";
    if (found.count == 0) {
      table_.add_problem(row.row, reference_, "expected a file " + expected + " in the directories given, found none");
      return false;
    }
    table_.add_problem(row.row, reference_,
                       "expected one file " + expected + ", found " + std::to_string(found.count) + ": " +
                           found.names[0] + ", " + found.names[1] + (found.count > 2 ? ", ..." : ""));
    return false;
  }

  void put_found(const ReferredRow& row, const FilesByReference::Found& found) {
    const std::string& directory = row.to_find ? directories_[found.directory] : home_;
    const std::string& file = row.to_find ? found.names[0] : row.file;
    const std::string name = fs::path(file).lexically_normal().string();
    const std::size_t column = row.to_find ? reference_ : file_;
    Writer record;
    record.u64(row.row)
        .opaque16(as_bytes(directory))
        .raw(encode(ClassDocument{{}, row.row, static_cast<std::uint32_t>(column), name, row.reference}));
    by_row_.put(record.bytes());
  }

  Result<void> hash() {
    out_.documents = ClassDocuments(scratch_);
    HashingInOrder hashing(by_row_.count(), count_,
                           [&](ClassDocument& document, const std::string& path, const Error* error) {
                             take_hashed(document, path, error);
                           });
    for (ByteView record;;) {
      const auto more = by_row_.next(record);
      if (!more) return more.error();
      if (!*more) break;
      Reader reader(record, "row");
      reader.u64("row");
      const std::string_view directory = as_text(reader.opaque16("directory"));
      ClassDocument document = decode_class_document(record.subspan(reader.offset()));
      std::string path = below(directory, document.name);
      hashing.put(std::move(document), std::move(path));
    }
    hashing.finish();
    return {};
  }

  void take_hashed(const ClassDocument& document, const std::string& path, const Error* error) {
    if (error == nullptr) {
      out_.documents.put(document);
    } else {
      const bool missing = error->code == ErrorCode::not_found;
      table_.add_problem(document.row, document.column,
                         missing ? "expected a file " + path + ", found none" : error->message);
    }
    Writer record;
    record.raw(as_bytes(document.name)).u8(0).u64(document.row).u32(document.column).raw(document.document);
    by_name_.put(record.bytes());
  }

  Result<void> check_doubles() {
    const auto found_again = [&](const ClassDocument& first, const ClassDocument& again) {
      table_.add_problem(again.row, again.column,
                         "expected each document once, found that of row " + std::to_string(first.row) +
                             " again: " + first.name + " and " + again.name);
    };
    if (auto sorted = out_.documents.sort(found_again); !sorted) return sorted;
    return check_names();
  }

  Result<void> check_names() {
    std::string name;
    Hash document{};
    std::uint64_t first_row = 0;
    for (ByteView record;;) {
      const auto more = by_name_.next(record);
      if (!more) return more.error();
      if (!*more) return {};
      constexpr std::size_t numbers = 8 + 4 + sizeof(Hash);
      const std::string_view again = as_text(record.first(record.size() - numbers - 1));
      Reader reader(record.last(numbers), "row");
      const std::uint64_t row = reader.u64("row");
      const std::uint32_t column = reader.u32("column");
      const Hash of = reader.hash("document");
      if (first_row != 0 && again == name && of != document) {
        table_.add_problem(row, column,
                           "expected each name once, since proofs are named after documents; found " + name +
                               " in row " + std::to_string(first_row) + " too");
        continue;
      }
      name = again;
      document = of;
      first_row = row;
    }
  }

  const std::vector<std::string>& directories_;
  const std::string& scratch_;
  const std::string home_;  ///< the CSV's directory
  const CountDocument& count_;
  CsvClass& out_;
  const std::vector<std::string>& map_;
  const MoreColumns& more_;
  CsvTable table_;
  std::size_t file_ = CsvTable::kNone;  ///< columns
  std::size_t reference_ = CsvTable::kNone;
  RecordSorter by_reference_;  ///< rows
  RecordSorter by_row_;        ///< rows with their files
  RecordSorter by_name_;       ///< of files
};

/// What each row's number is found by, and found: asked for in the order of the hashes, which is the index's own; handed on in that of
/// the rows.
Result<void> find_numbers(ClassDocuments& documents, IssuedIndex& index, RecordSorter& by_row) {
  DocumentCursor cursor = documents.by_hash();
  for (ClassDocument document;;) {
    const auto more = cursor.next(document);
    if (!more) return more.error();
    if (!*more) return {};
    const auto number = index.find(document.document);
    if (!number) return number.error();
    Writer record;
    record.u64(document.row).u8(*number ? 1 : 0).u64(*number ? (*number)->value : 0);
    by_row.put(record.bytes());
  }
}

Result<std::optional<EntryNumber>> next_number(RecordSorter& by_row) {
  ByteView record;
  const auto more = by_row.next(record);
  if (!more) return more.error();
  Reader reader(record, "number");
  reader.u64("row");
  const bool found = reader.flag("found");
  const EntryNumber number{reader.u64("number")};
  return found ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<Failure> read_class_csv(const ClassCsvWish& wish, const std::vector<std::string>& directories,
                                      const std::string& scratch, const CountDocument& count, CsvClass& out) {
  return ReadingClass(wish, directories, scratch, count, out).run();
}

Result<void> write_class_result(const std::string& path, const RegisterName& in, ClassDocuments& documents,
                                IssuedIndex& index, const ProofPath& proof_of) {
  RecordSorter numbers(documents.directory());
  if (auto found = find_numbers(documents, index, numbers); !found) return found;
  FileWriter file(path, 0600);
  file.put(as_bytes("reference,file,number,proof,register\r\n"));
  std::string line;
  DocumentCursor cursor = documents.in_order();
  for (ClassDocument document;;) {
    const auto more = cursor.next(document);
    if (!more) return more.error();
    if (!*more) return file.finish(Existing::replace);
    const auto number = next_number(numbers);
    if (!number) return number.error();
    line.clear();
    put_cell(line, document.reference);
    line += ',';
    put_cell(line, document.name);
    line += ',';
    if (*number) line += std::to_string((*number)->value);
    line += ',';
    if (*number) put_cell(line, proof_of(**number, document.name));
    line += "," + format(in) + "\r\n";
    file.put(as_bytes(line));
  }
}

}  // namespace testamur::tool
