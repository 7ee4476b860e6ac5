#include "class_csv.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "csv.h"
#include "files.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCsvBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxProblems = 20;
constexpr std::size_t kMaxFileBytes = 4096;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text.substr(0, 100)) + "\""; }

/// What is wrong with a class, told together at the end: the first twenty by row and column.
class Problems {
 public:
  void add(std::size_t row, std::size_t column, std::string message) {
    ++count_;
    held_.push_back({row, column, std::move(message)});
    if (held_.size() >= 100 * kMaxProblems) trim();
  }
  bool empty() const { return count_ == 0; }

  Failure told(const std::string& path, const std::vector<std::string>& header) {
    trim();
    std::string message =
        path + ": " + std::to_string(count_) + (count_ == 1 ? " problem" : " problems") + "; nothing was sent";
    for (const Problem& problem : held_) {
      message += "\n  row " + std::to_string(problem.row);
      if (problem.column < header.size()) {
        message += ", column " + std::to_string(problem.column + 1) + " " + in_quotes(header[problem.column]);
      }
      message += ": " + problem.message;
    }
    if (count_ > held_.size()) message += "\n  and " + std::to_string(count_ - held_.size()) + " more";
    return {kFailed, "invalid", message};
  }

 private:
  struct Problem {
    std::size_t row = 0;
    std::size_t column = 0;
    std::string message;
  };
  void trim() {
    std::stable_sort(held_.begin(), held_.end(), [](const Problem& a, const Problem& b) {
      return std::pair(a.row, a.column) < std::pair(b.row, b.column);
    });
    if (held_.size() > kMaxProblems) held_.resize(kMaxProblems);
  }

  std::vector<Problem> held_;
  std::size_t count_ = 0;
};

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
      : wish_(wish), directories_(directories), home_(fs::path(wish.path).parent_path().string()), out_(out) {}

  std::optional<Failure> run(const CountDocument& count) {
    if (auto failure = read_map()) return failure;
    auto lookup = Lookup::in(directories_);
    if (!lookup) return failure_of(lookup.error());
    lookup_ = std::move(*lookup);
    if (auto failure = read_rows()) return failure;
    check_references();
    hash(count);
    check_doubles();
    if (!problems_.empty()) return problems_.told(wish_.path, header_);
    keep_rows();
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  struct Row {
    std::size_t number = 0;
    std::string reference;
    std::string_view directory;  ///< that the file is below
    std::size_t column = 0;      ///< that names the file
  };

  std::optional<Failure> read_map() {
    for (const std::string& text : wish_.map) {
      const std::size_t equals = text.find('=');
      const std::string which = text.substr(0, equals);
      if (equals == text.npos || equals + 1 == text.size() || (which != "file" && which != "reference")) {
        return Failure{kUsage, "usage", "--map: expected file=NAME or reference=NAME, found " + in_quotes(text)};
      }
      (which == "file" ? file_name_ : reference_name_) = text.substr(equals + 1);
      (which == "file" ? file_mapped_ : reference_mapped_) = true;
    }
    return std::nullopt;
  }

  Failure bad_header(const std::string& expected) const {
    std::string names;
    for (const std::string& name : header_) names += (names.empty() ? "" : ", ") + in_quotes(name);
    return {kFailed, "invalid", wish_.path + ": row 1: expected " + expected + "; found " + names};
  }

  std::optional<Failure> read_header(CsvReader& reader) {
    const auto read = reader.next(header_);
    if (!read) return Failure{kFailed, "malformed", wish_.path + ": " + read.error().message};
    if (!*read) return Failure{kFailed, "invalid", wish_.path + ": expected a first row that names the columns"};
    for (std::size_t i = 0; i < header_.size(); ++i) {
      std::size_t* column = header_[i] == file_name_ ? &file_ : header_[i] == reference_name_ ? &reference_ : nullptr;
      if (column == nullptr) continue;
      if (*column != kNone) return bad_header("one column named " + in_quotes(header_[i]));
      *column = i;
    }
    if (file_mapped_ && file_ == kNone) return bad_header("a column named " + in_quotes(file_name_));
    if (reference_mapped_ && reference_ == kNone) return bad_header("a column named " + in_quotes(reference_name_));
    if (file_ != kNone || (reference_ != kNone && !directories_.empty())) return std::nullopt;
    if (reference_ == kNone) {
      return bad_header(
          "a column named \"file\" or \"reference\"; if they have other names here, give --map "
          "file=NAME or --map reference=NAME");
    }
    return Failure{kUsage, "usage",
                   "PATH: expected a directory in which the files are found by their references, since " + wish_.path +
                       " has no column " + in_quotes(file_name_)};
  }

  std::optional<Failure> read_rows() {
    const auto text = read_text_file(wish_.path, kMaxCsvBytes);
    if (!text) return failure_of(text.error());
    CsvReader reader(*text);
    if (auto failure = read_header(reader)) return failure;
    // A million rows are not copied as they come to be more: there are about as many as lines.
    const auto lines = static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n'));
    rows_.reserve(std::min(lines, kMaxDocuments));
    out_.documents.reserve(std::min(lines, kMaxDocuments));
    std::vector<std::string> cells;
    for (;;) {
      const auto read = reader.next(cells);
      if (!read) return Failure{kFailed, "malformed", wish_.path + ": " + read.error().message};
      if (!*read) break;
      take_row(reader.row(), cells);
      if (rows_.size() > kMaxDocuments) {
        return Failure{kFailed, "invalid",
                       wish_.path + ": expected " + std::to_string(kMaxDocuments) + " rows at most"};
      }
    }
    if (rows_.empty() && problems_.empty()) {
      return Failure{kFailed, "not_found", wish_.path + ": expected one row at least below the first, found none"};
    }
    return std::nullopt;
  }

  void take_row(std::size_t number, const std::vector<std::string>& cells) {
    if (cells.size() != header_.size()) {
      problems_.add(number, kNone,
                    "expected " + std::to_string(header_.size()) + " cells as in the first row, found " +
                        std::to_string(cells.size()));
      return;
    }
    Row row{number, reference_ == kNone ? "" : cells[reference_], home_, file_};
    if (reference_ != kNone && row.reference.empty())
      return problems_.add(number, reference_, "expected a reference, found an empty cell");
    std::string file = file_ == kNone ? "" : cells[file_];
    if (file.empty()) {
      if (directories_.empty() || reference_ == kNone) {
        return problems_.add(number, file_, "expected a file, found an empty cell");
      }
      row.column = reference_;
      const auto found = find_by_reference(row);
      if (!found) return;
      file = *found;
    } else if (file.size() > kMaxFileBytes || !stays_below(file)) {
      return problems_.add(number, file_, "expected a path below the CSV's directory, found " + in_quotes(file));
    }
    out_.documents.push_back({fs::path(file).lexically_normal().string(), {}, {}});
    rows_.push_back(std::move(row));
  }

  std::optional<std::string> find_by_reference(Row& row) {
    const auto complain = [&](const std::string& message) {
      problems_.add(row.number, reference_, message);
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
    if (reference_ == kNone) return;
    each_double([&](std::uint32_t a, std::uint32_t b) { return rows_[a].reference < rows_[b].reference; },
                [&](std::uint32_t a, std::uint32_t b) { return rows_[a].reference == rows_[b].reference; },
                [&](std::size_t first, std::size_t again) {
                  problems_.add(rows_[again].number, reference_,
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
      problems_.add(rows_[unread.index].number, rows_[unread.index].column,
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
                  problems_.add(rows_[again].number, rows_[again].column,
                                "expected each document once, found that of row " +
                                    std::to_string(rows_[first].number) + " again: " + documents[first].name + " and " +
                                    documents[again].name);
                });
    each_double([&](std::uint32_t a, std::uint32_t b) { return documents[a].name < documents[b].name; },
                [&](std::uint32_t a, std::uint32_t b) {
                  return documents[a].name == documents[b].name && documents[a].document != documents[b].document;
                },
                [&](std::size_t first, std::size_t again) {
                  problems_.add(rows_[again].number, rows_[again].column,
                                "expected each name once, since proofs are named after documents; found " +
                                    documents[again].name + " in row " + std::to_string(rows_[first].number) + " too");
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
  }

  const ClassCsvWish& wish_;
  const std::vector<std::string>& directories_;
  const std::string home_;  ///< the CSV's directory
  CsvClass& out_;
  std::string file_name_ = "file";
  std::string reference_name_ = "reference";
  bool file_mapped_ = false;
  bool reference_mapped_ = false;
  std::vector<std::string> header_;
  std::size_t file_ = kNone;  ///< columns
  std::size_t reference_ = kNone;
  Lookup lookup_;
  std::vector<Row> rows_;
  std::vector<bool> unread_;
  Problems problems_;
};

void put_cell(std::string& line, std::string_view text) {
  if (text.find_first_of(",;\"\r\n") == text.npos) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) line += c == '"' ? std::string("\"\"") : std::string(1, c);
  line += '"';
}

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

Result<void> write_class_result(const std::string& path, const ClassRows& rows, IssuedIndex& index,
                                const ProofPath& proof_of) {
  const auto numbers = numbers_of(rows, index);
  if (!numbers) return numbers.error();
  FileWriter file(path, 0600);
  file.put(as_bytes("reference,file,number,proof\r\n"));
  std::string_view text = rows.text;
  std::string line;
  for (std::size_t i = 0; i < rows.documents.size(); ++i) {
    const std::string_view reference = text.substr(0, rows.reference_sizes[i]);
    const std::string_view name = text.substr(reference.size(), rows.file_sizes[i]);
    text.remove_prefix(reference.size() + name.size());
    line.clear();
    put_cell(line, reference);
    line += ',';
    put_cell(line, name);
    line += ',';
    if (const auto number = (*numbers)[i]) line += std::to_string(number->value);
    line += ',';
    if (const auto number = (*numbers)[i]) put_cell(line, proof_of(*number, name));
    line += "\r\n";
    file.put(as_bytes(line));
  }
  return file.finish(Existing::replace);
}

}  // namespace testamur::tool
