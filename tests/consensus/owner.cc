#include "owner.h"

#include <algorithm>
#include <bit>

#include "invariants.h"
#include "testamur/ledger/sha256.h"

namespace testamur::consensus::simulation {
namespace {

constexpr std::size_t kChunkBytes = 2048;

template <class T>
T must(Result<T> result) {
  if (!result) throw OwnersViolation("the ledger: " + result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Claim claim_of(const store::BlockHead& head) {
  return {Index{head.payload.value}, head.height.value, head_digest(head.checkpoint)};
}

}  // namespace

Digest head_digest(const Checkpoint& checkpoint) { return sha256(as_bytes(encode(checkpoint))); }

Owner::Owner(Registrars& registrars) : registrars_(&registrars), disk_(registrars.first_disk()) { open(); }

void Owner::open() {
  ledger_ = must(store::Ledger::open(disk_));
  heads_.clear();
  found_again_.clear();
  certified_.reset();
  const Height certified_height = ledger_->certified_height();
  for (Height at = certified_height; at <= ledger_->head().height; ++at.value) {
    const Claim claim = stored_head(at.value);
    heads_.emplace(at.value, claim);
    if (at.value > 0) found_again_.emplace(claim.index, claim);
  }
  if (auto certified = ledger_->certified())
    certified_ = {heads_.at(certified_height.value), std::make_shared<const CertifiedCheckpoint>(*certified)};
}

void Owner::reopen() {
  ledger_.reset();
  open();
}

/// As node/src/applier.cc.
AppliedEntry Owner::apply(const Entry& entry) {
  if (entry.id.index <= applied()) {
    const auto again = found_again_.extract(entry.id.index);
    return {again ? std::optional(again.mapped()) : std::nullopt, std::nullopt};
  }
  const auto decoded = decode_payload(entry.is_owners() ? block_in(entry.payload) : ByteView{});
  const testamur::Payload block = decoded ? *decoded : testamur::Payload{};
  AppliedEntry applied;
  applied.done = must(ledger_->apply(store::LogIndex{entry.id.index.value}, block, registrars_->statement_check()));
  if (!applied.done->made_block) return applied;
  applied.claim = Claim{entry.id.index, height(), head_digest(ledger_->checkpoint())};
  heads_.emplace(height(), *applied.claim);
  return applied;
}

const Claim* Owner::head_of(std::uint64_t height) const {
  const auto found = heads_.find(height);
  return found == heads_.end() ? nullptr : &found->second;
}

Claim Owner::stored_head(std::uint64_t height) const { return claim_of(must(ledger_->block_head(Height{height}))); }

void Owner::flush() {
  must(ledger_->sync());
  replaced_.reset();
  safe_to_compact_ = certified_ ? std::min(applied(), certified_->claim.index) : Index{};
}

void Owner::lose_power(Random& random) {
  ledger_.reset();
  if (replaced_) disk_ = std::move(replaced_);
  replaced_.reset();
  const std::size_t unflushed = disk_->unflushed();
  disk_->lose_power(random.below(2) == 0 ? unflushed : random.below(unflushed + 1));
  cosigned_.reset();
  gathered_.clear();
  open();
}

/// As node/src/snapshots.cc, both ends of it.
Content Owner::send_snapshot() const {
  const auto source = must(store::SnapshotSource::open(disk_, kChunkBytes));
  auto arrived = std::make_shared<test::MemoryStore>();
  const auto receiver = must(store::SnapshotReceiver::open(arrived, registrars_->genesis(), source->manifest(),
                                                           Registrars::check_cosignature));
  Content content;
  Writer sent;
  while (!receiver->complete()) {
    const Bytes chunk = must(source->chunk(receiver->after()));
    sent.raw(chunk);
    must(receiver->take(chunk));
  }
  must(receiver->finish());
  content.sent = sha256(sent.bytes());
  content.snapshot.claim = {Index{source->manifest().payload.value}, source->manifest().block.height.value,
                            head_digest(source->manifest().certified.checkpoint)};
  content.ledger = std::move(arrived);
  return content;
}

void Owner::install(const Content& content) {
  ledger_.reset();
  if (!replaced_) replaced_ = std::move(disk_);
  disk_ = content.ledger->copy();
  gathered_.clear();
  open();
  if (applied() != content.snapshot.last.index || certified_height() != content.snapshot.claim.height) {
    throw OwnersViolation("a snapshot of index " + std::to_string(content.snapshot.last.index.value) + ", height " +
                          std::to_string(content.snapshot.claim.height) + " came to a ledger at index " +
                          std::to_string(applied().value) + ", certified up to " + std::to_string(certified_height()));
  }
}

std::optional<Certified> Owner::gather(NodeId voter, const Claim& claim, std::size_t threshold) {
  if (claim.height <= certified_height()) return std::nullopt;
  for (auto known = gathered_.lower_bound({claim.height, Digest{}});
       known != gathered_.end() && known->first.first == claim.height; ++known) {
    const bool signed_it = (known->second >> voter.value & 1) == 1;
    if (signed_it && known->first.second != claim.head) signed_twice_.insert(voter);
  }
  std::uint64_t& signers = gathered_[{claim.height, claim.head}];
  signers |= std::uint64_t{1} << voter.value;
  if (gathered_.size() > kMaxGathered) gathered_.erase(std::prev(gathered_.end(), 2));
  // The newest that may be certified: cosignatures of heads that are still to be derived wait.
  for (auto known = gathered_.rbegin(); known != gathered_.rend(); ++known) {
    if (static_cast<std::size_t>(std::popcount(known->second)) < threshold) continue;
    const Claim* mine = head_of(known->first.first);
    if (mine == nullptr || mine->head != known->first.second) continue;
    const auto head = must(ledger_->block_head(Height{mine->height}));
    return Certified{*mine,
                     std::make_shared<const CertifiedCheckpoint>(registrars_->certify(head.checkpoint, head.time))};
  }
  return std::nullopt;
}

void Owner::certify(const Certified& certified) {
  must(ledger_->certify(*certified.checkpoint, Registrars::check_cosignature));
  if (ledger_->certified_height().value != certified.claim.height) throw OwnersViolation("another block was certified");
  certified_ = certified;
  gathered_.erase(gathered_.begin(), gathered_.upper_bound({certified.claim.height + 1, Digest{}}));
  heads_.erase(heads_.begin(), heads_.lower_bound(certified.claim.height));
}

}  // namespace testamur::consensus::simulation
