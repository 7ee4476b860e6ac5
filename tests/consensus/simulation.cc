#include "simulation.h"

#include <algorithm>

namespace testamur::consensus::simulation {
namespace {

constexpr unsigned kTickMs = 10;
constexpr unsigned kMaxHappeningsPerTick = 20'000;

/// Not a good hash, but one: the simulation's liars do not look for collisions.
Digest mix(std::initializer_list<std::uint64_t> words, std::span<const std::uint8_t> bytes) {
  std::array<std::uint64_t, 4> state = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d};
  const auto take = [&](std::uint64_t word) {
    for (std::uint64_t& s : state) {
      s ^= word;
      s *= 0x100000001b3;
      s ^= s >> 29;
      word += s;
    }
  };
  for (const std::uint64_t word : words) take(word);
  for (const std::uint8_t byte : bytes) take(byte);
  Digest out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(state[i / 8] >> (8 * (i % 8)));
  return out;
}

Digest hash_entry(const Entry& entry) {
  const auto& [id, previous, payload, kind] = entry;
  const Digest inner = mix({id.term.value, id.index.value, static_cast<std::uint64_t>(kind)}, previous);
  return payload ? mix({1, std::uint64_t{inner[0]}, std::uint64_t{inner[9]}}, *payload) : inner;
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw Violation(result.error().message);
  return std::move(*result);
}

}  // namespace

Cluster::Cluster(std::uint64_t seed, std::size_t nodes) : random_(seed), nodes_(nodes) {
  for (std::size_t i = 0; i < nodes; ++i) nodes_[i].id = NodeId{i + 1};
  for (Node& node : nodes_) {
    node.check = std::make_unique<Check>(*this);
    start(node);
  }
}

bool Cluster::Check::accept(Index, const Payload&, NodeId) {
  return !cluster_.happens(cluster_.faults_.refuse_percent);
}

Options Cluster::options_for(Node& node) {
  Options options;
  options.self = node.id;
  for (const Node& other : nodes_) options.configuration.voters.nodes.insert(other.id);
  options.configuration.voters.threshold = byzantine_quorum(nodes_.size());
  options.max_append_entries = 4;
  options.max_in_flight = 4;
  options.hash = hash_entry;
  options.random = [this] { return random_(); };
  options.check = node.check.get();
  return options;
}

void Cluster::at(std::uint64_t ms, std::function<void()> what) { happenings_.push({ms, order_++, std::move(what)}); }

void Cluster::start(Node& node) {
  ++node.life;
  node.restart_at_ms = 0;
  node.next_write_ms = now_ms_;
  node.height = 0;
  node.head = {};
  node.seen = {};
  node.agreed_height = 0;
  node.to_apply.clear();
  const std::array<std::uint8_t, 1> owner = {static_cast<std::uint8_t>(node.id.value)};
  node.store = value_of(open_simulated_log_store(node.disk, owner));
  Stored found = value_of(node.store->load(hash_entry));
  node.core = std::make_unique<Core>(
      options_for(node), Restart{found.state, found.base, std::move(found.entries), found.claim, {}, {}, found.floor});
}

/// The power goes: what was not written is forgotten.
void Cluster::crash(Node& node) {
  // Of the writes under way some were done, in their order, without anybody having heard of it.
  std::vector<Write> done;
  for (std::uint64_t left = draw(node.under_way.size() + 1); left > 0; --left) {
    done.push_back(std::move(node.under_way.front()));
    node.under_way.pop_front();
  }
  put_on_disk(node, done);
  node.disk.lose_power();
  node.under_way.clear();
  node.core.reset();
  node.store.reset();
  ++node.life;
  node.restart_at_ms = now_ms_ + 20 + draw(500);
}

void Cluster::run(unsigned milliseconds) {
  const std::uint64_t end = now_ms_ + milliseconds;
  for (std::uint64_t next_tick = now_ms_ + kTickMs; next_tick <= end; next_tick += kTickMs) {
    unsigned happened = 0;
    while (!happenings_.empty() && happenings_.top().at_ms <= next_tick) {
      if (++happened > kMaxHappeningsPerTick) throw Violation("nodes answer one another without end");
      const Happening happening = happenings_.top();
      happenings_.pop();
      now_ms_ = std::max(now_ms_, happening.at_ms);
      happening.what();
    }
    now_ms_ = next_tick;
    tick_all();
  }
}

void Cluster::tick_all() {
  cut_at_random();
  for (Node& node : nodes_) {
    if (!node.core) {
      if (now_ms_ >= node.restart_at_ms) start(node);
      continue;
    }
    if (draw(1000) < faults_.crash_per_mille) {
      crash(node);
      continue;
    }
    node.core->tick();
    handle(node);
  }
  if (!quiet_ && draw(3) == 0) propose_somewhere();
  for (Node& node : nodes_) {
    if (node.core) apply_some(node);
  }
}

void Cluster::cut_at_random() {
  if (now_ms_ >= heal_cuts_at_ms_) cut_.clear();
  if (draw(1000) >= faults_.partition_per_mille) return;
  heal_cuts_at_ms_ = now_ms_ + 50 + draw(1500);
  const bool one_way = draw(2) == 0;
  for (const Node& a : nodes_) {
    for (const Node& b : nodes_) {
      if (a.id == b.id || draw(3) != 0) continue;
      cut_.insert({a.id, b.id});
      if (!one_way) cut_.insert({b.id, a.id});
    }
  }
}

void Cluster::propose_somewhere() {
  Node& node = nodes_[draw(nodes_.size())];
  if (!node.core) return;
  std::vector<Payload> payloads;
  for (std::uint64_t i = 0; i <= draw(3); ++i) {
    const std::uint64_t number = ++proposed_;
    std::vector<std::uint8_t> bytes;
    for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
    payloads.push_back(std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes)));
  }
  node.core->propose(std::move(payloads));
  handle(node);
}

/// Does what a core asks for, and checks everything.
void Cluster::handle(Node& node) {
  Output output = node.core->take();
  invariants_.check_leader(*node.core);
  for (const Message& message : output.messages) invariants_.check_said(message, node.disk.stored());
  if (!output.evidence.empty())
    throw Violation("evidence against an honest node: " + std::string(output.evidence[0].what));
  for (const Message& message : output.messages) deliver(message);
  if (output.write) {
    // Writes complete one after another, each after its own time.
    node.next_write_ms = std::max(node.next_write_ms, now_ms_) + 1 + draw(faults_.max_write_ms);
    node.under_way.push_back(std::move(*output.write));
    at(node.next_write_ms, [this, &node, life = node.life] {
      if (node.core && node.life == life) complete(node);
    });
  }
  if (output.agreed) {
    invariants_.check_agreed(node.id, *output.agreed);
    node.agreed_height = std::max(node.agreed_height, output.agreed->height);
    // Certified a little later; some heads never are.
    if (draw(4) != 0) node.core->certified(output.agreed->index);
  }
  invariants_.check_committed(*node.core, node.seen);
  node.seen = node.core->committed();
  for (Entry& entry : output.committed) node.to_apply.push_back(std::move(entry));
  apply_some(node);
}

void Cluster::deliver(const Message& message) {
  if (happens(faults_.lose_percent) || cut_.contains({message.from, message.to})) return;
  const unsigned copies = happens(faults_.double_percent) ? 2 : 1;
  for (unsigned copy = 0; copy < copies; ++copy) {
    at(now_ms_ + draw(faults_.max_delay_ms + 1), [this, message] {
      Node& to = nodes_[message.to.value - 1];
      if (!to.core) return;
      to.core->step(message);
      handle(to);
    });
  }
}

void Cluster::complete(Node& node) {
  const Write write = std::move(node.under_way.front());
  node.under_way.pop_front();
  put_on_disk(node, std::span(&write, 1));
  node.core->persisted(write.sequence);
  handle(node);
}

void Cluster::put_on_disk(Node& node, std::span<const Write> writes) {
  const std::optional<Claim> before = node.disk.stored().claim;
  if (const Result<void> written = node.store->write(writes, std::nullopt); !written)
    throw Violation(written.error().message);
  const Stored& after = node.disk.stored();
  if (before && after.claim->height < before->height) throw Violation("the claim on disk falls");
  invariants_.check_vote(node.id, after.state);
}

/// Applies what was committed, all of it or a part for now.
void Cluster::apply_some(Node& node) {
  if (node.to_apply.empty()) return;
  std::map<NodeId, const Stored*> on_disk;
  for (const Node& other : nodes_) on_disk[other.id] = &other.disk.stored();
  for (std::uint64_t count = 1 + draw(node.to_apply.size()); count > 0; --count) {
    const Entry entry = std::move(node.to_apply.front());
    node.to_apply.pop_front();
    invariants_.committed(node.id, entry, node.core->configuration(), on_disk);
    ++node.height;
    node.head = mix({node.height}, entry.id.hash);
    const Claim claim{entry.id.index, node.height, node.head};
    invariants_.check_derived(node.id, claim);
    node.core->derived(claim);
  }
  handle(node);
}

void Cluster::heal() {
  faults_ = Faults{};
  cut_.clear();
  for (Node& node : nodes_) {
    if (!node.core) start(node);
  }
}

bool Cluster::reaches_a_commit(unsigned bound_ms) {
  run(1000);  // what was proposed before is through or lost by now
  const Index before = nodes_[0].core->committed();
  const std::uint64_t payloads = committed_payloads();
  for (unsigned waited = 0; waited < bound_ms; waited += 100) {
    run(100);
    // Nobody proposes for a while, so that all can come level: the same commit, and the same head agreed by every node.
    quiet_ = true;
    run(300);
    quiet_ = false;
    const Node& first = nodes_[0];
    const bool level = std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
      return node.core->committed() == first.core->committed() && node.agreed_height == node.height &&
             node.height == first.height && node.core->committed() > before;
    });
    if (level && committed_payloads() > payloads) return true;
  }
  return false;
}

}  // namespace testamur::consensus::simulation
