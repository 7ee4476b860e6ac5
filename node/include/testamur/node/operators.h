// What operators ask of a node (proto/testamur/cluster/v1/cluster.proto): how the cluster is, leadership handed on, members changed.
// The leader answers; other nodes hand the question on to it. It does what its own operator orders. For what another node hands on it has
// no more than that node's word: it does what takes a node of that institution out, and what more institutions than may lie ask for
// (deploy/operate.md).
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "testamur/cluster/v1/cluster.pb.h"
#include "testamur/consensus/driver.h"
#include "testamur/ledger/record.h"
#include "testamur/node/letters.h"

namespace testamur::node {

using cluster::v1::Question;
using cluster::v1::Reply;

/// Nodes are numbered by their places in the consortium record, from 1.
inline consensus::NodeId id_at(std::size_t place) { return consensus::NodeId{place + 1}; }

/// The voters and learners that the consortium record names.
consensus::Configuration configuration_of(const ConsortiumRecord& consortium);
/// What speaks against a configuration by the consortium record; empty: nothing. Voters must be voters there, who can cosign, and
/// enough of them to certify a head.
std::string objection(const ConsortiumRecord& consortium, const consensus::Configuration& configuration);

class Operators {
 public:
  using Answer = std::function<void(const Reply&)>;
  using SendLetter = std::function<bool(consensus::NodeId to, Bytes letter)>;

  Operators(const ConsortiumRecord& consortium, std::size_t place, SendLetter send);
  /// Before anything is asked.
  void start(consensus::Driver& driver) { driver_ = &driver; }

  /// Answers, or has the leader answer. Whoever waits longer than he likes forgets the id that this returns.
  std::uint64_t ask(const Question& question, Answer answer);
  void forget(std::uint64_t id);

  void on(consensus::NodeId from, const OperatorAsksLetter& letter);
  void on(consensus::NodeId from, const OperatorHearsLetter& letter);
  void on(consensus::NodeId from, const RejoinsLetter& letter);

 private:
  void answer_here(const Question& question, Answer answer);
  void transfer(const std::string& to, Answer answer);
  void change(std::vector<consensus::Change> changes, Answer answer);
  Reply status(const consensus::Core& core) const;
  std::optional<consensus::NodeId> id_of(const std::string& name) const;
  /// Why what a node hands on is not done; empty: it is.
  std::string not_allowed(consensus::NodeId from, const Question& question, const consensus::Configuration& members);
  std::size_t institutions_that_ask(consensus::NodeId from, const Question& question,
                                    const consensus::Configuration& members);
  bool rejoined_lately(consensus::NodeId node);

  const ConsortiumRecord& consortium_;
  const std::size_t place_;
  const SendLetter send_;
  consensus::Driver* driver_ = nullptr;

  std::mutex mutex_;
  struct Waiting {
    consensus::NodeId asked;
    Answer answer;
  };
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_id_ = 0;
  struct Asked {
    std::string question;
    std::chrono::steady_clock::time_point at;
  };
  std::map<consensus::NodeId, Asked> asked_;  // the newest that each node handed on and that it may not order by itself
  std::map<consensus::NodeId, std::chrono::steady_clock::time_point>
      rejoined_;  // when each was last taken in anew here
};

}  // namespace testamur::node
