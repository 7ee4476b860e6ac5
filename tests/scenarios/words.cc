#include "words.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "describe.h"

namespace testamur::consensus::scenarios {
namespace {

std::optional<std::uint64_t> as_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

bool names_nodes(const std::string& word) {
  return word == "all" || (!word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0);
}

}  // namespace

Words::Words(std::string_view line, const Setup& setup) : setup_(setup) {
  std::istringstream in{std::string(line)};
  for (std::string word; in >> word && word[0] != '#';) words_.push_back(word);
}

std::string Words::found() const { return at_end() ? "the end of the line" : "\"" + words_[at_] + "\""; }

bool Words::accept(std::string_view word) {
  if (at_end() || words_[at_] != word) return false;
  ++at_;
  return true;
}

void Words::expect(std::string_view word) {
  if (!accept(word)) throw SyntaxError("expected \"" + std::string(word) + "\", found " + found());
}

void Words::expect_end() const {
  if (!at_end()) throw SyntaxError("expected the end of the line, found " + found());
}

const std::string& Words::word(std::string_view what) {
  if (at_end()) throw SyntaxError("expected " + std::string(what) + ", found " + found());
  return words_[at_++];
}

std::vector<std::string> Words::rest(std::string_view what) {
  std::vector<std::string> out = {word(what)};
  while (!at_end()) out.push_back(words_[at_++]);
  return out;
}

std::uint64_t Words::number(std::string_view what) {
  const auto value = at_end() ? std::nullopt : as_number(words_[at_]);
  if (!value) throw SyntaxError("expected " + std::string(what) + ", found " + found());
  ++at_;
  return *value;
}

std::string Words::one_of(const std::vector<std::string_view>& choices, std::string_view what) {
  for (const std::string_view choice : choices) {
    if (accept(choice)) return std::string(choice);
  }
  const std::vector<std::string> names(choices.begin(), choices.end());
  throw SyntaxError("expected " + std::string(what) + " (" + join(names, ", ") + "), found " + found());
}

NodeId Words::any_node() { return NodeId{number("the number of a node")}; }

NodeId Words::node() {
  const auto all = nodes();
  if (all.size() != 1) throw SyntaxError("expected one node, found \"" + words_[at_ - 1] + "\"");
  return all[0];
}

std::vector<NodeId> Words::nodes() {
  std::vector<NodeId> known = setup_.nodes();
  std::vector<std::string> names;
  for (const NodeId id : known) names.push_back(std::to_string(id.value));
  const std::string wanted = "nodes of this story (" + join(names, ",") + ", or all)";
  if (accept("all")) return known;
  known.insert(known.end(), setup_.liars.begin(), setup_.liars.end());
  if (at_end()) throw SyntaxError("expected " + wanted + ", found " + found());
  std::vector<NodeId> out;
  for (const std::string& part : split(words_[at_], ',')) {
    const auto value = as_number(part);
    if (!value || std::find(known.begin(), known.end(), NodeId{*value}) == known.end())
      throw SyntaxError("expected " + wanted + ", found " + found());
    out.push_back(NodeId{*value});
  }
  ++at_;
  return out;
}

std::vector<Link> Words::links() {
  const std::vector<NodeId> from = nodes();
  const bool both = one_of({"->", "<->"}, "an arrow") == "<->";
  std::vector<Link> links;
  for (const NodeId to : nodes()) {
    for (const NodeId each : from) {
      if (each == to) continue;
      links.push_back({each, to});
      if (both) links.push_back({to, each});
    }
  }
  return links;
}

std::vector<Change> Words::changes() {
  std::vector<Change> changes;
  do {
    const std::string kind = one_of({"voter", "learner", "rising", "remove"}, "a change");
    Change change;
    change.kind = kind == "voter"    ? Change::Kind::voter
                  : kind == "remove" ? Change::Kind::remove
                                     : Change::Kind::learner;
    change.rising = kind == "rising";
    change.node = node();
    if (change.kind == Change::Kind::learner && accept("life")) change.life = number("its life");
    changes.push_back(change);
  } while (!at_end());
  return changes;
}

Selection Words::selection() {
  Selection selection;
  if (!at_end() && names_nodes(words_[at_])) selection.links = links();
  for (const std::string_view kind : message_kinds()) {
    if (accept(kind)) selection.kind = kind;
  }
  if (accept("first")) selection.which = Selection::Which::first;
  if (accept("last")) selection.which = Selection::Which::last;
  if (!at_end() && as_number(words_[at_])) {
    selection.which = Selection::Which::numbered;
    selection.number = number("which of them");
    if (selection.number == 0) throw SyntaxError("messages are counted from 1");
  }
  return selection;
}

}  // namespace testamur::consensus::scenarios
