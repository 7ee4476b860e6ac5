// Which entries of a class a command line means: by document, by the name a document had in its class, by number.
#pragma once

#include <unordered_map>

#include "batch.h"
#include "failure.h"

namespace CLI {
class App;
}

namespace testamur::tool {

struct WantedWords {
  std::vector<std::string> documents;  ///< files, or hashes in hex
  std::vector<std::string> names;
  std::vector<std::string> numbers;  ///< "42", "42-57"
};
/// --name, --number, and DOCUMENT.
void add_wanted_options(CLI::App& command, WantedWords& words);

class Wanted {
 public:
  /// One word at least, and documents that can be read.
  static Result<Wanted> read(const WantedWords& words);

  /// Indexes of those meant, rising. Of the numbers, those of erased entries too, so that it can be said that they are.
  std::vector<std::size_t> among(std::span<const BatchDocument> documents, EntryNumber first);
  /// What was meant and not found by any call, in words; and what was found more than once.
  std::vector<std::string> missing() const;
  std::vector<std::string> doubled() const;

  bool has_numbers() const { return !ranges_.empty(); }
  /// Only numbers are meant, and none of [first, first + count).
  bool leaves_out(const NumberRange& range) const;

 private:
  struct Item {
    std::string words;
    std::uint64_t expected = 1;
    std::uint64_t found = 0;
  };
  struct HashOf {
    std::size_t operator()(const Hash& hash) const;
  };

  std::vector<Item> items_;
  std::unordered_map<Hash, std::size_t, HashOf> by_document_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::vector<std::pair<NumberRange, std::size_t>> ranges_;
};

}  // namespace testamur::tool
