// Many amendments in as few statements as their format allows: looked at before anything is sent, so that what an earlier run did is
// left alone and what cannot be is told by row.
#pragma once

#include "amend_csv.h"

namespace testamur::tool {

/// The rule by which a row's replacement cannot be; others are about the row's entries.
inline constexpr std::string_view kBadReplacement = "bad_replacement";
/// Told of each row that cannot be, and by which rule.
using Complain = std::function<void(const AmendRow& row, std::string_view code, const std::string& message)>;
/// Compares the rows with how their entries stand, which proofs show. Rows that the ledger shows already become `already`.
std::optional<Failure> check_rows(const Complain& complain, const AmendWish& wish, const RegisterRecord& now,
                                  const std::vector<std::string>& nodes, const Policy& policy, Context& context,
                                  std::vector<AmendRow>& rows);

/// A statement, and which rows it is made of.
struct RowsStatement {
  Statement statement;
  std::vector<std::size_t> rows;
};
/// The statements for all rows that are not done, from `next_event` of the register on. Rows whose numbers follow one another and that
/// say the same are one change.
std::vector<RowsStatement> fold_rows(const AmendWish& wish, const Hash& ledger, std::uint64_t next_event, Time at,
                                     const std::vector<AmendRow>& rows);

/// The same for others to sign, as of a time: what has no other time takes effect then.
std::vector<StatementToSign> statements_to_sign(const AmendWish& wish, const Hash& ledger, std::uint64_t next_event,
                                                Time at, std::vector<AmendRow> rows);

/// Writes the statements for all rows that are not done to the wish's file, for others to sign.
std::optional<Failure> prepare_rows(const AmendWish& wish, const RegisterNow& now, const Policy& policy,
                                    Signers& signers, Context& context, const std::vector<AmendRow>& rows,
                                    Prepared& prepared);

/// Signs and hands in one statement after another, and says of each row what became of it. The first that fails ends it.
std::optional<Failure> record_rows(const std::vector<RowsStatement>& statements, const Signers& signers,
                                   NodeClient& node, const Policy& policy, Context& context, std::uint64_t timeout_ms,
                                   std::vector<AmendRow>& rows);

}  // namespace testamur::tool
