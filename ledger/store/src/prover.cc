// Making proofs: reads what verify.cc will ask for, in the same order, as of one block.
#include <algorithm>

#include "find.h"
#include "history_impl.h"

namespace testamur::store {
namespace {

constexpr std::size_t kMaxEvidenceBytes = kMaxProofBytes - (1u << 20);  // the rest of a proof is far below a MiB
constexpr std::size_t kMaxShown = 64;                                   // registers remembered
constexpr unsigned kMaxRangeLevel = 20;                                 // a change covers 2^20 numbers at most

bool is_listed(const EntryProof& entry) {
  const Statement statement = stored(decode_statement(entry.statement.statement.statement), "a statement");
  return std::get<IssueBody>(statement.body).listed;
}

}  // namespace

Result<Height> History::Impl::choose_block(const ProofRequest& request) const {
  if (!request.at) return height_;
  const auto height = height_at(*request.at);
  if (!height) return Error{ErrorCode::not_found, "prove: expected a time after the ledger's creation"};
  const std::uint64_t head_ms = head_seconds(certified_) * 1000;
  const Time newest = read_block(*view_, height_).time;
  if (*height == height_ && *request.at > std::max(Time{head_ms}, newest)) {
    return Error{ErrorCode::invalid, "prove: expected a time up to the certified head's, " + std::to_string(head_ms) +
                                         " ms, found " + std::to_string(request.at->value)};
  }
  return *height;
}

Result<History::Impl::Shown> History::Impl::read_shown(const ProofRequest& request, Height height,
                                                       AppendTree& log) const {
  Shown shown;
  shown.height = height;
  shown.block = read_block(*view_, height);
  const auto index = find_record(*view_, register_key(request.institution, request.register_name));
  if (!index) {
    return Error{ErrorCode::not_found, "prove: expected a register of this ledger, found " +
                                           register_key(request.institution, request.register_name)};
  }
  shown.index = *index;
  shown.record = read<RegisterRecord>(*index, height);
  shown.block_path = log.inclusion_path(read_block_index(*view_, height).value, size());
  if (height != height_) {
    const Height next{height.value + 1};
    LaterBlock later{read_block_index(*view_, next), read_block(*view_, next), {}};
    later.path = log.inclusion_path(later.index.value, size());
    shown.later = std::move(later);
  }
  RegistryTree registry(*view_, height, shown.block.registry_size);
  shown.record_path = registry.inclusion_path(*index);
  const RecordIndex of = present(find_record(*view_, request.institution), "the register's institution");
  shown.institution = {of, read<InstitutionRecord>(of, height), registry.inclusion_path(of)};
  return shown;
}

/// Read once: most questions are about the state of now, and there are more of them than of heads.
Result<const History::Impl::Shown*> History::Impl::shown_now(const ProofRequest& request, AppendTree& log) const {
  const std::string name = register_key(request.institution, request.register_name);
  if (const auto known = shown_now_.find(name); known != shown_now_.end()) return &known->second;
  auto shown = read_shown(request, height_, log);
  if (!shown) return shown.error();
  if (shown_now_.size() == kMaxShown) shown_now_.clear();
  return &shown_now_.emplace(name, std::move(*shown)).first->second;
}

/// The sequence of the newest event, as of the block shown, that touched this number. There must be one.
EventSequence History::Impl::last_event(const Shown& shown, EntryNumber number) const {
  std::optional<EventSequence> newest;
  const EventSequence last{shown.record.events - 1};
  for (unsigned level = 0; level <= kMaxRangeLevel; ++level) {
    const Bytes key = keys::event_range(shown.index, level, number.value >> level, last);
    const auto found = view_->last_up_to(key, key.size() - sizeof(std::uint64_t));
    if (!found) continue;
    const EventSequence sequence{stored_u64(ByteView(found->key).last(sizeof(std::uint64_t)), "event_range")};
    newest = newest ? std::max(*newest, sequence) : sequence;
  }
  return present(newest, "an event of number " + std::to_string(number.value));
}

Result<StatusEvidence> History::Impl::find_evidence(const Shown& shown, EntryNumber number, Status status) const {
  if (status == Status::good) return StatusEvidence{};
  const EventSequence sequence = last_event(shown, number);
  AppendTree events(*view_, keys::events_tree(shown.index));
  const auto read_event = [&](std::uint64_t at) {
    return stored(decode_event(present(view_->get(keys::event(shown.index, EventSequence{at})), "an event")),
                  "an event");
  };
  if (status != Status::suspended) {
    return StatusEvidence{
        FinalEvent{read_event(sequence.value), events.inclusion_path(sequence.value, shown.record.events)}};
  }
  SuspendingEvents suspending{merkle::peaks(events.reader(), sequence.value), {}};
  std::size_t bytes = 0;
  for (std::uint64_t at = sequence.value; at < shown.record.events; ++at) {
    suspending.events.push_back(read_event(at));
    bytes += encode(suspending.events.back()).size();
    if (bytes > kMaxEvidenceBytes) {
      return Error{ErrorCode::unsupported,
                   "prove: the register has had more events since this suspension than a proof can hold, 15 MiB"};
    }
  }
  return StatusEvidence{std::move(suspending)};
}

Result<EntryProof> History::Impl::prove_entry(const ProofRequest& request, const Shown& shown, AppendTree& log) const {
  EntryProof entry;
  const std::uint64_t chunk = request.number.value / kChunkEntries;
  StatusTree statuses(*view_, keys::status_tree(shown.index), shown.height, shown.record.issued);
  entry.chunk = statuses.chunk(chunk);
  entry.chunk_path = statuses.inclusion_path(chunk);

  const BatchEntry batch = find_batch(*view_, shown.index, request.number);
  entry.statement_index = batch.leaf_index;
  entry.statement = stored(decode_statement_leaf(read_leaf(*view_, batch.leaf_index)), "a statement leaf");
  entry.statement_path = log.inclusion_path(batch.leaf_index.value, size());

  if (request.full) entry.institution = shown.institution;
  auto evidence = find_evidence(shown, request.number, chunk_status(entry.chunk, request.number));
  if (!evidence) return evidence.error();
  entry.evidence = std::move(*evidence);
  if (request.with_document) {
    if (!is_listed(entry)) {
      return Error{ErrorCode::invalid, "prove: expected a listed entry; a sealed one's salt and path are its holder's"};
    }
    AppendTree listed(*view_, keys::listed_tree(batch.leaf_index), AppendTree::Leaves::raw);
    entry.document =
        DocumentProof{std::nullopt, listed.inclusion_path(request.number.value - batch.first.value, batch.count)};
  }
  return entry;
}

Result<Proof> History::Impl::prove_by(const ProofRequest& request, const Shown& shown, AppendTree& log) const {
  Proof proof;
  proof.ledger = ledger_;
  proof.number = request.number;
  proof.size = size();
  proof.root = certified_.checkpoint.root;
  proof.epoch = certified_.epoch;
  proof.cosignatures = certified_.cosignatures;
  proof.previous = certified_.previous;
  proof.block = shown.block;
  proof.block_path = shown.block_path;
  proof.later = shown.later;
  proof.register_index = shown.index;
  proof.record = shown.record;
  proof.record_path = shown.record_path;
  if (request.number.value >= shown.record.issued) return proof;
  auto entry = prove_entry(request, shown, log);
  if (!entry) return entry.error();
  proof.entry = std::move(*entry);
  return proof;
}

Result<Proof> History::Impl::prove(const ProofRequest& request) const {
  AppendTree log(*view_, keys::log_tree());
  const auto height = choose_block(request);
  if (!height) return height.error();
  if (*height == height_) {
    const auto shown = shown_now(request, log);
    return shown ? prove_by(request, **shown, log) : shown.error();
  }
  const auto shown = read_shown(request, *height, log);
  return shown ? prove_by(request, *shown, log) : shown.error();
}

}  // namespace testamur::store
