// Goal: each reading comes out under its own name and no other, and what is counted counts what it says.
// Method: metrics by themselves, over readings that all differ, fetched over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "free_port.h"
#include "scrape.h"
#include "testamur/node/metrics.h"

namespace testamur::node {
namespace {

using consensus::EntryId;
using consensus::Index;
using consensus::NodeId;
using consensus::PeerProgress;
using consensus::ProposeResult;
using consensus::Term;
using test::Scrape;

Readings readings() {
  Readings is;
  is.standing = {consensus::Role::candidate, Term{11}, std::nullopt, Index{29}, Index{23}};
  is.counts.elections_started = 31;
  is.counts.elections_won = 37;
  is.counts.leader_changes = 41;
  is.counts.dropped_messages = 43;
  is.counts.refused_proposals = {1, 2, 3, 4, 5, 6};
  is.written = {47, 53};
  is.progress = {{NodeId{2}, Index{59}, Index{61}, PeerProgress::State::snapshot, true, false},
                 {NodeId{3}, Index{67}, Index{71}, PeerProgress::State::probe, false, true},
                 {NodeId{9}, Index{0}, Index{0}, PeerProgress::State::probe, false, false}};
  is.applied = Index{19};
  is.height = Height{17};
  is.certified = {Index{13}, Height{7}, 1'700'000'000};
  is.pending = 73;
  is.peers = {{NodeId{2}, "node.b", true, true, 79}, {NodeId{3}, "node.c", true, false, 83}};
  return is;
}

class MetricsByThemselves : public ::testing::Test {
 protected:
  MetricsByThemselves() {
    EXPECT_TRUE(metrics_.serve(address(), [this] { return is_; }));
  }
  Scrape fetch() const { return test::scrape(port_); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  const int port_ = test::free_port();
  Readings is_ = readings();
  Metrics metrics_{{"node.a", "a.example", {"node.b", "node.c"}}};
};

TEST_F(MetricsByThemselves, ShowEachReadingUnderItsName) {
  const Scrape shown = fetch();
  EXPECT_EQ(shown.at("testamur_role{role=\"candidate\"}"), 1);
  EXPECT_EQ(shown.at("testamur_role{role=\"leader\"}"), 0);
  EXPECT_EQ(shown.at("testamur_leader_known"), 0);
  EXPECT_EQ(shown.at("testamur_term"), 11);
  EXPECT_EQ(shown.at("testamur_last_index"), 29);
  EXPECT_EQ(shown.at("testamur_committed_index"), 23);
  EXPECT_EQ(shown.at("testamur_applied_index"), 19);
  EXPECT_EQ(shown.at("testamur_height"), 17);
  EXPECT_EQ(shown.at("testamur_certified_index"), 13);
  EXPECT_EQ(shown.at("testamur_certified_height"), 7);
  EXPECT_EQ(shown.at("testamur_uncertified_blocks"), 10);
  EXPECT_EQ(shown.at("testamur_certified_timestamp_seconds"), 1'700'000'000);
  EXPECT_EQ(shown.at("testamur_elections_started_total"), 31);
  EXPECT_EQ(shown.at("testamur_elections_won_total"), 37);
  EXPECT_EQ(shown.at("testamur_leader_changes_total"), 41);
  EXPECT_EQ(shown.at("testamur_messages_dropped_total"), 43);
  EXPECT_EQ(shown.at("testamur_log_syncs_total"), 47);
  EXPECT_EQ(shown.at("testamur_log_entries_total"), 53);
  EXPECT_EQ(shown.at("testamur_pending_statements"), 73);
  EXPECT_FALSE(shown.has("testamur_proposals_refused_total{reason=\"accepted\"}"));
  EXPECT_EQ(shown.at("testamur_proposals_refused_total{reason=\"not_leader\"}"), 2);
  EXPECT_EQ(shown.at("testamur_proposals_refused_total{reason=\"not_ready\"}"), 3);
  EXPECT_EQ(shown.at("testamur_proposals_refused_total{reason=\"too_many\"}"), 4);
  EXPECT_EQ(shown.at("testamur_proposals_refused_total{reason=\"too_uncertified\"}"), 5);
  EXPECT_EQ(shown.at("testamur_proposals_refused_total{reason=\"transferring\"}"), 6);
}

TEST_F(MetricsByThemselves, ShowEachOtherNodeByItsName) {
  const Scrape shown = fetch();
  EXPECT_EQ(shown.at("testamur_peer_connected{node=\"node.b\"}"), 1);
  EXPECT_EQ(shown.at("testamur_peer_connected{node=\"node.c\"}"), 0);
  EXPECT_EQ(shown.at("testamur_peer_sends_dropped_total{node=\"node.b\"}"), 79);
  EXPECT_EQ(shown.at("testamur_peer_sends_dropped_total{node=\"node.c\"}"), 83);
  EXPECT_EQ(shown.at("testamur_peer_match_index{node=\"node.b\"}"), 59);
  EXPECT_EQ(shown.at("testamur_peer_next_index{node=\"node.b\"}"), 61);
  EXPECT_EQ(shown.at("testamur_peer_match_index{node=\"node.c\"}"), 67);
  EXPECT_EQ(shown.at("testamur_peer_next_index{node=\"node.c\"}"), 71);
  EXPECT_EQ(shown.at("testamur_peer_state{node=\"node.b\",state=\"snapshot\"}"), 1);
  EXPECT_EQ(shown.at("testamur_peer_state{node=\"node.b\",state=\"probe\"}"), 0);
  EXPECT_EQ(shown.at("testamur_peer_state{node=\"node.c\",state=\"probe\"}"), 1);
  EXPECT_EQ(shown.at("testamur_peer_refuses{node=\"node.b\"}"), 0);
  EXPECT_EQ(shown.at("testamur_peer_refuses{node=\"node.c\"}"), 1);
  // One whose name is not known here is left out.
  EXPECT_EQ(shown.families().at("testamur_peer_match_index").samples.size(), 2u);
}

TEST_F(MetricsByThemselves, DoNotMissANodeThatTakesNoPart) {
  is_.peers[1].is_member = false;
  const Scrape shown = fetch();
  EXPECT_TRUE(shown.has("testamur_peer_connected{node=\"node.b\"}"));
  EXPECT_FALSE(shown.has("testamur_peer_connected{node=\"node.c\"}")) << "else an alarm for as long as it is removed";
}

TEST_F(MetricsByThemselves, SayNothingOfWhatIsNotThereYet) {
  is_.certified.reset();
  is_.progress.clear();
  const Scrape shown = fetch();
  EXPECT_EQ(shown.at("testamur_certified_height"), 0);
  EXPECT_FALSE(shown.families().contains("testamur_certified_timestamp_seconds")) << "else an alarm at each start";
  EXPECT_FALSE(shown.families().contains("testamur_peer_match_index"));
}

TEST_F(MetricsByThemselves, CountEventsByTheNodeTheyComeFrom) {
  metrics_.evidence("node.b");
  metrics_.block_refused("node.b");
  metrics_.block_refused("node.c");
  for (int i = 0; i < 3; ++i) metrics_.cosignature_not_counted("node.c");
  for (int i = 0; i < 4; ++i) metrics_.letter_dropped("node.b");
  for (int i = 0; i < 5; ++i) metrics_.stepped_down();
  metrics_.evidence("nobody");  // of whom there is no counter
  const Scrape shown = fetch();
  EXPECT_EQ(shown.at("testamur_evidence_total{node=\"node.b\"}"), 1);
  EXPECT_EQ(shown.at("testamur_evidence_total{node=\"node.c\"}"), 0);
  EXPECT_EQ(shown.at("testamur_blocks_refused_total{node=\"node.b\"}"), 1);
  EXPECT_EQ(shown.at("testamur_blocks_refused_total{node=\"node.c\"}"), 1);
  EXPECT_EQ(shown.at("testamur_cosignatures_not_counted_total{node=\"node.c\"}"), 3);
  EXPECT_EQ(shown.at("testamur_peer_letters_dropped_total{node=\"node.b\"}"), 4);
  EXPECT_EQ(shown.at("testamur_stepped_down_total"), 5);
}

TEST_F(MetricsByThemselves, CountOutcomesByTheirCodesOrHowFarTheyCame) {
  const auto answer = [&](Stage stage, std::string code) {
    SubmissionOutcome outcome;
    outcome.stage = stage;
    outcome.code = std::move(code);
    metrics_.answered(outcome);
  };
  answer(Stage::certified, "ok");
  answer(Stage::committed, "ok");
  answer(Stage::committed, "forbidden_transition");
  answer(Stage::not_taken, "malformed");
  answer(Stage::busy, "");
  answer(Stage::pending, "");
  answer(Stage::unknown, "");
  const Scrape shown = fetch();
  const auto of = [&](const std::string& code) {
    return shown.at("testamur_submissions_total{code=\"" + code + "\"}");
  };
  EXPECT_EQ(of("ok"), 2);
  for (const char* code : {"forbidden_transition", "malformed", "busy", "pending", "unknown"}) EXPECT_EQ(of(code), 1);
  EXPECT_EQ(of("bad_signature"), 0);
}

class OwnBlocksTest : public MetricsByThemselves {
 protected:
  static consensus::Payload payload() { return std::make_shared<const Bytes>(Bytes{1, 2, 3}); }
  static consensus::Entry entry(std::uint64_t index, consensus::Payload payload) {
    return {EntryId{Term{1}, Index{index}, {}}, {}, std::move(payload)};
  }
  double committed() const { return fetch().at("testamur_append_seconds_count"); }
  double certified() const { return fetch().at("testamur_certify_seconds_count"); }
};

TEST_F(OwnBlocksTest, AreTimedFromProposingToCommittedAndCertified) {
  const auto first = payload();
  const auto second = payload();
  metrics_.proposed(first);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  metrics_.proposed(second);
  metrics_.committed({entry(4, nullptr), entry(5, first)});
  EXPECT_EQ(committed(), 1);
  EXPECT_GE(fetch().at("testamur_append_seconds_sum"), 0.02);
  EXPECT_EQ(fetch().at("testamur_append_seconds_bucket{le=\"0.01\"}"), 0);
  metrics_.certified(Index{4});
  EXPECT_EQ(certified(), 0);
  metrics_.committed({entry(6, second)});
  metrics_.certified(Index{6});
  metrics_.certified(Index{6});
  EXPECT_EQ(committed(), 2);
  EXPECT_EQ(certified(), 2);
  EXPECT_GE(fetch().at("testamur_certify_seconds_sum"), fetch().at("testamur_append_seconds_sum"));
}

TEST_F(OwnBlocksTest, AreNotThoseOfAnotherLeaderInTheirPlace) {
  const auto replaced = payload();
  metrics_.proposed(replaced);
  metrics_.committed({entry(5, payload())});  // the same bytes, and not what this node proposed
  metrics_.certified(Index{5});
  EXPECT_EQ(committed(), 0);
  EXPECT_EQ(certified(), 0);
  const auto later = payload();
  metrics_.proposed(later);
  metrics_.committed({entry(6, later)});
  EXPECT_EQ(committed(), 1);
  metrics_.committed({entry(7, replaced)});
  EXPECT_EQ(committed(), 1) << "what was replaced was forgotten";
}

TEST_F(OwnBlocksTest, AreForgottenByOneThatLeadsNoMore) {
  const auto lost = payload();
  metrics_.proposed(lost);
  metrics_.leads_no_more();
  metrics_.committed({entry(5, lost)});
  EXPECT_EQ(committed(), 0);
}

TEST_F(MetricsByThemselves, AreReadNoMoreOnceNobodyServesThem) {
  fetch();
  metrics_.stop_serving();
  EXPECT_FALSE(test::http_get(port_, "/metrics"));
}

TEST_F(MetricsByThemselves, AreNotServedWhereSomebodyListens) {
  Metrics other({"node.b", "b.example", {}});
  const auto serving = other.serve(address(), [] { return Readings{}; });
  ASSERT_FALSE(serving);
  EXPECT_EQ(serving.error().code, ErrorCode::conflict);
  EXPECT_THAT(serving.error().message, ::testing::HasSubstr("metrics.listen: cannot listen on " + address()));
}

}  // namespace
}  // namespace testamur::node
