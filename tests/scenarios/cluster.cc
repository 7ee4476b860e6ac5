#include "cluster.h"

#include <algorithm>
#include <utility>

#include "describe.h"
#include "owner.h"
#include "random.h"

namespace testamur::consensus::scenarios {
namespace {

constexpr std::size_t kMaxDelivered = 20'000;
constexpr unsigned kMaxRoundsToSettle = 10'000;

/// Of a story by hand: only payloads do, and none whose time did not rise.
bool makes_head(const Entry& entry) {
  return entry.is_owners() && !std::string(entry.payload->begin(), entry.payload->end()).starts_with("late-");
}

}  // namespace

Payload payload_of(const std::string& text) {
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}

std::vector<NodeId> Setup::nodes() const {
  std::vector<NodeId> all = voters;
  all.insert(all.end(), learners.begin(), learners.end());
  all.insert(all.end(), spare.begin(), spare.end());
  std::erase_if(all, [this](NodeId node) { return lies(node); });
  return all;
}

bool Setup::lies(NodeId node) const { return std::find(liars.begin(), liars.end(), node) != liars.end(); }

Configuration Setup::configuration() const {
  Configuration configuration;
  configuration.voters.nodes = {voters.begin(), voters.end()};
  configuration.voters.threshold = quorum()(voters.size());
  configuration.learners = {learners.begin(), learners.end()};
  return configuration;
}

/// The story's threshold is meant for its first voters.
QuorumSize Setup::quorum() const {
  if (by_hand) return certifying_quorum(quorum_of(voters.size()));
  if (!threshold) return quorum_of;
  return [count = voters.size(), fixed = *threshold, otherwise = quorum_of](std::size_t size) {
    return size == count ? fixed : otherwise(size);
  };
}

bool Cluster::Check::accept(Index, const Payload& payload, NodeId) {
  return !refused.contains(std::string(payload->begin(), payload->end()));
}

Cluster::Cluster(const Setup& setup) : setup_(setup), liars_(setup.liars.begin(), setup.liars.end()) {
  if (setup_.has_liars()) invariants_.expect_liars();
  for (const NodeId id : setup_.nodes()) {
    nodes_.try_emplace(id, id, setup_.disks);
    node(id).check = std::make_unique<Check>();
    if (setup_.ledger) node(id).ledger = std::make_unique<LedgerState>();
    Node& made = node(id);
    made.stalled = made.applying_held = made.certifying_held = made.installing_held = setup_.by_hand;
    if (!setup_.by_hand) restart(id);
  }
}
Cluster::~Cluster() = default;

Cluster::Node& Cluster::node(NodeId id) { return const_cast<Node&>(std::as_const(*this).node(id)); }
const Cluster::Node& Cluster::node(NodeId id) const {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) throw NotPossible(describe(id) + " does not run");
  return found->second;
}

bool Cluster::is_up(NodeId id) const { return node(id).core != nullptr && !node(id).failed; }

const Core& Cluster::core(NodeId id) const {
  if (!is_up(id)) throw NotPossible(describe(id) + " is down");
  return *node(id).core;
}
Core& Cluster::running(NodeId id) {
  if (!is_up(id)) throw NotPossible(describe(id) + " is down");
  return *node(id).core;
}

std::vector<std::string> Cluster::committed(NodeId id) const {
  std::vector<std::string> payloads;
  const Index end = core(id).committed();
  for (const auto& [index, entry] : history_) {
    if (index <= end && entry.is_owners()) payloads.push_back(text_of(entry));
  }
  return payloads;
}

void Cluster::restart(NodeId id) {
  Node& starting = node(id);
  setup_.by_hand ? start(starting, starting.applied, starting.certified) : start(starting, {}, {});
}

/// Timeouts are the shortest there are while the story tells, where it does not say what is drawn; in the end rivals must part.
std::uint64_t Cluster::draw(Node& node) {
  const std::uint64_t drawn = simulation::scatter(++drawn_);
  if (ending_) return drawn;
  const std::uint64_t shortest = drawn - drawn % simulation::kDrawnFrom;
  if (node.drawn.empty()) return shortest;
  const std::uint64_t told = shortest + node.drawn.front();
  node.drawn.pop_front();
  return told;
}

void Cluster::start(Node& starting, Index applied, Index certified) {
  const NodeId id = starting.id;
  if (starting.core) throw NotPossible(describe(id) + " is up already");
  const Result<Stored> found = starting.disk.start(simulation::hash_entry);
  if (!found) {
    // Rather no node than one that has forgotten what it promised.
    if (starting.disk.is_damaged()) return;
    throw Violation(describe(id) + " does not start: " + found.error().message);
  }
  Options options = setup_.limits;
  options.self = id;
  options.configuration = setup_.configuration();
  options.hash = simulation::hash_entry;
  options.check = starting.check.get();
  options.quorum = setup_.quorum();
  for (const NodeId known : setup_.nodes()) options.known.insert(known);
  options.known.insert(setup_.liars.begin(), setup_.liars.end());
  options.random = [this, &starting] { return draw(starting); };
  options.life = starting.life;
  if (setup_.by_hand) {
    options.objects = [fewest = setup_.configuration().voters.threshold](const Configuration& configuration) {
      return configuration.voters.nodes.size() < fewest ? "too few to certify" : "";
    };
  }
  starting.seen = {};
  starting.heard.restarted();
  starting.applied = std::max(applied, found->base.id.index);
  starting.agreed = {};
  Restart restart;
  restart.state = found->state;
  restart.base = found->base;
  restart.floor = found->floor;
  restart.beyond = found->beyond;
  restart.entries = found->entries;
  restart.claim = found->claim;
  restart.applied = applied;
  restart.certified = certified;
  if (starting.ledger) {
    starting.ledger->open();
    restart.applied = starting.ledger->applied();
    starting.applied = restart.applied;
  }
  const bool counts_what_was_applied = !restart.floor;
  starting.core = std::make_unique<Core>(std::move(options), std::move(restart));
  if (counts_what_was_applied && starting.core->committed() < applied)
    throw Violation("what a node had applied does not count as committed any more");
  if (starting.ledger && starting.applied > found->base.id.index)
    starting.core->derived({starting.applied, starting.applied.value, starting.ledger->head()});
  settle(starting);
}

void Cluster::crash(NodeId id, std::size_t kept) {
  Node& dying = node(id);
  if (!dying.core) throw NotPossible(describe(id) + " is down already");
  if (kept > dying.under_way.size()) {
    throw NotPossible("expected " + std::to_string(kept) + " writes under way, found " +
                      std::to_string(dying.under_way.size()));
  }
  if (kept > 0) put_on_disk(dying, kept);
  dying.disk.lose_power();
  if (dying.ledger) dying.ledger->lose_power();
  dying.under_way.clear();
  dying.to_apply.clear();
  dying.core.reset();
  dying.failed = false;
}

void Cluster::tick(NodeId id) {
  running(id).tick();
  settle(node(id));
}

void Cluster::pass(unsigned ticks) {
  for (; ticks > 0; --ticks) {
    for (auto& [id, ticking] : nodes_) {
      if (is_up(id)) tick(id);
    }
    deliver({});
  }
}

std::size_t Cluster::deliver(const Selection& selection) {
  std::size_t delivered = 0;
  while (const std::optional<Message> message = network_.take(selection)) {
    if (++delivered > kMaxDelivered) throw Violation("nodes answer one another without end");
    const auto to = nodes_.find(message->to);
    if (to != nodes_.end() && is_up(message->to)) {
      step(to->second, *message);
    }
    if (selection.which != Selection::Which::all) break;
  }
  return delivered;
}

void Cluster::step(Node& node, const Message& message) {
  const auto before = simulation::Heard::before(*node.core);
  node.core->step(message);
  node.heard.hear(before, *node.core, message);
  settle(node);
  if (setup_.has_liars()) node.heard.check_named(node.id);
}

void Cluster::disconnect(const Link& link) {
  running(link.to).disconnected(link.from);
  settle(node(link.to));
}

void Cluster::reconnect(const Link& link) {
  running(link.from).reconnected(link.to);
  settle(node(link.from));
}

ProposeResult Cluster::propose(NodeId id, const std::vector<std::string>& payloads) {
  std::vector<Payload> all;
  for (const std::string& text : payloads) all.push_back(payload_of(text));
  const ProposeResult result = running(id).propose(std::move(all));
  if (setup_.by_hand && result == ProposeResult::accepted) simulation::Invariants::check_accepts(running(id));
  settle(node(id));
  return result;
}

void Cluster::forge(const Message& message) {
  liars_.insert(message.from);
  network_.send(message);
}

void Cluster::stall(NodeId id) { node(id).stalled = true; }

void Cluster::resume(NodeId id) {
  node(id).stalled = false;
  if (is_up(id)) settle(node(id));
}

void Cluster::complete(NodeId id, std::size_t writes) {
  running(id);
  if (node(id).under_way.size() < writes) {
    throw NotPossible("expected " + std::to_string(writes) + " writes under way at " + describe(id) + ", found " +
                      std::to_string(node(id).under_way.size()));
  }
  if (writes == 0) return;
  write_some(node(id), writes);
  if (is_up(id)) settle(node(id));
}

void Cluster::fail_applying_after(NodeId id, std::uint64_t operations) {
  if (!node(id).ledger) throw Violation("\"fail NODE applying\" needs \"state ledger\"");
  node(id).ledger->fail_after(operations);
}

void Cluster::refuse(NodeId id, const std::string& payload) { node(id).check->refused.insert(payload); }
void Cluster::stop_refusing(NodeId id) { node(id).check->refused.clear(); }

void Cluster::hold_applying(NodeId id, bool held) {
  node(id).applying_held = held;
  if (is_up(id)) settle(node(id));
}
void Cluster::hold_certifying(NodeId id, bool held) { node(id).certifying_held = held; }

/// Does what the core asks for, until it asks for nothing that can be done now.
void Cluster::settle(Node& node) {
  unsigned rounds = 0;
  while (true) {
    bool something = take(node);
    if (!node.stalled && write_some(node, 1)) something = true;
    if (node.failed) return;
    if (!node.applying_held && apply_one(node)) something = true;
    if (node.failed) return;
    if (!something) return;
    if (++rounds > kMaxRoundsToSettle) throw Violation(describe(node.id) + " asks for more without end");
  }
}

/// True when the core had anything to be done.
bool Cluster::take(Node& node) {
  Output output = node.core->take();
  invariants_.check(*node.core, output, node.life, on_disk(), node.seen);
  check_evidence(node, output.evidence);
  for (Message& message : output.messages) {
    if (const auto* asked = std::get_if<PreVoteRequest>(&message.body)) node.heard.campaigns(asked->campaign);
    if (!setup_.lies(message.to)) network_.send(std::move(message));
  }
  for (const Entry& entry : output.committed) take_committed(node, entry);
  if (output.agreed) certify(node, *output.agreed);
  for (const Read& read : output.reads) answer_read(node, read);
  bool asked = output.write || !output.committed.empty();
  if (output.write) node.under_way.push_back(std::move(*output.write));
  if (output.behind && !node.installing_held) {
    install_from(node, *output.behind);
    asked = true;
  }
  return asked;
}

/// Where there are liars from the beginning, an honest node may have to repeat what it was told.
void Cluster::check_evidence(Node& node, const std::vector<Evidence>& evidence) {
  for (const Evidence& each : evidence) {
    node.evidence.push_back(each);
    node.heard.reports(each.what, each.from);
    const bool repeats =
        setup_.has_liars() && (simulation::may_name_the_honest(each.what) || invariants_.was_replaced(each.from));
    if (liars_.contains(each.from) || repeats) continue;
    throw Violation(describe(node.id) + " has evidence against " + describe(each.from) +
                    ", which is honest: " + std::string(each.what));
  }
}

void Cluster::take_committed(Node& node, const Entry& entry) {
  if (setup_.has_liars()) return;
  const auto [known, is_new] = history_.emplace(entry.id.index, entry);
  if (is_new) {
    const auto before = heights_.empty() ? 0 : heights_.rbegin()->second;
    heights_[entry.id.index] = setup_.by_hand && !makes_head(entry) ? before : before + 1;
  }
  node.to_apply.push_back(entry);
}

simulation::Disks Cluster::on_disk() const {
  simulation::Disks disks;
  for (const auto& [id, each] : nodes_) disks[id] = &each.disk.stored();
  return disks;
}

/// The oldest writes, with one sync.
bool Cluster::write_some(Node& node, std::size_t count) {
  count = std::min(count, node.under_way.size());
  if (count == 0) return false;
  const std::vector<Write> writes(node.under_way.begin(), node.under_way.begin() + static_cast<std::ptrdiff_t>(count));
  if (const auto written = node.disk.write(writes); !written) {
    if (written.error().code != ErrorCode::storage) throw Violation(describe(node.id) + ": " + written.error().message);
    node.failed = true;
    return false;
  }
  invariants_.check_vote(node.id, node.disk.stored().state);
  node.under_way.erase(node.under_way.begin(), node.under_way.begin() + static_cast<std::ptrdiff_t>(count));
  for (const Write& write : writes) node.core->persisted(write.sequence);
  if (node.harmed) see_whether_mended(node);
  return true;
}

/// Of a node whose power goes.
void Cluster::put_on_disk(Node& node, std::size_t count) {
  const std::vector<Write> writes(node.under_way.begin(), node.under_way.begin() + static_cast<std::ptrdiff_t>(count));
  if (const auto written = node.disk.write(writes); !written)
    throw Violation(describe(node.id) + ": " + written.error().message);
  invariants_.check_vote(node.id, node.disk.stored().state);
}

bool Cluster::apply_one(Node& node, bool silently) {
  if (node.to_apply.empty()) return false;
  const Entry entry = std::move(node.to_apply.front());
  node.to_apply.pop_front();
  told_ = std::max(told_, entry.id.index);
  const bool before_a_restart = silently || (!setup_.by_hand && entry.id.index <= node.applied);
  if (!before_a_restart && !derive(node, entry)) return false;
  node.core->applied(entry.id.index);
  return true;
}

/// What comes of an entry. False when the node fails over it.
bool Cluster::derive(Node& node, const Entry& entry) {
  Claim claim = claim_at(entry.id.index);
  if (node.ledger) {
    if (!node.ledger->apply(entry)) {
      node.failed = true;
      return false;
    }
    claim.head = node.ledger->head();
  }
  node.applied = std::max(node.applied, entry.id.index);
  if (setup_.by_hand && !makes_head(entry)) return true;
  invariants_.check_derived(node.id, claim);
  node.core->derived(claim);
  return true;
}

void Cluster::certify(Node& node, const Claim& agreed) {
  invariants_.check_agreed(node.id, agreed);
  if (agreed.height > node.agreed.height) node.agreed = agreed;
  newest_agreed_ = std::max(newest_agreed_, agreed.index);
  if (setup_.has_liars()) return;
  if (node.certifying_held) return;
  node.certified = std::max(node.certified, agreed.index);
  node.core->certified(agreed.index);
}

/// The head after an entry is its hash, which covers all before it.
Claim Cluster::claim_at(Index index) const { return {index, heights_.at(index), history_.at(index).id.hash}; }

ChangeAnswer Cluster::change(NodeId id, const std::vector<Change>& changes) {
  const Configuration& now = running(id).configuration();
  const bool takes_back = changes.size() == 1 && changes[0].life != 0 && now.is_member(changes[0].node);
  if (setup_.by_hand && !takes_back && !may_be_asked(changes, now, conditions(), setup_.configuration()))
    throw NotPossible("too few whole nodes would stay");
  const ChangeAnswer answer = running(id).change(changes);
  if (setup_.by_hand && answer.result == ChangeResult::accepted) simulation::Invariants::check_accepts(running(id));
  settle(node(id));
  return answer;
}

TransferResult Cluster::transfer(NodeId id, std::optional<NodeId> to) {
  const TransferResult result = running(id).transfer(to);
  settle(node(id));
  return result;
}

void Cluster::read(NodeId id) {
  const std::uint64_t read = reads_.size() + 1;
  reads_[read].told = told_;
  node(id).last_read = read;
  running(id).read(read);
  settle(node(id));
}

const ReadStanding& Cluster::last_read(NodeId id) const {
  if (!node(id).last_read) throw Violation(describe(id) + " has asked for no read");
  return reads_.at(*node(id).last_read);
}

void Cluster::answer_read(const Node& node, const Read& read) {
  ReadStanding& standing = reads_.at(read.id);
  if (standing.answered) throw Violation("a read is answered twice");
  standing.answered = true;
  standing.index = read.index;
  if (read.index) simulation::Invariants::check_read(node.id, *read.index, standing.told);
}

void Cluster::compact(NodeId id, Index index) {
  running(id).compact(index);
  settle(node(id));
}

/// The newest state that its leader has certified, whole and at once.
void Cluster::install_from(Node& node, NodeId leader) {
  const Node& source = this->node(leader);
  if (!is_up(leader) || source.agreed.height == 0) return;
  const Index index = source.agreed.index;
  if (index < source.core->log().base().index) return;
  install_at(node, index, source.core->configuration_at(index));
}

bool Cluster::install_at(Node& node, Index index, const Configuration& configuration) {
  const Claim claim = claim_at(index);
  if (!node.core->install({history_.at(index).id, configuration, claim})) return false;
  node.to_apply.clear();
  node.applied = std::max(node.applied, index);
  if (claim.height > node.agreed.height) node.agreed = claim;
  return true;
}

/// That of the leader of the highest term.
const Configuration& Cluster::newest_configuration() const {
  const Core* newest = nullptr;
  for (const auto& [id, each] : nodes_) {
    if (!is_up(id)) continue;
    const bool leads = each.core->role() == Role::leader;
    if (newest == nullptr || (leads && (newest->role() != Role::leader || each.core->term() > newest->term())))
      newest = each.core.get();
  }
  if (newest == nullptr) throw Violation("no node is up");
  return newest->configuration();
}

void Cluster::check(const Node& node) const {
  invariants_.check_leader(*node.core);
  invariants_.check_committed(*node.core, node.seen.committed.index);
}

void Cluster::check() const {
  for (const auto& [id, each] : nodes_) {
    if (each.core) check(each);
    invariants_.check_vote(id, each.disk.stored().state);
  }
}

std::string Cluster::standing() const {
  std::string out;
  for (const auto& [id, each] : nodes_) {
    out += (out.empty() ? "" : "; ") + describe(id);
    if (!is_up(id)) {
      out += " down";
      continue;
    }
    const Core& its = *each.core;
    out += " " + std::string(name_of(its.role())) + " term " + std::to_string(its.term().value);
    out += " vote " + (its.state().vote ? std::to_string(its.state().vote->value) : "none");
    out +=
        " log to " + std::to_string(its.log().last().term.value) + ":" + std::to_string(its.log().last().index.value);
    out += " committed " + std::to_string(its.committed().value);
  }
  return out;
}

}  // namespace testamur::consensus::scenarios
