// Statements on their way into a block.
//
// A submission is examined before it takes any room. Then it waits here until a block holds it: at the leader to be proposed, elsewhere
// it is passed on to the leader, and to each new one. Every node applies every block, so whoever took it learns what became of it
// from its own ledger and believes nobody.
//
// From any thread; callbacks come from whichever thread brings the news, with no lock held, and must not block.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "testamur/node/clock.h"
#include "testamur/node/open_histories.h"
#include "testamur/node/signatures.h"

namespace testamur::node {

/// H(signed statement), by which a submission is asked for.
using SubmissionId = Hash;

/// What is handed in.
struct Handed {
  Bytes signed_statement;
  std::vector<Hash> listed;
  bool listed_fits = true;  ///< false: what came as listed commitments was no sequence of 32-byte values

  std::size_t size() const { return signed_statement.size() + listed.size() * sizeof(Hash); }
  Submission view() const;
};

/// How far a submission has come; the same words as in the service (ledger.proto).
enum class Stage : std::uint8_t { not_taken, busy, pending, committed, certified, unknown };

struct SubmissionOutcome {
  SubmissionId id{};
  Stage stage = Stage::unknown;
  std::string code;    ///< "ok", or the rule that it breaks
  std::string detail;  ///< for people
  std::uint32_t retry_after_ms = 0;
  std::optional<store::Placed> placed;  ///< of an accepted one
};

/// What a block made of one submission.
struct BlockOutcome {
  SubmissionId id{};
  Acceptance code = Acceptance::malformed;
  std::optional<store::Placed> placed;  ///< where these very bytes stand
};

class Intake {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Done = std::function<void(const SubmissionOutcome&)>;

  struct Options {
    Clock clock;
    Hash ledger{};
    std::size_t max_pending = 16384;
    std::size_t max_pending_bytes = 256u << 20;
    /// How long a submission that nobody waits for is kept.
    std::chrono::seconds keep{120};
  };
  struct Events {
    /// There is something to propose.
    std::function<void()> propose;
    /// To the leader, whoever it is; false when that cannot be done now.
    std::function<bool(const Handed&)> pass_on;
    /// May be left out. Somebody who handed in is answered so.
    std::function<void(const SubmissionOutcome&)> answered{};
  };

  Intake(Options options, OpenHistories& histories, SignatureMemory& signatures, Events events);

  /// Hands in; `done` is called once, when `wanted` (pending, committed or certified) is reached, or it is known that it will not be,
  /// or `until` has come.
  void submit(Handed handed, Stage wanted, Instant until, Done done);
  /// A submission that another node passed on. When it is not taken (there is no room, or it is decided already): after how many
  /// milliseconds the other node is to look at it again, and pass it on if it still can; 0 when it is taken.
  std::uint32_t take_over(Handed handed);
  /// The leader did not take it.
  void no_room(const SubmissionId& id, std::uint32_t retry_after_ms);
  SubmissionOutcome look_up(const SubmissionId& id) const;
  std::size_t pending() const;
  bool is_pending(const SubmissionId& id) const;

  /// The next payload for a block of this time; nothing when none waits, or this node has not been told that it leads.
  std::optional<Bytes> next_payload(const std::function<Time()>& time);
  /// Who leads now. What waited for the one before, or was proposed and not yet applied, goes its way again.
  void leader_changed(bool self_leads);
  void applied(Height height, const std::vector<BlockOutcome>& outcomes);
  void certified(Height height);
  /// Times out what is due and passes on what is due. Every now and then.
  void tick();
  /// No more is taken, and everybody who waits gets the answer of now.
  void stop();

 private:
  struct Waiter {
    Stage wanted;
    Instant until;
    Done done;
  };
  enum class Where : std::uint8_t { queued, on_its_way, in_a_block };
  struct Known {
    std::shared_ptr<const Handed> handed;  // until a block holds it
    std::uint64_t arrival = 0;
    Where where = Where::queued;
    Instant since{};  // passed on, or what is to be waited for before it is queued again
    Instant forget_at{};
    SubmissionOutcome outcome;
    std::vector<Waiter> waiters;
  };
  struct HashOfId {
    std::size_t operator()(const SubmissionId& id) const;
  };
  using Calls = std::vector<std::pair<Done, SubmissionOutcome>>;

  /// What is known of it without a place in the queue: final when it stands on the certified ledger or breaks a rule.
  std::optional<SubmissionOutcome> examine(const SubmissionId& id, const Handed& handed) const;
  std::optional<SubmissionOutcome> examine_or_throw(const SubmissionId& id, const Handed& handed) const;
  std::optional<SubmissionOutcome> add(const SubmissionId& id, Handed handed, bool from_peer);
  void send();
  bool pass_on();
  void requeue_all();
  void settle(Known& known, const BlockOutcome& outcome);
  void drop(std::unordered_map<SubmissionId, Known, HashOfId>::iterator known);
  using Due = std::vector<std::pair<SubmissionId, std::shared_ptr<const Handed>>>;
  std::size_t look_again(const Due& due, Calls& calls);
  static bool reached(Stage stage, Stage wanted);
  static void collect(Known& known, Calls& calls, Instant now, bool all);
  void answer(const Calls& calls) const;

  const Options options_;
  OpenHistories& histories_;
  SignatureMemory& signatures_;
  const Events events_;

  std::mutex sending_;  // one sender at a time, so that the order is kept; taken before mutex_
  mutable std::mutex mutex_;
  std::unordered_map<SubmissionId, Known, HashOfId> known_;
  std::deque<SubmissionId> queue_;  // in the order they came; some may be known no more
  std::size_t pending_ = 0;
  std::size_t pending_bytes_ = 0;
  std::multimap<Height, SubmissionId> uncertified_;
  std::deque<SubmissionId> refused_;  // refused in a block: told again as long as they are remembered
  std::uint64_t arrivals_ = 0;
  bool leads_ = false;
  bool stopped_ = false;
};

}  // namespace testamur::node
