#include "testamur/node/cosigner.h"

#include <algorithm>

#include "testamur/encoding/encoding.h"

namespace testamur::node {
namespace {

constexpr std::size_t kMaxGatheredOfOne = 64;
/// Told of one voter; more only after a while, so that a liar does not fill the log.
constexpr std::size_t kMaxToldOfOne = 16;
constexpr unsigned kTicksToTellMore = 240;
/// How far a cosignature may lie ahead of this node's clock.
constexpr std::uint64_t kMaxAheadSeconds = 60;
/// A promise covers this much time, so that heads of the next moments need no sync of their own.
constexpr std::uint64_t kPromiseSeconds = 5;
constexpr unsigned kTicksToRepeat = 4;

}  // namespace

Bytes encode(const CosignMemory& memory) {
  return Writer{}.u8(1).u64(memory.size).raw(memory.root).u64(memory.seconds).bytes();
}

Result<CosignMemory> decode_cosign_memory(ByteView bytes) {
  Reader reader(bytes, "cosign_memory");
  CosignMemory memory;
  reader.u8_in("version", 1, 1);
  memory.size = reader.u64("size");
  memory.root = reader.hash("root");
  memory.seconds = reader.u64("seconds");
  if (auto error = reader.finish()) return *error;
  return memory;
}

Cosigner::Cosigner(Options options, store::Ledger& ledger, SecretKey key, std::optional<CosignMemory> promised,
                   Events events)
    : options_(std::move(options)),
      ledger_(ledger),
      key_(std::move(key)),
      events_(std::move(events)),
      quorum_(quorum_of(ledger.consortium())),
      signed_(promised.value_or(CosignMemory{})),
      promised_(signed_),
      last_promise_(signed_),
      // What is certified a quorum has agreed on; and genesis is known by its hash, so that nobody has to.
      agreed_(ledger.certified_height()),
      certified_(ledger.certified()) {
  is_voter_ = std::any_of(quorum_.voters.begin(), quorum_.voters.end(),
                          [&](const VerifierKey& voter) { return voter.name == options_.node; });
}

void Cosigner::derived(const store::BlockHead& head) {
  heads_.insert_or_assign(head.checkpoint.size, head);
  try_certify(head);
}

Cosigner::Promise Cosigner::promise() {
  const store::BlockHead& head = heads_.rbegin()->second;
  return promise(head, std::max(options_.clock().value, head.time.value) / 1000);
}

/// Never less than what was promised before, which a later write would take back.
Cosigner::Promise Cosigner::promise(const store::BlockHead& head, std::uint64_t seconds) {
  if (last_promise_.size <= head.checkpoint.size) {
    last_promise_.size = head.checkpoint.size;
    last_promise_.root = head.checkpoint.root;
  }
  last_promise_.seconds = std::max(last_promise_.seconds, seconds + kPromiseSeconds);
  return {encode(last_promise_), [this, kept = last_promise_] { promised_ = kept; }};
}

void Cosigner::agreed(const store::BlockHead& head) {
  if (agreed_ >= head.height) return;
  agreed_ = head.height;
  ledger_.certified_height() > agreed_ ? cosign() : cosign(head);
}

/// When to say that it was signed: by the clock, yet never before the block, nor before what was signed already.
std::optional<std::uint64_t> Cosigner::seconds_for(const store::BlockHead& head) {
  const std::uint64_t now = options_.clock().value / 1000;
  const std::uint64_t seconds = std::max({now, head.time.value / 1000, signed_.seconds});
  if (seconds <= now + kMaxAheadSeconds) return seconds;
  tell(options_.node, "this node's clock is " + std::to_string(seconds - now) +
                          " s behind what it has signed or applied; it signs nothing until that time has come");
  return std::nullopt;
}

bool Cosigner::is_promised(const store::BlockHead& head, std::uint64_t seconds) const {
  const Checkpoint& checkpoint = head.checkpoint;
  if (promised_.seconds < seconds || promised_.size < checkpoint.size) return false;
  return promised_.size > checkpoint.size || promised_.root == checkpoint.root;
}

void Cosigner::cosign() {
  if (!is_voter_ || keeping_) return;
  const auto head = ledger_.block_head(std::max(agreed_, ledger_.certified_height()));
  if (!head) return events_.failed(head.error());
  cosign(*head);
}

/// The head was read back from the store.
void Cosigner::cosign(const store::BlockHead& head) {
  if (!is_voter_ || keeping_) return;
  const auto seconds = seconds_for(head);
  if (!seconds) return;
  const auto period = static_cast<std::uint64_t>(options_.every.count());
  const bool again = own_ && own_->first == head.checkpoint;
  // By the clock's periods, so that all voters do it at about the same time.
  if (again && *seconds / period == own_->second.seconds / period) return;
  if (const auto allowed = may_cosign(signed_, head.checkpoint, *seconds, head.time); !allowed) {
    // After a restart the promise may cover a block that a quorum has yet to derive; it will.
    if (head.checkpoint.size >= signed_.size) tell(options_.node, allowed.error().message);
    return;
  }
  if (is_promised(head, *seconds)) {
    sign(head, *seconds);
  } else {
    keep_promise(head, *seconds);
  }
}

void Cosigner::keep_promise(const store::BlockHead& head, std::uint64_t seconds) {
  Promise made = promise(head, seconds);
  keeping_ = true;
  events_.keep(std::move(made.record), [this, kept = std::move(made.kept)] {
    keeping_ = false;
    kept();
    cosign();
  });
}

void Cosigner::sign(const store::BlockHead& head, std::uint64_t seconds) {
  signed_ = {head.checkpoint.size, head.checkpoint.root, seconds};
  own_ = {head.checkpoint, testamur::cosign(head.checkpoint, seconds, options_.node, key_)};
  if (options_.signature_made) {
    verify_cosignature(encode(own_->first), own_->second, key_.public_key(), options_.signature_made);
  }
  gather(own_->first, own_->second);
  events_.cosigned(own_->first, own_->second);
  try_certify(head);
}

bool Cosigner::may_count(const std::string& voter, const Checkpoint& checkpoint, const Cosignature& cosignature,
                         const PublicKey& key) {
  const std::uint64_t now = options_.clock().value / 1000;
  if (cosignature.seconds > now + kMaxAheadSeconds) {
    tell(voter, "its clock is " + std::to_string(cosignature.seconds - now) +
                    " s ahead of this node's: its cosignatures do not count");
    return false;
  }
  if (!verify_cosignature(encode(checkpoint), cosignature, key, options_.check_signature)) {
    tell(voter, "its cosignature does not verify");
    return false;
  }
  const auto mine = heads_.find(checkpoint.size);
  if (mine != heads_.end() && mine->second.checkpoint.root != checkpoint.root) {
    tell(voter, "it cosigned another head of size " + std::to_string(checkpoint.size) + ": root " +
                    to_hex(checkpoint.root) + ", here " + to_hex(mine->second.checkpoint.root) + "; signature " +
                    to_base64(cosignature.signature));
    return false;
  }
  return true;
}

void Cosigner::received(const std::string& from, const Checkpoint& checkpoint, const Cosignature& cosignature) {
  const auto place = find_voter(quorum_, cosignature.key_id);
  if (!place) return;
  const VerifierKey& voter = quorum_.voters[*place];
  // Each node tells its own; what is wrong with a cosignature must not be put down to another.
  if (voter.name != from) return tell(from, "it sent what " + voter.name + " is to have cosigned");
  if (checkpoint.origin != ledger_.origin()) return;
  if (certified_ && checkpoint.size < certified_->checkpoint.size) return;
  if (is_gathered(checkpoint, cosignature)) return;  // said again, in case it was lost
  if (adds_nothing(checkpoint, cosignature)) return;
  if (!may_count(voter.name, checkpoint, cosignature, voter.key)) return;
  tell_whether_signed_twice(voter.name, checkpoint, cosignature);
  gather(checkpoint, cosignature);
  if (const auto head = heads_.find(checkpoint.size); head != heads_.end()) try_certify(head->second);
}

std::optional<std::string> Cosigner::received(const CertifiedCheckpoint& certified) {
  const auto head = heads_.find(certified.checkpoint.size);
  if (head == heads_.end()) return std::nullopt;  // not there yet; it is said again
  const std::uint64_t now = options_.clock().value / 1000;
  if (head_seconds(certified) > now + kMaxAheadSeconds) return std::nullopt;
  if (certified.checkpoint.root != head->second.checkpoint.root) return contradicted(certified, head->second);
  accept(certified, head->second);
  return std::nullopt;
}

/// Two heads of one size under one voter's key prove that it lies, to anybody, whatever this node has derived itself.
void Cosigner::tell_whether_signed_twice(const std::string& voter, const Checkpoint& checkpoint,
                                         const Cosignature& cosignature) {
  for (auto known = gathered_.lower_bound({checkpoint.size, Hash{}});
       known != gathered_.end() && known->first.first == checkpoint.size; ++known) {
    const auto other = known->second.find(cosignature.key_id);
    if (other == known->second.end() || known->first.second == checkpoint.root) continue;
    const auto one = [](const Hash& root, const Cosignature& its) {
      return "root " + to_hex(root) + " at " + std::to_string(its.seconds) + ", signature " + to_base64(its.signature);
    };
    tell(voter, "it cosigned two heads of size " + std::to_string(checkpoint.size) + ": " +
                    one(known->first.second, other->second) + "; and " + one(checkpoint.root, cosignature));
  }
}

/// Both heads are the evidence. Where both are certified, nobody can go on.
std::optional<std::string> Cosigner::contradicted(const CertifiedCheckpoint& certified, const store::BlockHead& mine) {
  if (certified.checkpoint.origin != ledger_.origin()) return std::nullopt;
  if (!certify(certified.checkpoint, quorum_, certified.cosignatures, 0)) {
    tell("certified", "a head of size " + std::to_string(certified.checkpoint.size) + " is not certified");
    return std::nullopt;
  }
  std::string evidence;
  for (const Cosignature& cosignature : certified.cosignatures) {
    evidence += " " + std::to_string(cosignature.seconds) + ":" + to_base64(cosignature.signature);
  }
  evidence = "a certified head of size " + std::to_string(certified.checkpoint.size) + " has the root " +
             to_hex(certified.checkpoint.root) + ", this node derived " + to_hex(mine.checkpoint.root) +
             "; cosigned by" + evidence;
  if (!certified_ || certified_->checkpoint.size < certified.checkpoint.size) return evidence;
  events_.failed({ErrorCode::conflict, "evidence: two certified heads: " + evidence});
  return std::nullopt;
}

/// One more for a head that a quorum has cosigned no earlier: its signature need not be checked.
bool Cosigner::adds_nothing(const Checkpoint& checkpoint, const Cosignature& cosignature) const {
  return certified_ && certified_->checkpoint == checkpoint && cosignature.seconds <= head_seconds(*certified_);
}

bool Cosigner::is_gathered(const Checkpoint& checkpoint, const Cosignature& cosignature) const {
  const auto gathered = gathered_.find({checkpoint.size, checkpoint.root});
  if (gathered == gathered_.end()) return false;
  const auto known = gathered->second.find(cosignature.key_id);
  return known != gathered->second.end() && known->second == cosignature;
}

void Cosigner::gather(const Checkpoint& checkpoint, const Cosignature& cosignature) {
  const auto [at, is_new] = gathered_[{checkpoint.size, checkpoint.root}].try_emplace(cosignature.key_id, cosignature);
  if (!is_new && at->second.seconds < cosignature.seconds) at->second = cosignature;
  // Each voter has room of its own; of too many, what is for the smallest head goes.
  std::size_t kept = 0;
  for (const auto& [head, cosignatures] : gathered_) kept += cosignatures.count(cosignature.key_id);
  for (auto head = gathered_.begin(); kept > kMaxGatheredOfOne && head != gathered_.end();) {
    kept -= head->second.erase(cosignature.key_id);
    head = head->second.empty() ? gathered_.erase(head) : std::next(head);
  }
}

void Cosigner::try_certify(const store::BlockHead& head) {
  const auto gathered = gathered_.find({head.checkpoint.size, head.checkpoint.root});
  if (gathered == gathered_.end() || gathered->second.size() < quorum_.threshold) return;
  std::vector<Cosignature> cosignatures;
  for (const auto& [key, cosignature] : gathered->second) cosignatures.push_back(cosignature);
  auto chosen = certify(head.checkpoint, quorum_, cosignatures, head.time.value / 1000, options_.check_signature);
  if (chosen) accept({head.checkpoint, ledger_.consortium().revision, std::move(*chosen), {}}, head);
}

void Cosigner::accept(const CertifiedCheckpoint& certified, const store::BlockHead& head) {
  if (certified_) {
    const std::uint64_t size = certified_->checkpoint.size;
    if (head.checkpoint.size < size) return;
    if (head.checkpoint.size == size && head_seconds(certified) <= head_seconds(*certified_)) return;
  }
  if (const auto done = ledger_.certify(certified, options_.check_signature); !done) {
    if (done.error().code == ErrorCode::storage || done.error().code == ErrorCode::corrupt) {
      return events_.failed(done.error());
    }
    return tell("certified", done.error().message);
  }
  certified_ = ledger_.certified();
  const store::BlockHead kept = head;  // the caller's may be among those that go
  heads_.erase(heads_.begin(), heads_.lower_bound(kept.checkpoint.size));
  gathered_.erase(gathered_.begin(), gathered_.lower_bound({kept.checkpoint.size, Hash{}}));
  events_.certified(*certified_, kept);
}

void Cosigner::tell(const std::string& voter, const std::string& what) {
  Told& told = told_[voter];
  if (told.what.size() >= kMaxToldOfOne) {
    if (ticks_ - told.since_tick < kTicksToTellMore) return;
    told = {{}, ticks_};
  }
  if (told.what.insert(what).second) events_.strange(voter, what);
}

void Cosigner::tick() {
  cosign();
  if (++ticks_ % kTicksToRepeat != 0) return;
  if (own_) events_.cosigned(own_->first, own_->second);
  if (certified_) events_.repeat();
}

}  // namespace testamur::node
