#include "proof_words.h"

#include <algorithm>
#include <ostream>

#include "values.h"

namespace testamur::tool {
namespace {

std::string entry_words(const Replacement& entry) {
  return format(EntryName{{entry.institution, entry.register_name}, entry.number});
}

/// The newest event that the proof shows of this number; nothing for a good one.
const Event* event_of(const EntryProof& entry, EntryNumber number) {
  if (const auto* last = std::get_if<FinalEvent>(&entry.evidence)) return &last->event;
  const auto* suspending = std::get_if<SuspendingEvents>(&entry.evidence);
  if (suspending == nullptr) return nullptr;
  const auto touches = [&](const Event& event) { return event.change.covers(number); };
  const auto found = std::find_if(suspending->events.begin(), suspending->events.end(), touches);
  return found == suspending->events.end() ? nullptr : &*found;
}

void say_status(std::ostream& out, const EntryProof& entry, EntryNumber number, Time as_of) {
  out << "  status     " << name(chunk_status(entry.chunk, number)) << ", as of " << format_time(as_of) << "\n";
  const Event* event = event_of(entry, number);
  if (event == nullptr) return;
  const Change& change = event->change;
  out << "  since      " << format_time(change.effective_at) << ", recorded " << format_time(event->recorded_at)
      << ", reason " << reason_name(change.reason) << "\n";
  if (change.replacement) out << "  replaced   by " << entry_words(*change.replacement) << "\n";
}

void say_keys(std::ostream& out, const EntryProof& entry) {
  for (const Signature& signature : entry.statement.statement.signatures) {
    out << "  signed     by the key " << fingerprint(signature.key_id);
    if (entry.institution) {
      const Key* key = find_key(entry.institution->record, signature.key_id);
      out << (key == nullptr ? ", which is none of the institution's"
                             : ", which may " + format_uses(key->uses) + ", of " + entry.institution->record.id);
    }
    out << "\n";
  }
}

void say_document(std::ostream& out, const EntryProof& entry) {
  if (!entry.document) {
    out << "  document   none is tied to the entry: this speaks of the number only\n";
  } else if (entry.document->salt) {
    out << "  document   tied to the entry by a salted commitment (sealed); the salt is in this file\n";
  } else {
    out << "  document   tied to the entry by its plain hash (listed)\n";
  }
}

void say_head(std::ostream& out, const Proof& proof, const std::optional<Policy>& policy) {
  std::uint64_t seconds = proof.cosignatures.empty() ? 0 : UINT64_MAX;
  for (const Cosignature& cosignature : proof.cosignatures) seconds = std::min(seconds, cosignature.seconds);
  out << "  head       " << proof.size << " leaves, " << format_time(Time{seconds * 1000}) << ", epoch " << proof.epoch
      << "\n";
  out << "  cosigned   by " << proof.cosignatures.size() << ":";
  for (const Cosignature& cosignature : proof.cosignatures) {
    std::string who = "key " + to_hex(cosignature.key_id);
    for (const Epoch& epoch : policy ? policy->epochs : std::vector<Epoch>()) {
      if (epoch.revision != proof.epoch) continue;
      if (const auto voter = find_voter(epoch.quorum, cosignature.key_id)) who = epoch.quorum.voters[*voter].name;
    }
    out << (&cosignature == &proof.cosignatures.front() ? " " : ", ") << who;
  }
  out << "\n";
}

void say_gaps(std::ostream& out, const Proof& proof) {
  out << "  not shown  how it stands " << (proof.later ? "after the next block" : "after the head")
      << "; that the document is true\n";
  if (proof.entry && !proof.entry->institution) {
    out << "             that the institution's own keys signed (a light proof): the consortium vouches for it\n";
  }
}

}  // namespace

void say_proof(Context& context, const Proof& proof, const std::optional<Policy>& policy) {
  std::ostream& out = context.out;
  out << "This proof says:\n";
  out << "  entry      number " << proof.number.value << " of the register " << proof.record.name << " of "
      << proof.record.institution << "\n";
  if (!proof.entry) {
    out << "  status     not issued as of " << format_time(proof.block.time) << ": the register ended before number "
        << proof.record.issued << "\n";
  } else {
    say_document(out, *proof.entry);
    out << "  issued     " << format_time(proof.entry->statement.recorded_at) << "\n";
    say_keys(out, *proof.entry);
    say_status(out, *proof.entry, proof.number, proof.block.time);
  }
  say_head(out, proof, policy);
  out << "  block      " << proof.block.height.value << ", " << format_time(proof.block.time)
      << (proof.later ? ", and the next of " + format_time(proof.later->record.time) : "") << "\n";
  say_gaps(out, proof);
  out << "  ledger     " << (policy ? policy->origin : to_hex(proof.ledger)) << "\n";
}

}  // namespace testamur::tool
