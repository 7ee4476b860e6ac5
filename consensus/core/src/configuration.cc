#include "testamur/consensus/configuration.h"

#include <algorithm>
#include <iterator>

namespace testamur::consensus {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kMaxNodes = 1024;

/// A configuration that changes node by node.
class Changing {
 public:
  explicit Changing(const Configuration& from) : now_(from) {}

  void apply(std::span<const Change> changes) {
    for (const Change& change : changes) {
      if (change.node == NodeId{}) continue;
      switch (change.kind) {
        case Change::Kind::voter: make_voter(change.node); break;
        case Change::Kind::learner: make_learner(change); break;
        case Change::Kind::remove: remove(change.node); break;
        case Change::Kind::update: break;
      }
    }
  }

  Configuration& now() { return now_; }
  const std::set<NodeId>& fresh() const { return fresh_; }

 private:
  void make_voter(NodeId node) {
    if (!now_.is_member(node)) fresh_.insert(node);
    now_.learners.erase(node);
    now_.learners_next.erase(node);
    now_.rising.erase(node);
    now_.voters.nodes.insert(node);
  }

  void make_learner(const Change& change) {
    const NodeId node = change.node;
    const bool was_member = now_.is_member(node);
    if (!now_.learners.contains(node)) {
      now_.voters.nodes.erase(node);
      // It cannot be both: one that still votes in the outgoing half becomes a learner when that is left.
      (now_.outgoing.nodes.contains(node) ? now_.learners_next : now_.learners).insert(node);
    }
    if (!was_member) fresh_.insert(node);
    if (change.rising) now_.rising.insert(node);
    if (change.life != 0) now_.lives[node] = change.life;
  }

  void remove(NodeId node) {
    now_.voters.nodes.erase(node);
    now_.learners.erase(node);
    now_.learners_next.erase(node);
    now_.rising.erase(node);
    if (!now_.is_member(node)) fresh_.erase(node);
  }

  Configuration now_;
  std::set<NodeId> fresh_;
};

Changed refused(std::string why) { return {{}, {}, std::move(why)}; }

Changed finish(Changing changing, const QuorumSize& quorum) {
  Configuration& now = changing.now();
  now.voters.threshold = quorum(now.voters.nodes.size());
  if (std::string wrong = what_is_wrong(now); !wrong.empty()) return refused(std::move(wrong));
  std::set<NodeId> fresh = changing.fresh();
  return {std::move(now), std::move(fresh), {}};
}

bool intersect(const std::set<NodeId>& a, const std::set<NodeId>& b) {
  return std::any_of(a.begin(), a.end(), [&](NodeId node) { return b.contains(node); });
}

bool includes(const std::set<NodeId>& a, const std::set<NodeId>& b) {
  return std::includes(a.begin(), a.end(), b.begin(), b.end());
}

bool is_threshold(const Voters& voters) {
  return 2 * voters.threshold > voters.nodes.size() && voters.threshold <= voters.nodes.size();
}

class Writer {
 public:
  void number(std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  void nodes(const std::set<NodeId>& nodes) {
    number(nodes.size());
    for (const NodeId node : nodes) number(node.value);
  }
  void voters(const Voters& voters) {
    nodes(voters.nodes);
    number(voters.threshold);
  }
  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads what Writer writes; once something is wrong, the rest is zeros.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    if (bytes_.size() < 8) return fail();
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes_.first(8)) value = value << 8 | byte;
    bytes_ = bytes_.subspan(8);
    return value;
  }
  /// How many follow.
  std::uint64_t count() {
    const std::uint64_t count = number();
    return count <= kMaxNodes ? count : fail();
  }
  std::set<NodeId> nodes() {
    std::set<NodeId> nodes;
    for (std::uint64_t left = count(); left > 0 && !failed_; --left) add(nodes, NodeId{number()});
    return nodes;
  }
  Voters voters() {
    Voters voters;
    voters.nodes = nodes();
    voters.threshold = number();
    return voters;
  }
  std::map<NodeId, std::uint64_t> lives() {
    std::map<NodeId, std::uint64_t> lives;
    for (std::uint64_t left = count(); left > 0 && !failed_; --left) {
      const NodeId node{number()};
      if (!lives.empty() && node <= lives.rbegin()->first) fail();
      lives.emplace(node, number());
    }
    return lives;
  }
  std::uint8_t byte() {
    if (bytes_.empty()) return static_cast<std::uint8_t>(fail());
    const std::uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  void expect(bool holds) { failed_ |= !holds; }
  bool is_done() const { return !failed_ && bytes_.empty(); }

 private:
  std::uint64_t fail() {
    failed_ = true;
    bytes_ = {};
    return 0;
  }
  void add(std::set<NodeId>& nodes, NodeId node) {
    // In their order: a configuration has one encoding.
    if (!nodes.empty() && node <= *nodes.rbegin()) fail();
    nodes.insert(node);
  }

  std::span<const std::uint8_t> bytes_;
  bool failed_ = false;
};

std::string to_string(const std::set<NodeId>& nodes) {
  std::string out = "(";
  for (const NodeId node : nodes) out += (out.size() > 1 ? " " : "") + std::to_string(node.value);
  return out + ")";
}

}  // namespace

std::uint64_t Configuration::life_of(NodeId node) const {
  const auto found = lives.find(node);
  return found == lives.end() ? 0 : found->second;
}

std::set<NodeId> Configuration::all_voters() const {
  std::set<NodeId> all = voters.nodes;
  all.insert(outgoing.nodes.begin(), outgoing.nodes.end());
  return all;
}

std::set<NodeId> Configuration::members() const {
  std::set<NodeId> all = all_voters();
  all.insert(learners.begin(), learners.end());
  return all;
}

std::size_t byzantine_quorum(std::size_t voters) {
  if (voters == 0) return 0;
  return (voters + most_liars(voters)) / 2 + 1;
}

QuorumSize certifying_quorum(std::size_t threshold) {
  return [threshold](std::size_t voters) { return std::max(byzantine_quorum(voters), std::min(threshold, voters)); };
}

Changed change_simply(const Configuration& from, std::span<const Change> changes, const QuorumSize& quorum) {
  if (from.is_joint()) return refused("can't apply simple config change in joint config");
  Changing changing(from);
  changing.apply(changes);
  const std::set<NodeId>& before = from.voters.nodes;
  const std::set<NodeId>& after = changing.now().voters.nodes;
  if (after.empty()) return refused("removed all voters");
  std::set<NodeId> differ;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::inserter(differ, differ.end()));
  if (differ.size() > 1) return refused("more than one voter changed without entering joint config");
  return finish(std::move(changing), quorum);
}

Changed enter_joint(const Configuration& from, bool auto_leave, std::span<const Change> changes,
                    const QuorumSize& quorum) {
  if (from.is_joint()) return refused("config is already joint");
  if (from.voters.nodes.empty()) return refused("can't make a zero-voter config joint");
  Configuration joint = from;
  joint.outgoing = from.voters;
  joint.auto_leave = auto_leave;
  Changing changing(joint);
  changing.apply(changes);
  if (changing.now().voters.nodes.empty()) return refused("removed all voters");
  return finish(std::move(changing), quorum);
}

Changed leave_joint(const Configuration& from) {
  if (!from.is_joint()) return refused("can't leave a non-joint config");
  Configuration now = from;
  now.learners.insert(now.learners_next.begin(), now.learners_next.end());
  now.learners_next.clear();
  now.outgoing = {};
  now.auto_leave = false;
  return {std::move(now), {}, {}};
}

std::string what_is_wrong(const Configuration& configuration) {
  const auto& [voters, outgoing, learners, learners_next, rising, lives, auto_leave] = configuration;
  if (voters.nodes.empty()) return "no voters";
  for (const std::size_t part : {voters.nodes.size(), learners.size(), lives.size()}) {
    if (part > kMaxNodes) return "more than " + std::to_string(kMaxNodes) + " nodes in a part";
  }
  if (!is_threshold(voters)) return "a threshold that is no majority of the voters, or more than there are";
  if (intersect(learners, voters.nodes) || intersect(learners, outgoing.nodes)) return "a learner that is a voter";
  if (!includes(outgoing.nodes, learners_next)) return "a learner to be that is no outgoing voter";
  if (intersect(learners_next, voters.nodes)) return "a learner to be that is an incoming voter";
  std::set<NodeId> may_rise = learners;
  may_rise.insert(learners_next.begin(), learners_next.end());
  if (!includes(may_rise, rising)) return "a rising node that is no learner";
  if (configuration.is_joint() && !is_threshold(outgoing)) return "an outgoing threshold that is no majority";
  if (!configuration.is_joint() && (auto_leave || outgoing.threshold != 0))
    return "auto-leave without a joint configuration";
  return {};
}

bool may_follow(const Configuration& before, const Configuration& after) {
  if (!what_is_wrong(after).empty()) return false;
  if (!before.is_joint()) return after.is_joint() ? after.outgoing == before.voters : after.voters == before.voters;
  return after.is_joint() ? after.voters == before.voters && after.outgoing == before.outgoing
                          : after.voters == before.voters;
}

Payload encode(const Configuration& configuration) {
  Writer out;
  out.bytes().push_back(kVersion);
  out.voters(configuration.voters);
  out.voters(configuration.outgoing);
  out.nodes(configuration.learners);
  out.nodes(configuration.learners_next);
  out.nodes(configuration.rising);
  out.number(configuration.lives.size());
  for (const auto& [node, life] : configuration.lives) {
    out.number(node.value);
    out.number(life);
  }
  out.bytes().push_back(configuration.auto_leave ? 1 : 0);
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(out.bytes()));
}

std::optional<Configuration> decode_configuration(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  in.expect(in.byte() == kVersion);
  Configuration configuration;
  configuration.voters = in.voters();
  configuration.outgoing = in.voters();
  configuration.learners = in.nodes();
  configuration.learners_next = in.nodes();
  configuration.rising = in.nodes();
  configuration.lives = in.lives();
  const std::uint8_t auto_leave = in.byte();
  in.expect(auto_leave <= 1);
  configuration.auto_leave = auto_leave == 1;
  if (!in.is_done()) return std::nullopt;
  return configuration;
}

std::string to_string(const Configuration& configuration) {
  std::string out = "voters=" + to_string(configuration.voters.nodes);
  if (configuration.is_joint()) out += "&&" + to_string(configuration.outgoing.nodes);
  if (!configuration.learners.empty()) out += " learners=" + to_string(configuration.learners);
  if (!configuration.learners_next.empty()) out += " learners_next=" + to_string(configuration.learners_next);
  if (configuration.auto_leave) out += " autoleave";
  return out;
}

}  // namespace testamur::consensus
