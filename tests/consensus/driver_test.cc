// Goal: whoever brings something to the core does it in its turn: nothing is lost, nothing runs at once, and a record for the disk is
// never overtaken by an older one. Method: a driver of one voter over a real log on disk; what a turn holds up is held up by the test.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "hand.h"
#include "scratch.h"
#include "testamur/consensus/driver.h"

namespace testamur::consensus {
namespace {

constexpr std::chrono::seconds kPatience{60};
const Bytes kOwner = {'o', 'n', 'e'};

class DriverTest : public testing::Test {
 protected:
  std::unique_ptr<LogStore> open() {
    auto opened = open_log_store(scratch_.path() + "/log", kOwner);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  /// `standing` is called in the turn of whoever brought the news.
  std::unique_ptr<Driver> drive(
      std::function<void(const Standing&)> standing,
      std::function<Payload(Index)> payload = [](Index) { return nullptr; }, std::set<NodeId> voters = {NodeId{1}}) {
    DriverOptions options;
    options.core.self = NodeId{1};
    const auto threshold = static_cast<unsigned>(voters.size());
    options.core.configuration.voters = {std::move(voters), threshold};
    options.core.hash = some_hash;
    options.core.random = [] { return std::uint64_t{0}; };
    options.tick = std::chrono::milliseconds(5);
    options.max_inbox_bytes = most_inbox_bytes_;
    DriverEvents events;
    events.send = [this](const std::vector<Message>& messages) {
      for (const Message& message : messages) sent_(message);
    };
    events.committed = [this](const std::vector<Entry>& entries) { committed_ = entries.back().id.index; };
    events.agreed = [](const Claim&) {};
    events.evidence = [](const Evidence&) {};
    events.standing = std::move(standing);
    events.next_payload = std::move(payload);
    events.refused_by_quorum = [] {};
    events.failed = [](const Error& error) { ADD_FAILURE() << error.message; };
    events.synced = [this](std::chrono::nanoseconds took) {
      EXPECT_GT(took.count(), 0);
      ++synced_;
    };
    auto store = open();
    auto stored = store->load(some_hash);
    if (!stored) throw std::runtime_error(stored.error().message);
    Restart restart;
    restart.state = stored->state;
    restart.entries = std::move(stored->entries);
    return std::make_unique<Driver>(std::move(options), std::move(restart), std::move(store), std::move(events));
  }
  template <class Holds>
  static bool until(const Holds& holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return holds();
  }
  static bool came(std::future<void>& event) { return event.wait_for(kPatience) == std::future_status::ready; }

  test::ScratchDirectory scratch_;
  std::atomic<Index> committed_{};
  std::atomic<std::uint64_t> synced_ = 0;
  std::size_t most_inbox_bytes_ = DriverOptions{}.max_inbox_bytes;
  std::function<void(const Message&)> sent_ = [](const Message&) {};  // in a turn
};

TEST_F(DriverTest, AnOlderRecordDoesNotOvertakeANewerOne) {
  std::promise<void> reached;
  std::promise<void> go_on;
  auto held = go_on.get_future().share();
  bool first = true;
  auto driver = drive([&](const Standing&) {
    if (!std::exchange(first, false)) return;
    reached.set_value();
    held.wait();
  });
  auto in_turn = reached.get_future();
  ASSERT_TRUE(came(in_turn));
  // Both wait for the turn that is held up, and are done in it one after the other.
  const Bytes newer = {2};
  std::promise<void> kept;
  auto newer_kept = kept.get_future();
  driver->applied(Index{}, {}, Bytes{1}, [] {});
  driver->keep(newer, [&] { kept.set_value(); });
  go_on.set_value();
  ASSERT_TRUE(came(newer_kept));
  driver.reset();
  EXPECT_EQ(open()->load(some_hash)->owner_record, newer);
}

TEST_F(DriverTest, WhatManyThreadsBringAtOnceIsAllDoneOneAtATime) {
  std::atomic<int> at_once = 0;
  std::atomic<bool> collided = false;
  std::atomic<int> asked = 0;
  // A leader looks for a payload in each turn.
  auto driver = drive([](const Standing&) {},
                      [&](Index) -> Payload {
                        if (++at_once > 1) collided = true;
                        std::this_thread::yield();
                        --at_once;
                        ++asked;
                        return nullptr;
                      });
  ASSERT_TRUE(until([&] { return asked > 0; }));
  const int before = asked;
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) driver->propose();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(until([&] { return asked >= before + kThreads * kEach; }));
  EXPECT_FALSE(collided);
}

/// A leader proposes the next when the one before is applied, and not when it is committed.
TEST_F(DriverTest, ProposalsWaitForWhatIsApplied) {
  std::atomic<int> proposed = 0;
  auto driver = drive([](const Standing&) {},
                      [&](Index) {
                        ++proposed;
                        return std::make_shared<const Bytes>(Bytes{7});
                      });
  // The first entry of a term, and what may be proposed beside it.
  const std::uint64_t most = DriverOptions{}.max_proposed;
  ASSERT_TRUE(until([&] { return committed_.load().value == most; }));
  const int before = proposed;
  driver->propose();
  EXPECT_EQ(proposed, before) << "nothing is applied yet";
  driver->applied(Index{most}, {}, std::nullopt, {});
  EXPECT_TRUE(until([&] { return proposed == before + static_cast<int>(most); }));
}

TEST_F(DriverTest, CountsElectionsLeadersAndSyncs) {
  // It is alone: each term is an election of its own, and each leader is itself. On a slow disk there may be more than one.
  auto driver = drive([](const Standing&) {});
  const auto leads = [&] { return driver->counts().elections_won > 0 && driver->standing().role == Role::leader; };
  ASSERT_TRUE(until(leads));
  EXPECT_EQ(driver->counts().elections_started, driver->standing().term.value);
  EXPECT_EQ(driver->counts().leader_changes, driver->counts().elections_won);
  EXPECT_EQ(driver->counts().dropped_messages, 0u);
  EXPECT_TRUE(until([&] { return synced_ == driver->written().syncs; }));
  EXPECT_GT(synced_, 0u);
  // After a restart the vote of before is no new election.
  const std::uint64_t before = driver->standing().term.value;
  driver.reset();
  driver = drive([](const Standing&) {});
  ASSERT_TRUE(until(leads));
  EXPECT_EQ(driver->counts().elections_started, driver->standing().term.value - before);
}

TEST_F(DriverTest, CountsWhatCouldNotBeProposedByReason) {
  // One of two never leads.
  auto driver = drive([](const Standing&) {}, [](Index) { return nullptr; }, {NodeId{1}, NodeId{2}});
  constexpr std::uint64_t kTimes = 7;
  for (std::uint64_t i = 0; i < kTimes; ++i) driver->propose();
  EXPECT_TRUE(until([&] { return driver->counts().refused(ProposeResult::not_leader) == kTimes; }));
  EXPECT_EQ(driver->counts().refused(ProposeResult::too_many), 0u);
  EXPECT_EQ(driver->counts().refused(ProposeResult::accepted), 0u);
  EXPECT_EQ(driver->counts().elections_won, 0u);
  EXPECT_TRUE(driver->progress().empty());
}

TEST_F(DriverTest, CountsALeaderOnceATerm) {
  auto driver = drive([](const Standing&) {}, [](Index) { return nullptr; }, {NodeId{1}, NodeId{2}});
  const auto hear = [&](std::uint64_t term) { driver->step({NodeId{2}, NodeId{1}, Term{term}, Heartbeat{}}); };
  const auto follows = [&](std::uint64_t term) {
    const Standing is = driver->standing();
    return is.term == Term{term} && is.leader == NodeId{2};
  };
  for (const std::uint64_t term : {7u, 7u, 9u}) {
    ASSERT_TRUE(until([&] {
      hear(term);
      return follows(term);
    }));
  }
  EXPECT_EQ(driver->counts().leader_changes, 2u);
  EXPECT_EQ(driver->counts().elections_started, 0u);
  EXPECT_EQ(driver->counts().elections_won, 0u);
}

TEST_F(DriverTest, CountsMessagesThatFindNoRoom) {
  most_inbox_bytes_ = 1;
  auto driver = drive([](const Standing&) {}, [](Index) { return nullptr; }, {NodeId{1}, NodeId{2}});
  for (int i = 0; i < 3; ++i) driver->step({NodeId{2}, NodeId{1}, Term{1}, VoteResponse{false}});
  EXPECT_EQ(driver->counts().dropped_messages, 3u);
}

TEST_F(DriverTest, ALeaderTellsHowFarTheOthersAre) {
  // The other of two votes for it, and has whatever it is sent.
  std::atomic<Driver*> leader = nullptr;
  sent_ = [&](const Message& message) {
    Driver* const driver = leader;
    if (driver == nullptr) return;
    const auto answer = [&](Body body) { driver->step({NodeId{2}, NodeId{1}, message.term, std::move(body)}); };
    if (const auto* asked = std::get_if<PreVoteRequest>(&message.body)) {
      answer(PreVoteResponse{asked->campaign, true});
    } else if (std::holds_alternative<VoteRequest>(message.body)) {
      answer(VoteResponse{true});
    } else if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
      const EntryId last = append->entries.empty() ? append->previous : append->entries.back().id;
      answer(AppendResponse{AppendOutcome::accepted, last});
    }
  };
  auto driver = drive([](const Standing&) {}, [](Index) { return nullptr; }, {NodeId{1}, NodeId{2}});
  leader = driver.get();
  ASSERT_TRUE(until([&] {
    const auto progress = driver->progress();
    return progress.size() == 1 && progress[0].match == Index{1};
  }));
  EXPECT_EQ(driver->progress()[0].peer, NodeId{2});
  EXPECT_EQ(driver->progress()[0].state, PeerProgress::State::replicate);
  EXPECT_EQ(driver->counts().elections_won, 1u);
  driver.reset();
}

}  // namespace
}  // namespace testamur::consensus
