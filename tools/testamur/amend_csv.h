// Amendments as registrars have them: a CSV file, a row for each entry or range, and what came of it as another.
#pragma once

#include "amend.h"
#include "entry_keys.h"

namespace testamur::tool {

/// What a row names, in the order of CsvTable's columns.
enum AmendColumn : std::size_t {
  kNumberColumn,
  kReferenceColumn,
  kProofColumn,
  kFileColumn,
  kRegisterColumn,
  kReasonColumn,
  kEffectiveColumn,
  kByColumn
};
/// The table that these columns stand in.
CsvTable amend_table(const std::string& path);

struct AmendRow {
  enum class Outcome {
    not_done,
    done,
    already,  ///< the ledger showed it before anything was sent
    unknown,  ///< it may be recorded now, later, or never
  };

  std::size_t row = 0;      ///< as spreadsheets count
  std::string reference{};  ///< the office's own, where the CSV has it
  Change change;
  bool effective_given = false;
  Outcome outcome = Outcome::not_done;
  Time recorded_at{};  ///< of those that are done, and of those that were so before, as far as events show it
};
std::string_view name(AmendRow::Outcome outcome);
bool has_references(const std::vector<AmendRow>& rows);

/// How the rows of such a table name their entries.
EntryKeys amend_keys(const RegisterName& in, const Hash& ledger, const IssuedReferences& references);
/// Reads the rows in their order. What a row does not say is as the wish has it. The failure shows what is wrong by row and column.
std::optional<Failure> read_amend_csv(CsvTable& table, EntryKeys& keys, const AmendWish& wish, Time now,
                                      std::vector<AmendRow>& rows);

/// Writes number, reason, effective, by, outcome and recorded of each row, and its reference where there are some, in their order, for
/// its owner alone. It can be read back as a CSV of amendments.
Result<void> write_amend_result(const std::string& path, const std::vector<AmendRow>& rows);

}  // namespace testamur::tool
