// A consortium that lies: builds a proof in which every hash and cosignature is right, from whatever parts a test gives it.
// So each check of the verifier stands alone: nothing else in the proof is wrong.
#pragma once

#include "testamur/ledger/verify.h"
#include "world.h"

namespace testamur::test {

struct Forge {
  Forge();

  World world;
  // The issue statement and its leaf.
  Class entries;
  Statement statement;
  std::vector<SecretKey> signers;
  Time recorded_at;
  // What holds at the block shown.
  InstitutionRecord institution;
  RegisterRecord record;  // its counts and roots are filled in by build()
  Chunk chunk{};
  std::uint64_t issued = 9;
  std::vector<Event> events;
  // The blocks. The log is: block 0, the statement's leaf, the block shown, and the later block if there is one.
  BlockRecord block;
  std::optional<BlockRecord> later;
  bool statement_last = false;  // the statement's leaf comes after the block shown
  std::uint32_t epoch = 0;
  std::uint64_t seconds = 0;
  EntryNumber number{6};
  StatusEvidence evidence;
  bool with_institution = true;
  bool with_document = true;
  std::function<void(SignedStatement&)> change_signed;  // after signing, before hashing

  /// An event of this forge that gives `number` a status.
  Event event(Status status) const;
  /// A proof of the final event at this place.
  FinalEvent final_event(std::size_t sequence) const;
  SuspendingEvents suspending_from(std::size_t sequence) const;

  Proof build() const;
  Question question() const;
  /// The verdict on the proof, about now, for the document and entry meant.
  Verdict judge(const Proof& proof) const;
  Verdict judge() const { return judge(build()); }
};

}  // namespace testamur::test
