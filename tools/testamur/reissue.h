// A document in place of another: the new one is issued, and the old entry superseded by it.
//
// The two are statements of their own, since the second names the number that the first got. The new document comes first, so that
// an entry is never left without what holds instead. What was cut off in between is finished by the same command: `issue` knows the
// document by the proofs directory, and how the old entry stands is looked up before anything is sent.
#pragma once

#include "amend.h"
#include "issue.h"
#include "reach.h"

namespace testamur::tool {

struct ReissueWish {
  IssueWish issue;  ///< of one document
  EntryNumber old;  ///< in the same register
  std::uint8_t reason = 0;
  std::optional<Time> effective_at;  ///< nothing: now
};

struct ReissueReport {
  IssueReport issue;
  AmendReport amend;
  EntryNumber number;        ///< of the new document
  bool done_before = false;  ///< an earlier run did it all
};

/// `confirm` is asked once all is known to be possible, and before anything is sent.
std::optional<Failure> reissue(const ReissueWish& wish, Signers& signers, const Reach& reach,
                               const std::function<bool()>& confirm, Context& context, ReissueReport& report);

}  // namespace testamur::tool
