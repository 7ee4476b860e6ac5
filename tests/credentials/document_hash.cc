// document_hash FILE...: what each file is as a document, and H(document). Exit code 1 when one was refused.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "testamur/credentials/document.h"

int main(int argc, char** argv) {
  using namespace testamur;
  int exit_code = 0;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    const auto document = credentials::read_document(bytes);
    if (document) {
      std::printf("%s: %s %s\n", argv[i], std::string(name(document->kind)).c_str(), to_hex(document->hash).c_str());
    } else {
      std::printf("%s: refused: %s\n", argv[i], document.error().message.c_str());
      exit_code = 1;
    }
  }
  return exit_code;
}
