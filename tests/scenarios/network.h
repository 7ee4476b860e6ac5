// The network of a story: what is sent stays in flight until the story has it delivered, or lost.
//
// Messages are delivered oldest first. A cut link loses what is in flight on it and what is sent later. A message that is held is
// delivered only after its release, however late; neither cuts nor restarts reach it.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "testamur/consensus/messages.h"

namespace testamur::consensus::scenarios {

struct Link {
  NodeId from;
  NodeId to;
  auto operator<=>(const Link&) const = default;
};

/// Some of the messages.
struct Selection {
  std::vector<Link> links;  ///< empty: all
  std::string kind;         ///< empty: all
  enum class Which { all, first, last, numbered } which = Which::all;
  std::size_t number = 0;  ///< where numbered: which of them, from 1

  bool matches(const Message& message) const;
  /// Whether all that `other` matches is matched by this too.
  bool covers(const Selection& other) const;
};

class Network {
 public:
  void send(Message message);
  void cut(const std::vector<Link>& links);
  void heal(const std::vector<Link>& links);
  /// Every link is whole, and nothing is held.
  void heal_all();

  /// Keeps back what is in flight and what will be sent.
  void hold(const Selection& selection);
  // These say how many messages they were about.
  std::size_t release(const Selection& selection);
  std::size_t lose(const Selection& selection);
  std::size_t duplicate(const Selection& selection);
  std::size_t count(const Selection& selection) const;

  std::size_t size() const { return packets_.size(); }
  /// Loses what was sent since there were so many messages.
  void lose_since(std::size_t size) { packets_.resize(size); }

  /// Takes the oldest message that is not held.
  std::optional<Message> take(const Selection& selection);

 private:
  struct Packet {
    Message message;
    bool held = false;
  };
  /// The places of the packets selected, in rising order; the held ones, or the others, or both.
  enum class Of { both, held, moving };
  std::vector<std::size_t> find(const Selection& selection, Of of) const;

  std::vector<Packet> packets_;  // oldest first
  std::set<Link> cut_;
  std::vector<Selection> holds_;
};

}  // namespace testamur::consensus::scenarios
