// Where write_corpus puts what the fuzzers begin with: a directory for each.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>

#include "testamur/encoding/bytes.h"

namespace testamur::test {

class Corpus {
 public:
  explicit Corpus(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void add(const std::string& fuzzer, ByteView bytes) {
    std::filesystem::create_directories(directory_ / fuzzer);
    std::ofstream(directory_ / fuzzer / std::to_string(count_[fuzzer]++), std::ios::binary) << as_text(bytes);
  }

 private:
  std::filesystem::path directory_;
  std::map<std::string, int> count_;
};

/// What nodes send to one another: above the consensus (letters_corpus.cc), and in it (messages_corpus.cc).
void write_letters(Corpus& corpus);
void write_messages(Corpus& corpus);

}  // namespace testamur::test
