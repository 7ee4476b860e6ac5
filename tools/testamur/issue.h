// Issuing a class: documents in, certified and verified proofs out.
#pragma once

#include "batch_part.h"
#include "class_csv.h"
#include "failure.h"
#include "files.h"
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

/// A class as it was read.
struct ClassRead {
  BatchHead head;
  ClassDocuments documents;
  Hash id{};  ///< of the batch that it makes
  std::optional<CsvTable> table;
  std::uint64_t hidden = 0;  ///< files left out because their names begin with a dot
};

/// A class that is put up for others to sign.
struct PutUp {
  std::vector<StatementToSign> statements;  ///< of what is not recorded yet; it may be none
  std::uint64_t entries = 0;                ///< that they issue
  std::string batch;                        ///< the file of all documents
  std::vector<Issued::Part> parts;          ///< of it all: recorded, or to be
  EntryNumber first;                        ///< of what the statements issue
  RegisterNow now;
};

struct IssueReport {
  Issued issued;
  std::uint64_t hidden = 0;    ///< files left out because their names begin with a dot
  std::uint64_t not_good = 0;  ///< entries that were amended since
  bool resumed = false;        ///< begun by an earlier run
  bool done_before = false;    ///< an earlier run did it all
  std::uint64_t checked = 0;   ///< documents, by a run that sends nothing
  std::optional<PutUp> put_up;
  std::optional<Prepared> prepared;
  std::string index;  ///< of the class's documents and numbers, once it is issued
};

/// A part of a class that one statement issues, on its way.
struct IssuePart {
  std::size_t index = 0;
  BatchPart documents;
  std::vector<Hash> commitments;  ///< listed only: they are handed in
  EntryNumber first;              ///< known once it is recorded
};

/// Up to so many documents get a proof file each; more get a bundle.
inline constexpr std::size_t kMaxSingleProofs = 1000;

std::optional<Failure> issue(const IssueWish& wish, Signers& signers, NodeClient& node, const Policy& policy,
                             Context& context, IssueReport& report);

/// Makes the directory where it is not there, and works in it alone.
Result<DirectoryLock> lock_proofs(const std::string& directory);
/// Where the proof of an entry of a class is: a file beside the name of its document, or a bundle.
std::string proof_path(const std::string& proofs, const Issued& issued, EntryNumber number, std::string_view file);
/// Reads and hashes the documents.
std::optional<Failure> read_class(const IssueWish& wish, const Hash& ledger, Context& context, ClassRead& read);
/// A class that was read, in a proofs directory that is locked; where it is to be prepared, puts it up and leaves the writing to others.
std::optional<Failure> issue_class(const IssueWish& wish, ClassRead& read, Signers& signers, NodeClient& node,
                                   const Policy& policy, Context& context, IssueReport& report);
/// What stands in the way of issuing this class into this directory. Sends nothing.
std::optional<Failure> check_class(const IssueWish& wish, ClassRead& read, IssueReport& report);
/// The number of each document by H(document), rising, where the ledger holds the whole class already; else none. Sends nothing.
std::optional<Failure> find_numbers(const IssueWish& wish, const Hash& batch_id, Signers& signers, NodeClient& node,
                                    const Policy& policy, Context& context, std::vector<NumberedDocument>& numbers);

/// The numbers of documents of a batch's file, rising by H(document), given its parts or the first of them.
Result<std::vector<NumberedDocument>> read_numbers(BatchFile& batch, std::span<const Issued::Part> parts);

/// Checks all that can be checked without sending anything; of the register and the keys, where there is a node to ask.
std::optional<Failure> check_issue(const IssueWish& wish, Signers& signers, NodeClient* node, const Policy& policy,
                                   Context& context, IssueReport& report);

/// The class as statements for others to sign. What is recorded already is left out; it may be all.
std::optional<Failure> prepare_class(const IssueWish& wish, NodeClient& node, const Policy& policy, BatchFile& batch,
                                     const Pending& pending, Signers& signers, Context& context, PutUp& put_up);
/// The batch's part at which the file is.
Result<IssuePart> next_part(BatchFile& batch, std::size_t index);
std::size_t parts_of(bool listed, std::uint64_t documents);

/// The part's statement for others to sign, which begins at number `next` or after; nothing when it is recorded already.
std::optional<Failure> prepare_part(const IssueWish& wish, NodeClient& node, const Policy& policy,
                                    const BatchHead& batch, const Pending& pending, Signers& signers, Context& context,
                                    IssuePart& part, std::uint64_t& next, std::optional<Statement>& statement,
                                    RegisterNow& now);

/// Whether the ledger holds the part already, which then has its number. Sends nothing.
std::optional<Failure> find_part(const IssueWish& wish, NodeClient& node, const Policy& policy, const BatchHead& batch,
                                 const Pending& pending, Signers& signers, Context& context, IssuePart& part,
                                 bool& found);

/// Sees to it that the part is on the ledger, certified: hands in the statement that is there already, or signs one.
std::optional<Failure> record_part(const IssueWish& wish, NodeClient& node, const Policy& policy,
                                   const BatchHead& batch, const Pending& pending, Signers& signers, Context& context,
                                   IssuePart& part);

/// Fetches the part's proofs, checks them, and writes them: one file each, or a bundle where `bundle` names it.
std::optional<Failure> collect_proofs(const IssueWish& wish, NodeClient& node, const Policy& policy, Context& context,
                                      IssuePart& part, const std::string& bundle, std::uint64_t& not_good);

}  // namespace testamur::tool
