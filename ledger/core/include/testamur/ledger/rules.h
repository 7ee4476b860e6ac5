// Which statements are accepted (FORMATS 4): the rules in their order, each with its code.
#pragma once

#include <map>

#include "testamur/ledger/merkle.h"
#include "testamur/ledger/record.h"
#include "testamur/ledger/statement.h"

namespace testamur {

enum class Acceptance : std::uint8_t {
  ok,
  malformed,
  wrong_ledger,
  institution_not_active,
  unknown_register,
  signed_at_out_of_range,
  bad_signature,
  not_enough_signatures,
  wrong_first_number,
  wrong_next_event,
  bad_count,
  body_mismatch,
  no_such_entry,
  effective_in_future,
  bad_replacement,
  forbidden_transition,
};
std::string_view name(Acceptance code);

inline constexpr std::uint64_t kMaxBatch = 1u << 20;        ///< entries in a sealed batch, or changed by one amendment
inline constexpr std::uint64_t kMaxListedBatch = 1u << 16;  ///< entries in a listed batch

/// What a client hands in. The bytes belong to the caller and must outlive the submission.
struct Submission {
  ByteView signed_statement;
  /// The listed commitments. Nothing when what was handed in is not a sequence of 32-byte values.
  std::optional<std::span<const Hash>> listed = std::span<const Hash>{};
};

/// A run of entries that share a status.
struct StatusRun {
  EntryNumber first;
  std::uint64_t count = 0;
  Status status = Status::good;
  bool operator==(const StatusRun&) const = default;
};

/// Statuses that are set but not stored yet, on top of those that are: disjoint runs, the latest word on each entry.
class StatusOverlay {
 public:
  using Below = std::function<std::vector<StatusRun>(EntryNumber first, std::uint64_t count)>;

  void set(EntryNumber first, std::uint64_t count, Status status);
  /// Runs that cover exactly [first, first + count), in order; `below` is asked for what the overlay does not hold.
  std::vector<StatusRun> read(EntryNumber first, std::uint64_t count, const Below& below) const;
  /// Everything that was set, in order.
  std::vector<StatusRun> runs() const;

 private:
  struct Run {
    std::uint64_t end = 0;
    Status status = Status::good;
  };
  std::map<std::uint64_t, Run> runs_;  // by first number
};

/// The state that a statement is judged against: that of the ledger with the block's earlier statements applied.
class LedgerView {
 public:
  virtual ~LedgerView() = default;
  virtual const InstitutionRecord* find_institution(std::string_view id) const = 0;
  virtual const RegisterRecord* find_register(std::string_view institution, std::string_view name) const = 0;
  /// Runs that cover exactly [first, first + count), in order. The range lies within `issued`.
  virtual std::vector<StatusRun> statuses(const RegisterRecord& record, EntryNumber first,
                                          std::uint64_t count) const = 0;
};

struct Judgement {
  Acceptance code = Acceptance::malformed;
  std::optional<Statement> statement;  ///< there when the code is ok
};

/// Judges a submission before its turn, against an earlier state: every rule that does not depend on what its register holds when
/// its turn comes, and those that are broken for good because a register only grows. `ok` promises nothing.
Judgement examine(const Submission& submission, Time now, const Hash& ledger, const LedgerView& view,
                  const SignatureCheck& check_signature = ed25519_verify);

/// Judges one statement at the block's time. Reads `view` and changes nothing.
Judgement judge(const Submission& submission, Time block_time, const Hash& ledger, const LedgerView& view,
                const SignatureCheck& check_signature = ed25519_verify);

}  // namespace testamur
