// A class as registrars have it: a CSV file, a row for each document, and what came of it as another.
//
// A row names a file, or a student's reference, by which the file is found, or both. All of it is checked before anything is sent,
// and what is wrong is told by row and column.
#pragma once

#include "csv_table.h"
#include "failure.h"
#include "issued_index.h"

namespace testamur::tool {

/// Columns that mean something to a command that reads more of a class than its documents.
struct MoreColumns {
  std::vector<std::string> meanings;  ///< in the table after "file" and "reference"
  /// Every row that has all its cells; says what is wrong with it to the table.
  std::function<void(CsvTable& table, std::size_t row, const std::vector<std::string>& cells)> take;
};
/// Of a class's own columns in its table.
inline constexpr std::size_t kClassReference = 1;
inline constexpr std::size_t kFirstMore = 2;

struct ClassCsvWish {
  std::string path;              ///< empty: no CSV
  std::vector<std::string> map;  ///< "file=Dokument": how the columns are named there
  std::string result;            ///< where what came of it is written; empty: nowhere
  MoreColumns more;
};

/// A row of the class; as text they lie one after another in memory, since there may be a million.
struct ClassRows {
  std::vector<Hash> documents;  ///< H(document)
  std::string text;             ///< reference and file of each row
  std::vector<std::uint32_t> reference_sizes;
  std::vector<std::uint32_t> file_sizes;
};

/// Calls with the reference and the file of each row, in their order.
void each_row(const ClassRows& rows,
              const std::function<void(std::size_t row, std::string_view reference, std::string_view file)>& use);

struct CsvClass {
  std::vector<BatchDocument> documents;  ///< in the order of the rows
  ClassRows rows;
  std::optional<CsvTable> table;  ///< for what turns out to be wrong later on
};

/// Reads the CSV and the documents that it names. Files are named from the CSV's directory; a row that has only a reference names the
/// one file REFERENCE.* in `directories`. The failure shows up to twenty things that are wrong, and how many there are.
std::optional<Failure> read_class_csv(const ClassCsvWish& wish, const std::vector<std::string>& directories,
                                      const CountDocument& count, CsvClass& out);

/// Where the proof of a number is, given the file that it is of.
using ProofPath = std::function<std::string(EntryNumber number, std::string_view file)>;
/// Writes reference, file, number, proof and register of each row, in the order of the rows; the owner's alone, since it ties people to
/// numbers.
/// Of a document that the index no longer holds, because it was erased, number and proof are empty.
Result<void> write_class_result(const std::string& path, const RegisterName& in, const ClassRows& rows,
                                IssuedIndex& index, const ProofPath& proof_of);

}  // namespace testamur::tool
