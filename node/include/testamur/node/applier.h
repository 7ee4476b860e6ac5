// Applies what the consensus committed, and says what came of it: to the consensus (the head derived), to the cosigner, and to those
// who wait for a statement.
//
// One thread, that of the ledger.
#pragma once

#include "testamur/consensus/core.h"
#include "testamur/node/cosigner.h"
#include "testamur/node/intake.h"

namespace testamur::node {

/// H of a checkpoint's body: by this the nodes compare what they derived.
consensus::Digest head_digest(const Checkpoint& checkpoint);

class Applier {
 public:
  struct Events {
    std::function<void(consensus::Index, std::vector<consensus::Claim>, std::optional<Cosigner::Promise>)> applied;
    std::function<void(const Error&)> failed;
  };

  Applier(store::Ledger& ledger, Cosigner& cosigner, Intake& intake, SignatureMemory& signatures, Events events);

  /// Entries committed, in order. After a restart they come again from the first one.
  void committed(const std::vector<consensus::Entry>& entries);
  void agreed(const consensus::Claim& claim);

 private:
  Result<void> find_again();
  Result<std::optional<store::BlockHead>> apply(const consensus::Entry& entry);
  Result<std::vector<BlockOutcome>> outcomes_of(const Payload& payload, const store::Applied& applied) const;

  store::Ledger& ledger_;
  Cosigner& cosigner_;
  Intake& intake_;
  SignatureMemory& signatures_;
  const Events events_;
  /// Blocks that were applied before a restart and are not certified: claimed anew when their entries come again.
  std::map<consensus::Index, store::BlockHead> found_again_;
  bool failed_ = false;
};

}  // namespace testamur::node
