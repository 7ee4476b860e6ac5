// worked_example: the smallest whole ledger, from keys to verdict, as the Markdown of FORMATS.md's last section.
#include <cstdio>

#include "test_ledger.h"
#include "testamur/credentials/document.h"
#include "testamur/ledger/verify.h"

namespace testamur::test {
namespace {

constexpr Time kGenesisTime{1'800'000'000'000};
constexpr std::string_view kDocument = "{ \"name\": \"Ada\",\n  \"degree\": \"MSc\", \"ects\": 1.20e2 }\n";

/// H of a text: every secret and random value of the example, so that a reader can make them too.
Hash from_text(const std::string& text) { return sha256(as_bytes(text)); }
SecretKey key_from_text(const std::string& text) { return SecretKey::from_seed(from_text(text)); }

Genesis genesis() {
  ConsortiumRecord consortium;
  consortium.origin = "example.org/ledger";
  consortium.threshold = 1;
  consortium.nodes.push_back(
      {"node.a.example", "a.example", NodeRole::voter, key_from_text("example note key").public_key(),
       key_from_text("example cosigner key").public_key(), from_text("example tls key"), "node.a.example:7411"});
  InstitutionRecord institution;
  institution.id = "a.example";
  institution.display_name = "A";
  institution.keys.push_back(
      {key_from_text("example registrar").public_key(), kUseIssue | kUseAmend, kGenesisTime, {}});
  RegisterRecord diplomas;
  diplomas.institution = "a.example";
  diplomas.name = "diplomas";
  diplomas.status_root = diplomas.batches_root = diplomas.events_root = merkle::empty_root();
  return {kGenesisTime, {consortium, institution, diplomas}};
}

void line(const std::string& text) { std::printf("%s\n", text.c_str()); }

/// Bytes in rows of 32, as a code block.
void block(ByteView bytes) {
  line("```");
  for (std::size_t at = 0; at < bytes.size(); at += 32)
    line(to_hex(bytes.subspan(at, std::min<std::size_t>(32, bytes.size() - at))));
  line("```");
}

void text_block(const std::string& text) { std::printf("```\n%s```\n", text.c_str()); }

void item(const std::string& name, ByteView bytes) { line("- " + name + ": `" + to_hex(bytes) + "`"); }

/// Walks the proof field by field, with each one's place.
class Table {
 public:
  explicit Table(ByteView bytes) : bytes_(bytes) {
    line("| byte | bytes | field |");
    line("|---|---|---|");
  }
  void row(std::size_t length, const std::string& field) {
    const ByteView taken = bytes_.subspan(at_, length);
    std::string shown = to_hex(taken);
    if (shown.size() > 40) shown = shown.substr(0, 16) + "..." + shown.substr(shown.size() - 16);
    line("| " + std::to_string(at_) + " | `" + shown + "` | " + field + " |");
    at_ += length;
  }
  void path(const std::string& field, const merkle::Path& path) {
    row(1, field + ": " + std::to_string(path.size()) + (path.size() == 1 ? " hash" : " hashes"));
    for (std::size_t i = 0; i < path.size(); ++i) row(32, field + "[" + std::to_string(i) + "]");
  }
  bool done() const { return at_ == bytes_.size(); }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

void print_proof(const Proof& proof) {
  const Bytes bytes = encode(proof);
  Table table(bytes);
  table.row(1, "version");
  table.row(32, "ledger");
  table.row(8, "number");
  table.row(8, "size");
  table.row(32, "root");
  table.row(4, "epoch");
  table.row(1, "cosignatures: 1");
  table.row(4, "key_id");
  table.row(8, "seconds");
  table.row(64, "signature");
  table.row(1, "previous: none");
  table.row(1, "block: leaf_type");
  table.row(8, "block: height");
  table.row(8, "block: time");
  table.row(8, "block: first_leaf");
  table.row(32, "block: previous");
  table.row(4, "block: registry_size");
  table.row(32, "block: registry_root");
  table.row(32, "block: consortium");
  table.path("block_path", proof.block_path);
  table.row(1, "has_later: no, this is the head's own block");
  table.row(4, "register_index");
  table.row(2, "register: its length");
  table.row(encode(proof.record).size(), "register");
  table.path("register_path", proof.record_path);
  table.row(1, "issued: yes");
  const EntryProof& entry = *proof.entry;
  table.row(32, "chunk: all good");
  table.path("chunk_path", entry.chunk_path);
  table.row(8, "statement_index");
  table.row(2, "statement: its length");
  table.row(encode(entry.statement).size(), "statement: the leaf");
  table.path("statement_path", entry.statement_path);
  table.row(1, "has_institution: yes, a full proof");
  table.row(4, "institution_index");
  table.row(3, "institution: its length");
  table.row(encode(entry.institution->record).size(), "institution");
  table.path("institution_path", entry.institution->path);
  table.row(1, "evidence: none, the status is good");
  table.row(1, "has_document: yes");
  table.row(1, "salt: its length");
  table.row(32, "salt");
  table.path("batch_path", entry.document->path);
  if (!table.done()) throw std::runtime_error("the table and the proof differ");
}

/// What the first half makes and the second builds on.
struct Inputs {
  Bytes genesis_bytes;
  Hash ledger{};
  credentials::Document document;
  Salt salt{};     // of our document
  Hash sibling{};  // leaf hash of the other commitment
  SignedStatement signed_statement;
};

/// Keys, genesis, the document, the batch and the statement.
Inputs print_inputs() {
  const Bytes genesis_bytes = encode(genesis());
  const Hash ledger = ledger_id(genesis_bytes);
  const SecretKey registrar = key_from_text("example registrar");

  line(
      "Every secret and random value of this example is the SHA-256 of an ASCII text, given in quotes. One "
      "institution, one node, one");
  line("register, two sealed documents.");
  line("");
  line(
      "**Genesis.** Signing seeds (RFC 8032): \"example registrar\", \"example note key\", \"example cosigner key\"; "
      "the node's `tls_spki` is");
  line(
      "\"example tls key\", its address `node.a.example:7411`. The registrar may issue and amend, from the time of "
      "creation,");
  line("1800000000000; the institution's display name is \"A\". The bytes, and their hash, the ledger's id:");
  line("");
  block(genesis_bytes);
  line("");
  item("ledger id", ledger);
  line("");

  const auto document = value_of(credentials::read_document(as_bytes(kDocument)));
  line("**The document.** The file is");
  line("");
  text_block(std::string(kDocument));
  line("");
  line("It is a JSON object, so the canonical form counts: `" + std::string(as_text(document.canonical)) + "`");
  line("");
  const Salt salts[] = {from_text("example salt 0"), from_text("example salt 1")};
  const Hash other = from_text("another document");
  const Hash commitments[] = {sealed_commitment(salts[0], other), sealed_commitment(salts[1], document.hash)};
  item("H(document)", document.hash);
  item("salt, \"example salt 1\"", salts[1]);
  item("commitment", commitments[1]);
  line("");
  const std::vector<Hash> leaves = {merkle::leaf_hash(commitments[0]), merkle::leaf_hash(commitments[1])};
  const Hash root = merkle::node_hash(leaves[0], leaves[1]);
  line(
      "**The batch.** Number 0 is another document, whose hash is that of \"another document\", under \"example salt "
      "0\";");
  line("ours is number 1.");
  line("");
  item("commitment 0", commitments[0]);
  item("leaf hashes", leaves[0]);
  item("and", leaves[1]);
  item("batch root, H(0x01 || both)", root);
  line("");

  const Statement statement{ledger, "a.example", Time{kGenesisTime.value + 1000},
                            IssueBody{"diplomas", EntryNumber{0}, 2, root, false}};
  const SignedStatement signed_statement = sign_statement(statement, std::array{registrar});
  line(
      "**The statement.** It issues numbers 0 and 1, signed at 1800000001000. The bytes, the key id and the signature "
      "over "
      "\"testamur/statement/v1\" || 0x00 || bytes:");
  line("");
  block(signed_statement.statement);
  line("");
  item("key_id", signed_statement.signatures[0].key_id);
  item("signature", signed_statement.signatures[0].signature);
  line("");
  return {genesis_bytes, ledger, document, salts[1], leaves[0], signed_statement};
}

/// The block, the checkpoint, the policy, the proof and the verdict.
void print_ledger(const Inputs& inputs) {
  ScratchDirectory scratch;
  std::shared_ptr<storage::KeyValueStore> kv = value_of(storage::open_rocks(scratch.path() + "/ledger", true));
  const auto node = value_of(store::Ledger::create(kv, inputs.genesis_bytes));
  const Bytes handed = encode(inputs.signed_statement);
  const Payload payload{Time{kGenesisTime.value + 2000}, {{handed, std::span<const Hash>{}}}};
  const auto applied = value_of(node->apply(store::LogIndex{1}, payload));
  if (applied.outcomes[0].code != Acceptance::ok) throw std::runtime_error("the example's statement was refused");
  line("**The block.** At time " + std::to_string(payload.time.value) +
       " the statement is accepted. The log has three leaves: block 0's record, the statement's");
  line("leaf, and block 1's record, which is");
  line("");
  block(encode(applied.record));
  line("");
  for (std::uint64_t i = 0; i < 3; ++i) {
    item("leaf hash " + std::to_string(i), merkle::leaf_hash(value_of(node->leaf(LeafIndex{i}))));
  }
  item("root", node->head().root);
  line("");

  const SecretKey cosigner = key_from_text("example cosigner key");
  const Cosignature cosignature = cosign(node->checkpoint(), 1'800'000'003, "node.a.example", cosigner);
  line("**The checkpoint**, cosigned by the one voter at second 1800000003, as a signed note:");
  line("");
  text_block(encode(SignedNote{encode(node->checkpoint()), {to_line(cosignature, "node.a.example")}}));
  line("");
  const Policy policy = policy_of(std::get<ConsortiumRecord>(genesis().records[0]), inputs.ledger);
  line("**The policy** that a verifier holds:");
  line("");
  text_block(encode(policy));
  line("");

  value_of(node->certify({node->checkpoint(), 0, {cosignature}, {}}));
  Proof proof = value_of(value_of(store::History::open(kv))->prove({"a.example", "diplomas", EntryNumber{1}}));
  proof.entry->document = DocumentProof{inputs.salt, {inputs.sibling}};
  const Bytes bytes = encode(proof);
  line("**The proof** that our document is entry 1, in good standing, " + std::to_string(bytes.size()) + " bytes:");
  line("");
  block(bytes);
  line("");
  print_proof(proof);
  line("");
  Question question;
  question.document = inputs.document.hash;
  const Finding finding = verify(bytes, policy, question);
  line("**The verdict** for this policy and H(document): " + std::to_string(static_cast<int>(finding.verdict)) + ", `" +
       std::string(name(finding.verdict)) + "`, entry " + std::to_string(finding.number.value) + " of " +
       finding.institution + "/" + finding.register_name + ", head time " + std::to_string(finding.head_time.value) +
       ".");
}

}  // namespace
}  // namespace testamur::test

int main() {
  testamur::test::print_ledger(testamur::test::print_inputs());
  return 0;
}
