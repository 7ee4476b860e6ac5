#include "testamur/node/operators.h"

#include <algorithm>

#include "testamur/node/log.h"
#include "testamur/node/readings.h"

namespace testamur::node {
namespace {

constexpr std::size_t kMaxWaiting = 64;
constexpr std::size_t kMaxQuestionBytes = 4096;
constexpr std::size_t kMaxReplyBytes = 256 << 10;  // 255 members with what is said of each
constexpr std::chrono::minutes kAskTogether{10};
constexpr std::chrono::minutes kRejoinAgain{1};

using cluster::v1::ChangeRequest;

Reply answer_of(std::string code, std::string detail, bool again = false) {
  Reply reply;
  reply.mutable_answer()->set_code(std::move(code));
  reply.mutable_answer()->set_detail(std::move(detail));
  reply.mutable_answer()->set_again(again);
  return reply;
}

Reply no_leader() { return answer_of("no_leader", "no leader is known now; ask again in a moment", true); }

std::string_view role_of(const consensus::Configuration& configuration, consensus::NodeId node) {
  const bool votes = configuration.voters.nodes.contains(node);
  if (configuration.outgoing.nodes.contains(node)) return votes ? "voter" : "leaving";
  if (votes) return configuration.is_joint() ? "joining" : "voter";
  return configuration.learners.contains(node) ? "learner" : "removed";
}

Reply reply_to(const consensus::ChangeAnswer& answer) {
  using consensus::ChangeResult;
  switch (answer.result) {
    case ChangeResult::accepted: return answer_of("ok", "it has begun");
    case ChangeResult::not_leader: return no_leader();
    case ChangeResult::not_ready: return answer_of("not_ready", answer.why, true);
    case ChangeResult::under_way: return answer_of("under_way", answer.why, true);
    case ChangeResult::transferring: return answer_of("leader", answer.why, true);
    case ChangeResult::nothing: return answer_of("nothing", answer.why);
    case ChangeResult::leader: return answer_of("leader", answer.why, true);
    case ChangeResult::quorum: return answer_of("quorum", answer.why);
    case ChangeResult::invalid: return answer_of("refused", answer.why);
  }
  return answer_of("refused", answer.why);
}

}  // namespace

consensus::Configuration configuration_of(const ConsortiumRecord& consortium) {
  consensus::Configuration configuration;
  configuration.voters.threshold = consortium.threshold;
  for (std::size_t i = 0; i < consortium.nodes.size(); ++i) {
    const bool votes = consortium.nodes[i].role == NodeRole::voter;
    (votes ? configuration.voters.nodes : configuration.learners).insert(id_at(i));
  }
  return configuration;
}

std::string objection(const ConsortiumRecord& consortium, const consensus::Configuration& configuration) {
  const consensus::Configuration named = configuration_of(consortium);
  for (const consensus::NodeId node : configuration.voters.nodes) {
    if (!named.is_member(node)) return "the consortium record names no node " + std::to_string(node.value);
    if (!named.voters.nodes.contains(node)) {
      return consortium.nodes[node.value - 1].name +
             " is a learner by the consortium record: its cosignature counts for nothing, so it cannot vote";
    }
  }
  if (configuration.voters.nodes.size() < consortium.threshold) {
    return "it would leave " + std::to_string(configuration.voters.nodes.size()) +
           " voters, and a head takes the cosignatures of " + std::to_string(unsigned{consortium.threshold});
  }
  return {};
}

Operators::Operators(const ConsortiumRecord& consortium, std::size_t place, SendLetter send)
    : consortium_(consortium), place_(place), send_(std::move(send)) {}

std::optional<consensus::NodeId> Operators::id_of(const std::string& name) const {
  const auto& nodes = consortium_.nodes;
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name == name; });
  if (found == nodes.end()) return std::nullopt;
  return id_at(static_cast<std::size_t>(found - nodes.begin()));
}

std::uint64_t Operators::ask(const Question& question, Answer answer) {
  const auto leader = driver_->standing().leader;
  // A node that knows of no leader can still say how it stands itself.
  if (leader == id_at(place_) || (!leader && question.has_status())) {
    answer_here(question, std::move(answer));
    return 0;
  }
  if (!leader) {
    answer(no_leader());
    return 0;
  }
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kMaxWaiting) {
      id = ++last_id_;
      waiting_[id] = {*leader, answer};
    }
  }
  if (id == 0) {
    answer(answer_of("busy", "too many questions of operators are under way", true));
  } else if (!send_(*leader, operator_asks_letter(id, question.SerializeAsString()))) {
    forget(id);
    answer(no_leader());
  }
  return id;
}

void Operators::forget(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  waiting_.erase(id);
}

void Operators::on(consensus::NodeId from, const OperatorAsksLetter& letter) {
  Question question;
  if (letter.question.size() > kMaxQuestionBytes || !question.ParseFromString(letter.question)) return;
  Answer answer = [this, from, id = letter.id](const Reply& reply) {
    send_(from, operator_hears_letter(id, reply.SerializeAsString()));
  };
  // How the cluster is changes nothing, and anybody may know it.
  if (question.has_status()) return answer_here(question, std::move(answer));
  driver_->inspect([this, from, question, answer = std::move(answer)](const consensus::Core& core) {
    if (core.role() != consensus::Role::leader) return answer(no_leader());
    if (std::string why = not_allowed(from, question, core.configuration()); !why.empty())
      return answer(answer_of("not_allowed", std::move(why)));
    log_info("operator_asks",
             {{"by_way_of", consortium_.nodes[from.value - 1].name}, {"question", question.ShortDebugString()}});
    answer_here(question, answer);
  });
}

/// Another node's word is all that this one has for what its operator wants, and that node may lie. So it is heard where it gives
/// something up that is its own, and where more institutions than may lie say the same: else it could take itself in again after it
/// was evicted, or leave the others too few.
std::string Operators::not_allowed(consensus::NodeId from, const Question& question,
                                   const consensus::Configuration& members) {
  const std::string leads = consortium_.nodes[place_].name + " leads, and its operator may order this";
  const Node& asking = consortium_.nodes[from.value - 1];
  if (!members.is_member(from)) return asking.name + " takes no part; " + leads;
  const auto node = id_of(question.change().node());
  const bool own = node && consortium_.nodes[node->value - 1].institution == asking.institution;
  if (own && question.change().kind() == ChangeRequest::KIND_REMOVE) return {};
  const std::size_t ask = institutions_that_ask(from, question, members);
  const std::size_t needed = consensus::most_liars(consortium_.nodes.size()) + 1;
  if (ask >= needed) return {};
  return std::to_string(ask) + " of " + std::to_string(needed) +
         " institutions ask for it; the operator of another one may, within " + std::to_string(kAskTogether.count()) +
         " minutes. Or " + leads;
}

/// With this one, how many institutions' members handed the same question on within the time.
std::size_t Operators::institutions_that_ask(consensus::NodeId from, const Question& question,
                                             const consensus::Configuration& members) {
  const auto now = std::chrono::steady_clock::now();
  const std::string same = question.SerializeAsString();
  const std::lock_guard lock(mutex_);
  asked_[from] = {same, now};
  std::set<std::string> institutions;
  for (const auto& [node, asked] : asked_) {
    if (asked.question == same && now - asked.at < kAskTogether && members.is_member(node))
      institutions.insert(consortium_.nodes[node.value - 1].institution);
  }
  return institutions.size();
}

void Operators::on(consensus::NodeId from, const OperatorHearsLetter& letter) {
  Reply reply;
  Answer answer;
  {
    const std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(letter.id);
    if (waiting == waiting_.end() || waiting->second.asked != from) return;
    answer = std::move(waiting->second.answer);
    waiting_.erase(waiting);
  }
  const bool is_read = letter.reply.size() <= kMaxReplyBytes && reply.ParseFromString(letter.reply);
  answer(is_read ? reply : no_leader());
}

void Operators::on(consensus::NodeId from, const RejoinsLetter& letter) {
  driver_->inspect([this, from, life = letter.life](const consensus::Core& core) {
    const consensus::Configuration& members = core.configuration();
    // One that was removed stays out until an operator adds it.
    if (core.role() != consensus::Role::leader || members.life_of(from) == life || !members.is_member(from)) return;
    if (rejoined_lately(from)) return;
    const bool rises = configuration_of(consortium_).voters.nodes.contains(from);
    const consensus::Change change{consensus::Change::Kind::learner, from, rises, life};
    driver_->change({change}, [this, from](const consensus::ChangeAnswer& answer) {
      if (answer.result == consensus::ChangeResult::accepted) {
        const std::lock_guard lock(mutex_);
        rejoined_[from] = std::chrono::steady_clock::now();
      }
      log_info("rejoins", {{"node", consortium_.nodes[from.value - 1].name},
                           {"answer", answer.result == consensus::ChangeResult::accepted ? "ok" : answer.why}});
    });
  });
}

/// One that begins a life after the other would leave no room for any other change.
bool Operators::rejoined_lately(consensus::NodeId node) {
  const std::lock_guard lock(mutex_);
  const auto at = rejoined_.find(node);
  return at != rejoined_.end() && std::chrono::steady_clock::now() - at->second < kRejoinAgain;
}

void Operators::answer_here(const Question& question, Answer answer) {
  switch (question.kind_case()) {
    case Question::kStatus:
      return driver_->inspect(
          [this, answer = std::move(answer)](const consensus::Core& core) { answer(status(core)); });
    case Question::kTransfer: return transfer(question.transfer().to(), std::move(answer));
    case Question::kChange: {
      const ChangeRequest& request = question.change();
      const auto node = id_of(request.node());
      if (!node) return answer(answer_of("unknown_node", "the consortium record names no node " + request.node()));
      const bool rises = !request.stay_learner() && configuration_of(consortium_).voters.nodes.contains(*node);
      using Kind = consensus::Change::Kind;
      switch (request.kind()) {
        case ChangeRequest::KIND_ADD: {
          driver_->inspect([this, node = *node, rises, answer = std::move(answer)](const consensus::Core& core) {
            // It would take a voter's vote.
            if (core.configuration().is_voter(node)) return answer(answer_of("nothing", "it is a voter already"));
            change({{Kind::learner, node, rises}}, answer);
          });
          return;
        }
        case ChangeRequest::KIND_PROMOTE: {
          driver_->inspect([this, node = *node, answer = std::move(answer)](const consensus::Core& core) {
            if (!core.configuration().is_member(node))
              return answer(answer_of("refused", "it takes no part: add it first"));
            if (core.configuration().voters.nodes.contains(node))
              return answer(answer_of("nothing", "it is a voter already"));
            if (std::string why = objection(consortium_, core.configuration()); !why.empty())
              return answer(answer_of("refused", std::move(why)));
            // It rises by itself, as soon as it is level.
            change({{Kind::learner, node, /*rising=*/true}}, answer);
          });
          return;
        }
        case ChangeRequest::KIND_REMOVE: return change({{Kind::remove, *node}}, std::move(answer));
        default: break;
      }
      break;
    }
    case Question::KIND_NOT_SET: break;
  }
  answer(answer_of("refused", "a question that this node does not know"));
}

void Operators::transfer(const std::string& to, Answer answer) {
  std::optional<consensus::NodeId> node;
  if (!to.empty()) {
    node = id_of(to);
    if (!node) return answer(answer_of("unknown_node", "the consortium record names no node " + to));
  }
  driver_->transfer(node, [answer = std::move(answer)](consensus::TransferResult result) {
    switch (result) {
      case consensus::TransferResult::accepted: return answer(answer_of("ok", "it has begun"));
      case consensus::TransferResult::not_leader: return answer(no_leader());
      case consensus::TransferResult::no_voter:
        return answer(answer_of("no_voter", "no voter that is heard now; who is, status shows"));
      case consensus::TransferResult::already: return answer(answer_of("nothing", "it leads already"));
    }
  });
}

void Operators::change(std::vector<consensus::Change> changes, Answer answer) {
  driver_->change(std::move(changes), [this, answer = std::move(answer)](const consensus::ChangeAnswer& changed) {
    // Leadership goes first; the next leader takes the question.
    if (changed.result == consensus::ChangeResult::leader) driver_->transfer(std::nullopt, [](auto) {});
    answer(reply_to(changed));
  });
}

Reply Operators::status(const consensus::Core& core) const {
  Reply reply;
  auto& out = *reply.mutable_status();
  const auto name = [&](consensus::NodeId id) { return consortium_.nodes.at(id.value - 1).name; };
  out.set_answered_by(name(core.self()));
  if (core.leader()) out.set_leader(name(*core.leader()));
  out.set_term(core.term().value);
  out.set_last_index(core.log().last().index.value);
  out.set_committed_index(core.committed().value);
  const consensus::Configuration& members = core.configuration();
  out.set_configuration_index(core.configuration_index().value);
  out.set_changing(core.is_changing());
  out.set_threshold(static_cast<std::uint32_t>(members.voters.threshold));
  out.set_outgoing_threshold(static_cast<std::uint32_t>(members.outgoing.threshold));
  if (const auto to = core.transferee()) out.set_transferee(name(*to));
  std::map<consensus::NodeId, consensus::PeerProgress> progress;
  for (const consensus::PeerProgress& peer : core.progress()) progress[peer.peer] = peer;
  for (std::size_t i = 0; i < consortium_.nodes.size(); ++i) {
    const consensus::NodeId id = id_at(i);
    auto& member = *out.add_members();
    member.set_name(consortium_.nodes[i].name);
    member.set_institution(consortium_.nodes[i].institution);
    member.set_role(std::string(role_of(members, id)));
    member.set_rising(members.rising.contains(id));
    member.set_recorded_role(consortium_.nodes[i].role == NodeRole::voter ? "voter" : "learner");
    if (id == core.self()) {
      member.set_match(core.log().synced().index.value);
      member.set_active(true);
    } else if (const auto at = progress.find(id); at != progress.end()) {
      member.set_state(std::string(node::name(at->second.state)));
      member.set_match(at->second.match.value);
      member.set_active(at->second.active);
      member.set_refuses(at->second.refused);
    }
  }
  return reply;
}

}  // namespace testamur::node
