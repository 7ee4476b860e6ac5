#include "testamur/node/proof_calls.h"

#include <algorithm>

#include "service_answers.h"

namespace testamur::node {
namespace {

namespace v1 = testamur::v1;

constexpr std::uint32_t kMaxProofs = 1u << 20;
constexpr std::uint32_t kMaxStep = 1u << 20;

grpc::Status wrong(const char* why) { return {grpc::StatusCode::INVALID_ARGUMENT, why}; }

store::ProofRequest first_of(const v1::GetProofsRequest& request) {
  store::ProofRequest wanted;
  wanted.institution = request.institution();
  wanted.register_name = request.register_();
  wanted.number = EntryNumber{request.first()};
  if (request.has_at()) wanted.at = Time{request.at()};
  wanted.full = !request.light();
  wanted.with_document = request.with_document();
  return wanted;
}

}  // namespace

class ProofCalls::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(ProofCalls& all, Lane& lane) : all_(all), lane_(lane), writer_(&context_) {}

  static void listen(ProofCalls& all, Lane& lane) {
    const auto call = std::make_shared<Call>(all, lane);
    call->active_.emplace(lane.all());
    all.service_.RequestGetProofs(&call->context_, &call->request_, &call->writer_, lane.queue(), lane.queue(),
                                  call->begun_.begin(call));
  }

 private:
  void begun(bool ok) {
    if (!ok) return;  // the server shuts down
    listen(all_, lane_);
    left_ = std::max(request_.count(), 1u);
    step_ = std::max(request_.step(), 1u);
    if (step_ > kMaxStep) return finish(wrong("step: expected at most 1,048,576"));
    if (left_ > kMaxProofs || request_.first() + left_ * step_ < left_ * step_) {
      return finish(wrong("count: expected at most 1,048,576 numbers below 2^64"));
    }
    if (!(place_ = all_.room_.enter())) return finish(too_many());
    wanted_ = first_of(request_);
    take_turn();
  }
  void take_turn() {
    lane_.take_turn([call = shared_from_this()] { call->make_proof(); });
  }
  void make_proof() {
    // All proofs of a call are under one head.
    if (!ledger_) {
      auto ledger = all_.histories_.borrow();
      if (!ledger) return finish(not_open(ledger.error()));
      ledger_ = std::move(*ledger);
    } else if (all_.stopping_) {
      return finish(stops());
    }
    const auto proof = ledger_->history->prove(wanted_);
    if (!proof) return finish(status_of(proof.error()));
    v1::EntryProof out;
    out.set_number(wanted_.number.value);
    out.set_proof(text_of(encode(*proof)));
    wanted_.number.value += step_;
    if (--left_ > 0) return writer_.Write(out, written_.begin(shared_from_this()));
    ledger_.reset();  // so that the next call has it
    writer_.WriteAndFinish(out, {}, grpc::Status::OK, finished_.begin(shared_from_this()));
  }
  void written(bool ok) { ok ? take_turn() : finish(grpc::Status::CANCELLED); }
  void finish(const grpc::Status& status) { writer_.Finish(status, finished_.begin(shared_from_this())); }

  ProofCalls& all_;
  Lane& lane_;
  std::optional<Lanes::Active> active_;  // goes when all below has gone
  grpc::ServerContext context_;
  v1::GetProofsRequest request_;
  grpc::ServerAsyncWriter<v1::EntryProof> writer_;
  Room::Place place_;
  OpenHistories::Loan ledger_;
  store::ProofRequest wanted_;
  std::uint64_t left_ = 0;
  std::uint64_t step_ = 1;
  Operation begun_{[this](bool ok) { begun(ok); }};
  Operation written_{[this](bool ok) { written(ok); }};
  Operation finished_{[](bool) {}};
};

void ProofCalls::listen(Lane& lane) { Call::listen(*this, lane); }

}  // namespace testamur::node
