// Goal: an operator sees who takes part, hands on leadership, removes and adds nodes, and brings back one that lost its disk; and no
// certified statement is lost or doubled meanwhile. A node that lies does not speak for operators.
// Method: testamurd processes on loopback under load; the command `testamur cluster` in this process. A node that lies is a transport of
// the test's, with that node's keys.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <sstream>

#include "app.h"
#include "load.h"
#include "scrape.h"
#include "testamur/consensus/transport.h"
#include "testamur/encoding/encoding.h"
#include "testamur/node/cosigned.h"
#include "testamur/node/letters.h"
#include "testamur/node/operators.h"
#include "testamur/storage/rocks.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int exit = 0;
  boost::json::object json;
  std::string code() const {
    const auto* error = json.if_contains("error");
    return error == nullptr ? "" : std::string(error->as_object().at("code").as_string());
  }
};

class Operators : public ::testing::Test {
 protected:
  explicit Operators(const std::string& config = "") : cluster_({.nodes = 4}) {
    for (unsigned i = 0; i < cluster_.size(); ++i) cluster_.set_more_config(i, config);
    cluster_.start_all();
    cluster_.wait_for_leader();
    EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
  }

  /// `testamur cluster WORDS`, as the operator of node i.
  Ran run(unsigned i, std::vector<std::string> words) {
    words.insert(words.begin(), "cluster");
    for (const std::string& more : {std::string("--directory"), cluster_.node_directory(i), std::string("--node"),
                                    cluster_.operator_address(i), std::string("--json")})
      words.push_back(more);
    std::ostringstream out, err;
    tool::Context context{out, err, clock_now, {}};
    const int exit = tool::run(words, context);
    return {exit, boost::json::parse(out.str()).as_object()};
  }
  /// The same, as the operator of the node that leads.
  Ran order(const std::vector<std::string>& words) {
    Ran ran;
    // Leadership may have moved since it was looked who leads.
    wait_until([&] { return (ran = run(cluster_.wait_for_leader(), words)).code() != "not_allowed"; });
    return ran;
  }
  /// Asked again while leadership moves.
  boost::json::object status(unsigned by) {
    Ran ran;
    EXPECT_TRUE(wait_until([&] { return (ran = run(by, {"status"})).exit == 0; }));
    return ran.json;
  }
  std::string role(unsigned by, unsigned of) {
    const boost::json::object is = status(by);
    for (const auto& member : is.at("members").as_array()) {
      if (member.as_object().at("name").as_string() == cluster_.node_name(of))
        return std::string(member.as_object().at("role").as_string());
    }
    return "not named";
  }
  unsigned another(unsigned than) const { return (than + 1) % cluster_.size(); }
  void expect_all_there(const std::vector<std::uint64_t>& certified) {
    ASSERT_TRUE(wait_until([&] { return cluster_.level(); })) << "all come to the same head";
    for (unsigned node = 0; node < cluster_.size(); ++node) {
      for (unsigned institution = 0; institution < cluster_.size(); ++institution) {
        EXPECT_EQ(cluster_.record(node, institution, "r0").value().issued, certified[institution]);
      }
      EXPECT_FALSE(cluster_.log_holds(node, "evidence")) << "honest nodes are not accused";
    }
  }

  Cluster cluster_;
};

/// Where it matters who leads: a busy machine does not move leadership.
class OperatorsOfOneLeader : public Operators {
 protected:
  OperatorsOfOneLeader() : Operators("[consensus]\ntick_ms = 500\n") {}
};

TEST_F(OperatorsOfOneLeader, AnyNodeTellsWhoTakesPart) {
  const unsigned leader = cluster_.wait_for_leader();
  for (unsigned i = 0; i < cluster_.size(); ++i) {
    const Ran ran = run(i, {"status"});
    ASSERT_EQ(ran.exit, 0) << boost::json::serialize(ran.json);
    EXPECT_EQ(ran.json.at("leader").as_string(), cluster_.node_name(leader));
    EXPECT_EQ(ran.json.at("answered_by").as_string(), cluster_.node_name(leader)) << "the leader knows most";
    EXPECT_EQ(ran.json.at("threshold").to_number<int>(), 3);
    EXPECT_EQ(ran.json.at("members").as_array().size(), 4u);
    for (unsigned of = 0; of < cluster_.size(); ++of) EXPECT_EQ(role(i, of), "voter");
  }
}

TEST_F(Operators, AStrangerIsNotAnswered) {
  // Another node's operator, with a key that this node does not name.
  for (const char* file : {"/operator.pem", "/operator.crt"}) {
    std::filesystem::copy_file(cluster_.node_directory(1) + file, cluster_.node_directory(0) + file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  const Ran ran = run(0, {"status"});
  EXPECT_EQ(ran.exit, tool::kUnknown) << boost::json::serialize(ran.json);
  EXPECT_EQ(ran.code(), "unavailable");
  EXPECT_TRUE(wait_until([&] { return cluster_.log_holds(0, "operator_refused"); }));
}

TEST_F(Operators, LeadershipIsHandedOn) {
  for (int round = 0; round < 3; ++round) {
    const unsigned leader = cluster_.wait_for_leader();
    const unsigned to = another(leader);
    const Ran ran = order({"transfer", cluster_.node_name(to)});
    ASSERT_EQ(ran.exit, 0) << boost::json::serialize(ran.json);
    EXPECT_EQ(ran.json.at("leader").as_string(), cluster_.node_name(to));
  }
  EXPECT_EQ(order({"transfer", "nobody.example"}).code(), "unknown_node");
}

TEST_F(OperatorsOfOneLeader, AStoppedLeaderLeavesNoGap) {
  const unsigned leader = cluster_.wait_for_leader();
  const auto term = cluster_.status(leader).value().term();
  ASSERT_EQ(cluster_.stop(leader), 0);
  const unsigned next = cluster_.wait_for_leader();
  EXPECT_EQ(cluster_.status(next).value().term(), term + 1) << "handed on: nobody stood for election in vain";
  EXPECT_TRUE(wait_until([&] { return cluster_.log_holds(leader, "stopped"); }));
}

TEST_F(Operators, ARemovedNodeThatIsSwitchedOffIsNotMissed) {
  const unsigned removed = 3;
  const int port = free_port();
  ASSERT_EQ(cluster_.stop(0), 0);
  cluster_.set_more_config(0, "[metrics]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\n");
  cluster_.start(0);
  const std::string connected = "testamur_peer_connected{node=\"" + cluster_.node_name(removed) + "\"}";
  ASSERT_TRUE(wait_until([&] { return http_get(port, "/metrics").has_value(); }));
  ASSERT_TRUE(wait_until([&] { return scrape(port).at(connected) == 1; }));
  ASSERT_EQ(order({"remove", cluster_.node_name(removed), "--wait", "10s"}).exit, 0);
  ASSERT_EQ(cluster_.stop(removed), 0);
  ASSERT_TRUE(wait_until([&] { return !scrape(port).has(connected); })) << "or monitoring calls somebody for good";
  EXPECT_TRUE(scrape(port).has("testamur_peer_connected{node=\"" + cluster_.node_name(1) + "\"}"));
}

TEST_F(Operators, ANodeIsRemovedAndAddedUnderLoad) {
  Load load(cluster_);
  const unsigned removed = another(cluster_.wait_for_leader());
  Ran ran = order({"remove", cluster_.node_name(removed)});
  ASSERT_EQ(ran.exit, 0) << boost::json::serialize(ran.json);
  EXPECT_EQ(role(another(removed), removed), "removed");
  EXPECT_EQ(order({"remove", cluster_.node_name(removed)}).exit, 0) << "it is so already";

  // A second removal would leave too few to certify a head.
  const unsigned other = another(another(removed));
  EXPECT_EQ(order({"remove", cluster_.node_name(other)}).code(), "refused");
  EXPECT_EQ(role(another(removed), other), "voter");
  EXPECT_EQ(status(other).at("threshold").to_number<int>(), 3) << "who decides can certify";

  const std::uint64_t then = load.certified();
  ASSERT_TRUE(wait_until([&] { return load.certified() > then + 50; })) << "three go on without it";
  ran = order({"add", cluster_.node_name(removed)});
  ASSERT_EQ(ran.exit, 0) << boost::json::serialize(ran.json);
  EXPECT_EQ(role(another(removed), removed), "voter") << "it rose by itself";
  // It counts again: with another one gone, nothing would be decided without it.
  const unsigned leader = cluster_.wait_for_leader();
  unsigned gone = 0;
  while (gone == leader || gone == removed) ++gone;
  cluster_.kill(gone);
  const std::uint64_t at_death = load.certified();
  EXPECT_TRUE(wait_until([&] { return load.certified() > at_death + 20; }));
  cluster_.start(gone);
  expect_all_there(load.stop());
}

TEST_F(Operators, ALeaderThatIsRemovedHandsOnLeadershipFirst) {
  Load load(cluster_);
  const unsigned leader = cluster_.wait_for_leader();
  ASSERT_EQ(run(leader, {"remove", cluster_.node_name(leader)}).exit, 0);
  EXPECT_EQ(role(another(leader), leader), "removed");
  ASSERT_EQ(order({"add", "--stay-learner", cluster_.node_name(leader)}).exit, 0);
  EXPECT_EQ(role(another(leader), leader), "learner");
  ASSERT_EQ(order({"promote", cluster_.node_name(leader)}).exit, 0);
  EXPECT_EQ(role(another(leader), leader), "voter");
  expect_all_there(load.stop());
}

TEST_F(OperatorsOfOneLeader, AFollowersOperatorMayOnlyTakeHisOwnNodeOut) {
  const unsigned leader = cluster_.wait_for_leader();
  const unsigned asking = another(leader);
  const unsigned other = another(asking);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"remove", cluster_.node_name(other)}, {"transfer"}, {"add", cluster_.node_name(asking)}}) {
    const Ran ran = run(asking, words);
    EXPECT_EQ(ran.exit, tool::kFailed);
    EXPECT_EQ(ran.code(), "not_allowed") << words[0];
    EXPECT_THAT(boost::json::serialize(ran.json), HasSubstr(cluster_.node_name(leader) + " leads"));
  }
  EXPECT_EQ(role(asking, other), "voter");
  ASSERT_EQ(run(asking, {"remove", cluster_.node_name(asking)}).exit, 0);
  EXPECT_EQ(role(leader, asking), "removed");
  EXPECT_EQ(cluster_.wait_for_leader(), leader);
}

TEST_F(OperatorsOfOneLeader, MoreInstitutionsThanMayLieAreHeardTogether) {
  const unsigned leader = cluster_.wait_for_leader();
  const unsigned one = another(leader);
  const unsigned two = another(one);
  const std::vector<std::string> remove = {"remove", cluster_.node_name(two)};
  const std::string mine = cluster_.node_name(one);
  for (int times = 0; times < 2; ++times) {
    const Ran ran = run(one, remove);
    EXPECT_EQ(ran.code(), "not_allowed") << "the same institution counts once";
    EXPECT_THAT(boost::json::serialize(ran.json), HasSubstr("1 of 2 institutions ask for it"));
  }
  EXPECT_EQ(run(two, {"transfer", mine}).code(), "not_allowed") << "it orders something else";
  ASSERT_EQ(run(one, {"transfer", mine}).exit, 0);
  EXPECT_EQ(cluster_.wait_for_leader(), one);
}

/// What speaks with the keys of a node that was killed, and says what it likes.
class Liar {
 public:
  Liar(const Cluster& cluster, unsigned place) {
    const auto& nodes = cluster.world().consortium().nodes;
    consensus::TransportOptions options;
    options.self = node::id_at(place);
    options.name = nodes[place].name;
    options.listen = nodes[place].address;
    options.ledger = cluster.world().ledger();
    const std::string directory = cluster.node_directory(place);
    options.tls = value_of(identity::read_tls_identity(directory + "/tls.pem", directory + "/tls.crt"));
    for (unsigned i = 0; i < nodes.size(); ++i) {
      options.peers.push_back({node::id_at(i), nodes[i].name, nodes[i].address, nodes[i].tls_spki});
    }
    consensus::TransportEvents events;
    events.message = [](const consensus::Message&) {};
    events.letter = [this](consensus::NodeId, const Bytes& bytes) {
      const auto letter = value_of(node::read_letter(bytes));
      const auto* hears = std::get_if<node::OperatorHearsLetter>(&letter);
      if (hears == nullptr) return;
      const std::lock_guard lock(mutex_);
      heard_[hears->id].ParseFromString(hears->reply);
    };
    transport_ = value_of(consensus::Transport::start(options, std::move(events)));
  }

  /// What a node answers when it is told that this one's operator ordered something.
  std::string say(unsigned to, const node::Question& question) {
    const std::uint64_t id = ++last_id_;
    // The answer comes over a connection of the other's, and is lost while there is none.
    EXPECT_TRUE(wait_until([&] {
      transport_->send_letter(node::id_at(to), node::operator_asks_letter(id, question.SerializeAsString()));
      return answer_to(id) != "";
    }));
    return answer_to(id);
  }
  /// Says that it lost its disk and begins this life, and waits until that was heard.
  void rejoin(unsigned to, std::uint64_t life) {
    EXPECT_TRUE(wait_until([&] { return transport_->is_connected(node::id_at(to)); }));
    transport_->send_letter(node::id_at(to), node::rejoins_letter(life));
    node::Question nothing;
    nothing.mutable_transfer();
    say(to, nothing);
  }
  std::string change(unsigned to, cluster::v1::ChangeRequest::Kind kind, const std::string& node) {
    node::Question question;
    question.mutable_change()->set_kind(kind);
    question.mutable_change()->set_node(node);
    return say(to, question);
  }

 private:
  std::string answer_to(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    return heard_.contains(id) ? heard_.at(id).answer().code() : "";
  }

  std::mutex mutex_;
  std::map<std::uint64_t, node::Reply> heard_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<consensus::Transport> transport_;
};

TEST_F(OperatorsOfOneLeader, ANodeThatLiesDoesNotSpeakForOperators) {
  using cluster::v1::ChangeRequest;
  const unsigned leader = cluster_.wait_for_leader();
  const unsigned lying = another(leader);
  const unsigned other = another(lying);
  cluster_.kill(lying);
  Liar liar(cluster_, lying);
  node::Question transfer;
  transfer.mutable_transfer()->set_to(cluster_.node_name(other));
  EXPECT_EQ(liar.say(leader, transfer), "not_allowed");
  for (const auto kind : {ChangeRequest::KIND_REMOVE, ChangeRequest::KIND_ADD, ChangeRequest::KIND_PROMOTE}) {
    EXPECT_EQ(liar.change(leader, kind, cluster_.node_name(other)), "not_allowed");
  }
  EXPECT_EQ(liar.change(leader, ChangeRequest::KIND_ADD, cluster_.node_name(lying)), "not_allowed");
  EXPECT_EQ(cluster_.wait_for_leader(), leader);
  EXPECT_EQ(role(leader, other), "voter");

  // Evicted, it does not come in again by itself.
  ASSERT_EQ(order({"remove", cluster_.node_name(lying)}).exit, 0);
  for (const auto kind : {ChangeRequest::KIND_ADD, ChangeRequest::KIND_PROMOTE, ChangeRequest::KIND_REMOVE}) {
    EXPECT_EQ(liar.change(leader, kind, cluster_.node_name(lying)), "not_allowed");
  }
  EXPECT_EQ(role(leader, lying), "removed");
}

TEST_F(OperatorsOfOneLeader, ANodeThatBeginsOneLifeAfterTheOtherKeepsNobodyBusy) {
  const unsigned leader = cluster_.wait_for_leader();
  const unsigned lying = another(leader);
  cluster_.kill(lying);
  Liar liar(cluster_, lying);
  const auto changed_at = [&] {
    boost::json::object is;
    EXPECT_TRUE(wait_until([&] { return !(is = status(leader)).at("changing").as_bool(); }));
    return is.at("configuration_index").to_number<std::uint64_t>();
  };
  const std::uint64_t before = changed_at();
  liar.rejoin(leader, 1);
  ASSERT_TRUE(wait_until([&] { return changed_at() > before; }));
  EXPECT_EQ(role(leader, lying), "learner");
  const std::uint64_t after = changed_at();
  for (std::uint64_t life = 2; life < 20; ++life) liar.rejoin(leader, life);
  EXPECT_EQ(changed_at(), after);
  EXPECT_EQ(order({"remove", cluster_.node_name(lying)}).exit, 0) << "there is room for what an operator orders";
}

TEST_F(Operators, ANodeThatLostItsDiskComesBackWithoutAVoteAndGetsItAgain) {
  Load load(cluster_);
  const unsigned lost = another(cluster_.wait_for_leader());
  ASSERT_TRUE(wait_until([&] { return load.certified() > 100; }));
  cluster_.kill(lost);
  std::filesystem::remove_all(cluster_.node_directory(lost) + "/data");
  cluster_.start(lost);
  EXPECT_EQ(cluster_.wait_for_exit(lost), 1) << "it must not start as if it were new";
  EXPECT_TRUE(cluster_.log_holds(lost, "--rejoin"));
  cluster_.start(lost, {"--rejoin"});
  ASSERT_TRUE(wait_until([&] { return cluster_.log_holds(lost, "new_life"); }));
  // The others take its vote first, and give it back once it is level.
  EXPECT_TRUE(wait_until([&] { return cluster_.log_holds(another(lost), "learners=(" + std::to_string(lost + 1)); }));
  ASSERT_TRUE(wait_until([&] { return role(another(lost), lost) == "voter"; }));
  expect_all_there(load.stop());
  // Started once more without the word, it goes on in its new life.
  EXPECT_EQ(cluster_.stop(lost), 0);
  cluster_.start(lost);
  EXPECT_TRUE(wait_until([&] { return cluster_.level(); }));
}

/// Flips a bit of a log entry where neither the file system nor the database would notice.
void damage_entry(const std::string& log, std::uint64_t index) {
  storage::RocksOptions options;
  options.synced = true;
  const auto store = value_of(storage::open_rocks(log, false, options));
  Bytes key = Writer{}.u64(index).bytes();
  key.insert(key.begin(), 'e');
  std::optional<Bytes> entry = store->view()->get(key);
  ASSERT_TRUE(entry) << "index " << index;
  entry->back() ^= 1;
  storage::WriteSet writes;
  writes.put(key, *entry);
  store->write(writes);
}

TEST_F(Operators, ADamagedLogIsMendedFromTheOthers) {
  Load load(cluster_);
  const unsigned damaged = another(cluster_.wait_for_leader());
  ASSERT_TRUE(wait_until([&] { return load.certified() > 100; }));
  cluster_.kill(damaged);
  const std::string log = cluster_.node_directory(damaged) + "/data/log";
  damage_entry(log, 20);
  cluster_.start(damaged);
  ASSERT_TRUE(wait_until([&] { return cluster_.log_holds(damaged, "log_damaged"); }));
  EXPECT_TRUE(cluster_.log_holds(damaged, "index 20")) << "it is named";
  expect_all_there(load.stop());
  // It is whole again: nothing is found at the next start, and it counts.
  ASSERT_EQ(cluster_.stop(damaged), 0);
  std::filesystem::remove(cluster_.node_directory(damaged) + "/log");
  cluster_.start(damaged);
  cluster_.kill(another(damaged));
  EXPECT_EQ(cluster_.submit(damaged, cluster_.one_entry(0, "r1", 0)).code(), "ok");
  EXPECT_FALSE(cluster_.log_holds(damaged, "log_damaged"));
}

TEST_F(Operators, AQuorumReturnsToTheLastCertifiedHead) {
  {
    Load load(cluster_);
    ASSERT_TRUE(wait_until([&] { return load.certified() > 50; }));
  }
  ASSERT_TRUE(wait_until([&] { return cluster_.level(); }));
  const std::uint64_t height = cluster_.status(0).value().certified_height();
  for (unsigned i = 0; i < cluster_.size(); ++i) ASSERT_EQ(cluster_.stop(i), 0);
  cluster_.start(0, {"--recover", std::to_string(height + 1)});
  EXPECT_EQ(cluster_.wait_for_exit(0), 1) << "all must return to the same";
  for (unsigned i = 0; i < cluster_.size(); ++i) {
    cluster_.start(i, {"--recover", std::to_string(height)});
    EXPECT_EQ(cluster_.wait_for_exit(i), 0);
  }
  cluster_.start_all();
  const auto record = wait_until([&] { return cluster_.record(0, 0, "r1").has_value(); });
  ASSERT_TRUE(record);
  EXPECT_EQ(cluster_.submit(0, cluster_.one_entry(0, "r1", 0)).code(), "ok");
  EXPECT_TRUE(wait_until([&] { return cluster_.level(height + 1); }));
}

/// Where a node that does not run stands.
struct Standing {
  std::uint64_t certified_height = 0;
  bool cosigned_more = false;  ///< than it knows to be certified
};
Standing standing_of(const std::string& directory) {
  const std::shared_ptr<storage::KeyValueStore> state =
      value_of(storage::open_rocks(directory + "/data/ledger", /*create=*/false));
  const auto ledger = value_of(store::Ledger::open(state));
  const auto cosigned = value_of(node::Cosigned::open(directory + "/data/cosigned", std::nullopt));
  EXPECT_TRUE(cosigned->is_certain()) << "a process that is killed has noted what it cosigned";
  const store::BlockHead head = value_of(ledger->block_head(ledger->certified_height()));
  return {head.height.value, cosigned->size() > head.checkpoint.size};
}

TEST_F(Operators, ANodeIsNotTakenBackBehindWhatItCosigned) {
  Load load(cluster_);
  unsigned stayed = 0;
  for (int round = 0; round < 100 && stayed < 3; ++round) {
    const std::uint64_t then = load.certified();
    ASSERT_TRUE(wait_until([&] { return load.certified() > then + 20; }));
    for (unsigned i = 0; i < cluster_.size(); ++i) cluster_.freeze(i);
    for (unsigned i = 0; i < cluster_.size(); ++i) cluster_.kill(i);
    bool one_is_back = false;
    for (unsigned i = 0; i < cluster_.size(); ++i) {
      const Standing at = standing_of(cluster_.node_directory(i));
      // The block of those that cosigned it is taken up by one that did not.
      if (!at.cosigned_more && std::exchange(one_is_back, true)) continue;
      cluster_.start(i, {"--recover", std::to_string(at.certified_height)});
      EXPECT_EQ(cluster_.wait_for_exit(i), at.cosigned_more ? 1 : 0);
      if (!at.cosigned_more) continue;
      EXPECT_TRUE(cluster_.log_holds(i, "this node has cosigned "));
      ++stayed;
    }
    cluster_.start_all();
  }
  EXPECT_GT(stayed, 0u) << "or nothing was tried";
  const std::uint64_t then = load.certified();
  EXPECT_TRUE(wait_until([&] { return load.certified() > then + 20; }));
  expect_all_there(load.stop());
}

}  // namespace
}  // namespace testamur::test
