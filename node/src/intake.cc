#include "testamur/node/intake.h"

#include <algorithm>
#include <cstring>

#include "testamur/ledger/payload.h"
#include "testamur/ledger/sha256.h"

namespace testamur::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxPayloadBytes = 4u << 20;
constexpr std::size_t kMaxRefusedKept = 16384;
constexpr milliseconds kRetryAfter{250};
/// What the leader does not take for another reason is looked at again when the certified ledger here has had time to follow.
constexpr milliseconds kLookAgain{1000};
/// What was passed on may have been lost on the way.
constexpr seconds kPassOnAgain{5};
/// At once; the rest of what is due waits for the next time.
constexpr std::size_t kMaxLookedAtAgain = 256;
/// What the other nodes pass on finds room longer than what comes in from outside: it has waited already, and later statements may
/// build on it.
constexpr std::size_t kRoomForPeers = 8;

std::string advice(Acceptance code) {
  switch (code) {
    case Acceptance::wrong_first_number:
      return "expected the register's next number; ask for the register, number the batch anew and sign again";
    case Acceptance::wrong_next_event: return "expected the register's next event; ask for the register and sign again";
    case Acceptance::signed_at_out_of_range:
      return "expected a signing time within the last 14 days and at most 5 minutes ahead";
    case Acceptance::bad_signature: return "expected every signature to be by a key of the institution, and to verify";
    case Acceptance::not_enough_signatures: return "expected as many valid signatures as the register asks for";
    case Acceptance::wrong_ledger: return "expected a statement for this ledger";
    case Acceptance::body_mismatch:
      return "expected the commitments that the batch root was made of, 32 bytes each; none for a sealed batch or an "
             "amendment";
    default: return "";
  }
}

SubmissionOutcome accepted(const SubmissionId& id, const store::Placed& placed, Stage stage) {
  SubmissionOutcome outcome;
  outcome.id = id;
  outcome.stage = stage;
  outcome.code = name(Acceptance::ok);
  outcome.placed = placed;
  return outcome;
}

}  // namespace

Submission Handed::view() const {
  Submission submission{signed_statement, std::span<const Hash>(listed)};
  if (!listed_fits) submission.listed = std::nullopt;
  return submission;
}

std::size_t Intake::HashOfId::operator()(const SubmissionId& id) const {
  std::size_t out;
  std::memcpy(&out, id.data(), sizeof out);
  return out;
}

Intake::Intake(Options options, OpenHistories& histories, SignatureMemory& signatures, Events events)
    : options_(std::move(options)), histories_(histories), signatures_(signatures), events_(std::move(events)) {}

std::optional<SubmissionOutcome> Intake::examine(const SubmissionId& id, const Handed& handed) const {
  try {
    return examine_or_throw(id, handed);
  } catch (const storage::StorageFault& fault) {
    return SubmissionOutcome{id, Stage::busy, {}, fault.what(), 1000, {}};
  }
}

std::optional<SubmissionOutcome> Intake::examine_or_throw(const SubmissionId& id, const Handed& handed) const {
  const auto ledger = histories_.borrow();
  if (!ledger) {
    const bool nothing = ledger.error().code == ErrorCode::not_found;
    return SubmissionOutcome{
        id, Stage::busy, {}, nothing ? "nothing is certified on this node yet" : ledger.error().message, 1000, {}};
  }
  const auto found = (*ledger)->history->find_statement(handed.signed_statement);
  if (!found) return SubmissionOutcome{id, Stage::busy, {}, found.error().message, 1000, {}};
  if (*found) return accepted(id, **found, Stage::certified);
  const Judgement judged =
      testamur::examine(handed.view(), options_.clock(), options_.ledger, (*ledger)->view, signatures_.as_check());
  if (judged.code == Acceptance::ok) return std::nullopt;
  return SubmissionOutcome{id, Stage::not_taken, std::string(name(judged.code)), advice(judged.code), 0, {}};
}

/// Nothing: it has its place in the queue, or had one already.
std::optional<SubmissionOutcome> Intake::add(const SubmissionId& id, Handed handed, bool from_peer) {
  if (stopped_) return SubmissionOutcome{id, Stage::busy, {}, "this node is stopping; ask another", 1000, {}};
  const std::size_t size = handed.size();
  const std::size_t times = from_peer ? kRoomForPeers : 1;
  if (pending_ >= times * options_.max_pending || pending_bytes_ + size > times * options_.max_pending_bytes) {
    return SubmissionOutcome{id,
                             Stage::busy,
                             {},
                             "too many statements wait for a block; come back later",
                             static_cast<std::uint32_t>(kRetryAfter.count()),
                             {}};
  }
  Known known;
  known.handed = std::make_shared<const Handed>(std::move(handed));
  known.arrival = ++arrivals_;
  known.forget_at = std::chrono::steady_clock::now() + options_.keep;
  known.outcome.id = id;
  known.outcome.stage = Stage::pending;
  known_.emplace(id, std::move(known));
  queue_.push_back(id);
  ++pending_;
  pending_bytes_ += size;
  return std::nullopt;
}

void Intake::submit(Handed handed, Stage wanted, Instant until, Done done) {
  const SubmissionId id = sha256(handed.signed_statement);
  std::optional<SubmissionOutcome> outcome;
  const auto wait = [&](Known& known) {
    if (stopped_ || reached(known.outcome.stage, wanted)) {
      outcome = known.outcome;
    } else {
      known.waiters.push_back({wanted, until, done});
    }
  };
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(id);
    if (known != known_.end()) wait(known->second);
    if (known != known_.end() && !outcome) return;
  }
  if (!outcome) outcome = examine(id, handed);
  if (!outcome) {
    const std::lock_guard lock(mutex_);
    if (!known_.contains(id)) outcome = add(id, std::move(handed), /*from_peer=*/false);
    if (!outcome) wait(known_.at(id));
  }
  if (outcome) answer({{std::move(done), std::move(*outcome)}});
  send();
}

std::uint32_t Intake::take_over(Handed handed) {
  const SubmissionId id = sha256(handed.signed_statement);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(id); known != known_.end()) {
      // A block holds it that the other node may have applied before it was handed in there.
      return known->second.handed ? 0u : static_cast<std::uint32_t>(kLookAgain.count());
    }
  }
  auto answer = examine(id, handed);
  if (!answer) {
    const std::lock_guard lock(mutex_);
    if (!known_.contains(id)) answer = add(id, std::move(handed), /*from_peer=*/true);
  }
  send();
  if (!answer) return 0;
  // What is certified, or breaks a rule, is the other node's to find out: its ledger is as far in a moment.
  return answer->stage == Stage::busy ? answer->retry_after_ms : static_cast<std::uint32_t>(kLookAgain.count());
}

void Intake::no_room(const SubmissionId& id, std::uint32_t retry_after_ms) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(id);
  if (known == known_.end() || known->second.where != Where::on_its_way) return;
  // To be passed on again when its time has come: see tick().
  const milliseconds wait{std::min<std::uint32_t>(retry_after_ms, 10'000)};
  known->second.since = std::chrono::steady_clock::now() + wait - kPassOnAgain;
}

bool Intake::reached(Stage stage, Stage wanted) {
  return stage == Stage::not_taken || stage == Stage::busy || stage == Stage::unknown || stage >= wanted;
}

/// Takes out the waiters that have what they want, or whose time has come.
void Intake::collect(Known& known, Calls& calls, Instant now, bool all) {
  std::erase_if(known.waiters, [&](Waiter& waiter) {
    if (!all && !reached(known.outcome.stage, waiter.wanted) && waiter.until > now) return false;
    calls.emplace_back(std::move(waiter.done), known.outcome);
    return true;
  });
}

/// With no lock held.
void Intake::answer(const Calls& calls) const {
  for (const auto& [done, outcome] : calls) {
    if (events_.answered) events_.answered(outcome);
    done(outcome);
  }
}

SubmissionOutcome Intake::look_up(const SubmissionId& id) const {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(id);
  if (known != known_.end()) return known->second.outcome;
  SubmissionOutcome outcome;
  outcome.id = id;
  outcome.detail =
      "not known here: never handed in at this node, certified long ago, or forgotten. Handing the same bytes in again "
      "is harmless "
      "and gives the answer";
  return outcome;
}

std::size_t Intake::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

bool Intake::is_pending(const SubmissionId& id) const {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(id);
  return known != known_.end() && known->second.handed != nullptr;
}

/// At the leader: says that there is something. Elsewhere: passes on what is queued, in order.
void Intake::send() {
  if (!pass_on()) events_.propose();
}

/// False: this node leads, and something is queued.
bool Intake::pass_on() {
  const std::lock_guard sending(sending_);
  while (true) {
    std::shared_ptr<const Handed> next;
    SubmissionId id{};
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return true;
      if (leads_) return false;
      id = queue_.front();
      const auto known = known_.find(id);
      if (known == known_.end() || known->second.where != Where::queued) {
        queue_.pop_front();
        continue;
      }
      next = known->second.handed;
      // Before it leaves: the answer may come at once. Under the same lock: what is only half taken from the queue, a leader's turn
      // would leave out for good.
      known->second.where = Where::on_its_way;
      known->second.since = std::chrono::steady_clock::now();
    }
    if (!events_.pass_on(*next)) {
      const std::lock_guard lock(mutex_);
      const auto known = known_.find(id);
      if (known != known_.end() && known->second.where == Where::on_its_way) known->second.where = Where::queued;
      return true;
    }
  }
}

std::optional<Bytes> Intake::next_payload(const std::function<Time()>& time) {
  const std::lock_guard lock(mutex_);
  // Before that, what was passed to the leader of before is not in the queue again, and later ones would overtake it.
  if (!leads_) return std::nullopt;
  Payload payload;
  std::vector<std::shared_ptr<const Handed>> held;
  std::size_t bytes = 0;
  while (!queue_.empty() && payload.submissions.size() < kMaxSubmissions) {
    const auto known = known_.find(queue_.front());
    if (known != known_.end() && known->second.where == Where::queued) {
      const std::size_t size = known->second.handed->size();
      if (!held.empty() && bytes + size > kMaxPayloadBytes) break;
      bytes += size;
      known->second.where = Where::on_its_way;
      held.push_back(known->second.handed);
      payload.submissions.push_back(held.back()->view());
    }
    queue_.pop_front();
  }
  if (held.empty()) return std::nullopt;
  payload.time = time();
  return encode(payload);
}

void Intake::requeue_all() {
  std::vector<std::pair<std::uint64_t, SubmissionId>> waiting;
  for (auto& [id, known] : known_) {
    if (!known.handed) continue;
    known.where = Where::queued;
    waiting.emplace_back(known.arrival, id);
  }
  std::sort(waiting.begin(), waiting.end());
  queue_.clear();
  for (const auto& [arrival, id] : waiting) queue_.push_back(id);
}

void Intake::leader_changed(bool self_leads) {
  {
    const std::lock_guard lock(mutex_);
    leads_ = self_leads;
    requeue_all();
  }
  send();
}

void Intake::settle(Known& known, const BlockOutcome& outcome) {
  --pending_;
  pending_bytes_ -= known.handed->size();
  known.handed.reset();
  known.where = Where::in_a_block;
  if (outcome.placed) {
    known.outcome = accepted(outcome.id, *outcome.placed, Stage::committed);
  } else {
    known.outcome.stage = Stage::committed;
    known.outcome.code = name(outcome.code);
    known.outcome.detail = advice(outcome.code);
  }
}

void Intake::applied(Height height, const std::vector<BlockOutcome>& outcomes) {
  Calls calls;
  const Instant now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    for (const BlockOutcome& outcome : outcomes) {
      const auto known = known_.find(outcome.id);
      if (known == known_.end()) continue;
      if (known->second.handed) {
        settle(known->second, outcome);
      } else if (outcome.placed && !known->second.outcome.placed) {
        // Refused for coming too early, and accepted now: the bytes came again, when their turn had come.
        known->second.outcome = accepted(outcome.id, *outcome.placed, Stage::committed);
      } else {
        // The first answer stands: what was accepted is refused when it comes again in a later block.
        continue;
      }
      uncertified_.emplace(height, outcome.id);
      collect(known->second, calls, now, /*all=*/false);
    }
  }
  answer(calls);
}

void Intake::certified(Height height) {
  Calls calls;
  const Instant now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    while (!uncertified_.empty() && uncertified_.begin()->first <= height) {
      const auto known = known_.find(uncertified_.begin()->second);
      uncertified_.erase(uncertified_.begin());
      // Refused in this block, accepted in a later one, and gone with that; or still to be certified there.
      if (known == known_.end()) continue;
      if (const auto& placed = known->second.outcome.placed; placed && placed->height > height) continue;
      known->second.outcome.stage = Stage::certified;
      collect(known->second, calls, now, /*all=*/true);
      // The ledger tells of what it accepted; what it refused leaves no trace there.
      if (known->second.outcome.placed) {
        known_.erase(known);
      } else {
        refused_.push_back(known->first);
        if (refused_.size() > kMaxRefusedKept) {
          const auto oldest = known_.find(refused_.front());
          if (oldest != known_.end() && !oldest->second.outcome.placed && !oldest->second.handed) known_.erase(oldest);
          refused_.pop_front();
        }
      }
    }
  }
  answer(calls);
}

void Intake::drop(std::unordered_map<SubmissionId, Known, HashOfId>::iterator known) {
  --pending_;
  pending_bytes_ -= known->second.handed->size();
  known_.erase(known);
}

/// What waits too long may have been decided where this node did not see it: it stands in a block that was applied before it was
/// handed in here, or another statement took its number and the leader does not take it any more. Returns for how many that is so.
std::size_t Intake::look_again(const Due& due, Calls& calls) {
  std::size_t decided = 0;
  for (const auto& [id, handed] : due) {
    const auto answer = examine(id, *handed);
    // Only what stays so: a register only grows.
    const bool is_final =
        answer && (answer->stage == Stage::certified || answer->code == name(Acceptance::wrong_first_number) ||
                   answer->code == name(Acceptance::wrong_next_event));
    if (!is_final) continue;
    ++decided;
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(id);
    if (known == known_.end() || !known->second.handed) continue;
    known->second.outcome = *answer;
    collect(known->second, calls, {}, /*all=*/true);
    drop(known);
  }
  return decided;
}

void Intake::tick() {
  Calls calls;
  const Instant now = std::chrono::steady_clock::now();
  Due due;
  std::size_t due_bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    std::vector<SubmissionId> gone;
    for (auto& [id, known] : known_) {
      if (known.where == Where::in_a_block && known.waiters.empty()) continue;
      collect(known, calls, now, /*all=*/false);
      if (!known.handed) continue;
      const bool is_due = !leads_ && known.where == Where::on_its_way && known.since + kPassOnAgain <= now;
      if (is_due && due.size() < kMaxLookedAtAgain && due_bytes < kMaxPayloadBytes) {
        due.emplace_back(id, known.handed);
        due_bytes += known.handed->size();
      }
      if (known.waiters.empty() && known.forget_at <= now) gone.push_back(id);
    }
    for (const SubmissionId& id : gone) drop(known_.find(id));
    if (!gone.empty()) std::erase_if(queue_, [this](const SubmissionId& id) { return !known_.contains(id); });
  }
  if (look_again(due, calls) < due.size()) {
    const std::lock_guard lock(mutex_);
    // All of them, so that the order in which they came is kept. At a leader they are where they belong.
    if (!leads_) requeue_all();
  }
  answer(calls);
  send();
}

void Intake::stop() {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (auto& [id, known] : known_) {
      if (known.outcome.stage == Stage::pending) {
        known.outcome.stage = Stage::unknown;
        known.outcome.detail =
            "this node is stopping; the statement may still come to stand in a block. Hand it in elsewhere";
      }
      collect(known, calls, {}, /*all=*/true);
    }
  }
  answer(calls);
}

}  // namespace testamur::node
