#include "test_service.h"

namespace testamur::test {
namespace {

grpc::Status to_status(const Error& error) {
  const auto code =
      error.code == ErrorCode::not_found ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::INVALID_ARGUMENT;
  return {code, error.message};
}

std::string bytes_of(ByteView bytes) { return std::string(as_text(bytes)); }

Handed handed_of(const v1::SubmitRequest& request) {
  const ByteView statement = as_bytes(request.signed_statement());
  Handed handed{Bytes(statement.begin(), statement.end()), {}};
  const ByteView listed = as_bytes(request.listed_commitments());
  for (std::size_t i = 0; i + 32 <= listed.size(); i += 32) {
    std::copy_n(listed.begin() + static_cast<std::ptrdiff_t>(i), 32, handed.listed.emplace_back().begin());
  }
  return handed;
}

}  // namespace

TestService::TestService(TestLedger& ledger) : ledger_(ledger) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(32 << 20);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

TestService::~TestService() { server_->Shutdown(std::chrono::system_clock::now()); }

void TestService::next_submissions(std::deque<Answer> answers) {
  const std::lock_guard lock(mutex_);
  answers_ = std::move(answers);
}

std::vector<std::string> TestService::handed_in() const {
  const std::lock_guard lock(mutex_);
  return handed_in_;
}

v1::Outcome TestService::take(const v1::SubmitRequest& request) {
  // Five seconds a block, so that the tool's clock, two seconds after the last block, is before the next.
  const auto applied = ledger_.apply({handed_of(request)}, 5000);
  ledger_.certify();
  v1::Outcome outcome;
  outcome.set_stage(v1::STAGE_CERTIFIED);
  outcome.set_code(std::string(name(applied.outcomes[0].code)));
  outcome.set_leaf_index(applied.outcomes[0].leaf.value);
  outcome.set_recorded_at(applied.record.time.value);
  if (applied.outcomes[0].code == Acceptance::ok) return outcome;
  // The same bytes again get the same answer, as from any node.
  if (const auto placed = value_of(ledger_.ledger().find_statement(as_bytes(request.signed_statement())))) {
    outcome.set_code("ok");
    outcome.set_leaf_index(placed->leaf.value);
    outcome.set_recorded_at(placed->recorded_at.value);
  }
  return outcome;
}

grpc::Status TestService::Submit(grpc::ServerContext*, const v1::SubmitRequest* request, v1::Outcome* outcome) {
  const std::lock_guard lock(mutex_);
  handed_in_.push_back(request->signed_statement());
  if (!answers_.empty()) {
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    const auto given = answer ? answer(*request) : std::nullopt;
    if (given && given->stage() == v1::STAGE_UNSPECIFIED) return {grpc::StatusCode::UNAVAILABLE, "stopping"};
    if (given) {
      *outcome = *given;
      return grpc::Status::OK;
    }
  }
  *outcome = take(*request);
  return grpc::Status::OK;
}

grpc::Status TestService::GetRegister(grpc::ServerContext*, const v1::GetRegisterRequest* request,
                                      v1::Register* answer) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < ledger_.ledger().head().registry_size; ++i) {
    const Bytes bytes = value_of(ledger_.ledger().record(i));
    const Record record = value_of(decode_record(bytes));
    const auto* institution = std::get_if<InstitutionRecord>(&record);
    const auto* reg = std::get_if<RegisterRecord>(&record);
    if (institution != nullptr && institution->id == request->institution()) {
      answer->set_institution_record(bytes_of(bytes));
    }
    if (reg != nullptr && reg->institution == request->institution() && reg->name == request->register_()) {
      answer->set_record(bytes_of(bytes));
    }
  }
  if (answer->record().empty()) return {grpc::StatusCode::NOT_FOUND, "register: expected one of this ledger"};
  return grpc::Status::OK;
}

grpc::Status TestService::FindListed(grpc::ServerContext*, const v1::FindListedRequest* request,
                                     v1::FindListedResponse* answer) {
  const std::lock_guard lock(mutex_);
  Hash commitment{};
  if (request->commitment().size() != commitment.size()) return {grpc::StatusCode::INVALID_ARGUMENT, "commitment"};
  std::copy(request->commitment().begin(), request->commitment().end(), commitment.begin());
  const auto page = ledger_.history()->find_listed(commitment);
  if (!page) return to_status(page.error());
  for (const auto& entry : page->entries) {
    auto& place = *answer->add_entries();
    place.set_institution(entry.institution);
    place.set_register_(entry.register_name);
    place.set_number(entry.number.value);
  }
  return grpc::Status::OK;
}

grpc::Status TestService::GetProofs(grpc::ServerContext*, const v1::GetProofsRequest* request,
                                    grpc::ServerWriter<v1::EntryProof>* out) {
  if (asked) asked();
  const std::lock_guard lock(mutex_);
  const auto history = ledger_.history();
  for (std::uint64_t i = 0; i < std::max<std::uint32_t>(1, request->count()); ++i) {
    const EntryNumber number{request->first() + i * std::max<std::uint32_t>(1, request->step())};
    auto proof = history->prove({request->institution(), request->register_(), number,
                                 request->has_at() ? std::optional(Time{request->at()}) : std::nullopt,
                                 !request->light(), request->with_document()});
    if (!proof) return to_status(proof.error());
    if (tamper) tamper(number, *proof);
    v1::EntryProof message;
    message.set_number(number.value);
    message.set_proof(bytes_of(encode(*proof)));
    ++proofs_sent_;
    if (!out->Write(message)) break;
  }
  return grpc::Status::OK;
}

grpc::Status TestService::GetNode(grpc::ServerContext*, const v1::GetNodeRequest*, v1::NodeStatus* status) {
  const std::lock_guard lock(mutex_);
  status->set_name("node.university-0.example");
  status->set_role("leader");
  status->set_height(ledger_.ledger().head().height.value);
  return grpc::Status::OK;
}

}  // namespace testamur::test
