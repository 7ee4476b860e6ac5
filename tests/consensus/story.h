// What a simulation did, step by step, as a scenario (tests/scenarios): every step that reached a core, so that run_scenario does the
// same. What is for the reader only is told in comments. Of liars it tells what honest nodes hear of them, and nothing else; what owners
// make of entries is then told, too, and not left to the scenario.
#pragma once

#include <map>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "testamur/consensus/core.h"

namespace testamur::consensus::simulation {

class Story {
 public:
  /// A line is written once it is known what it led to. finish() writes the last one, also for a program that is about to die.
  explicit Story(std::ostream& out) : out_(out) {}
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;
  ~Story() { finish(); }
  void finish();

  /// The nodes are down until they are told to be started. The first of the voters may be liars.
  void begin(std::size_t voters, std::size_t nodes, std::size_t liars, const Options& options);
  /// What is done now.
  void step(const std::string& what, NodeId node, const std::string& how = {});
  void change(NodeId leader, std::span<const Change> changes);
  void propose(NodeId leader, std::span<const Payload> payloads);
  /// Of committed entries, `silent` were applied before the node restarted, and no head of theirs is known any more; then others
  /// are applied.
  void apply(NodeId node, std::uint64_t silent, std::uint64_t applied);

  // What comes of the step under way, before it is done.
  void drew(NodeId node, std::uint64_t number);
  void refused(NodeId node, const Payload& payload);

  // Messages. A packet is a number that its copy in flight bears; none: it is lost.
  void sent(const Message& message, std::span<const std::uint32_t> packets);
  /// All that came of one step has been sent.
  void sent_all();
  void deliver(const Message& message, std::uint32_t packet, const Core& to);
  void lose(const Message& message, std::uint32_t packet);

  /// It hears this, which nobody in the story has sent.
  void hear(const Message& message, const Core& to);
  /// The entries that anybody wrote, or liars made up, before anything is said of them.
  void know(std::span<const Entry> entries);

  // Of owners: the first where nobody lies, the second where somebody does.
  bool has_liars() const { return !liars_.empty(); }
  void derive(NodeId node, std::span<const Claim> claims, Index applied);
  void certify(NodeId node, const Claim& claim);
  void install(NodeId node, const Snapshot& snapshot);

  void heal() { line("heal"); }
  void expect_leader(NodeId node, Term term) {
    line("expect leader " + std::to_string(node.value) + " term " + std::to_string(term.value));
  }
  void expect_role(NodeId node, Role role);
  void expect_level() { line("expect level"); }
  /// Told where it is another than before.
  void stand(const Core& core);
  void note(const std::string& text);
  /// How a node stands is what the scenario must come to.
  void expect(const Core& core);

 private:
  using Link = std::pair<NodeId, NodeId>;
  struct InFlight {
    std::size_t kind;
    std::uint32_t packet;
  };
  struct Sent {
    Link link;
    std::size_t kind;
    std::vector<std::uint32_t> packets;
  };
  enum class Prefer { first, last };

  void line(const std::string& text);
  std::size_t place_of(const Link& link, std::uint32_t packet) const;
  std::string words_for(const Link& link, std::size_t place, Prefer prefer) const;

  bool lies(NodeId node) const { return liars_.contains(node); }
  Digest translated(const Digest& hash) const;
  std::string spell(const EntryId& id, const Core& to) const;
  std::string spell(const Body& body, const Core& to) const;
  std::string spell(const EntryId& after, const std::vector<Entry>& entries, const Core& to) const;

  std::ostream& out_;
  std::set<NodeId> liars_;
  std::map<NodeId, std::uint64_t> campaigns_;  // the newest of each
  std::map<Digest, Digest> hashes_;            // what an entry's is in the story, whose payloads are other bytes
  std::vector<std::string> before_;            // lines that must come before the one under way
  std::string under_way_;
  std::string after_;
  unsigned times_ = 0;  // of the one under way
  std::map<Link, std::vector<InFlight>> in_flight_;
  std::vector<Sent> sent_;
  std::map<NodeId, std::string> stands_;
};

}  // namespace testamur::consensus::simulation
