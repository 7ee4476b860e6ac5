#include "testamur/node/node.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <random>
#include <set>
#include <thread>

#include "desk.h"
#include "testamur/consensus/driver.h"
#include "testamur/consensus/transport.h"
#include "testamur/ledger/sha256.h"
#include "testamur/node/applier.h"
#include "testamur/node/cluster_service.h"
#include "testamur/node/health.h"
#include "testamur/node/history_filler.h"
#include "testamur/node/letters.h"
#include "testamur/node/log.h"
#include "testamur/node/log_keeper.h"
#include "testamur/node/metrics.h"
#include "testamur/node/operators.h"
#include "testamur/node/proof_calls.h"
#include "testamur/node/room.h"
#include "testamur/node/service.h"
#include "testamur/node/snapshots.h"
#include "testamur/node/submit_calls.h"
#include "testamur/node/time_check.h"
#include "testamur/node/version.h"

namespace testamur::node {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxPublicMessageBytes = 4 << 20;  // a statement and its listed commitments, 2 MiB at most
// Of each peer, so that none takes another's room.
constexpr std::size_t kMaxLettersWaiting = 16384;
constexpr std::size_t kMaxLetterBytesWaiting = 64u << 20;
constexpr std::size_t kMaxHeadsWaiting =
    256;  ///< cosignatures and certified heads, whose signatures the ledger's desk verifies
constexpr std::size_t kMaxSnapshotsWaiting = 16;
constexpr std::size_t kMaxBlocksWaiting = 256;
constexpr std::chrono::minutes kTellUnreadEvery{1};
constexpr int kMaxIdleThreads = 8;  ///< of the public service
constexpr std::size_t kMaxHealthWatchers = 4;
constexpr int kMaxOperatorMessageBytes = 64 << 10;
constexpr int kMaxOperatorThreads = 8;
constexpr unsigned kTicksToRejoin = 20;
constexpr int kLongestHandOver = 15;  ///< ticks: the leader gives it up after an election timeout

}  // namespace

class RunningNode::Impl {
 public:
  Impl(const Config& config, Self self, Stores stores, NodeEvents events)
      : config_(config),
        self_(std::move(self)),
        events_(std::move(events)),
        stores_(std::move(stores)),
        histories_(stores_.state),
        operators_(self_.consortium, self_.place,
                   [this](consensus::NodeId to, Bytes letter) { return send_letter(to, std::move(letter)); }),
        metrics_({self_.node().name, self_.node().institution, names_of_others()}) {
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) from_peers_[id_at(i)];
    start_ledger();
    start_snapshots();
    start_filling();
    start_consensus();
    ledger_desk_.every(milliseconds(250), [this] {
      cosigner_->tick();
      filler_->tick();
    });
    letter_desk_.every(milliseconds(100), [this] {
      intake_->tick();
      if (++letter_ticks_ % kTicksToRejoin == 0) ask_to_rejoin();
    });
    ledger_desk_.start("ledger");
    letter_desk_.start("letters");
    snapshot_desk_.every(milliseconds(1000), [this] { snapshots_->tick(); });
    snapshot_desk_.start("snapshots");
  }

  ~Impl() {
    metrics_.stop_serving();
    health_.set_serving(false);
    intake_->stop();
    if (service_) service_->stop();
    if (proof_calls_) proof_calls_->stop();
    health_.stop();
    hand_over();
    if (cluster_server_) cluster_server_->Shutdown(std::chrono::system_clock::now());
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    submit_lanes_.reset();
    proof_lanes_.reset();
    // What feeds the consensus first, then what it feeds, which answers it, then the consensus.
    std::shared_ptr<consensus::Transport> transport;
    {
      const std::lock_guard lock(transport_mutex_);
      transport.swap(transport_);
    }
    // Whoever is sending just now lets go in a moment; the transport must end here, while what it calls is there.
    while (transport.use_count() > 1) std::this_thread::yield();
    transport.reset();
    // Both desks call the driver, so it goes after them. What it hands to a desk that has stopped is dropped: the log has it.
    snapshot_desk_.stop();
    letter_desk_.stop();
    ledger_desk_.stop();
    driver_.reset();
    if (const auto flushed = stores_.ledger->sync(); !flushed) {
      log_error("state_not_flushed", {{"why", flushed.error().message}});
    }
  }

  Result<void> listen() {
    auto transport = consensus::Transport::start(transport_options(), transport_events());
    if (!transport) return Error{transport.error().code, "peer.listen: " + transport.error().message};
    {
      const std::lock_guard lock(transport_mutex_);
      transport_ = std::move(*transport);
    }
    if (!config_.metrics_listen.empty()) {
      if (auto serving = metrics_.serve(config_.metrics_listen, [this] { return read(); }); !serving) return serving;
    }
    if (auto serving = serve_public(); !serving) return serving;
    return serve_operators();
  }

 private:
  std::string name_of(consensus::NodeId id) const {
    const std::size_t place = id.value - 1;
    return place < self_.consortium.nodes.size() ? self_.consortium.nodes[place].name : "?";
  }

  std::vector<std::string> names_of_others() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i != self_.place) names.push_back(self_.consortium.nodes[i].name);
    }
    return names;
  }

  std::shared_ptr<consensus::Transport> transport() const {
    const std::lock_guard lock(transport_mutex_);
    return transport_;
  }

  void fail(const Error& error) { events_.failed(error); }

  // The ledger's side: what is applied, derived, cosigned.

  void start_ledger() {
    const auto offset = config_.clock_offset_for_tests.count();
    clock_ = [offset] {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      return Time{static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count() + offset)};
    };
    Intake::Options intake{clock_, self_.ledger, config_.max_pending, config_.max_pending_bytes};
    intake_ = std::make_unique<Intake>(
        std::move(intake), histories_, signatures_,
        Intake::Events{[this] { driver_->propose(); }, [this](const Handed& handed) { return pass_on(handed); },
                       [this](const SubmissionOutcome& outcome) { metrics_.answered(outcome); }});
    const auto made = [this](const PublicKey& key, ByteView message, const SignatureBytes& signature) {
      return signatures_.made(key, message, signature);
    };
    cosigner_ = std::make_unique<Cosigner>(
        Cosigner::Options{self_.node().name, clock_, config_.cosign_every, signatures_.as_check(), made},
        *stores_.ledger, self_.cosigner, stores_.promised, cosigner_events());
    applier_ = std::make_unique<Applier>(
        *stores_.ledger, *cosigner_, *intake_, signatures_,
        Applier::Events{[this](consensus::Index index, std::vector<consensus::Claim> claims,
                               std::optional<Cosigner::Promise> promise) {
                          if (!promise) return driver_->applied(index, std::move(claims), std::nullopt, {});
                          driver_->applied(index, std::move(claims), std::move(promise->record),
                                           [this, kept = std::move(promise->kept)] { ledger_desk_.post(kept); });
                        },
                        [this](const Error& error) { fail(error); }});
    heads_.applied(stores_.ledger->head());
    if (const auto certified = stores_.ledger->certified())
      tell_certified(*certified, certified_index(), stores_.ledger->certified_height());
  }

  Cosigner::Events cosigner_events() {
    Cosigner::Events events;
    events.keep = [this](Bytes promise, std::function<void()> done) {
      driver_->keep(std::move(promise), [this, done = std::move(done)] { ledger_desk_.post(done); });
    };
    events.signing = [this](const Checkpoint& checkpoint) { return stores_.cosigned->note(checkpoint); };
    events.cosigned = [this](const Checkpoint& checkpoint, const Cosignature& cosignature) {
      to_all(cosigned_letter(checkpoint, cosignature));
    };
    events.repeat = [this] { to_all(certified_letter(heads_.certified()->note)); };
    events.certified = [this](const CertifiedCheckpoint& certified, const store::BlockHead& head) {
      histories_.renew();
      intake_->certified(head.height);
      const consensus::Index index{head.payload.value};
      metrics_.certified(index);
      tell_certified(certified, index, head.height);
      driver_->certified(index);
      cut_log(index);
    };
    events.strange = [this](const std::string& voter, const std::string& what) {
      metrics_.cosignature_not_counted(voter);
      log_warn("cosignature_not_counted", {{"node", voter}, {"why", what}});
    };
    events.failed = [this](const Error& error) { fail(error); };
    return events;
  }

  /// Of the entry that made the newest certified block.
  consensus::Index certified_index() const {
    const auto head = stores_.ledger->block_head(stores_.ledger->certified_height());
    return head ? consensus::Index{head->payload.value} : consensus::Index{};
  }

  /// What leaves the log must be safe in the ledger, whose writes are not synced one by one.
  void cut_log(consensus::Index certified) {
    const auto to = log_keeper_.cut(std::min(certified, snapshots_->needed()));
    if (!to) return;
    if (const auto synced = stores_.ledger->sync(); !synced) return fail(synced.error());
    log_info("log_cut", {{"index", to->value}});
    driver_->compact(*to);
  }

  void tell_certified(const CertifiedCheckpoint& certified, consensus::Index index, Height height) {
    const bool first = heads_.certified() == nullptr;
    heads_.certified({certified, index, height, note_of(certified, quorum_of(stores_.ledger->consortium()))});
    if (!first) return;
    log_info("certified", {{"height", height.value}});
    health_.set_serving(true);
  }

  // The consensus.

  void start_consensus() {
    consensus::Options core;
    core.self = id_at(self_.place);
    core.configuration = configuration_of(self_.consortium);
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) core.known.insert(id_at(i));
    core.hash = entry_hash;
    core.random = [random = std::mt19937_64(std::random_device{}())]() mutable { return random(); };
    consensus::Stored& stored = stores_.stored;
    const std::size_t applied = stores_.ledger->head().applied.value;
    const std::size_t applied_of_log = std::min(applied - stored.base.id.index.value, stored.entries.size());
    time_check_ = std::make_unique<TimeCheck>(clock_, consensus::Index{applied}, stores_.ledger->head().time,
                                              std::span(stored.entries).subspan(applied_of_log), alarms());
    core.check = time_check_.get();
    core.quorum = consensus::certifying_quorum(self_.consortium.threshold);
    core.objects = [this](const consensus::Configuration& members) { return objection(self_.consortium, members); };
    core.life = life_ = stored.life;
    // A log is cut once it is twice as long as what is kept.
    core.max_left_behind.entries =
        std::max(core.max_left_behind.entries, core.max_held.entries + 4 * config_.keep_entries);
    next_to_apply_ = next(stored.base.id.index);
    consensus::Restart restart{
        stored.state,      stored.base,  std::move(stored.entries), stored.claim, consensus::Index{applied},
        certified_index(), stored.floor, std::move(stored.beyond)};
    consensus::DriverOptions options;
    options.core = std::move(core);
    options.tick = config_.tick;
    driver_ = std::make_unique<consensus::Driver>(std::move(options), std::move(restart), std::move(stores_.log),
                                                  driver_events());
    operators_.start(*driver_);
  }

  void start_snapshots() {
    Snapshots::Events events;
    events.send = [this](consensus::NodeId to, Bytes letter) { return send_letter(to, std::move(letter)); };
    events.to_all = [this](const Bytes& letter) { to_all(letter); };
    events.certified_height = [this] {
      const auto head = heads_.certified();
      return head ? head->height : Height{};
    };
    events.payload_of = [this](Height height) -> std::optional<consensus::Index> {
      const auto history = histories_.borrow();
      if (!history || height > (*history)->history->height()) return std::nullopt;
      const auto payload = (*history)->history->block_payload(height);
      return payload ? std::optional(consensus::Index{payload->value}) : std::nullopt;
    };
    events.base_at = [this](consensus::Index index, std::function<void(std::optional<consensus::Base>)> answer) {
      driver_->inspect([this, index, answer = std::move(answer)](const consensus::Core& core) {
        std::optional<consensus::Base> base;
        if (const auto id = core.log().at(index)) base = {*id, core.configuration_at(index)};
        snapshot_desk_.post([answer, base] { answer(base); });
      });
    };
    events.arrived = [this](const consensus::Snapshot& snapshot) {
      driver_->install(snapshot, [this](bool installed) {
        if (installed) return events_.again();
        snapshot_desk_.post([this] { snapshots_->discard(); });
      });
    };
    events.strange = [this](consensus::NodeId from, const Error& error) {
      log_warn("snapshot_not_taken", {{"node", name_of(from)}, {"why", error.message}});
    };
    events.failed = [this](const Error& error) { fail(error); };
    snapshots_ = std::make_unique<Snapshots>(
        Snapshots::Options{arriving_directory(config_), self_.genesis,
                           consensus::most_liars(self_.consortium.nodes.size()), signatures_.as_check()},
        stores_.state, std::move(events));
  }

  void start_filling() {
    HistoryFiller::Events events;
    events.send = [this](consensus::NodeId to, Bytes letter) { return send_letter(to, std::move(letter)); };
    events.filled = [this] { histories_.renew(); };
    events.strange = [this](consensus::NodeId from, const Error& error) {
      log_warn("block_not_taken", {{"node", name_of(from)}, {"why", error.message}});
    };
    events.failed = [this](const Error& error) { fail(error); };
    std::vector<consensus::NodeId> others;
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i != self_.place) others.push_back(id_at(i));
    }
    filler_ = std::make_unique<HistoryFiller>(stores_.state, std::move(others), std::move(events));
  }

  /// A leader that stops lets another go ahead at once, so that nobody waits for an election timeout.
  void hand_over() {
    if (driver_->standing().role != consensus::Role::leader) return;
    driver_->transfer(std::nullopt, [this](consensus::TransferResult result) {
      if (result == consensus::TransferResult::accepted) return;
      const std::lock_guard lock(standing_mutex_);
      no_successor_ = true;
      standing_changed_.notify_all();
    });
    std::unique_lock lock(standing_mutex_);
    standing_changed_.wait_for(lock, kLongestHandOver * config_.tick,
                               [this] { return no_successor_ || driver_->standing().role != consensus::Role::leader; });
  }

  /// While the others do not know of this life, this node asks its leader for it (consensus: Options::life).
  void ask_to_rejoin() {
    if (life_ == 0) return;
    driver_->inspect([this](const consensus::Core& core) {
      if (core.configuration().life_of(core.self()) == life_ || !core.leader()) return;
      send_letter(*core.leader(), rejoins_letter(life_));
    });
  }

  TimeCheck::Alarms alarms() {
    return {[this](consensus::NodeId leader, const std::string& why) {
              metrics_.block_refused(name_of(leader));
              log_warn("payload_refused", {{"leader", name_of(leader)}, {"why", why}});
            },
            [this](consensus::NodeId leader, std::uint64_t behind_ms) {
              log_warn("leader_clock_behind", {{"leader", name_of(leader)}, {"seconds", behind_ms / 1000}});
            }};
  }

  consensus::DriverEvents driver_events() {
    consensus::DriverEvents events;
    events.send = [this](std::vector<consensus::Message> messages) {
      if (const auto to = transport()) to->send_all(std::move(messages));
    };
    events.committed = [this](std::vector<consensus::Entry> entries) {
      // After a snapshot there is a gap: the node begins again, from the snapshot's state.
      if (entries.front().id.index != next_to_apply_) return;
      next_to_apply_ = next(entries.back().id.index);
      time_check_->committed(entries.back().id.index);
      metrics_.committed(entries);
      ledger_desk_.post([this, entries = std::move(entries)] {
        for (const consensus::Entry& entry : entries) log_keeper_.add(entry);
        applier_->committed(entries);
        heads_.applied(stores_.ledger->head());
      });
    };
    events.agreed = [this](const consensus::Claim& claim) {
      // The newest says all that those before it said; it keeps its place behind what it rests on.
      newest_agreed_ = claim.height;
      ledger_desk_.post([this, claim] {
        if (newest_agreed_ == claim.height) applier_->agreed(claim);
      });
    };
    events.evidence = [this](const consensus::Evidence& evidence) {
      metrics_.evidence(name_of(evidence.from));
      log_error("evidence", {{"what", evidence.what},
                             {"said_by", name_of(evidence.from)},
                             {"index", evidence.mine.index.value},
                             {"here", to_hex(evidence.mine.hash)},
                             {"there", to_hex(evidence.theirs.hash)}});
    };
    events.standing = [this](const consensus::Standing& standing) {
      if (standing.role != consensus::Role::leader) metrics_.leads_no_more();
      log_info("standing", {{"role", name(standing.role)},
                            {"term", standing.term.value},
                            {"leader", standing.leader ? name_of(*standing.leader) : "none"}});
      {
        const std::lock_guard lock(standing_mutex_);
        standing_changed_.notify_all();
      }
      letter_desk_.post([this, leads = standing.role == consensus::Role::leader] { intake_->leader_changed(leads); });
    };
    events.next_payload = [this](consensus::Index index) -> consensus::Payload {
      auto payload = intake_->next_payload([&] { return time_check_->propose(index); });
      if (!payload) return nullptr;
      const auto shared = std::make_shared<const Bytes>(std::move(*payload));
      metrics_.proposed(shared);
      return shared;
    };
    events.synced = [this](std::chrono::nanoseconds took) { metrics_.log_synced(took); };
    events.refused_by_quorum = [this] {
      metrics_.stepped_down();
      log_error("stepped_down", {{"why", "a quorum refuses the blocks of this node; is its clock right?"}});
    };
    events.behind = [this](consensus::NodeId leader) {
      snapshot_desk_.post([this, leader] { snapshots_->behind(leader); });
    };
    events.configuration = [this](consensus::Index index, const consensus::Configuration& members) {
      {
        const std::lock_guard lock(standing_mutex_);
        members_ = members.members();
      }
      log_info("members", {{"index", index.value}, {"are", to_string(members)}});
    };
    events.failed = [this](const Error& error) { fail(error); };
    return events;
  }

  // The other nodes.

  consensus::TransportOptions transport_options() const {
    consensus::TransportOptions options;
    options.self = id_at(self_.place);
    options.name = self_.node().name;
    options.listen = config_.peer_listen;
    options.ledger = self_.ledger;
    options.tls = self_.tls;
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i == self_.place) continue;
      const Node& node = self_.consortium.nodes[i];
      options.peers.push_back({id_at(i), node.name, node.address, node.tls_spki});
    }
    return options;
  }

  consensus::TransportEvents transport_events() {
    consensus::TransportEvents events;
    events.message = [this](consensus::Message message) { driver_->step(std::move(message)); };
    events.letter = [this](consensus::NodeId from, Bytes letter) { take_letter(from, letter); };
    events.connected = [this](consensus::NodeId peer) {
      log_info("connected", {{"node", name_of(peer)}});
      driver_->reconnected(peer);
    };
    events.disconnected = [this](consensus::NodeId peer, const std::string& why) {
      log_info("disconnected", {{"node", name_of(peer)}, {"why", why}});
    };
    events.hung_up = [this](consensus::NodeId peer) { driver_->disconnected(peer); };
    events.refused = [](const std::string& what) { log_warn("refused", {{"what", what}}); };
    return events;
  }

  void to_all(const Bytes& letter) {
    const auto to = transport();
    if (!to) return;
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i != self_.place) to->send_letter(id_at(i), letter);
    }
  }

  bool send_letter(consensus::NodeId to, Bytes letter) {
    const auto by = transport();
    if (!by || !by->is_connected(to)) return false;
    by->send_letter(to, std::move(letter));
    return true;
  }

  bool pass_on(const Handed& handed) {
    const auto leader = driver_->standing().leader;
    return leader && *leader != id_at(self_.place) && send_letter(*leader, submission_letter(handed));
  }

  /// Read as it comes, by the thread that hears this peer: what is only to be handed on wakes no desk in between.
  void take_letter(consensus::NodeId from, const Bytes& bytes) {
    auto letter = read_letter(bytes);
    if (!letter) return tell_unread(from, letter.error());
    std::visit([&](auto& is) { on(from, std::move(is), bytes.size()); }, *letter);
  }
  /// Letters wait for their desks within bounds; beyond them they are dropped, as the network might.
  template <class Function>
  void wait_at(Desk& desk, consensus::NodeId from, Room& room, std::size_t bytes, Function function) {
    auto place = room.enter(bytes);
    if (!place) return metrics_.letter_dropped(name_of(from));
    desk.post([function = std::move(function), place = std::move(place)]() mutable { function(); });
  }

  void tell_unread(consensus::NodeId from, const Error& error) {
    auto& told = from_peers_.at(from).unread_told;
    const auto now = std::chrono::steady_clock::now();
    if (told && now < *told + kTellUnreadEvery) return;
    told = now;
    log_warn("letter_not_read", {{"node", name_of(from)}, {"why", error.message}});
  }

  void on(consensus::NodeId from, SubmissionLetter letter, std::size_t bytes) {
    wait_at(letter_desk_, from, from_peers_.at(from).letters, bytes,
            [this, from, letter = std::move(letter)]() mutable {
              const SubmissionId id = sha256(letter.handed.signed_statement);
              const std::uint32_t retry_after_ms = intake_->take_over(std::move(letter.handed));
              if (retry_after_ms == 0) return;
              if (const auto to = transport()) to->send_letter(from, no_room_letter(id, retry_after_ms));
            });
  }
  void on(consensus::NodeId from, const NoRoomLetter& letter, std::size_t) {
    if (driver_->standing().leader == from) intake_->no_room(letter.submission, letter.retry_after_ms);
  }
  void on(consensus::NodeId from, const CosignedLetter& letter, std::size_t bytes) {
    wait_at(ledger_desk_, from, from_peers_.at(from).heads, bytes, [this, from, letter] {
      cosigner_->received(name_of(from), Checkpoint{stores_.ledger->origin(), letter.size, letter.root},
                          letter.cosignature);
    });
  }
  void on(consensus::NodeId from, CertifiedLetter letter, std::size_t bytes) {
    wait_at(ledger_desk_, from, from_peers_.at(from).heads, bytes, [this, from, letter = std::move(letter)] {
      const auto evidence = cosigner_->received(letter.certified);
      if (!evidence) return;
      metrics_.evidence(name_of(from));
      log_error("evidence", {{"what", *evidence},
                             {"said_by", name_of(from)},
                             {"what_now", "this node goes on from a snapshot of what is certified"}});
      snapshot_desk_.post([this, from] { snapshots_->behind(from); });
    });
  }

  void on(consensus::NodeId from, const OperatorAsksLetter& letter, std::size_t) { operators_.on(from, letter); }
  void on(consensus::NodeId from, const OperatorHearsLetter& letter, std::size_t) { operators_.on(from, letter); }
  void on(consensus::NodeId from, const RejoinsLetter& letter, std::size_t) { operators_.on(from, letter); }
  /// Of snapshots and their places.
  template <class Letter>
  void on(consensus::NodeId from, Letter letter, std::size_t bytes) {
    wait_at(snapshot_desk_, from, from_peers_.at(from).snapshots, bytes,
            [this, from, letter = std::move(letter)] { snapshots_->on(from, letter); });
  }

  void on(consensus::NodeId from, BlockAsksLetter letter, std::size_t bytes) {
    wait_at(snapshot_desk_, from, from_peers_.at(from).snapshots, bytes, [this, from, letter] {
      const auto history = histories_.borrow();
      if (!history) return;  // nothing is certified here
      give_blocks(*(*history)->history, letter,
                  [&](const BlockGivesLetter& block) { send_letter(from, letter_of(block)); });
    });
  }
  void on(consensus::NodeId from, BlockGivesLetter letter, std::size_t bytes) {
    // Of short leaves most of the memory is what is around them.
    if (letter.block) bytes += letter.block->leaves.data.size() * sizeof(Bytes);
    wait_at(ledger_desk_, from, from_peers_.at(from).blocks, bytes,
            [this, from, letter = std::move(letter)] { filler_->on(from, letter); });
  }

  // The public.

  LedgerService::ReadIndex read_index() {
    return [this](std::function<void(std::optional<store::LogIndex>)> answer) {
      driver_->read([answer = std::move(answer)](std::optional<consensus::Index> index) {
        answer(index ? std::optional(store::LogIndex{index->value}) : std::nullopt);
      });
    };
  }

  Result<void> serve_public() {
    service_ = std::make_unique<LedgerService>(
        histories_, *intake_, heads_, config_.max_public_calls * 3 / 4, [this] { return status(); }, read_index());
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(kMaxPublicMessageBytes);
    // Threads that have answered wait for the next call: to start and end one for each would cost more than most answers.
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kMaxIdleThreads);
    grpc::ResourceQuota quota("public");
    quota.SetMaxThreads(static_cast<int>(config_.max_public_calls));
    builder.SetResourceQuota(quota);
    int port = 0;
    builder.AddListeningPort(config_.public_listen, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    builder.RegisterService(&health_);
    submit_calls_ = std::make_unique<SubmitCalls>(
        *service_, *intake_, SubmitCalls::Limits{config_.max_public_calls * 8, config_.max_public_calls});
    proof_calls_ = std::make_unique<ProofCalls>(*service_, histories_, config_.max_public_calls);
    submit_lanes_ = std::make_unique<Lanes>("submissions", Lanes::queues_of(builder));
    proof_lanes_ = std::make_unique<Lanes>("proofs", Lanes::queues_of(builder));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return Error{ErrorCode::conflict, "public.listen: cannot listen on " + config_.public_listen +
                                            "; is the port in use, or the address not this machine's?"};
    }
    submit_lanes_->start([this](Lane& lane) { submit_calls_->listen(lane); });
    proof_lanes_->start([this](Lane& lane) { proof_calls_->listen(lane); });
    return {};
  }

  Result<void> serve_operators() {
    if (config_.operator_listen.empty()) return {};
    auto pins = read_operators(config_.operator_certificates);
    if (!pins) return pins.error();
    cluster_service_ = std::make_unique<ClusterService>(operators_, *pins);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(kMaxOperatorMessageBytes);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
    grpc::ResourceQuota quota("operators");
    quota.SetMaxThreads(kMaxOperatorThreads);
    builder.SetResourceQuota(quota);
    int port = 0;
    builder.AddListeningPort(config_.operator_listen,
                             identity::server_credentials(self_.tls, *pins,
                                                          [](const std::string& why) {
                                                            log_warn("operator_refused", {{"why", why}});
                                                          }),
                             &port);
    builder.RegisterService(cluster_service_.get());
    cluster_server_ = builder.BuildAndStart();
    if (cluster_server_ == nullptr || port == 0) {
      return Error{ErrorCode::conflict, "operator.listen: cannot listen on " + config_.operator_listen +
                                            "; is the port in use, or the address not this machine's?"};
    }
    return {};
  }

  testamur::v1::NodeStatus status() const {
    testamur::v1::NodeStatus out;
    out.set_name(self_.node().name);
    out.set_institution(self_.node().institution);
    out.set_version(kVersion);
    const consensus::Standing standing = driver_->standing();
    out.set_role(std::string(name(standing.role)));
    out.set_term(standing.term.value);
    if (standing.leader) out.set_leader(name_of(*standing.leader));
    out.set_last_index(standing.last.value);
    out.set_committed_index(standing.committed.value);
    const store::Head head = heads_.applied();
    out.set_applied_index(head.applied.value);
    out.set_height(head.height.value);
    out.set_root(std::string(as_text(head.root)));
    out.set_size(head.size);
    if (const auto certified = heads_.certified()) out.set_certified_height(certified->height.value);
    const auto connections = transport();
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i == self_.place) continue;
      auto& peer = *out.add_peers();
      peer.set_name(self_.consortium.nodes[i].name);
      peer.set_connected(connections && connections->is_connected(id_at(i)));
    }
    out.set_pending(intake_->pending());
    const consensus::Written written = driver_->written();
    out.set_log_syncs(written.syncs);
    out.set_log_entries(written.entries);
    return out;
  }

  /// For the metrics.
  Readings read() const {
    Readings out;
    out.standing = driver_->standing();
    out.counts = driver_->counts();
    out.written = driver_->written();
    out.progress = driver_->progress();
    const store::Head head = heads_.applied();
    out.applied = consensus::Index{head.applied.value};
    out.height = head.height;
    if (const auto certified = heads_.certified()) {
      out.certified = {certified->index, certified->height, head_seconds(certified->certified)};
    }
    out.pending = intake_->pending();
    const auto connections = transport();
    const std::lock_guard lock(standing_mutex_);
    for (std::size_t i = 0; i < self_.consortium.nodes.size(); ++i) {
      if (i == self_.place) continue;
      const consensus::NodeId id = id_at(i);
      out.peers.push_back({id, self_.consortium.nodes[i].name, members_.contains(id),
                           connections && connections->is_connected(id), connections ? connections->dropped(id) : 0});
    }
    return out;
  }

  const Config config_;
  const Self self_;
  const NodeEvents events_;
  Stores stores_;
  OpenHistories histories_;
  Clock clock_;
  SignatureMemory signatures_;
  Heads heads_;
  Operators operators_;
  std::uint64_t life_ = 0;
  mutable std::mutex standing_mutex_;
  std::condition_variable standing_changed_;
  bool no_successor_ = false;
  std::set<consensus::NodeId> members_;  // by the newest configuration in the log
  LogKeeper log_keeper_{{config_.keep_entries}};
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<HistoryFiller> filler_;
  consensus::Index next_to_apply_;  // of whoever has the driver's turn
  unsigned letter_ticks_ = 0;
  Metrics metrics_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Cosigner> cosigner_;
  std::unique_ptr<Applier> applier_;
  std::unique_ptr<TimeCheck> time_check_;
  /// What waits here of one other node's.
  struct FromPeer {
    Room letters{kMaxLettersWaiting, kMaxLetterBytesWaiting};
    Room heads{kMaxHeadsWaiting, kMaxLetterBytesWaiting};
    Room snapshots{kMaxSnapshotsWaiting, kMaxLetterBytesWaiting};
    Room blocks{kMaxBlocksWaiting, kMaxLetterBytesWaiting};
    std::optional<std::chrono::steady_clock::time_point> unread_told;  // of the thread that hears this peer
  };
  std::map<consensus::NodeId, FromPeer> from_peers_;  // complete before anything runs
  Desk ledger_desk_;
  Desk letter_desk_;
  Desk snapshot_desk_;
  std::atomic<std::uint64_t> newest_agreed_ = 0;  // the height
  std::unique_ptr<consensus::Driver> driver_;
  mutable std::mutex transport_mutex_;
  std::shared_ptr<consensus::Transport> transport_;
  std::unique_ptr<LedgerService> service_;
  std::unique_ptr<SubmitCalls> submit_calls_;
  std::unique_ptr<ProofCalls> proof_calls_;
  std::unique_ptr<Lanes> submit_lanes_;
  std::unique_ptr<Lanes> proof_lanes_;  // lanes of their own, so that no submission waits for a proof
  std::unique_ptr<ClusterService> cluster_service_;
  std::unique_ptr<grpc::Server> cluster_server_;
  HealthService health_{kMaxHealthWatchers};
  std::unique_ptr<grpc::Server> server_;
};

RunningNode::RunningNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RunningNode::~RunningNode() = default;

Result<std::unique_ptr<RunningNode>> RunningNode::start(const Config& config, Self self, Stores stores,
                                                        NodeEvents events) {
  auto impl = std::make_unique<Impl>(config, std::move(self), std::move(stores), std::move(events));
  if (const auto listening = impl->listen(); !listening) return listening.error();
  return std::unique_ptr<RunningNode>(new RunningNode(std::move(impl)));
}

}  // namespace testamur::node
