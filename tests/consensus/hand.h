// One core, played against by hand: for tests of single steps.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "some_entries.h"
#include "testamur/consensus/core.h"

namespace testamur::consensus {

/// One core, played against by hand. Four voters, threshold 3.
class Hand {
 public:
  static Options options() {
    Options options;
    options.self = NodeId{1};
    options.configuration.voters = {{NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}}, 3};
    options.hash = some_hash;
    options.random = [] { return 0; };
    options.max_uncertified = 4;
    options.max_unapplied = 8;
    return options;
  }
  explicit Hand(Restart restart = {}, PayloadCheck* check = nullptr) {
    Options mine = options();
    mine.check = check;
    core.emplace(std::move(mine), std::move(restart));
  }
  Hand(Options options, Restart restart) { core.emplace(std::move(options), std::move(restart)); }

  void from(std::uint64_t node, std::uint64_t term, Body body) {
    core->step({NodeId{node}, NodeId{1}, Term{term}, std::move(body)});
  }
  void tick(int times = 1) {
    for (int i = 0; i < times; ++i) core->tick();
  }
  Output take() { return core->take(); }
  /// Takes what is ready and lets its write be done; gives both outputs together.
  Output settle() {
    Output all = take();
    for (std::optional<Write> write = all.write; write;) {
      core->persisted(write->sequence);
      Output more = take();
      write = more.write;
      for (auto& message : more.messages) all.messages.push_back(message);
      for (auto& entry : more.committed) all.committed.push_back(entry);
      if (more.agreed) all.agreed = more.agreed;
    }
    return all;
  }
  void become_leader() {
    tick(10);
    const Output asked = settle();
    const auto* request = find<PreVoteRequest>(asked, 2);
    ASSERT_NE(request, nullptr);
    from(2, term(), PreVoteResponse{request->campaign, true});
    from(3, term(), PreVoteResponse{request->campaign, true});
    settle();
    from(2, term(), VoteResponse{true});
    from(3, term(), VoteResponse{true});
    ASSERT_EQ(core->role(), Role::leader);
  }
  /// Voters 2 and 3 have all of this leader's log, and say so.
  Output all_committed() {
    settle();
    for (const std::uint64_t voter : {2u, 3u}) {
      from(voter, term(), AppendResponse{AppendOutcome::accepted, core->log().last()});
      from(voter, term(), Durable{core->log().last()});
    }
    return settle();
  }
  ChangeAnswer change(std::vector<Change> changes) { return core->change(changes); }
  std::uint64_t term() const { return core->term().value; }
  Entry entry(std::uint64_t term, const EntryId& before, const Payload& bytes) const {
    return following(before, Term{term}, bytes);
  }
  /// The log's first entry, of term 1 from leader 2, on disk here.
  Entry receive_first(std::string_view text) {
    const Entry first = entry(1, {}, payload(text));
    from(2, 1, AppendRequest{{}, {first}});
    settle();
    return first;
  }
  template <class T>
  static const T* find(const Output& output, std::uint64_t to) {
    for (const Message& message : output.messages) {
      if (message.to == NodeId{to} && std::holds_alternative<T>(message.body)) return &std::get<T>(message.body);
    }
    return nullptr;
  }

  std::optional<Core> core;
};

}  // namespace testamur::consensus
