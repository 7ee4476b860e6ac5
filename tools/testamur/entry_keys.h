// How a row of a CSV names an entry: by its number, by the office's own reference, or by its proof.
#pragma once

#include <unordered_map>

#include "csv_table.h"

namespace testamur::tool {

/// Numbers by reference, as "testamur issue --result" and "testamur reissue --result" wrote them. An entry that such a file says was
/// replaced is no longer meant by its reference: the one in its place is.
class IssuedReferences {
 public:
  /// --issued. What is of other registers is left out.
  std::optional<Failure> read(const std::vector<std::string>& paths, const RegisterName& in);
  bool given() const { return given_; }
  /// Errors: not_found; conflict, of which none is in place of the others.
  Result<EntryNumber> find(const std::string& reference) const;

 private:
  std::optional<Failure> read_one(const std::string& path, const RegisterName& in);

  bool given_ = false;
  std::unordered_map<std::string, std::vector<EntryNumber>> numbers_;
  std::unordered_map<std::uint64_t, bool> replaced_;
};

/// What the columns of a table mean that name its entries; kNone: the table has no such column.
struct KeyColumns {
  std::size_t number = CsvTable::kNone;
  std::size_t reference = CsvTable::kNone;
  std::size_t proof = CsvTable::kNone;
  std::size_t file = CsvTable::kNone;         ///< a document's name, where the proof is a bundle
  std::size_t in_register = CsvTable::kNone;  ///< must be the register meant, where it is said
};

/// Reads the cells that name an entry. A number goes first, then a reference where --issued is given, then a proof file or a bundle.
class EntryKeys {
 public:
  EntryKeys(KeyColumns columns, RegisterName in, const Hash& ledger, const IssuedReferences& references)
      : columns_(columns), in_(std::move(in)), ledger_(ledger), references_(references) {}

  /// Whether the table, whose first row is read, has a column that can name an entry.
  bool can_name(const CsvTable& table) const;
  /// The column that a row's problems are told of.
  std::size_t telling_column(const CsvTable& table) const;
  /// Nothing where it is wrong, which is a problem of the table by then.
  std::optional<NumberRange> range_of(CsvTable& table, std::size_t row, const std::vector<std::string>& cells);

 private:
  struct Cells;
  std::optional<NumberRange> by_number(CsvTable& table, std::size_t row, const Cells& cells) const;
  Result<EntryNumber> number_of_proof(const std::string& path, const std::string& file);
  Result<EntryNumber> number_in_bundle(const std::string& path, const std::string& file);
  std::optional<Error> check_source(const std::string& path, const Hash& ledger, const RegisterName& in) const;

  KeyColumns columns_;
  RegisterName in_;
  Hash ledger_;
  const IssuedReferences& references_;
  std::unordered_map<std::string, std::unordered_map<std::string, EntryNumber>> bundles_;  ///< numbers by name, by path
};

}  // namespace testamur::tool
