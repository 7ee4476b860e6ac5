// What befalls a simulated cluster from outside: faults, operators, clients; and that all is well in the end.
#include <algorithm>

#include "simulation.h"

namespace testamur::consensus::simulation {

Setup draw_setup(std::uint64_t seed) {
  Random random(seed);
  constexpr std::array<std::size_t, 8> sizes = {1, 2, 3, 3, 4, 4, 5, 7};
  Setup setup;
  setup.seed = seed;
  setup.voters = sizes[random.below(sizes.size())];
  setup.spares = random.below(2) == 0 ? random.below(4) : 0;
  setup.election_ticks = static_cast<unsigned>(random.below(2) == 0 ? 10 : 3 + random.below(8));
  setup.one_link_stays_cut = random.below(3) == 0;
  setup.faults = draw_faults(random);
  setup.faults_ms = static_cast<unsigned>(5'000 + random.below(25'000));
  if (random.below(2) == 0) setup.max_uncertified = setup.max_held = 4 + random.below(61);
  if (random.below(2) == 0) setup.faults.crash_at_change_per_mille = static_cast<unsigned>(1 + random.below(400));
  if (random.below(2) == 0) setup.faults.stranger_per_mille = static_cast<unsigned>(1 + random.below(50));
  return setup;
}

Setup draw_setup_with_liars(std::uint64_t seed) {
  Random random(scatter(seed));
  Setup setup = draw_setup(seed);
  setup.voters = 4 + random.below(4);
  setup.spares = 0;
  setup.liars = 1 + random.below(most_liars(setup.voters));
  setup.faults.change_per_mille = setup.faults.lose_log_per_mille = setup.faults.damage_per_mille = 0;
  return setup;
}

/// Every 100 ms.
void Cluster::world() {
  events_.add({now_ms_ + kTickMs, 0, Event::Kind::world, 0, 0, 0});
  links_.change(faults_, now_ms_, random_);
  for (Node& node : nodes_) {
    if (!node.core) {
      if (now_ms_ >= node.restart_at_ms) start(node);
    } else {
      befall(node);
    }
  }
  operate();
  if (random_.happens(faults_.propose_per_mille) && !healed_) propose_somewhere();
  if (random_.happens(faults_.read_per_mille)) read_somewhere();
  if (more_.happens(faults_.stranger_per_mille)) say_something_strange();
}

void Cluster::befall(Node& node) {
  if (random_.happens(faults_.crash_per_mille)) {
    const bool may_be = may_be_harmed(node.id, conditions(), invariants_, first_);
    crash(node);
    if (may_be && random_.happens(faults_.damage_per_mille)) damage(node);
    if (may_be && random_.happens(faults_.lose_log_per_mille)) lose_log(node);
    return;
  }
  if (random_.happens(faults_.hang_up_per_mille)) hang_up(nodes_[random_.below(nodes_.size())], node);
  if (random_.happens(faults_.pause_per_mille)) {
    // What waits for the end of one pause is not to be overtaken by the end of a shorter one.
    const std::uint64_t until_ms = now_ms_ + 100 + random_.below(random_.below(4) == 0 ? 8000 : 1000);
    node.paused_until_ms = std::max(node.paused_until_ms, until_ms);
  }
  if (random_.happens(faults_.compact_per_mille) && !node.installing) {
    // What is compacted is on disk in the state, and a snapshot of what is certified can still be served.
    const Index safe = node.owner.safe_to_compact();
    const Index index{safe.value - std::min(safe.value, random_.below(20))};
    if (story_ && index > node.core->log().base().index)
      story_->step("compact", node.id, " " + std::to_string(index.value));
    node.core->compact(index);
    handle(node);
  }
}

/// A node hears that nothing more comes from another one; which may not be true.
void Cluster::hang_up(const Node& from, Node& to) {
  if (!to.core || &from == &to || now_ms_ < to.paused_until_ms) return;
  if (story_ && !to.liar) story_->step("disconnect", from.id, " -> " + std::to_string(to.id.value));
  to.core->disconnected(from.id);
  handle(to);
}

void Cluster::damage(Node& node) {
  const Stored& stored = node.disk->stored();
  if (stored.entries.empty()) return;
  ++counts_.damages;
  node.harmed = true;
  invariants_.harmed(node.id);
  const auto some = [&] { return stored.entries[random_.below(stored.entries.size())].id.index; };
  using Damage = SimulatedDisk::Damage;
  const Index index = some();
  const bool is_last = index == stored.entries.back().id.index;
  Damage kind = Damage::changed;
  Index other;
  const std::uint64_t drawn = random_.below(3);
  if (drawn == 1) {
    other = some();
    if (other != index) kind = Damage::misdirected;
  }
  // The database knows how long its log is: the last entry does not go without a trace.
  if (drawn == 2 && !is_last) kind = Damage::gone;
  if (story_) {
    const std::string how = kind == Damage::gone          ? " gone"
                            : kind == Damage::misdirected ? " as " + std::to_string(other.value)
                                                          : "";
    story_->step("damage", node.id, " entry " + std::to_string(index.value) + how);
  }
  node.disk->damage(index, kind, other);
}

void Cluster::lose_log(Node& node) {
  ++counts_.lost_logs;
  node.disk = std::make_unique<SimulatedDisk>();
  on_disk_[node.id] = &node.disk->stored();
  node.owner = Owner(registrars_);
  node.staged.reset();
  node.life = random_.next() | 1;
  if (story_) story_->step("erase", node.id, " life " + std::to_string(node.life));
  invariants_.lost(node.id);
  node.harmed = true;
  invariants_.harmed(node.id);
}

/// The core that knows the newest configuration.
const Core* Cluster::newest() {
  const Core* newest = nullptr;
  for (const Node& node : nodes_) {
    if (!node.core) continue;
    const auto rank = [](const Core& core) { return std::pair(core.log().last().term, core.log().last().index); };
    if (newest == nullptr || rank(*node.core) > rank(*newest)) newest = node.core.get();
  }
  return newest;
}

Condition Cluster::condition(const Node& node) const {
  return {node.core.get(), &node.disk->stored(), node.harmed, node.life};
}

Conditions Cluster::conditions() const {
  Conditions all;
  for (const Node& node : nodes_) all[node.id] = condition(node);
  return all;
}

bool Cluster::is_impaired(const Node& node, const Configuration& configuration) const {
  return simulation::is_impaired(node.id, condition(node), configuration);
}

/// The leader that the newest term has, if it is up.
Core* Cluster::leader() {
  Core* leader = nullptr;
  for (Node& node : nodes_) {
    if (!node.core || node.core->role() != Role::leader) continue;
    if (leader == nullptr || node.core->term() > leader->term()) leader = node.core.get();
  }
  return leader;
}

void Cluster::operate() {
  const bool changes = random_.happens(faults_.change_per_mille);
  const bool transfers = random_.happens(faults_.transfer_per_mille);
  if (!changes && !transfers) return;
  Core* leading = leader();
  if (leading == nullptr || now_ms_ < node(leading->self()).paused_until_ms) return;
  if (changes) {
    change_members(*leading);
    handle(node(leading->self()));
  }
  if (!transfers) return;
  const bool any = random_.below(2) == 0;
  const NodeId to{1 + random_.below(nodes_.size())};
  if (leading->transfer(any ? std::nullopt : std::optional(to)) != TransferResult::accepted) return;
  ++counts_.transfers;
  if (story_) story_->step("transfer", leading->self(), " to " + (any ? "any" : std::to_string(to.value)));
  handle(node(leading->self()));
}

std::set<NodeId> Cluster::heard_by(const Core& leader) {
  std::set<NodeId> heard = {leader.self()};
  for (const PeerProgress& peer : leader.progress())
    if (peer.active) heard.insert(peer.peer);
  return heard;
}

void Cluster::change_members(Core& leader) {
  std::vector<Change> changes;
  for (std::uint64_t count = random_.below(4) == 0 ? 2 : 1; count > 0; --count) {
    const Node& node = nodes_[random_.below(nodes_.size())];
    Change change{Change::Kind::learner, node.id, random_.below(3) != 0, 0};
    if (!leader.configuration().is_member(node.id)) {
      change.life = node.life;
    } else if (random_.below(2) == 0) {
      change.kind = Change::Kind::remove;
    } else if (leader.configuration().learners.contains(node.id) && random_.below(2) == 0) {
      change.kind = Change::Kind::voter;
    }
    if (change.kind != Change::Kind::voter || !is_impaired(node, leader.configuration())) changes.push_back(change);
  }
  if (!may_be_asked(changes, leader.configuration(), conditions(), first_)) return;
  if (story_) story_->change(leader.self(), changes);
  const std::set<NodeId> heard = heard_by(leader);
  const Voters before = leader.configuration().voters;
  if (leader.change(changes).result != ChangeResult::accepted) return;
  Invariants::check_accepts(leader);
  Invariants::check_change(leader, before, heard);
}

void Cluster::propose_somewhere() {
  Node& asked = nodes_[random_.below(nodes_.size())];
  if (!asked.core) return;
  Node& node = asked.core->leader() ? this->node(*asked.core->leader()) : asked;
  if (node.core && now_ms_ >= node.paused_until_ms) propose(node, 1 + random_.below(4));
}

bool Cluster::propose(Node& node, std::size_t payloads) {
  if (node.core->may_propose(payloads) != ProposeResult::accepted) return false;
  std::vector<Payload> all;
  for (; payloads > 0; --payloads) {
    all.push_back(draw_payload(node));
  }
  if (story_) story_->propose(node.id, all);
  node.core->propose(std::move(all));
  Invariants::check_accepts(*node.core);
  Invariants::check_uncertified(*node.core, node.owner.height() - node.owner.certified_height(), node.owner.applied(),
                                setup_.max_uncertified);
  handle(node);
  return true;
}

void Cluster::read_somewhere() {
  Node& node = nodes_[random_.below(nodes_.size())];
  if (node.core && now_ms_ >= node.paused_until_ms) read(node);
}

void Cluster::read(Node& node) {
  if (story_) story_->step("read", node.id);
  asked_[++last_read_] = told_;
  node.core->read(last_read_);
  handle(node);
}

/// A stranger, or a node that its hearer knows to be no member, leads, campaigns, votes or holds entries in some term. It must change
/// nothing; unless the hearer may lack the configuration in which it is one.
void Cluster::say_something_strange() {
  Node& hearer = nodes_[more_.below(nodes_.size())];
  const NodeId from{1 + more_.below(nodes_.size() + 1)};
  const Term term{1 + more_.below(invariants_.newest_term().value + 2)};
  const std::uint64_t kind = more_.below(6);
  const std::uint64_t drawn = more_.next();
  if (!hearer.core || hearer.liar || now_ms_ < hearer.paused_until_ms) return;
  const Core& core = *hearer.core;
  if (core.configuration().is_member(from) || from == hearer.id) return;
  const bool is_unknown = from.value > nodes_.size();
  const EntryId last = core.log().last();
  const EntryId known = core.log().at(Index{drawn % (last.index.value + 1)}).value_or(last);
  Body body = Heartbeat{};
  // What it has may be newer than what is here, where it never was a member.
  if (kind == 1) body = VoteRequest{is_unknown && drawn % 2 == 0 ? EntryId{term, next(last.index), {}} : known};
  if (kind == 2) body = PreVoteRequest{drawn % 4, known};
  if (kind == 3) body = VoteResponse{true};
  if (kind == 4) body = Durable{known};
  if (kind == 5) body = AppendRequest{known, {}};
  const bool leads = kind == 0 || kind == 5;
  if (leads && !is_unknown && term > last.term) return;  // it may lead by what this node lacks
  ++counts_.strangers;
  const Message message{from, hearer.id, term, std::move(body)};
  if (story_) story_->hear(message, core);
  const auto before = std::tuple(core.role(), core.term(), core.leader(), core.state(), core.committed());
  hearer.core->step(message);
  if (before != std::tuple(core.role(), core.term(), core.leader(), core.state(), core.committed()) ||
      core.log().last() != last)
    throw Violation("a stranger changes something");
  handle(hearer);
}

/// They say nothing any more.
void Cluster::silence_liars() {
  for (Node& node : nodes_) {
    if (!node.liar) continue;
    if (node.core && story_) story_->step("crash", node.id);
    if (node.core) stop(node);
    node.restart_at_ms = ~std::uint64_t{0};
  }
}

/// Whether a liar left honest nodes with different blocks that are not certified: the one whose log is newest, and who alone can be
/// elected, lacks what another has counted. Then people have to act (testamur cluster recover).
bool Cluster::honest_nodes_differ() const {
  const Core* newest = nullptr;
  for (const Node& node : nodes_) {
    if (node.liar) continue;
    if (newest == nullptr || up_to_date(node.core->log().last(), newest->log().last())) newest = node.core.get();
  }
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    if (node.liar) return false;
    const Index counted = std::max(node.core->committed(), newest->log().base().index);
    const auto mine = node.core->log().at(counted);
    return mine && newest->log().at(counted) != mine;
  });
}

void Cluster::count_caught() {
  for (const Node& node : nodes_) {
    for (const auto& [kind, liar] : node.heard.caught()) ++counts_.caught[static_cast<std::size_t>(kind)];
    if (!node.liar) continue;
    add(counts_.lies, node.liar->told());
  }
}

void Cluster::heal() {
  if (story_) story_->heal();
  faults_ = Faults{};
  faults_.read_per_mille = 0;
  healed_ = true;
  silence_liars();
  count_caught();
  links_.heal();
  for (Node& node : nodes_) {
    settled_at_ms_ = std::max({settled_at_ms_, node.paused_until_ms, node.writes_until_ms});
    node.paused_until_ms = std::min(node.paused_until_ms, now_ms_);
    if (!node.core && !node.liar) start(node);
  }
  if (setup_.one_link_stays_cut) leave_a_link_cut();
}

/// One voter that the others can do without does not hear, or is not heard by, one of them, or all. The others must go on: neither
/// elections without end nor a leader whom too few hear may keep them from it.
void Cluster::leave_a_link_cut() {
  const Core* core = newest();
  if (core == nullptr || setup_.liars > 0) return;
  // What only one of them has in its log may come to hold all the same.
  if (std::any_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.core && node.core->is_changing(); }))
    return;
  const Configuration& configuration = core->configuration();
  NodeId half_cut{1 + random_.below(nodes_.size())};
  // The one that leads is the one to whom it matters most.
  if (const Core* leading = leader(); leading != nullptr && more_.below(2) == 0) half_cut = leading->self();
  const bool is_spare =
      std::none_of(nodes_.begin(), nodes_.end(), [&](const Node& node) { return is_impaired(node, configuration); });
  if (!is_spare || !configuration.voters.nodes.contains(half_cut) || most_voters_impaired(configuration, first_) == 0)
    return;
  half_cut_.insert(half_cut);
  for (const std::size_t other : links_.cut_half(half_cut.value - 1, random_)) half_cut_.insert(nodes_[other].id);
  if (story_) story_->note("a link of node " + std::to_string(half_cut.value) + " stays cut in one direction");
}

void Cluster::tell_how_all_stand() const {
  for (const Node& node : nodes_) {
    if (story_ && node.core) story_->expect(*node.core);
  }
}

std::string Cluster::what_is_not_level(std::uint64_t height_before) {
  const Core* leading = leader();
  if (leading == nullptr) return "nobody leads";
  const Configuration& members = leading->configuration();
  if (leading->is_changing()) return "a change is under way: " + to_string(members);
  // The one that its leader cannot reach cannot catch up.
  const bool all_risen =
      std::all_of(members.rising.begin(), members.rising.end(), [&](NodeId one) { return half_cut_.contains(one); });
  if (!all_risen) return "a learner has not risen: " + to_string(members);
  const Owner& owner = node(leading->self()).owner;
  if (owner.certified_height() <= height_before) return "nothing new is certified";
  // One that holds a liar's entry of the present term refuses the honest leader's until there is another term.
  if (setup_.liars > 0) return {};
  for (const NodeId member : members.members()) {
    const Node& node = this->node(member);
    if (node.liar || half_cut_.contains(node.id)) continue;
    const std::string name = "node " + std::to_string(member.value) + " of " + to_string(members);
    if (node.core->committed() != leading->committed()) return name + " has not committed what the leader has";
    if (node.owner.certified_height() != owner.height()) return name + " has not certified the leader's head";
    if (node.life != members.life_of(member)) return name + " is not back in its new life";
  }
  return {};
}

void Cluster::expect_certified(unsigned bound_ms) {
  const std::uint64_t began_ms = now_ms_;
  const std::uint64_t height_before = invariants_.certified_height();
  std::string missing;
  while (now_ms_ < began_ms + bound_ms) {
    // One write at a time, so that all can come level with it.
    if (Core* leading = leader()) propose(node(leading->self()), 1);
    for (unsigned waited = 0; waited < 2000; waited += 200) {
      run(200);
      missing = what_is_not_level(height_before);
      if (!missing.empty()) continue;
      counts_.heal_ms = now_ms_ - began_ms;
      return;
    }
  }
  std::string stand;
  for (const Node& node : nodes_) {
    if (!node.core) continue;
    stand += "; node " + std::to_string(node.id.value) + ": term " + std::to_string(node.core->term().value) +
             ", log " + std::to_string(node.core->log().base().index.value) + ".." +
             std::to_string(node.core->log().last().term.value) + ":" +
             std::to_string(node.core->log().last().index.value) + ", committed " +
             std::to_string(node.core->committed().value) + ", applied " + std::to_string(node.owner.applied().value) +
             ", height " + std::to_string(node.owner.height()) + ", certified " +
             std::to_string(node.owner.certified_height()) + (node.disk->stored().floor ? ", damaged" : "") +
             (node.life != 0 ? ", another life" : "") + (node.fetching ? ", fetching" : "") +
             (node.installing ? ", installing" : "") + ", " + to_string(node.core->configuration());
  }
  if (setup_.liars > 0 && honest_nodes_differ()) {
    ++counts_.contradicted;
    return;
  }
  if (story_) story_->expect_level();
  throw Violation("after everything was well again: " + missing + stand);
}

}  // namespace testamur::consensus::simulation
