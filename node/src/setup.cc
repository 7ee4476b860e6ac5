#include "testamur/node/setup.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>

#include "slow_log_store.h"
#include "testamur/encoding/encoding.h"
#include "testamur/identity/key_file.h"
#include "testamur/ledger/sha256.h"
#include "testamur/node/applier.h"
#include "testamur/node/cosigner.h"
#include "testamur/node/log.h"
#include "testamur/storage/rocks.h"
#include "testamur/store/fill.h"

namespace testamur::node {
namespace {

constexpr std::uintmax_t kMaxGenesisBytes = 64u << 20;

Result<Bytes> read_genesis(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) return Error{ErrorCode::not_found, file.string() + ": expected the genesis file, found none"};
  if (size > kMaxGenesisBytes) return Error{ErrorCode::malformed, file.string() + ": expected at most 64 MiB"};
  std::ifstream stream(file, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) return Error{ErrorCode::storage, file.string() + ": it cannot be read"};
  return bytes;
}

Result<SecretKey> read_key(const std::filesystem::path& file, const PublicKey& expected, std::string_view what,
                           const std::string& node) {
  const auto seed = identity::read_ed25519_key(file.string());
  if (!seed) return seed.error();
  SecretKey key = SecretKey::from_seed(*seed);
  if (key.public_key() != expected) {
    return Error{ErrorCode::invalid, file.string() + ": expected the " + std::string(what) + " key of " + node +
                                         " that genesis names, found another"};
  }
  return key;
}

std::string names_of(const ConsortiumRecord& consortium) {
  std::string out;
  for (const Node& node : consortium.nodes) out += (out.empty() ? "" : ", ") + node.name;
  return out;
}

Result<std::unique_ptr<store::Ledger>> open_ledger(const std::filesystem::path& directory, const Self& self,
                                                   std::shared_ptr<storage::KeyValueStore>& state) {
  auto opened = storage::open_rocks(directory.string(), /*create=*/true);
  if (!opened) return opened.error();
  state = std::move(*opened);
  auto ledger = store::Ledger::open(state);
  if (!ledger && ledger.error().code == ErrorCode::not_found) ledger = store::Ledger::create(state, self.genesis);
  if (!ledger) return Error{ledger.error().code, directory.string() + ": " + ledger.error().message};
  if ((*ledger)->id() != self.ledger) {
    return Error{ErrorCode::conflict, directory.string() + ": expected the ledger " + to_hex(self.ledger) +
                                          ", found that of another genesis, " + to_hex((*ledger)->id())};
  }
  return ledger;
}

/// Null where there is none, or one that has not wholly arrived.
std::unique_ptr<store::Ledger> ledger_in(const std::filesystem::path& directory) {
  auto opened = storage::open_rocks(directory.string(), /*create=*/false);
  if (!opened) return nullptr;
  auto ledger = store::Ledger::open(std::shared_ptr<storage::KeyValueStore>(std::move(*opened)));
  return ledger ? std::move(*ledger) : nullptr;
}

/// How far it has applied; nothing where there is none, or one that has not wholly arrived.
std::optional<std::uint64_t> applied_in(const std::filesystem::path& directory) {
  const auto ledger = ledger_in(directory);
  return ledger ? std::optional(ledger->head().applied.value) : std::nullopt;
}

constexpr std::string_view kBeforeSnapshot = "before-snapshot-";

/// What was set aside for a snapshot goes once the history behind it is whole.
Result<void> drop_set_aside(const Config& config, const storage::KeyValueStore& state) {
  const auto gap = store::history_gap(state);
  if (!gap) return gap.error();
  if (*gap) return {};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(config.data, error)) {
    if (entry.path().filename().string().starts_with(kBeforeSnapshot)) std::filesystem::remove_all(entry.path(), error);
  }
  return {};
}

/// Whether the ledger in a directory derived another head than the one that the log claims, which a certified head has taken back.
bool is_contradicted(const std::filesystem::path& directory, const std::optional<consensus::Claim>& claim) {
  const auto ledger = claim ? ledger_in(directory) : nullptr;
  const auto head = ledger ? ledger->block_head(Height{claim->height}) : Error{ErrorCode::not_found, ""};
  return head && head_digest(head->checkpoint) != claim->head;
}

/// A snapshot takes the ledger's place once the log begins after it, which is written last before the node begins again. A ledger that
/// is as far needs none, unless it is another.
Result<void> take_arrived(const Config& config, const consensus::Stored& log, std::uint64_t last) {
  const consensus::Index base = log.base.id.index;
  const auto arriving = arriving_directory(config);
  const auto ledger = config.data / "ledger";
  if (!std::filesystem::exists(arriving)) return {};
  // Beyond the log's end: what it had applied went with a log that a certified head contradicts.
  const std::uint64_t applied = applied_in(ledger).value_or(0);
  const bool is_needed = applied < base.value || (applied > last && !log.floor) || is_contradicted(ledger, log.claim);
  const auto arrived = applied_in(arriving);
  std::error_code error;
  if (!is_needed || arrived != base.value) {
    // One that is whole, and that the log does not begin after, is of no use any more; one that is not goes on arriving.
    if (arrived) std::filesystem::remove_all(arriving, error);
    return {};
  }
  // No block is dropped before it is here again: the ledger before is kept until the history behind the snapshot is filled in.
  if (std::filesystem::exists(ledger)) {
    const auto aside = config.data / (std::string(kBeforeSnapshot) + std::to_string(applied));
    std::filesystem::remove_all(aside, error);
    if (!error) std::filesystem::rename(ledger, aside, error);
  }
  if (!error) std::filesystem::rename(arriving, ledger, error);
  if (error)
    return Error{ErrorCode::storage, ledger.string() + ": the snapshot cannot be put there: " + error.message()};
  log_info("snapshot_taken", {{"index", base.value}});
  return {};
}

constexpr const char* kHowToRejoin =
    ". To begin anew as a learner, which the others give its vote back, start it with --rejoin";

/// What is damaged beyond mending has a way out.
Error with_way_out(Error error) {
  if (error.code == ErrorCode::corrupt) error.message += kHowToRejoin;
  return error;
}

/// "151 to 200, 202 to 202", for people.
std::string indexes_of(std::span<const consensus::Entry> entries) {
  std::string out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t index = entries[i].id.index.value;
    if (i > 0 && entries[i - 1].id.index.value + 1 == index) continue;
    std::uint64_t last = index;
    for (std::size_t j = i + 1; j < entries.size() && entries[j].id.index.value == last + 1; ++j) ++last;
    out += (out.empty() ? "" : ", ") + std::to_string(index) + " to " + std::to_string(last);
  }
  return out.empty() ? "nothing" : out;
}

Bytes owner_of(const Self& self) { return Writer{}.raw(self.ledger).text(self.node().name).bytes(); }

/// Beside the data, so that it is there when they are lost: the node has begun once.
std::filesystem::path mark_of(const Config& config) {
  std::filesystem::path data = config.data.lexically_normal();
  if (!data.has_filename()) data = data.parent_path();
  return data.string() + ".begun";
}

Result<void> mark(const Config& config) {
  const auto path = mark_of(config);
  if (std::filesystem::exists(path)) return {};
  std::ofstream file(path);
  file << "The node that keeps its data here has begun. When the data are lost, it must not start as if it were new.\n";
  file.close();
  if (!file) return Error{ErrorCode::storage, path.string() + ": it cannot be written"};
  return {};
}

}  // namespace

Result<Self> read_self(const Config& config) {
  auto genesis = read_genesis(config.genesis);
  if (!genesis) return genesis.error();
  const auto decoded = decode_genesis(*genesis);
  if (!decoded) return Error{decoded.error().code, config.genesis.string() + ": " + decoded.error().message};
  const auto& consortium = std::get<ConsortiumRecord>(decoded->records.front());
  const auto node = std::find_if(consortium.nodes.begin(), consortium.nodes.end(),
                                 [&](const Node& n) { return n.name == config.name; });
  if (node == consortium.nodes.end()) {
    return Error{ErrorCode::invalid, config.genesis.string() + ": expected a node named " + config.name + ", found " +
                                         names_of(consortium)};
  }
  const auto note = read_key(config.note_key, node->note_key, "note", node->name);
  if (!note) return note.error();
  const auto cosigner = read_key(config.cosigner_key, node->cosigner_key, "cosigner", node->name);
  if (!cosigner) return cosigner.error();
  auto tls = identity::read_tls_identity(config.tls_key.string(), config.tls_certificate.string());
  if (!tls) return tls.error();
  if (tls->spki != node->tls_spki) {
    return Error{ErrorCode::invalid, config.tls_key.string() + ": expected the TLS key of " + node->name +
                                         " that genesis names, found another"};
  }
  const Hash ledger = ledger_id(*genesis);
  const auto place = static_cast<std::size_t>(node - consortium.nodes.begin());
  return Self{std::move(*genesis), ledger, consortium, place, *cosigner, std::move(*tls)};
}

consensus::Digest entry_hash(const consensus::Entry& entry) {
  const auto& [id, previous, payload, kind] = entry;
  const bool configures = kind == consensus::EntryKind::configuration;
  const std::uint8_t what = configures ? 2 : payload ? 1 : 0;
  const Bytes place = Writer{}.u64(id.term.value).u64(id.index.value).raw(previous).u8(what).bytes();
  return sha256({as_bytes("testamur/entry/v1"), place, payload ? ByteView(*payload) : ByteView{}});
}

Result<Stores> open_stores(const Config& config, const Self& self) {
  std::error_code error;
  std::filesystem::create_directories(config.data, error);
  if (error) return Error{ErrorCode::storage, config.data.string() + ": it cannot be made: " + error.message()};
  const auto log_directory = config.data / "log";
  const auto ledger_directory = config.data / "ledger";
  // What this node promised is in the log. A ledger without its log is a node that has forgotten its votes and cosignatures: it must
  // not take part again as if it were new. So the log is made first.
  const bool has_begun =
      std::filesystem::exists(ledger_directory / "CURRENT") || std::filesystem::exists(mark_of(config));
  if (has_begun && !std::filesystem::exists(log_directory)) {
    return Error{ErrorCode::corrupt,
                 log_directory.string() +
                     ": expected the log of this node, which has begun already, found none. Without it the node "
                     "does not know what it promised to the others, and must not vote" +
                     kHowToRejoin};
  }
  Stores stores;
  auto log = consensus::open_log_store(log_directory.string(), owner_of(self));
  if (!log) return with_way_out(log.error());
  stores.log = std::move(*log);
  if (!config.slow_disk_for_tests.empty())
    stores.log = slow_log_store(std::move(stores.log), config.slow_disk_for_tests);
  auto salvaged = stores.log->salvage(entry_hash);
  if (!salvaged) return with_way_out(salvaged.error());
  if (salvaged->damage) {
    log_error("log_damaged", {{"why", salvaged->damage->message},
                              {"kept", indexes_of(salvaged->stored.beyond)},
                              {"what_now", "the others mend it"}});
  }
  stores.stored = std::move(salvaged->stored);
  if (const auto marked = mark(config); !marked) return marked.error();
  if (!stores.stored.owner_record.empty()) {
    const auto promised = decode_cosign_memory(stores.stored.owner_record);
    if (!promised) {
      return Error{ErrorCode::corrupt, log_directory.string() +
                                           ": what this node promised as a cosigner cannot be read (" +
                                           promised.error().message +
                                           "). Was it written by a newer program? Without it the node must not sign"};
    }
    stores.promised = *promised;
  }
  auto cosigned = Cosigned::open(config.data / "cosigned", stores.promised);
  if (!cosigned) return cosigned.error();
  stores.cosigned = std::move(*cosigned);
  const std::uint64_t base = stores.stored.base.id.index.value;
  const std::uint64_t last = base + stores.stored.entries.size();
  if (const auto taken = take_arrived(config, stores.stored, last); !taken) return taken.error();
  auto ledger = open_ledger(ledger_directory, self, stores.state);
  if (!ledger) return ledger.error();
  stores.ledger = std::move(*ledger);
  if (const auto dropped = drop_set_aside(config, *stores.state); !dropped) return dropped.error();
  const std::uint64_t applied = stores.ledger->head().applied.value;
  if (applied > last && !stores.stored.floor) {
    return Error{ErrorCode::corrupt, log_directory.string() + ": expected at least the " + std::to_string(applied) +
                                         " entries that the ledger has applied, found " + std::to_string(last) +
                                         kHowToRejoin};
  }
  if (applied < base) {
    return Error{ErrorCode::corrupt, ledger_directory.string() + ": expected the ledger to have applied the " +
                                         std::to_string(base) + " entries that its log begins after, found " +
                                         std::to_string(applied) + kHowToRejoin};
  }
  return stores;
}

std::filesystem::path arriving_directory(const Config& config) { return config.data / "arriving"; }

Result<void> begin_new_life(const Config& config, const Self& self) {
  std::error_code error;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto aside =
      config.data / ("aside-" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  std::filesystem::create_directories(aside, error);
  for (const char* part : {"log", "ledger", "cosigned"}) {
    if (error || !std::filesystem::exists(config.data / part)) continue;
    std::filesystem::rename(config.data / part, aside / part, error);
  }
  if (error)
    return Error{ErrorCode::storage, aside.string() + ": what is left cannot be set aside: " + error.message()};
  consensus::LogStoreOptions options;
  std::random_device random;
  options.life = (std::uint64_t{random()} << 32 | random()) | 1;
  const auto log = consensus::open_log_store((config.data / "log").string(), owner_of(self), options);
  if (!log) return log.error();
  log_warn("new_life", {{"set_aside", aside.string()}});
  return {};
}

namespace {

/// Whoever holds back a signature of his own may have a certificate of what this node cosigned, and show it after it has cosigned
/// another block there: two certified heads that contradict one another.
Result<void> not_behind_cosigned(const Stores& stores, const store::BlockHead& head, bool not_cosigned) {
  const Cosigned& cosigned = *stores.cosigned;
  if (cosigned.size() <= head.checkpoint.size || (not_cosigned && !cosigned.is_certain())) return {};
  const store::Ledger& ledger = *stores.ledger;
  store::BlockHead at = head;
  while (at.checkpoint.size < cosigned.size() && at.height < ledger.head().height) {
    const auto after = ledger.block_head(Height{at.height.value + 1});
    if (!after) return after.error();
    at = *after;
  }
  // What was applied last may have to be applied again.
  const std::string block =
      (at.checkpoint.size < cosigned.size() ? "a block after " : "block ") + std::to_string(at.height.value);
  const std::string stays = ". A node does not go back behind a block that it cosigned, which may be certified. ";
  if (cosigned.is_certain()) {
    return Error{ErrorCode::conflict,
                 "this node has cosigned " + block + stays +
                     "Leave it as it is: nodes that hold another block there go back, and take this "
                     "one up from those that hold it"};
  }
  return Error{ErrorCode::conflict, "this node may have cosigned " + block +
                                        ": its machine stopped before that was on disk" + stays +
                                        "Where people find that it did not, say --not-cosigned (deploy/operate.md)"};
}

}  // namespace

Result<void> return_to_certified(const Config& config, const Self& self, Height height, bool not_cosigned) {
  auto stores = open_stores(config, self);
  if (!stores) return stores.error();
  store::Ledger& ledger = *stores->ledger;
  if (ledger.certified_height() != height) {
    return Error{ErrorCode::invalid,
                 "expected the newest block that this node knows to be certified, " +
                     std::to_string(ledger.certified_height().value) + ", found " + std::to_string(height.value) +
                     ". All nodes must return to the same one; a node that is behind learns of it from the others "
                     "before it is stopped"};
  }
  const auto head = ledger.block_head(height);
  if (!head) return head.error();
  if (const auto later = not_behind_cosigned(*stores, *head, not_cosigned); !later) return later.error();
  if (const auto back = ledger.rollback(height); !back) return back.error();
  const consensus::Index index{head->payload.value};
  const consensus::Stored& stored = stores->stored;
  const std::uint64_t last = stored.base.id.index.value + stored.entries.size();
  consensus::Write write;
  if (index.value < last) write.truncate_from = next(index);
  // Of what followed a damage nothing is wanted any more; unless the damage is in what is returned to, which the others have.
  if (index.value <= last) write.floor = consensus::EntryId{};
  write.claim = consensus::Claim{index, height.value, head_digest(head->checkpoint)};
  // The time of what was signed still counts: it does not fall.
  CosignMemory memory{head->checkpoint.size, head->checkpoint.root, stores->promised ? stores->promised->seconds : 0};
  return stores->log->write(std::span(&write, 1), encode(memory));
}

}  // namespace testamur::node
