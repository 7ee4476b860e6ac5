// write_proof DIRECTORY: a good proof of a sealed document, its policy, and the document's hash, as files.
#include <fstream>

#include "test_ledger.h"

int main(int argc, char** argv) {
  using namespace testamur;
  using namespace testamur::test;
  if (argc != 2) return 2;
  TestLedger test;
  const Class entries = make_class("class", 9, false);
  test.issue(0, "r1", entries);
  test.certify();
  Proof proof = value_of(test.history()->prove({World::institution_id(0), "r1", EntryNumber{6}}));
  proof.entry->document = DocumentProof{entries.salts[6], entries.path(6)};
  std::filesystem::create_directories(argv[1]);
  const auto write = [&](const char* name, std::string_view bytes) {
    std::ofstream(std::filesystem::path(argv[1]) / name, std::ios::binary) << bytes;
  };
  write("proof", as_text(encode(proof)));
  write("policy", encode(test.world().policy()));
  write("document_hash", as_text(entries.documents[6]));
  return 0;
}
