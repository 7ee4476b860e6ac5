// Statements: what an institution says, under its own signatures (FORMATS 4).
#pragma once

#include <variant>

#include "testamur/encoding/encoding.h"
#include "testamur/ledger/ed25519.h"
#include "testamur/ledger/ordinal.h"

namespace testamur {

enum class StatementType : std::uint8_t { issue = 1, amend = 2, govern = 3 };

enum class Status : std::uint8_t { good = 0, suspended = 1, revoked = 2, superseded = 3 };
std::string_view name(Status status);

/// Codes only: free text is personal data and has no place on a ledger.
inline constexpr std::uint8_t kLastReason = 11;
/// "unspecified", "awarded_in_error", … for 0 to kLastReason.
std::string_view reason_name(std::uint8_t reason);

struct Replacement {
  std::string institution;
  std::string register_name;
  EntryNumber number;
  bool operator==(const Replacement&) const = default;
};

/// One status for a range of numbers: [first, first + count).
struct Change {
  EntryNumber first;
  std::uint32_t count = 0;
  Status status = Status::good;
  std::uint8_t reason = 0;
  Time effective_at;
  std::optional<Replacement> replacement;
  bool operator==(const Change&) const = default;

  bool covers(EntryNumber number) const { return number >= first && number.value - first.value < count; }
};

void write(Writer& writer, const Change& change);
Change read_change(Reader& reader);

struct IssueBody {
  std::string register_name;
  EntryNumber first;
  std::uint32_t count = 0;
  Hash batch_root{};
  bool listed = false;
  bool operator==(const IssueBody&) const = default;
};

struct AmendBody {
  std::string register_name;
  std::uint64_t next_event = 0;
  std::vector<Change> changes;
  bool operator==(const AmendBody&) const = default;
};

struct GovernBody {
  std::uint32_t record = 0;
  std::uint32_t revision = 0;
  Bytes body;
  bool operator==(const GovernBody&) const = default;
};

struct Statement {
  Hash ledger{};
  std::string institution;
  Time signed_at;
  std::variant<IssueBody, AmendBody, GovernBody> body;
  bool operator==(const Statement&) const = default;

  StatementType type() const { return static_cast<StatementType>(body.index() + 1); }
};

Bytes encode(const Statement& statement);
Result<Statement> decode_statement(ByteView bytes);

struct Signature {
  Hash key_id{};
  SignatureBytes signature{};
};

inline constexpr std::size_t kMaxSignatures = 16;

/// A statement's bytes with 1 to 16 signatures, strictly rising by key_id.
struct SignedStatement {
  Bytes statement;
  std::vector<Signature> signatures;
};

Bytes encode(const SignedStatement& statement);
Result<SignedStatement> decode_signed_statement(ByteView bytes);

/// What a statement's signatures sign: "testamur/statement/v1" || 0x00 || statement.
Bytes statement_message(ByteView statement);

/// Signs with every key; the signatures come out in their order.
SignedStatement sign_statement(const Statement& statement, std::span<const SecretKey> keys);

}  // namespace testamur
