// A small consortium for tests and benchmarks: institutions with keys, nodes that cosign, and the words to speak for them.
// Everything is made from names, so that two runs come to the same bytes.
#pragma once

#include <stdexcept>
#include <string>

#include "testamur/ledger/commitment.h"
#include "testamur/ledger/genesis.h"
#include "testamur/ledger/merkle.h"
#include "testamur/ledger/policy.h"
#include "testamur/ledger/rules.h"

namespace testamur::test {

/// The value of a result that must be good; throws the error's words, which fails the test.
template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(name(result.error().code)) + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The key that belongs to this name.
SecretKey key_named(std::string_view name);
/// 32 bytes that look random and follow from the name.
Hash bytes_named(std::string_view name);

inline constexpr Time kCreated{1'800'000'000'000};

struct WorldOptions {
  unsigned institutions = 4;  ///< each with one voter
  unsigned registers = 2;     ///< an institution; "r0" takes one approval, "r1" two, and so on
};

class World {
 public:
  explicit World(WorldOptions options = {});

  Genesis genesis;  ///< tests may change it before they take its bytes
  Bytes genesis_bytes() const { return encode(genesis); }
  Hash ledger() const { return ledger_id(genesis_bytes()); }
  ConsortiumRecord& consortium() { return std::get<ConsortiumRecord>(genesis.records[0]); }
  const ConsortiumRecord& consortium() const { return std::get<ConsortiumRecord>(genesis.records[0]); }
  InstitutionRecord& institution(unsigned i) { return std::get<InstitutionRecord>(genesis.records[1 + i]); }
  Policy policy() const { return policy_of(consortium(), ledger()); }

  static std::string institution_id(unsigned i);
  /// "a": issue and amend; "b": the same; "issuer": issue only; "amender": amend only; "governor": govern only.
  static SecretKey key(unsigned institution, std::string_view role);

  Statement issue(unsigned institution, std::string_view name, std::uint64_t first, std::uint32_t count,
                  const Hash& batch_root, bool listed, Time signed_at) const;
  Statement amend(unsigned institution, std::string_view name, std::uint64_t next_event, std::vector<Change> changes,
                  Time signed_at) const;
  /// Signed by keys "a" and "b" of the institution: enough for registers of one or two approvals.
  Bytes sign(unsigned institution, const Statement& statement) const;

  /// What voter i says of a checkpoint.
  Cosignature cosign(unsigned i, const Checkpoint& checkpoint, std::uint64_t seconds) const;
  /// Certified by the first `threshold` voters.
  CertifiedCheckpoint certify(const Checkpoint& checkpoint, std::uint64_t seconds) const;
};

/// A sealed or listed class of `count` documents: document i is its hash, salt i its salt.
struct Class {
  std::vector<Hash> documents;
  std::vector<Salt> salts;
  std::vector<Hash> commitments;
  Hash root{};
  bool listed = false;

  merkle::Path path(std::uint64_t i) const;
};
Class make_class(std::string_view name, std::uint32_t count, bool listed);

}  // namespace testamur::test
