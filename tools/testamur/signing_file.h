// What is carried between the people who sign: statements, and the signatures that they have so far.
//
// A JSON document. What a signer is shown is decoded from the statements' own bytes; nothing beside them is believed:
//
//   testamur_signing   1
//   approvals          how many signatures the register asked for when this was made: a hint, the ledger decides
//   keys[].id          H(algorithm || public_key) of the keys that might sign then: a hint
//   statements[]       1 to 16 of one register: those that issue, then those that amend, each going on where the last of its kind ends
//     .statement       Statement, FORMATS 4, in base64
//     .signatures[]    strictly rising by key id; .key the public key in base64, .signature in base64
//     .commitments     the commitments of a listed batch in base64; empty for others
//
// A reader refuses what is not as above, commitments that are not the statement's, and any signature that does not hold.
#pragma once

#include "testamur/ledger/record.h"
#include "values.h"

namespace testamur::tool {

struct KeySignature {
  PublicKey key{};
  SignatureBytes signature{};
};

struct StatementToSign {
  Bytes bytes;
  Statement statement;                   ///< decoded from `bytes`
  std::vector<KeySignature> signatures;  ///< strictly rising by key_id
  std::vector<Hash> commitments;         ///< listed batches only

  bool is_signed_by(const PublicKey& key) const;
  /// A key that has not signed yet.
  void sign(const SecretKey& key);
  /// One signature at least.
  SignedStatement signed_statement() const;
};

struct SigningFile {
  std::uint8_t approvals = 1;
  std::vector<Hash> keys;
  std::vector<StatementToSign> statements;

  RegisterName in() const;
  /// What its keys must be good for: it issues, amends, or both.
  bool has(StatementType type) const;
  bool may_sign(const PublicKey& key) const;
};

inline constexpr std::size_t kMaxStatementsToSign = 16;
/// FORMATS 4, signed_at_out_of_range: how long after it was made a statement is still accepted, and how long before.
inline constexpr std::uint64_t kSignedAtMs = 14ull * 86'400'000;
inline constexpr std::uint64_t kAheadMs = 5ull * 60'000;

/// The register that a statement speaks of. Not for `govern`.
const std::string& register_of(const Statement& statement);
/// The same bytes, in the same order.
bool same_statements(const std::vector<StatementToSign>& a, const std::vector<StatementToSign>& b);
StatementToSign to_sign(const Statement& statement, std::vector<Hash> commitments = {});
/// Until when the first of the statements can be handed in.
Time last_moment(const SigningFile& file);

/// Errors name the file and the place in it: not_found, storage, malformed, unsupported; invalid, a signature that does not hold.
Result<SigningFile> read_signing_file(const std::string& path);
/// Of mode 0600: an amendment is nobody else's business before it is recorded. Replaces what is there.
Result<void> write_signing_file(const std::string& path, const SigningFile& file);

}  // namespace testamur::tool
