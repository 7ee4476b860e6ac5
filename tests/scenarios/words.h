// One line of a story, read word by word. What is not as expected is told with what was.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cluster.h"

namespace testamur::consensus::scenarios {

class SyntaxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Words {
 public:
  /// Splits at spaces; what follows a word that begins with # is left out.
  Words(std::string_view line, const Setup& setup);

  const Setup& setup() const { return setup_; }
  bool at_end() const { return at_ == words_.size(); }
  bool peek(std::string_view word) const { return !at_end() && words_[at_] == word; }
  /// Takes the next word if it is this one.
  bool accept(std::string_view word);
  void expect(std::string_view word);
  void expect_end() const;
  /// The next word; `what` says what should be there.
  const std::string& word(std::string_view what);
  std::vector<std::string> rest(std::string_view what);
  std::uint64_t number(std::string_view what);
  /// One of these words.
  std::string one_of(const std::vector<std::string_view>& choices, std::string_view what);

  /// "2", a node that the story declared.
  NodeId node();
  /// A number of a node that need not be one of the story's.
  NodeId any_node();
  /// "2", "1,3" or "all".
  std::vector<NodeId> nodes();
  /// "1 -> 2,3" or "1 <-> 2"; a node has no link to itself.
  std::vector<Link> links();
  /// One or more of: voter NODE, learner NODE [life LIFE], rising NODE [life LIFE], remove NODE
  std::vector<Change> changes();
  /// [LINKS] [KIND] [first|last|NUMBER]
  Selection selection();

 private:
  std::string found() const;

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  const Setup& setup_;
};

}  // namespace testamur::consensus::scenarios
