#include "class_csv.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "csv_table.h"
#include "files.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 4096;

/// The files of some directories, found by what their names begin with.
class Lookup {
 public:
  static Result<Lookup> in(const std::vector<std::string>& directories) {
    Lookup out;
    for (const std::string& directory : directories) {
      std::error_code error;
      for (fs::directory_iterator it(directory, error); !error && it != fs::directory_iterator(); it.increment(error)) {
        std::error_code ignored;
        if (it->is_regular_file(ignored)) out.files_.push_back({it->path().filename().string(), directory});
      }
      if (error) return Error{ErrorCode::storage, directory + ": reading the directory failed: " + error.message()};
    }
    std::sort(out.files_.begin(), out.files_.end());
    return out;
  }

  struct File {
    std::string name;
    std::string_view directory;  // of the list given
    bool operator<(const File& other) const { return name < other.name; }
  };
  /// REFERENCE.*
  std::span<const File> find(const std::string& reference) const {
    const std::string prefix = reference + ".";
    const auto first = std::lower_bound(files_.begin(), files_.end(), File{prefix, {}});
    const auto last =
        std::find_if(first, files_.end(), [&](const File& file) { return !file.name.starts_with(prefix); });
    return {first, last};
  }

 private:
  std::vector<File> files_;
};

class ReadingClass {
 public:
  ReadingClass(const ClassCsvWish& wish, const std::vector<std::string>& directories, CsvClass& out)
      : directories_(directories),
        home_(fs::path(wish.path).parent_path().string()),
        out_(out),
        map_(wish.map),
        more_(wish.more),
        table_(wish.path, meanings(wish.more)) {}

  std::optional<Failure> run(const CountDocument& count) {
    if (auto failure = table_.map(map_)) return failure;
    auto lookup = Lookup::in(directories_);
    if (!lookup) return failure_of(lookup.error());
    lookup_ = std::move(*lookup);
    if (auto failure = read_rows()) return failure;
    check_references();
    hash(count);
    check_doubles();
    if (auto failure = table_.problems()) return failure;
    keep_rows();
    return std::nullopt;
  }

 private:
  enum Meaning : std::size_t { kFile, kReference = kClassReference };  // of columns

  static std::vector<std::string> meanings(const MoreColumns& more) {
    std::vector<std::string> out = {"file", "reference"};
    out.insert(out.end(), more.meanings.begin(), more.meanings.end());
    return out;
  }

  struct Row {
    std::size_t number = 0;
    std::string reference;
    std::string_view directory;  ///< that the file is below
    std::size_t column = 0;      ///< that names the file
  };

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
    // A million rows are not copied as they come to be more: there are about as many as lines.
    rows_.reserve(std::min(table_.lines(), kMaxDocuments));
    out_.documents.reserve(std::min(table_.lines(), kMaxDocuments));
    return table_.each_row(kMaxDocuments, [&](std::size_t row, const auto& cells) {
      take_row(row, cells);
      if (more_.take) more_.take(table_, row, cells);
    });
  }

  void take_row(std::size_t number, const std::vector<std::string>& cells) {
    Row row{number, reference_ == CsvTable::kNone ? "" : cells[reference_], home_, file_};
    if (reference_ != CsvTable::kNone && row.reference.empty())
      return table_.add_problem(number, reference_, "expected a reference, found an empty cell");
    std::string file = file_ == CsvTable::kNone ? "" : cells[file_];
    if (file.empty()) {
      if (directories_.empty() || reference_ == CsvTable::kNone) {
        return table_.add_problem(number, file_, "expected a file, found an empty cell");
      }
      row.column = reference_;
      const auto found = find_by_reference(row);
      if (!found) return;
      file = *found;
    } else if (file.size() > kMaxFileBytes || !stays_below(file)) {
      return table_.add_problem(number, file_, "expected a path below the CSV's directory, found " + in_quotes(file));
    }
    out_.documents.push_back({fs::path(file).lexically_normal().string(), {}, {}});
    rows_.push_back(std::move(row));
  }

  std::optional<std::string> find_by_reference(Row& row) {
    const auto complain = [&](const std::string& message) {
      table_.add_problem(row.number, reference_, message);
      return std::nullopt;
    };
    if (row.reference.find('/') != row.reference.npos || row.reference.starts_with('.')) {
      return complain("expected a reference that a file can be named after, found " + in_quotes(row.reference));
    }
    const auto found = lookup_.find(row.reference);
    if (found.empty()) return complain("expected a file " + row.reference + ".* in the directories given, found none");
    if (found.size() > 1) {
      return complain("expected one file " + row.reference + ".*, found " + std::to_string(found.size()) + ": " +
                      found[0].name + ", " + found[1].name + (found.size() > 2 ? ", ..." : ""));
    }
    row.directory = found[0].directory;
    return found[0].name;
  }

  /// Rows that are alike by `key`, one after another and each group by row.
  template <class Less, class Equal>
  void each_double(const Less& less, const Equal& equal, const std::function<void(std::size_t, std::size_t)>& found) {
    std::vector<std::uint32_t> order(rows_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), less);
    for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
      if (equal(order[first], order[i])) {
        found(order[first], order[i]);
      } else {
        first = i;
      }
    }
  }

  void check_references() {
    if (reference_ == CsvTable::kNone) return;
    each_double([&](std::uint32_t a, std::uint32_t b) { return rows_[a].reference < rows_[b].reference; },
                [&](std::uint32_t a, std::uint32_t b) { return rows_[a].reference == rows_[b].reference; },
                [&](std::size_t first, std::size_t again) {
                  table_.add_problem(rows_[again].number, reference_,
                                     "expected each reference once, found " + in_quotes(rows_[again].reference) +
                                         " in row " + std::to_string(rows_[first].number) + " too");
                });
  }

  void hash(const CountDocument& count) {
    const auto path_of = [&](std::size_t i) {
      return (fs::path(rows_[i].directory) / out_.documents[i].name).string();
    };
    unread_.assign(rows_.size(), false);
    for (const Unread& unread : hash_documents(out_.documents, path_of, count)) {
      const bool missing = unread.error.code == ErrorCode::not_found;
      table_.add_problem(rows_[unread.index].number, rows_[unread.index].column,
                         missing ? "expected a file " + path_of(unread.index) + ", found none" : unread.error.message);
      unread_[unread.index] = true;
    }
  }

  void check_doubles() {
    const auto& documents = out_.documents;
    each_double([&](std::uint32_t a, std::uint32_t b) { return documents[a].document < documents[b].document; },
                [&](std::uint32_t a, std::uint32_t b) {
                  return !unread_[a] && !unread_[b] && documents[a].document == documents[b].document;
                },
                [&](std::size_t first, std::size_t again) {
                  table_.add_problem(rows_[again].number, rows_[again].column,
                                     "expected each document once, found that of row " +
                                         std::to_string(rows_[first].number) + " again: " + documents[first].name +
                                         " and " + documents[again].name);
                });
    each_double([&](std::uint32_t a, std::uint32_t b) { return documents[a].name < documents[b].name; },
                [&](std::uint32_t a, std::uint32_t b) {
                  return documents[a].name == documents[b].name && documents[a].document != documents[b].document;
                },
                [&](std::size_t first, std::size_t again) {
                  table_.add_problem(rows_[again].number, rows_[again].column,
                                     "expected each name once, since proofs are named after documents; found " +
                                         documents[again].name + " in row " + std::to_string(rows_[first].number) +
                                         " too");
                });
  }

  void keep_rows() {
    ClassRows& rows = out_.rows;
    rows.documents.reserve(rows_.size());
    rows.reference_sizes.reserve(rows_.size());
    rows.file_sizes.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      rows.documents.push_back(out_.documents[i].document);
      rows.text += rows_[i].reference;
      rows.text += out_.documents[i].name;
      rows.reference_sizes.push_back(static_cast<std::uint32_t>(rows_[i].reference.size()));
      rows.file_sizes.push_back(static_cast<std::uint32_t>(out_.documents[i].name.size()));
    }
    out_.table = std::move(table_);
  }

  const std::vector<std::string>& directories_;
  const std::string home_;  ///< the CSV's directory
  CsvClass& out_;
  const std::vector<std::string>& map_;
  const MoreColumns& more_;
  CsvTable table_;
  std::size_t file_ = CsvTable::kNone;  ///< columns
  std::size_t reference_ = CsvTable::kNone;
  Lookup lookup_;
  std::vector<Row> rows_;
  std::vector<bool> unread_;
};

/// The number of each row; asked for in the order of the hashes, which is the index's own.
Result<std::vector<std::optional<EntryNumber>>> numbers_of(const ClassRows& rows, IssuedIndex& index) {
  std::vector<std::uint32_t> order(rows.documents.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return rows.documents[a] < rows.documents[b]; });
  std::vector<std::optional<EntryNumber>> numbers(rows.documents.size());
  for (const std::uint32_t row : order) {
    const auto number = index.find(rows.documents[row]);
    if (!number) return number.error();
    numbers[row] = *number;
  }
  return numbers;
}

}  // namespace

std::optional<Failure> read_class_csv(const ClassCsvWish& wish, const std::vector<std::string>& directories,
                                      const CountDocument& count, CsvClass& out) {
  return ReadingClass(wish, directories, out).run(count);
}

void each_row(const ClassRows& rows, const std::function<void(std::size_t, std::string_view, std::string_view)>& use) {
  std::string_view text = rows.text;
  for (std::size_t i = 0; i < rows.documents.size(); ++i) {
    const std::string_view reference = text.substr(0, rows.reference_sizes[i]);
    const std::string_view name = text.substr(reference.size(), rows.file_sizes[i]);
    text.remove_prefix(reference.size() + name.size());
    use(i, reference, name);
  }
}

Result<void> write_class_result(const std::string& path, const RegisterName& in, const ClassRows& rows,
                                IssuedIndex& index, const ProofPath& proof_of) {
  const auto numbers = numbers_of(rows, index);
  if (!numbers) return numbers.error();
  FileWriter file(path, 0600);
  file.put(as_bytes("reference,file,number,proof,register\r\n"));
  std::string line;
  each_row(rows, [&](std::size_t i, std::string_view reference, std::string_view name) {
    line.clear();
    put_cell(line, reference);
    line += ',';
    put_cell(line, name);
    line += ',';
    if (const auto number = (*numbers)[i]) line += std::to_string(number->value);
    line += ',';
    if (const auto number = (*numbers)[i]) put_cell(line, proof_of(*number, name));
    line += "," + format(in) + "\r\n";
    file.put(as_bytes(line));
  });
  return file.finish(Existing::replace);
}

}  // namespace testamur::tool
