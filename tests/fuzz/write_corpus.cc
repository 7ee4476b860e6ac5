// write_corpus DIRECTORY: a few good values of each kind, for the fuzzers to begin with.
#include "corpus.h"
#include "snapshot_of_a_ledger.h"
#include "testamur/ledger/payload.h"
#include "testamur/ledger/proof.h"

namespace testamur::test {
namespace {

/// A proof whose cosignatures hold, of a log that has one block and nothing else right: deep enough to begin with.
Proof some_proof(const World& world, bool issued) {
  Proof proof;
  proof.ledger = world.ledger();
  proof.number = EntryNumber{3};
  proof.block.time = kCreated;
  proof.record = std::get<RegisterRecord>(world.genesis.records.back());
  proof.record.issued = issued ? 9 : 0;
  const std::vector<Hash> registry = {merkle::leaf_hash(encode(proof.record))};
  proof.block.registry_size = 1;
  proof.block.registry_root = registry[0];
  if (issued) {
    EntryProof entry;
    const Class entries = make_class("corpus", 9, false);
    entry.statement = {
        kCreated,
        value_of(decode_signed_statement(world.sign(0, world.issue(0, "r1", 0, 9, entries.root, false, kCreated))))};
    entry.institution = InstitutionProof{1, std::get<InstitutionRecord>(world.genesis.records[1]), {}};
    entry.document = DocumentProof{entries.salts[3], entries.path(3)};
    proof.entry = entry;
  }
  proof.size = 1;
  proof.root = merkle::leaf_hash(encode(proof.block));
  proof.cosignatures =
      world.certify({world.policy().origin, proof.size, proof.root}, kCreated.value / 1000 + 1).cosignatures;
  return proof;
}

/// The first byte says what it is: to fuzz_snapshot the kind, to fuzz_snapshot_receiver the place of the chunk.
Bytes after_byte(std::size_t first, ByteView bytes) {
  return Writer{}.u8(static_cast<std::uint8_t>(first)).raw(bytes).bytes();
}

void write_snapshots(Corpus& corpus) {
  const SnapshotOfALedger snapshot;
  corpus.add("snapshot", after_byte(0, encode(snapshot.manifest())));
  corpus.add("snapshot", after_byte(1, encode(store::SnapshotPlace{3, 1, 2})));
  for (std::size_t i = 0; i < snapshot.chunks().size(); ++i) {
    store::SnapshotChunk chunk = snapshot.chunks()[i];
    const Bytes bytes = encode(chunk);
    const ByteView body = ByteView(bytes).first(bytes.size() - sizeof(std::uint32_t));
    corpus.add("snapshot", after_byte(2, body));
    chunk.entries.clear();
    const ByteView entries = body.subspan(encode(chunk).size() - sizeof(std::uint32_t));
    corpus.add("snapshot_receiver", after_byte(i, after_byte(chunk.last ? 1 : 0, entries)));
  }
}

void write_all(Corpus corpus) {
  write_snapshots(corpus);
  write_letters(corpus);
  write_messages(corpus);
  const World world;
  const Class listed = make_class("listed", 3, true);
  Change change{EntryNumber{1}, 2, Status::superseded, 2, kCreated, Replacement{"a.example", "r", EntryNumber{0}}};
  const std::vector<Statement> statements = {world.issue(0, "r0", 0, 3, listed.root, true, kCreated),
                                             world.amend(0, "r1", 0, {change}, kCreated),
                                             {world.ledger(), "a.example", kCreated, GovernBody{0, 1, {1}}}};
  Payload payload{kCreated, {}};
  std::vector<Bytes> signed_bytes;
  for (const Statement& statement : statements) signed_bytes.push_back(world.sign(0, statement));
  for (std::size_t i = 0; i < statements.size(); ++i) {
    corpus.add("statement", encode(statements[i]));
    corpus.add("statement", signed_bytes[i]);
    corpus.add("leaf", statement_leaf(kCreated, signed_bytes[i]));
    payload.submissions.push_back({signed_bytes[i], std::span<const Hash>(listed.commitments)});
  }
  corpus.add("payload", encode(payload));
  corpus.add("record", world.genesis_bytes());
  for (const Record& record : world.genesis.records) corpus.add("record", encode(record));
  corpus.add("leaf", encode(BlockRecord{}));
  corpus.add("leaf", encode(BatchEntry{}));
  corpus.add("leaf", encode(Event{{}, {}, {}, change}));

  const Checkpoint checkpoint{world.policy().origin, 5, listed.root};
  SignedNote note{encode(checkpoint), {to_line(world.cosign(0, checkpoint, 9), "node.example")}};
  for (const std::string& text : {encode(note), encode(checkpoint), encode(note.signatures[0]),
                                  encode(cosigner_key(world.consortium().nodes[0]))}) {
    corpus.add("note", as_bytes(text));
  }
  corpus.add("policy", as_bytes(encode(world.policy())));

  for (const bool issued : {true, false}) {
    corpus.add("proof", encode(some_proof(world, issued)));
    corpus.add("verify", encode(some_proof(world, issued)));
  }
  Proof proof = some_proof(world, true);
  const Event event{EventSequence{2}, LeafIndex{1}, kCreated, change};
  proof.later = LaterBlock{LeafIndex{2}, BlockRecord{}, {Hash{}}};
  proof.entry->evidence = FinalEvent{event, {Hash{}}};
  corpus.add("proof", encode(proof));
  corpus.add("verify", encode(proof));
  proof.entry->evidence = SuspendingEvents{{Hash{}}, {event, event}};
  corpus.add("proof", encode(proof));
  corpus.add("verify", encode(proof));

  for (const std::string_view text :
       {R"({"b":[1.5e3,null,true],"a":{"\u20ac":"\ud83d\ude00"}})",
        R"({"proof":[{"cryptosuite":"testamur-2026"},{}],"x":-0.0})", "eyJh.eyJi.c2ln\n", "text"}) {
    corpus.add("document", as_bytes(text));
  }
}

}  // namespace
}  // namespace testamur::test

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  testamur::test::write_all(testamur::test::Corpus(argv[1]));
  return 0;
}
