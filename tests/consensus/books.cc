#include "books.h"

#include "invariants.h"

namespace testamur::consensus::simulation {
namespace {

std::string text(NodeId node, const char* did, Index index) {
  return "node " + std::to_string(node.value) + " " + did + " index " + std::to_string(index.value);
}

}  // namespace

Books::Books(Registrars& registrars, bool has_liars)
    : origin_(origin_line(registrars.world().consortium().origin, registrars.world().ledger())) {
  if (!has_liars) model_.emplace(registrars.world());
}

void Books::applied(NodeId node, const Entry& entry, const AppliedEntry& applied, const Statements& statements) {
  Made made{applied.claim, {}};
  for (const store::Outcome& outcome : applied.done->outcomes) made.codes.push_back(outcome.code);
  const auto [known, is_new] = made_.emplace(entry.id.hash, made);
  if (known->second.codes != made.codes)
    throw OwnersViolation(text(node, "judges otherwise what is at", entry.id.index));
  if (known->second != made) throw OwnersViolation(text(node, "makes another block of", entry.id.index));
  if (!is_new || !model_) return;
  if (entry.id.index != next(kept_))
    throw OwnersViolation(text(node, "is the first to apply, after a gap,", entry.id.index));
  kept_ = entry.id.index;
  if (entry.is_owners()) keep(entry, *applied.done, statements);
}

void Books::keep(const Entry& entry, const store::Applied& done, const Statements& statements) {
  const std::string at = " at index " + std::to_string(entry.id.index.value);
  const Time time = decode_payload(block_in(entry.payload))->time;
  if (done.made_block != (time > model_->block(model_->height()).time))
    throw OwnersViolation("a block by a time that does not rise, or none by one that does," + at);
  if (!done.made_block) return;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Statement& statement = *statements[i];
    const Acceptance code = statement.forged ? Acceptance::bad_signature : model_->judge(statement.said);
    if (done.outcomes.at(i).code != code) {
      throw OwnersViolation("the nodes judge " + std::string(name(done.outcomes[i].code)) + ", the plain ledger " +
                            std::string(name(code)) + at);
    }
    code == Acceptance::ok ? ++accepted_ : ++refused_;
    if (code == Acceptance::ok) model_->accept(statement.said, statement.bytes, time);
  }
  if (model_->end_block(time) != done.record) throw OwnersViolation("another block than the plain ledger's" + at);
  head_ = made_.at(entry.id.hash).claim->head;
}

void Books::check_log() const {
  if (!model_ || model_->height().value == 0) return;
  if (head_ != head_digest({origin_, model_->size(), model_->root()}))
    throw OwnersViolation("another log than the plain ledger's");
}

void Books::sent(NodeId node, const Content& content) {
  const auto known = sent_.emplace(content.snapshot.claim.head, content.sent).first;
  if (known->second != content.sent)
    throw OwnersViolation(text(node, "sends another snapshot of", content.snapshot.claim.index));
}

}  // namespace testamur::consensus::simulation
