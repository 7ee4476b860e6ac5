#include "testamur/node/snapshots.h"

#include "testamur/node/applier.h"
#include "testamur/node/log.h"

namespace testamur::node {
namespace {

constexpr std::chrono::seconds kIdle{60};     // of those who take a snapshot; then it is not given any more
constexpr std::chrono::seconds kAskAgain{3};  // where no answer came
constexpr unsigned kMostTries = 5;

}  // namespace

Snapshots::Snapshots(Options options, std::shared_ptr<const storage::KeyValueStore> state, Events events)
    : options_(std::move(options)), state_(std::move(state)), events_(std::move(events)) {}

void Snapshots::tick() {
  const auto now = options_.now();
  if (giving_ && now - giving_->last_moved > kIdle) end_giving();
  if (!taking_ || now - taking_->last_heard < kAskAgain) return;
  if (++taking_->tries > kMostTries) {
    log_warn("snapshot_not_given",
             {{"why", !taking_->receiver || is_vouched_for()
                          ? "no answer"
                          : "too few say that its block is at the place in the log that was given with it"}});
    taking_.reset();  // what has arrived stays, for the next that is asked
    return;
  }
  ask();
}

// Giving.

void Snapshots::on(consensus::NodeId from, const SnapshotAsksLetter& letter) {
  // One that somebody takes is given to all who ask: it is the same for whoever goes on with it.
  if (!giving_ && !begin_giving()) return;
  // Who asks what is there may not take it, and would keep a newer one from those who will.
  if (!letter.height) return give_manifest(from);
  SnapshotGivesLetter answer{*letter.height, SnapshotGivesLetter::Gone{}};
  const auto after = store::decode_snapshot_place(letter.after);
  if (*letter.height == giving_->height && after) {
    auto chunk = giving_->source->chunk(*after);
    if (!chunk) return events_.failed(chunk.error());
    // Who asks for the same again and again, or for any place, would have the log grow for ever.
    const auto end = store::end_of_snapshot_chunk(*chunk);
    const auto [next, is_new] = giving_->next.emplace(from, *after);
    if (end && *end > next->second) {
      if (is_new || *after == next->second) giving_->last_moved = options_.now();
      next->second = *end;
    }
    answer.what = SnapshotGivesLetter::Chunk{std::move(*chunk)};
  }
  events_.send(from, letter_of(answer));
}

bool Snapshots::begin_giving() {
  auto source = store::SnapshotSource::open(state_);
  if (!source) {
    if (source.error().code != ErrorCode::not_found) events_.failed(source.error());
    return false;
  }
  const Height height = (*source)->manifest().block.height;
  giving_ = Giving{std::move(*source), {}, height, {}, options_.now()};
  needed_ = giving_->source->manifest().payload.value;
  return true;
}

void Snapshots::end_giving() {
  giving_.reset();
  needed_ = kNone;
}

void Snapshots::give_manifest(consensus::NodeId to) {
  const auto send = [this, to] {
    events_.send(
        to, letter_of(SnapshotGivesLetter{
                giving_->height, SnapshotGivesLetter::Manifest{encode(giving_->source->manifest()), *giving_->at}}));
  };
  if (giving_->at) return send();
  const Height height = giving_->height;
  events_.base_at(consensus::Index{needed_}, [this, height, send](std::optional<consensus::Base> at) {
    if (!giving_ || giving_->height != height) return;
    if (!at) return end_giving();  // the log went on without it; the next who asks gets a newer one
    giving_->at = std::move(at);
    send();
  });
}

void Snapshots::on(consensus::NodeId from, const PlaceAsksLetter& letter) {
  const auto payload = events_.payload_of(letter.height);
  if (!payload) return;
  events_.base_at(*payload, [this, from, height = letter.height](std::optional<consensus::Base> at) {
    if (at) events_.send(from, letter_of(PlaceGivesLetter{height, std::move(*at)}));
  });
}

// Taking.

void Snapshots::behind(consensus::NodeId leader) {
  if (has_arrived_ || options_.now() < not_before_) return;
  if (taking_ && taking_->from == leader) return;
  if (!taking_) log_info("behind", {{"what_now", "a snapshot is asked for"}});
  if (taking_) {
    taking_->from = leader;  // another one leads: it may have the same
  } else {
    taking_ = Taking{leader, {}, {}, options_.now()};
  }
  ask();
}

/// With its giver, more than may lie.
bool Snapshots::is_vouched_for() const { return taking_->vouched.size() > options_.most_liars; }

void Snapshots::go_on() {
  if (is_vouched_for() && taking_->receiver->complete()) return finish();
  ask();
}

void Snapshots::ask() {
  taking_->last_heard = options_.now();
  if (taking_->receiver && !is_vouched_for()) {
    return events_.to_all(letter_of(PlaceAsksLetter{taking_->receiver->manifest().block.height}));
  }
  SnapshotAsksLetter letter;
  if (taking_->receiver) {
    letter.height = taking_->receiver->manifest().block.height;
    letter.after = encode(taking_->receiver->after());
  }
  events_.send(taking_->from, letter_of(letter));
}

void Snapshots::on(consensus::NodeId from, const SnapshotGivesLetter& letter) {
  if (!taking_ || taking_->from != from) return;
  taking_->last_heard = options_.now();
  taking_->tries = 0;
  if (const auto* manifest = std::get_if<SnapshotGivesLetter::Manifest>(&letter.what)) return take_manifest(*manifest);
  if (!taking_->receiver || letter.height != taking_->receiver->manifest().block.height) return;
  if (const auto* chunk = std::get_if<SnapshotGivesLetter::Chunk>(&letter.what)) return take_chunk(*chunk);
  // Gone there: what is there instead?
  taking_->receiver.reset();
  ask();
}

void Snapshots::on(consensus::NodeId from, const PlaceGivesLetter& letter) {
  if (!taking_ || !taking_->receiver || letter.height != taking_->receiver->manifest().block.height) return;
  if (letter.at != taking_->at) {
    return events_.strange(from,
                           {ErrorCode::conflict, "block " + std::to_string(letter.height.value) +
                                                     " has another place in its log than the snapshot's giver says"});
  }
  const bool was_vouched_for = is_vouched_for();
  taking_->vouched.insert(from);
  if (was_vouched_for || !is_vouched_for()) return;
  taking_->tries = 0;
  go_on();
}

void Snapshots::give_up(const Error& error) {
  events_.strange(taking_->from, error);
  taking_.reset();
  not_before_ = options_.now() + kAskAgain;
}

void Snapshots::take_manifest(const SnapshotGivesLetter::Manifest& given) {
  if (taking_->receiver) return;
  const auto manifest = store::decode_snapshot_manifest(given.manifest);
  if (!manifest) return give_up(manifest.error());
  if (manifest->block.height < events_.certified_height()) {
    return give_up({ErrorCode::invalid, "a snapshot of height " + std::to_string(manifest->block.height.value) +
                                            ", below what is certified here"});
  }
  // No hash vouches for the place in the log: both must name the same, and others, too.
  if (given.at.id.index.value != manifest->payload.value) {
    return give_up({ErrorCode::invalid, "a snapshot of index " + std::to_string(manifest->payload.value) +
                                            " that is said to be at index " + std::to_string(given.at.id.index.value)});
  }
  auto receiver =
      store::SnapshotReceiver::open(options_.directory.string(), options_.genesis, *manifest, options_.check_signature);
  if (!receiver) {
    if (receiver.error().code == ErrorCode::storage) return events_.failed(receiver.error());
    // Where something else lies in its place, that goes.
    if (receiver.error().code == ErrorCode::conflict) discard();
    return give_up(receiver.error());
  }
  taking_->receiver = std::move(*receiver);
  taking_->at = given.at;
  taking_->vouched = {taking_->from};
  log_info("snapshot_begins", {{"height", manifest->block.height.value}, {"index", manifest->payload.value}});
  go_on();
}

void Snapshots::take_chunk(const SnapshotGivesLetter::Chunk& chunk) {
  const auto taken = taking_->receiver->take(chunk.bytes);
  if (!taken) {
    switch (taken.error().code) {
      case ErrorCode::malformed: return ask();  // damaged on its way
      case ErrorCode::conflict: return;         // one that came before; the one asked for is on its way
      case ErrorCode::storage: return events_.failed(taken.error());
      default: return give_up(taken.error());
    }
  }
  go_on();
}

void Snapshots::finish() {
  const auto finished = taking_->receiver->finish();
  if (!finished) {
    if (finished.error().code == ErrorCode::storage) return events_.failed(finished.error());
    return give_up(finished.error());
  }
  const store::SnapshotManifest& manifest = taking_->receiver->manifest();
  const consensus::Claim claim{taking_->at.id.index, manifest.block.height.value,
                               head_digest(manifest.certified.checkpoint)};
  log_info("snapshot_arrived", {{"height", claim.height}, {"index", claim.index.value}});
  const consensus::Snapshot snapshot{taking_->at.id, taking_->at.configuration, claim};
  has_arrived_ = true;
  taking_.reset();  // closes the store
  events_.arrived(snapshot);
}

void Snapshots::discard() {
  has_arrived_ = false;
  not_before_ = options_.now() + kIdle;
  std::error_code ignored;
  std::filesystem::remove_all(options_.directory, ignored);
}

}  // namespace testamur::node
