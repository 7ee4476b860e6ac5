// What must hold of the ledgers of a simulated cluster: of one history every node makes the same blocks, judges the same, and sends
// the same snapshot; and what they make is what the plain ledger of the tests makes (tests/support/model.h), so that a mistake
// which all nodes make alike shows as well.
#pragma once

#include "model.h"
#include "owner.h"

namespace testamur::consensus::simulation {

class Books {
 public:
  /// Liars can bring honest nodes to more than one history; only the one of a cluster without them is kept in the plain ledger.
  Books(Registrars& registrars, bool has_liars);

  /// A node applied an entry for the first time, or again after it lost what it had made of it. Throws Violation.
  void applied(NodeId node, const Entry& entry, const AppliedEntry& applied, const Statements& statements);
  void sent(NodeId node, const Content& content);
  /// Hashes the plain ledger's whole log, which is costly.
  void check_log() const;

  /// Of the newest block in the plain ledger.
  const Digest& head() const { return head_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Made {
    std::optional<Claim> claim;
    std::vector<Acceptance> codes;
    bool operator==(const Made&) const = default;
  };
  void keep(const Entry& entry, const store::Applied& done, const Statements& statements);

  std::map<Digest, Made> made_;  // by the hash of the entry, which names all before it
  std::map<Digest, Hash> sent_;  // by the snapshot's head
  std::optional<test::Model> model_;
  Index kept_;  // in the model
  std::string origin_;
  Digest head_{};  // of the newest block kept
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace testamur::consensus::simulation
