// Documents in place of others: the new ones are issued, and the old entries superseded by them, or revoked.
//
// They are statements of their own, since those that supersede name the numbers that the new documents got. The new documents come
// first, so that an entry is never left without what holds instead. What was cut off in between is finished by the same command: `issue`
// knows the class by the proofs directory, and how the old entries stand is looked up before anything is sent.
//
// For others to sign, all goes into one file: the numbers are those that follow in the register. Where others take them first, the
// class is refused, and what names its numbers is never handed in.
#pragma once

#include "amend_rows.h"
#include "issue.h"
#include "reach.h"

namespace testamur::tool {

struct ReissueWish {
  IssueWish issue;                  ///< the new documents: a CSV, or paths; `prepare` holds for all
  std::vector<EntryNumber> old;     ///< in the same register, of each path in their order; for a CSV its columns say it
  std::vector<std::string> issued;  ///< --issued, by which a CSV's references name the old entries
  Status status = Status::superseded;  ///< of the old entries: superseded by the new ones; or revoked, which names none
  std::uint8_t reason = 0;
  std::optional<Time> effective_at;  ///< nothing: now
  std::string result;                ///< where what came of it is written; empty: nowhere
};

/// A new document and the entry that it replaces.
struct Replacing {
  Hash document{};                    ///< H(document) of the new one
  std::string file;                   ///< its name
  std::optional<EntryNumber> number;  ///< of the new one, once it is known
  AmendRow old;                       ///< what is to become of the old one, and what became of it
};

struct ReissueReport {
  std::vector<Replacing> rows;  ///< in the order they were given in
  IssueReport issue;
  std::size_t statements = 0;  ///< that amend
  bool issued = false;         ///< the new documents are on the ledger
  bool done_before = false;    ///< an earlier run did it all
  std::optional<Prepared> prepared;
};

/// What is about to be done, which a person may stop.
using Confirm = std::function<bool(const ReissueReport& report)>;
/// `confirm` is asked once all is known to be possible, and before anything is sent.
std::optional<Failure> reissue(const ReissueWish& wish, Signers& signers, const Reach& reach, const Confirm& confirm,
                               Context& context, ReissueReport& report);
/// Checks all that can be checked without sending anything.
std::optional<Failure> check_reissue(const ReissueWish& wish, Signers& signers, const Reach& reach, Context& context,
                                     ReissueReport& report);

/// Writes reference, file, old, number, proof, register, outcome and recorded of each row, in their order, for its owner alone.
Result<void> write_reissue_result(const ReissueWish& wish, const ReissueReport& report);

}  // namespace testamur::tool
