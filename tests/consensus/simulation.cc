#include "simulation.h"

#include <algorithm>

namespace testamur::consensus::simulation {
namespace {

constexpr unsigned kMaxAtOneMoment = 200'000;  // a node that was paused hears much at once

std::vector<std::uint8_t> bytes_of(const Claim& claim) {
  std::vector<std::uint8_t> bytes(claim.head.begin(), claim.head.end());
  for (const std::uint64_t number : {claim.index.value, claim.height}) {
    for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  return bytes;
}

std::optional<Claim> claim_of(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 48) return std::nullopt;
  Claim claim;
  std::copy_n(bytes.begin(), 32, claim.head.begin());
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i > 0; --i) value = value << 8 | bytes[at + i - 1];
    return value;
  };
  claim.index = Index{number(32)};
  claim.height = number(40);
  return claim;
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw Violation(result.error().message);
  return std::move(*result);
}

/// Not all that goes to disk is the consensus'.
template <class Jobs>
std::size_t writes_among(const Jobs& jobs) {
  return static_cast<std::size_t>(
      std::count_if(jobs.begin(), jobs.end(), [](const auto& job) { return job.write.has_value(); }));
}

}  // namespace

Cluster::Cluster(const Setup& setup, Story* story)
    : setup_(setup),
      story_(story),
      random_(setup.seed),
      more_(scatter(~setup.seed)),
      registrars_(Registrars::of(setup.voters)),
      books_(registrars_, setup.liars > 0),
      nodes_(setup.voters + setup.spares),
      links_(nodes_.size()) {
  for (std::size_t i = 1; i <= setup.voters; ++i) first_.voters.nodes.insert(NodeId{i});
  first_.voters.threshold = byzantine_quorum(setup.voters);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    node.id = NodeId{i + 1};
    node.disk = std::make_unique<SimulatedDisk>();
    node.check = std::make_unique<Check>(*this, node.id);
    node.owner = Owner(registrars_);
    node.tick_ms = kTickMs;
    if (setup.faults.drift_percent > 0) {
      node.tick_ms += static_cast<unsigned>(random_.below(2 * setup.faults.drift_percent + 1));
      node.tick_ms -= setup.faults.drift_percent;
    }
    on_disk_[node.id] = &node.disk->stored();
  }
  for (std::size_t i = 0; i < setup.liars; ++i)
    nodes_[i].liar = std::make_unique<Liar>(nodes_[i].id, nodes_.size(), random_.next());
  if (setup.liars > 0) invariants_.expect_liars();
  if (story_) story_->begin(setup.voters, nodes_.size(), setup.liars, options_for(nodes_[0]));
  for (Node& node : nodes_) start(node);
  events_.add({kTickMs, 0, Event::Kind::world, 0, 0, 0});
}

Options Cluster::options_for(Node& node) {
  Options options;
  options.self = node.id;
  options.configuration = first_;
  for (const Node& other : nodes_) options.known.insert(other.id);
  options.election_ticks = setup_.election_ticks;
  options.max_append_entries = 4;
  options.max_in_flight = 4;
  options.max_uncertified = setup_.max_uncertified;
  options.max_held.entries = setup_.max_held;
  options.hash = hash_entry;
  options.random = [this, id = node.id] {
    const std::uint64_t drawn = random_.next();
    if (story_) story_->drew(id, drawn);
    return drawn;
  };
  options.check = node.check.get();
  options.quorum = certifying_quorum(first_.voters.threshold);
  options.objects = [this](const Configuration& configuration) { return objects(configuration); };
  options.life = node.life;
  return options;
}

void Cluster::run(unsigned milliseconds) {
  const std::uint64_t end = now_ms_ + milliseconds;
  std::uint64_t moment = now_ms_;
  unsigned at_this_moment = 0;
  while (events_.next_ms() <= end) {
    const Event event = events_.take();
    now_ms_ = event.at_ms;
    at_this_moment = now_ms_ == moment ? at_this_moment + 1 : 0;
    moment = now_ms_;
    if (at_this_moment > kMaxAtOneMoment) throw Violation("nodes answer one another without end");
    happen(event);
  }
  now_ms_ = end;
}

void Cluster::happen(const Event& event) {
  if (event.kind == Event::Kind::world) return world();
  Node& node = nodes_[event.node];
  const bool for_this_one = node.core && (event.kind == Event::Kind::deliver || event.incarnation == node.incarnation);
  if (for_this_one && now_ms_ < node.paused_until_ms) {
    Event later = event;
    later.at_ms = node.paused_until_ms;
    return events_.add(later);
  }
  if (event.kind == Event::Kind::deliver) {
    const auto packet = packets_.take(event.packet);
    if (const auto* letter = std::get_if<Letter>(&packet)) return node.core ? receive(*letter) : void();
    const Message& message = std::get<Message>(packet);
    if (story_) node.core ? story_->deliver(message, event.packet, *node.core) : story_->lose(message, event.packet);
    if (!node.core) return;
    deliver(node, message);
    return handle(node);
  }
  if (!for_this_one) return;
  switch (event.kind) {
    case Event::Kind::tick: return tick(node);
    case Event::Kind::written: return written(node);
    case Event::Kind::fetched: return fetched(node);
    default: return;
  }
}

void Cluster::deliver(Node& node, const Message& message) {
  if (!node.liar) {
    const Heard::Before before = Heard::before(*node.core);
    node.core->step(message);
    node.heard.hear(before, *node.core, message);
  } else if (this->node(message.from).liar) {
    // Liars do not lie to one another.
    node.core->step(message);
  } else {
    std::vector<Message> at_once;
    node.core->step(node.liar->hear(message, at_once));
    for (Message& lie : at_once) send(std::move(lie));
  }
}

/// Who contradicts himself is named; and only liars do, and those to whom a certified head gave back the truth. Nobody honest is where
/// only liars said they were.
void Cluster::check_caught(const Node& node) const {
  if (node.core->term() >= kFarTerm)
    throw Violation("node " + std::to_string(node.id.value) + " is in a term that only liars spoke of");
  node.heard.check_named(node.id);
  for (const auto& [kind, who] : node.heard.caught()) {
    if (lies(who) || invariants_.was_replaced(who)) continue;
    throw Violation("node " + std::to_string(who.value) + ", which is honest, told node " +
                    std::to_string(node.id.value) + " " + std::string(name_of(kind)));
  }
}

/// An honest node repeats what it was told; of its own it says nothing twice.
void Cluster::check_named_honest(const Evidence& evidence) {
  if (setup_.liars == 0 || (!may_name_the_honest(evidence.what) && !invariants_.was_replaced(evidence.from)))
    throw Violation("evidence against an honest node: " + std::string(evidence.what));
  ++counts_.repeated;
}

void Cluster::tick(Node& node) {
  at(now_ms_ + node.tick_ms, Event::Kind::tick, node);
  if (story_) story_->step("tick", node.id);
  node.core->tick();
  if (node.liar) {
    std::vector<Message> lies;
    node.liar->tick(*node.core, node.owner, lies);
    for (Message& lie : lies) send(std::move(lie));
  }
  if (++node.ticks % 5 == 0) tell_owners(node);
  if (random_.happens(faults_.flush_per_mille) && !node.installing) node.owner.flush();
  handle(node);
}

void Cluster::start(Node& node) {
  ++node.incarnation;
  node.restart_at_ms = node.paused_until_ms = 0;
  node.seen = {};
  node.fetching = node.installing = false;
  const std::array<std::uint8_t, 1> name = {static_cast<std::uint8_t>(node.id.value)};
  node.store = value_of(open_simulated_log_store(*node.disk, name));
  Stored found = std::move(value_of(node.store->salvage(hash_entry)).stored);
  node.promised = claim_of(found.owner_record);
  const Index last = found.entries.empty() ? found.base.id.index : found.entries.back().id.index;
  // Or the log begins after what a certified head replaced, and the state is still of that.
  const bool is_replaced = setup_.liars > 0 && node.owner.applied() > last;
  if (found.base.id.index > node.owner.applied() || is_replaced) {
    if (!node.staged || node.staged->snapshot.last != found.base.id)
      throw OwnersViolation("a log begins after what its state lacks");
    node.owner.install(*node.staged);
    node.owner.flush();
  }
  Restart restart{found.state, found.base,  std::move(found.entries), found.claim, node.owner.applied(),
                  {},          found.floor, std::move(found.beyond)};
  if (node.owner.certified()) restart.certified = node.owner.certified()->claim.index;
  if (story_) {
    story_->step(
        "restart", node.id,
        " applied " + std::to_string(restart.applied.value) + " certified " + std::to_string(restart.certified.value));
  }
  const bool whole = !restart.floor;
  node.core = std::make_unique<Core>(options_for(node), std::move(restart));
  node.heard.restarted();
  if (whole && node.core->committed() < node.owner.applied())
    throw Violation("what a node had applied does not count as committed any more");
  at(now_ms_ + 1 + random_.below(node.tick_ms), Event::Kind::tick, node);
  handle(node);
}

/// The power goes: what was not written is forgotten.
void Cluster::crash(Node& node) {
  // Each write under way is whole on the disk, torn, or not there; they may have got there in another order. The log store's
  // recovery takes what is before the first that is not whole.
  std::size_t whole = 0;
  while (whole < node.writing.size() && random_.below(3) == 0) ++whole;
  crash(node, whole);
}

void Cluster::crash(Node& node, std::size_t whole) {
  ++counts_.crashes;
  const auto kept = std::span(node.writing).first(whole);
  if (story_) story_->step("crash", node.id, " keeping " + std::to_string(writes_among(kept)));
  if (whole > 0) {
    const auto written = put_on_disk(node, kept);
    if (!written) throw Violation(written.error().message);
  }
  stop(node);
}

void Cluster::stop(Node& node) {
  node.disk->lose_power();
  node.owner.lose_power(random_);
  node.core.reset();
  node.store.reset();
  node.queued.clear();
  node.writing.clear();
  node.to_apply.clear();
  node.readings.clear();
  ++node.incarnation;
  node.restart_at_ms = now_ms_ + 100 + random_.below(random_.below(4) == 0 ? 10'000 : 1500);
  for (Node& other : nodes_) {
    if (random_.below(2) == 0) hang_up(node, other);
  }
}

/// Does what a core asks for until it asks for nothing more, and checks everything.
void Cluster::handle(Node& node) {
  do take(node);
  while (apply_some(node));
  if (!node.liar) check_caught(node);
  if (story_) story_->stand(*node.core);
}

void Cluster::take(Node& node) {
  Output output = node.core->take();
  if (story_ && output.write) story_->know(output.write->entries);
  if (node.liar) {
    std::vector<Message> leaving;
    for (Message& message : output.messages) {
      node.liar->say(std::move(message), leaving);
      if (story_) story_->know(node.liar->made());
    }
    for (Message& message : leaving) send(std::move(message));
  } else {
    check(node, output);
    for (Message& message : output.messages) send(std::move(message));
  }
  if (output.write) {
    node.queued.push_back({std::move(output.write), std::nullopt, node.installing && output.write->base.has_value()});
    start_writing(node);
  }
  for (Entry& entry : output.committed) node.to_apply.push_back(std::move(entry));
  if (output.agreed) agree(node, *output.agreed);
  for (const Read& read : output.reads) answer(node, read);
  if (output.behind) fetch(node, *output.behind);
  if (story_) story_->sent_all();
}

void Cluster::check(Node& node, const Output& output) {
  invariants_.check(*node.core, output, node.life, on_disk_, node.seen);
  counts_.evidence += output.evidence.size();
  for (const Message& message : output.messages) {
    if (const auto* asked = std::get_if<PreVoteRequest>(&message.body)) node.heard.campaigns(asked->campaign);
  }
  for (const Evidence& evidence : output.evidence) {
    node.heard.reports(evidence.what, evidence.from);
    if (!lies(evidence.from)) check_named_honest(evidence);
  }
}

void Cluster::send(Message message) {
  if (!story_) {
    send_copies(std::move(message));
  } else {
    if (const auto* entries = entries_of(message.body)) story_->know(*entries);
    story_->sent(message, send_copies(message));
  }
}
void Cluster::send(Letter letter) {
  if (!letters_are_lost_) send_copies(std::move(letter));
}

template <class Thing>
const std::vector<std::uint32_t>& Cluster::send_copies(Thing thing) {
  sent_.clear();
  const Node& to = node(thing.to);
  links_.send(thing.from.value - 1, place(to), faults_, now_ms_, random_, arrivals_);
  for (std::size_t i = 0; i < arrivals_.size(); ++i) {
    const bool last = i + 1 == arrivals_.size();
    const std::uint32_t packet = packets_.put(last ? std::move(thing) : Thing(thing));
    events_.add({arrivals_[i], 0, Event::Kind::deliver, place(to), 0, packet});
    sent_.push_back(packet);
    if (!healed_) settled_at_ms_ = std::max(settled_at_ms_, arrivals_[i]);
  }
  return sent_;
}

/// Writes what waits as one, with one sync, as the driver does.
void Cluster::start_writing(Node& node) {
  if (!node.writing.empty() || node.queued.empty()) return;
  node.writing.assign(std::make_move_iterator(node.queued.begin()), std::make_move_iterator(node.queued.end()));
  node.queued.clear();
  std::uint64_t took = 1 + random_.below(faults_.max_write_ms);
  if (random_.happens(faults_.slow_write_per_mille)) took += 500 + random_.below(8000);
  node.writes_until_ms = std::max(now_ms_ + took, node.stalled_until_ms);
  at(node.writes_until_ms, Event::Kind::written, node);
}

void Cluster::written(Node& node) {
  if (random_.happens(faults_.fail_write_per_mille)) return fail(node);
  if (random_.happens(faults_.crash_at_write_per_mille)) return crash(node);
  if (leaves_it_there(node.writing)) return crash(node, node.writing.size());
  const std::vector<Job> jobs = std::move(node.writing);
  node.writing.clear();
  if (story_ && writes_among(jobs) > 0) story_->step("write", node.id, " " + std::to_string(writes_among(jobs)));
  if (const auto done = put_on_disk(node, jobs); !done) throw Violation(done.error().message);
  for (const Job& job : jobs) {
    if (job.write) node.core->persisted(job.write->sequence);
  }
  for (const Job& job : jobs) {
    if (job.installs) {
      node.owner.flush();
      node.installing = false;
    }
    if (!job.promise) continue;
    node.promised = job.promise;
    node.owner.cosigned(*job.promise);
    if (const auto certified = node.owner.gather(node.id, *job.promise, first_.voters.threshold))
      certify(node, *certified);
    tell_owners(node);
  }
  if (node.harmed) see_whether_mended(node);
  start_writing(node);
  handle(node);
}

/// Whether the power goes when members that nobody else has heard of yet are on disk.
bool Cluster::leaves_it_there(std::span<const Job> jobs) {
  if (faults_.crash_at_change_per_mille == 0) return false;
  const auto changes = [](const Entry& entry) { return entry.kind == EntryKind::configuration; };
  const bool writes_change = std::any_of(jobs.begin(), jobs.end(), [&](const Job& job) {
    return job.write && std::any_of(job.write->entries.begin(), job.write->entries.end(), changes);
  });
  return writes_change && more_.happens(faults_.crash_at_change_per_mille);
}

void Cluster::fail(Node& node) {
  using Afterwards = SimulatedDisk::Afterwards;
  const bool kept = random_.below(2) == 0;
  node.disk->fail_next_write(kept ? Afterwards::there : Afterwards::not_there);
  if (const std::size_t writes = writes_among(node.writing); story_ && writes > 0) {
    story_->step("fail", node.id, kept ? " kept" : "");
    story_->step("write", node.id, " " + std::to_string(writes));
  }
  if (story_) story_->step("crash", node.id);
  if (put_on_disk(node, node.writing)) throw OwnersViolation("a write that failed is taken for one that did not");
  ++counts_.failed_writes;
  stop(node);
}

/// Its damage, or the life that it lost.
void Cluster::see_whether_mended(Node& node) {
  node.harmed = false;
  node.harmed = is_impaired(node, node.core->configuration());
  if (!node.harmed) invariants_.mended(node.id);
}

Result<void> Cluster::put_on_disk(Node& node, std::span<const Job> jobs) {
  std::vector<Write> writes;
  std::optional<std::vector<std::uint8_t>> record;
  for (const Job& job : jobs) {
    if (job.write) writes.push_back(*job.write);
    if (job.promise) record = bytes_of(*job.promise);
  }
  const std::optional<Claim> before = node.disk->stored().claim;
  auto result = node.store->write(writes, record);
  const Stored& after = node.disk->stored();
  // Only a certified head takes back what was claimed: the claim was made because of a liar then.
  const bool replaced =
      setup_.liars > 0 && std::any_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.installs; });
  if (before && after.claim->height < before->height && !replaced) throw OwnersViolation("the claim on disk falls");
  invariants_.check_vote(node.id, after.state);
  return result;
}

/// Applies what was committed, all of it or a part for now. False when there was nothing.
bool Cluster::apply_some(Node& node) {
  if (node.to_apply.empty() || random_.below(5) == 0) return false;
  std::uint64_t silent = 0;
  Index last;
  const std::uint64_t all = 1 + random_.below(node.to_apply.size());
  std::vector<Claim> claims;
  for (std::uint64_t count = all; count > 0; --count) {
    const Entry entry = std::move(node.to_apply.front());
    node.to_apply.pop_front();
    const AppliedEntry applied = node.owner.apply(entry);
    if (applied.done) note_applied(node, entry, applied);
    // Of a block that was certified before the last start.
    if (!applied.done && !applied.claim && makes_block(entry)) ++silent;
    told_ = std::max(told_, entry.id.index);
    last = entry.id.index;
    if (applied.claim) {
      invariants_.check_derived(node.id, *applied.claim);
      node.core->derived(*applied.claim);
      if (story_) claims.push_back(*applied.claim);
    }
    node.core->applied(last);
  }
  if (story_)
    story_->has_liars() ? story_->derive(node.id, claims, last) : story_->apply(node.id, silent, all - silent);
  serve_readings(node);
  return true;
}

void Cluster::answer(Node& node, const Read& read) {
  const auto asked = asked_.extract(read.id);
  if (!asked) throw Violation("a read is answered twice, or nobody asked it");
  if (!read.index) return;
  if (setup_.liars == 0) Invariants::check_read(node.id, *read.index, asked.mapped());
  node.readings.push_back(*read.index);
  serve_readings(node);
}

void Cluster::serve_readings(Node& node) {
  counts_.reads += std::erase_if(node.readings, [&](Index needed) { return needed <= node.owner.applied(); });
}

}  // namespace testamur::consensus::simulation
