// Issuing a class: documents in, certified and verified proofs out.
#pragma once

#include "batch_tree.h"
#include "class_csv.h"
#include "failure.h"
#include "pending.h"
#include "prepare.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {

struct IssueWish {
  RegisterName in;
  std::vector<std::string> paths;  ///< with a CSV: directories to find files in by their references
  ClassCsvWish csv;
  std::string proofs;   ///< directory
  std::string prepare;  ///< a file for others to sign, instead of handing anything in; empty: none
  bool listed = false;
  bool keep_order = false;
  bool again = false;                  ///< also documents that an earlier class in the proofs directory holds
  std::uint64_t timeout_ms = 120'000;  ///< without any progress
};

struct IssueReport {
  Issued issued;
  std::uint64_t hidden = 0;    ///< files left out because their names begin with a dot
  std::uint64_t not_good = 0;  ///< entries that were amended since
  bool resumed = false;        ///< begun by an earlier run
  bool done_before = false;    ///< an earlier run did it all
  std::uint64_t checked = 0;   ///< documents, by a run that sends nothing
  std::optional<Prepared> prepared;
};

/// A part of a class that one statement issues, on its way.
struct IssuePart {
  std::size_t index = 0;
  std::span<const BatchDocument> documents;
  std::vector<Hash> commitments;  ///< listed only: they are handed in
  BatchTree tree;
  EntryNumber first;  ///< known once it is recorded
};

/// Up to so many documents get a proof file each; more get a bundle.
inline constexpr std::size_t kMaxSingleProofs = 1000;

std::optional<Failure> issue(const IssueWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, IssueReport& report);

/// Checks all that can be checked without sending anything; of the register and the keys, where there is a node to ask.
std::optional<Failure> check_issue(const IssueWish& wish, Signers& signers, NodeClient* node, const Policy& policy,
                                   Context& context, IssueReport& report);

/// The class as one file of statements for others to sign. What is recorded already is left out; it may be all.
std::optional<Failure> prepare_class(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch,
                                     const Pending& pending, Signers& signers, Context& context, std::size_t parts,
                                     const std::function<IssuePart(std::size_t)>& part, Prepared& prepared);

/// The part's statement for others to sign, which begins at number `next` or after; nothing when it is recorded already.
std::optional<Failure> prepare_part(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch,
                                    const Pending& pending, Signers& signers, Context& context, IssuePart& part,
                                    std::uint64_t& next, std::optional<Statement>& statement, RegisterNow& now);

/// Sees to it that the part is on the ledger, certified: hands in the statement that is there already, or signs one.
std::optional<Failure> record_part(const IssueWish& wish, NodeClient& node, const Policy& policy, const Batch& batch,
                                   const Pending& pending, Signers& signers, Context& context, IssuePart& part);

/// Fetches the part's proofs, checks them, and writes them: one file each, or a bundle where `bundle` names it.
std::optional<Failure> collect_proofs(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context,
                                      const IssuePart& part, const std::string& bundle, std::uint64_t& not_good);

}  // namespace testamur::tool
