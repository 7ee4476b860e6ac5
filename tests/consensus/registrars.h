// The institutions of a simulated cluster: the ledger they begin, what their registrars hand in, and the certificates of its heads.
//
// Statements are really signed, and their signatures checked as the nodes check them. Each is signed once and checked once in the life
// of the program, whatever the seeds: a statement follows from its register, its number there, and one of few ways it may go. Heads
// are cosigned cheaply, with what only this program takes for a signature: there are too many of them.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "memory_store.h"
#include "random.h"
#include "testamur/store/ledger.h"
#include "world.h"

namespace testamur::consensus::simulation {

struct Place {
  unsigned institution;
  unsigned number;  ///< of its register
  bool operator==(const Place&) const = default;
};

struct Statement {
  Place place;
  testamur::Statement said;
  Bytes bytes;  ///< signed
  std::vector<Hash> listed;
  bool forged = false;  ///< a byte of a signature is another

  Submission submission() const { return {bytes, std::span<const Hash>(listed)}; }
};
using Statements = std::vector<std::shared_ptr<const Statement>>;

class Registrars {
 public:
  /// Those of a consortium with so many voters.
  static Registrars& of(std::size_t voters);

  const test::World& world() const { return world_; }
  const Bytes& genesis() const { return genesis_; }
  /// A disk with the ledger as it begins.
  std::unique_ptr<test::MemoryStore> first_disk() const { return first_disk_->copy(); }

  /// What a registrar hands in who knows a node's ledger and what comes earlier in the block: mostly what is acceptable there.
  std::shared_ptr<const Statement> draw(Random& random, const store::Ledger& ledger, const Statements& earlier);
  SignatureCheck statement_check();

  /// A threshold's cosignatures of a checkpoint, and the only check that takes them.
  CertifiedCheckpoint certify(const Checkpoint& checkpoint, Time block_time) const;
  static bool check_cosignature(const PublicKey& key, ByteView message, const SignatureBytes& signature);

 private:
  explicit Registrars(std::size_t voters);
  Place draw_register(Random& random) const;
  RegisterRecord record_in(const store::Ledger& ledger, Place place) const;
  Statement signed_by(Place place, testamur::Statement said, std::vector<Hash> listed) const;
  Statement issue(Place place, std::uint64_t first, std::uint64_t way) const;
  Statement amend(Place place, std::uint64_t next_event, std::uint64_t way) const;

  test::World world_;
  Bytes genesis_;
  Quorum quorum_;
  std::vector<std::array<SecretKey, 2>> keys_;  // of each institution
  std::unique_ptr<test::MemoryStore> first_disk_;
  std::map<std::array<std::uint64_t, 5>, std::shared_ptr<const Statement>> statements_;
  std::unordered_map<std::string, bool> checked_;
};

}  // namespace testamur::consensus::simulation
