#include "forge.h"

namespace testamur::test {
namespace {

merkle::Path path_of(const std::vector<Hash>& leaves, std::uint64_t index) {
  return merkle::inclusion_path(merkle::reader_of(leaves), index, leaves.size());
}
Hash root_of(const std::vector<Hash>& leaves) { return merkle::root(merkle::reader_of(leaves), leaves.size()); }

std::vector<Hash> event_leaves(const std::vector<Event>& events) {
  std::vector<Hash> out;
  for (const Event& event : events) out.push_back(merkle::leaf_hash(encode(event)));
  return out;
}

}  // namespace

Forge::Forge()
    : entries(make_class("forged", 9, false)),
      statement(world.issue(0, "r1", 0, 9, entries.root, false, Time{kCreated.value + 500})),
      signers({World::key(0, "a"), World::key(0, "b")}),
      recorded_at{kCreated.value + 1000},
      institution(world.institution(0)) {
  record = std::get<RegisterRecord>(world.genesis.records[1 + 4 + 1]);
  block.height = Height{1};
  block.time = Time{kCreated.value + 1000};
  block.first_leaf = LeafIndex{1};
  seconds = (kCreated.value + 5000) / 1000;
}

Event Forge::event(Status status) const {
  return {EventSequence{events.size()}, LeafIndex{1}, block.time, {number, 1, status, 4, recorded_at, std::nullopt}};
}

FinalEvent Forge::final_event(std::size_t sequence) const {
  return {events[sequence], path_of(event_leaves(events), sequence)};
}

SuspendingEvents Forge::suspending_from(std::size_t sequence) const {
  const auto leaves = event_leaves(events);
  const auto before = std::span(leaves).first(sequence);
  return {merkle::peaks(merkle::reader_of(before), sequence),
          std::vector<Event>(events.begin() + static_cast<std::ptrdiff_t>(sequence), events.end())};
}

Proof Forge::build() const {
  Proof proof;
  proof.ledger = world.ledger();
  proof.number = number;
  proof.epoch = epoch;

  RegisterRecord shown = record;
  shown.issued = issued;
  std::vector<Hash> chunks(chunk_count(issued), merkle::leaf_hash(Chunk{}));
  const std::uint64_t place = number.value / kChunkEntries;
  if (place < chunks.size()) chunks[place] = merkle::leaf_hash(chunk);
  shown.status_root = root_of(chunks);
  shown.events = events.size();
  shown.events_root = root_of(event_leaves(events));
  proof.record = shown;

  const std::vector<Hash> registry = {merkle::leaf_hash(encode(world.consortium())),
                                      merkle::leaf_hash(encode(institution)), merkle::leaf_hash(encode(shown))};
  SignedStatement signed_statement = sign_statement(statement, signers);
  if (change_signed) change_signed(signed_statement);
  const StatementLeaf leaf{recorded_at, signed_statement};

  BlockRecord here = block;
  here.registry_size = static_cast<std::uint32_t>(registry.size());
  here.registry_root = root_of(registry);
  here.consortium = registry[0];
  std::vector<Hash> log = {merkle::leaf_hash(as_bytes("block 0"))};
  const Hash block_leaf = merkle::leaf_hash(encode(here));
  const Hash statement_leaf = merkle::leaf_hash(encode(leaf));
  log.push_back(statement_last ? block_leaf : statement_leaf);
  log.push_back(statement_last ? statement_leaf : block_leaf);
  if (later) {
    BlockRecord next = *later;
    if (next.previous == Hash{}) next.previous = block_leaf;
    log.push_back(merkle::leaf_hash(encode(next)));
    proof.later = LaterBlock{LeafIndex{log.size() - 1}, next, path_of(log, log.size() - 1)};
  }
  proof.size = log.size();
  proof.root = root_of(log);
  proof.block = here;
  proof.block_path = path_of(log, statement_last ? 1 : 2);
  proof.register_index = 2;
  proof.record_path = path_of(registry, 2);

  if (number.value < issued) {
    EntryProof entry;
    entry.chunk = chunk;
    entry.chunk_path = path_of(chunks, place);
    entry.statement_index = LeafIndex{statement_last ? 2u : 1u};
    entry.statement = leaf;
    entry.statement_path = path_of(log, entry.statement_index.value);
    if (with_institution) entry.institution = InstitutionProof{1, institution, path_of(registry, 1)};
    entry.evidence = evidence;
    if (with_document) {
      entry.document = DocumentProof{entries.salts[number.value % 9], entries.path(number.value % 9)};
    }
    proof.entry = entry;
  }
  const Checkpoint checkpoint{world.policy().origin, proof.size, proof.root};
  proof.cosignatures = world.certify(checkpoint, seconds).cosignatures;
  return proof;
}

Question Forge::question() const {
  Question out;
  if (with_document && number.value < issued) out.document = entries.documents[number.value % 9];
  out.entry = Question::Entry{World::institution_id(0), "r1", number};
  out.now = Time{seconds * 1000 + 1000};
  return out;
}

Verdict Forge::judge(const Proof& proof) const { return verify(encode(proof), world.policy(), question()).verdict; }

}  // namespace testamur::test
