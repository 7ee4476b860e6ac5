// Reads that see all that was committed before they were asked for, without a clock (Raft thesis 6.4).
//
// Every node counts commits itself, so a follower may have counted, and told its client, what the leader has not counted yet. So
// the index read is the end of the leader's log: all that anybody counted in this term is there, and all from before.
#include "testamur/consensus/core.h"

namespace testamur::consensus {

void Core::read(std::uint64_t id) {
  if (role() == Role::leader) return on({options_.self, options_.self, state_.term, {}}, ReadRequest{id});
  if (!leader_ || forwarded_reads_.size() >= options_.max_reads) {
    output_.reads.push_back({id, std::nullopt});
    return;
  }
  forwarded_reads_[id] = 0;
  send(*leader_, ReadRequest{id});
}

void Core::on(const Message& message, const ReadRequest& request) {
  WaitingRead read{0, message.from, request.id, log_.last().index};
  auto* leading = std::get_if<Leader>(&role_);
  // Elected is not caught up: before an entry of this term is committed, somebody else may have been elected since.
  const bool may =
      leading != nullptr && committed_ >= leading->first_of_term && leading->reads.size() < options_.max_reads;
  if (!may) return answer(read, std::nullopt);
  const bool round_under_way = !leading->reads.empty();
  read.round = leading->round + 1;
  leading->reads.push_back(read);
  if (!round_under_way) ask_round(*leading);
}

/// A round of heartbeats: who answers it has not followed another leader before it began.
void Core::ask_round(Leader& leading) {
  ++leading.round;
  for (const auto& [peer, progress] : leading.followers) send(peer, Heartbeat{leading.round});
  count_round(leading);
}

void Core::count_round(Leader& leading) {
  if (leading.reads.empty()) return;
  std::map<NodeId, Index> rounds = {{options_.self, Index{leading.round}}};
  for (const auto& [peer, progress] : leading.followers) rounds[peer] = Index{progress.round};
  const auto confirmed = quorum_index(configuration(), rounds);
  if (!confirmed) return;
  while (!leading.reads.empty() && leading.reads.front().round <= confirmed->value) {
    answer(leading.reads.front(), leading.reads.front().index);
    leading.reads.pop_front();
  }
  // Those that came while the round was under way are asked for in one.
  if (!leading.reads.empty() && leading.reads.front().round > leading.round) ask_round(leading);
}

void Core::answer(const WaitingRead& read, std::optional<Index> index) {
  if (read.from == options_.self) {
    output_.reads.push_back({read.id, index});
  } else {
    send(read.from, ReadResponse{read.id, index});
  }
}

void Core::drop_reads(Leader& leading) {
  for (const WaitingRead& read : leading.reads) answer(read, std::nullopt);
  leading.reads.clear();
}

/// A read whose answer was lost is not known.
void Core::tick_reads() {
  for (auto at = forwarded_reads_.begin(); at != forwarded_reads_.end();) {
    if (++at->second < options_.election_ticks) {
      ++at;
      continue;
    }
    output_.reads.push_back({at->first, std::nullopt});
    at = forwarded_reads_.erase(at);
  }
}

void Core::on(const Message& message, const ReadResponse& response) {
  if (message.from != leader_ || forwarded_reads_.erase(response.id) == 0) return;
  output_.reads.push_back({response.id, response.index});
}

}  // namespace testamur::consensus
