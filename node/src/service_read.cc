// Answers from the certified ledger. Each call reads one moment of it.
#include <algorithm>
#include <future>
#include <thread>

#include "service_answers.h"
#include "testamur/node/service.h"

namespace testamur::node {
namespace {

using store::History;

constexpr std::uint32_t kMaxBlocks = 10'000;
constexpr std::uint32_t kMaxListed = 1000;
constexpr std::chrono::seconds kLongestFresh{10};
constexpr std::chrono::milliseconds kBeforeAskedAgain{50};
/// Whoever waits looks up so often, so that nobody holds up a stop.
constexpr std::chrono::milliseconds kBeforeLookingUp{500};

/// Answers from the certified ledger of now.
template <class Answer>
grpc::Status with_history(OpenHistories& histories, Answer&& answer) {
  const auto ledger = histories.borrow();
  return ledger ? answer(*(*ledger)->history) : not_open(ledger.error());
}

testamur::v1::Checkpoint checkpoint_of(const CertifiedHead& head) {
  testamur::v1::Checkpoint out;
  out.set_note(head.note);
  out.set_size(head.certified.checkpoint.size);
  out.set_height(head.height.value);
  out.set_seconds(head_seconds(head.certified));
  return out;
}

}  // namespace

LedgerService::LedgerService(OpenHistories& histories, Intake& intake, const Heads& heads, std::size_t max_long_calls,
                             std::function<testamur::v1::NodeStatus()> status, ReadIndex read_index)
    : histories_(histories),
      intake_(intake),
      heads_(heads),
      status_(std::move(status)),
      read_index_(std::move(read_index)),
      long_calls_(max_long_calls, 0) {}

grpc::Status LedgerService::GetLedger(grpc::ServerContext*, const testamur::v1::GetLedgerRequest*,
                                      testamur::v1::LedgerInfo* answer) {
  return with_history(histories_, [&](const History& history) {
    const auto genesis = history.genesis();
    if (!genesis) return status_of(genesis.error());
    const auto consortium = history.consortium_at(history.height());
    if (!consortium) return status_of(consortium.error());
    answer->set_genesis(text_of(*genesis));
    answer->set_origin_line(history.certified().checkpoint.origin);
    answer->set_consortium(text_of(encode(*consortium)));
    return grpc::Status::OK;
  });
}

grpc::Status LedgerService::GetRegister(grpc::ServerContext*, const testamur::v1::GetRegisterRequest* request,
                                        testamur::v1::Register* answer) {
  return with_history(histories_, [&](const History& history) {
    const auto record = history.register_at(request->institution(), request->register_(), history.height());
    if (!record) return status_of(record.error());
    const auto institution = history.institution_at(request->institution(), history.height());
    if (!institution) return status_of(institution.error());
    answer->set_record(text_of(encode(*record)));
    answer->set_institution_record(text_of(encode(*institution)));
    answer->set_height(history.height().value);
    return grpc::Status::OK;
  });
}

grpc::Status LedgerService::GetEntry(grpc::ServerContext*, const testamur::v1::GetEntryRequest* request,
                                     testamur::v1::Entry* answer) {
  return with_history(histories_, [&](const History& history) {
    const EntryNumber number{request->number()};
    const auto leaf = history.statement_of(request->institution(), request->register_(), number);
    if (!leaf) return status_of(leaf.error());
    const auto data = history.leaf(*leaf);
    if (!data) return status_of(data.error());
    const auto statuses =
        history.statuses_at(request->institution(), request->register_(), number, 1, history.height());
    if (!statuses) return status_of(statuses.error());
    answer->set_status(static_cast<std::uint32_t>(statuses->front().status));
    answer->set_statement_leaf(text_of(*data));
    answer->set_leaf_index(leaf->value);
    answer->set_height(history.height().value);
    return grpc::Status::OK;
  });
}

grpc::Status LedgerService::FindListed(grpc::ServerContext*, const testamur::v1::FindListedRequest* request,
                                       testamur::v1::FindListedResponse* answer) {
  const auto commitment = hash_of(request->commitment());
  if (!commitment) return expected_hash("commitment", request->commitment().size());
  if (request->limit() > kMaxListed) return {grpc::StatusCode::INVALID_ARGUMENT, "limit: expected at most 1,000"};
  constexpr std::size_t place_bytes = 12;  // as `next` of a page has them
  if (!request->after().empty() && request->after().size() != place_bytes) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "after: expected the `next` of a page"};
  }
  return with_history(histories_, [&](const History& history) {
    const std::size_t limit = request->limit() == 0 ? kMaxListed : request->limit();
    const auto page = history.find_listed(*commitment, limit, as_bytes(request->after()));
    if (!page) return status_of(page.error());
    for (const store::ListedEntry& entry : page->entries) {
      auto& place = *answer->add_entries();
      place.set_institution(entry.institution);
      place.set_register_(entry.register_name);
      place.set_number(entry.number.value);
    }
    answer->set_next(text_of(page->next));
    return grpc::Status::OK;
  });
}

grpc::Status LedgerService::fresh_checkpoint(grpc::ServerContext& context, testamur::v1::Checkpoint& answer) {
  const Room::Place place = long_calls_.enter();
  if (!place) return too_many();
  const auto until = std::chrono::steady_clock::now() + kLongestFresh;
  const auto goes_on = [&] { return !context.IsCancelled() && !stopping_ && std::chrono::steady_clock::now() < until; };
  const auto a_while = [&] { return std::min(until, std::chrono::steady_clock::now() + kBeforeLookingUp); };
  while (goes_on()) {
    const auto answered = std::make_shared<std::promise<std::optional<store::LogIndex>>>();
    auto index = answered->get_future();
    read_index_([answered](std::optional<store::LogIndex> at) { answered->set_value(at); });
    while (goes_on() && index.wait_until(a_while()) != std::future_status::ready) {
    }
    if (!goes_on()) break;
    if (const auto at = index.get()) {
      std::shared_ptr<const CertifiedHead> head;
      while (goes_on() && !head) head = heads_.covering(*at, a_while());
      if (!head) break;
      answer = checkpoint_of(*head);
      return grpc::Status::OK;
    }
    std::this_thread::sleep_for(kBeforeAskedAgain);  // nobody leads just now
  }
  return {grpc::StatusCode::UNAVAILABLE, "no quorum says now what is newest; try again in a moment"};
}

grpc::Status LedgerService::GetCheckpoint(grpc::ServerContext* context,
                                          const testamur::v1::GetCheckpointRequest* request,
                                          testamur::v1::Checkpoint* answer) {
  if (request->fresh()) return fresh_checkpoint(*context, *answer);
  const auto head = heads_.certified();
  if (!head) return {grpc::StatusCode::UNAVAILABLE, "nothing is certified on this node yet; try again in a moment"};
  *answer = checkpoint_of(*head);
  return grpc::Status::OK;
}

grpc::Status LedgerService::GetBlocks(grpc::ServerContext* context, const testamur::v1::GetBlocksRequest* request,
                                      grpc::ServerWriter<testamur::v1::Block>* stream) {
  const std::uint64_t count = std::max(request->count(), 1u);
  if (count > kMaxBlocks) return {grpc::StatusCode::INVALID_ARGUMENT, "count: expected at most 10,000 blocks"};
  const Room::Place place = long_calls_.enter();
  if (!place) return too_many();
  return with_history(histories_, [&](const History& history) {
    const std::uint64_t newest = history.height().value;
    if (request->first_height() > newest) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND,
                          "first_height: expected a height up to " + std::to_string(newest));
    }
    const std::uint64_t end = request->first_height() + std::min(count, newest - request->first_height() + 1);
    for (Height at{request->first_height()}; at.value < end && !context->IsCancelled() && !stopping_; ++at.value) {
      const auto leaves = history.block_leaves(at);
      if (!leaves) return status_of(leaves.error());
      testamur::v1::Block out;
      out.set_height(at.value);
      out.set_first_leaf(leaves->first.value);
      for (const Bytes& leaf : leaves->data) out.add_leaves(text_of(leaf));
      if (!stream->Write(out)) break;
    }
    // Else the blocks that are missing would seem not to be there.
    if (stopping_) return stops();
    return grpc::Status::OK;
  });
}

grpc::Status LedgerService::WatchHeads(grpc::ServerContext* context, const testamur::v1::WatchHeadsRequest*,
                                       grpc::ServerWriter<testamur::v1::Checkpoint>* stream) {
  const Room::Place place = long_calls_.enter();
  if (!place) return too_many();
  std::shared_ptr<const CertifiedHead> seen;
  while (!context->IsCancelled() && !stopping_) {
    const auto newest = heads_.next(seen, kBeforeLookingUp);
    if (newest == seen) continue;
    seen = newest;
    if (!stream->Write(checkpoint_of(*seen))) break;
  }
  return grpc::Status::OK;
}

grpc::Status LedgerService::GetNode(grpc::ServerContext*, const testamur::v1::GetNodeRequest*,
                                    testamur::v1::NodeStatus* answer) {
  *answer = status_();
  return grpc::Status::OK;
}

}  // namespace testamur::node
