#include "callers.h"

#include "answer.h"
#include "signers.h"
#include "testamur/ledger/merkle.h"

namespace testamur::bench {
namespace {

constexpr std::uint32_t kRetryMs = 100;
constexpr std::chrono::seconds kDeadline{65};

Time now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return Time{static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count())};
}

Hash random_hash(std::mt19937_64& random) {
  Hash out;
  for (std::size_t i = 0; i < out.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(out.data() + i, &word, sizeof word);
  }
  return out;
}

/// Not now; or something that should not be.
Step step_of(const grpc::Status& status) {
  const bool busy = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
  return {busy ? Step::Kind::again : Step::Kind::failed, kRetryMs, status.error_message()};
}

}  // namespace

StatementCaller::StatementCaller(const std::string& address, const Target& target, const LoadRegister& in, Wish wish,
                                 std::uint64_t seed)
    : stub_(v1::Ledger::NewStub(open_channel(address))), target_(target), in_(in), wish_(wish), random_(seed) {}

/// Once, and when a number turns out to be taken.
bool StatementCaller::learn_number() {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  v1::GetRegisterRequest request;
  request.set_institution(in_.name.institution);
  request.set_register_(in_.name.name);
  v1::Register answer;
  if (!stub_->GetRegister(&context, request, &answer).ok()) return false;
  const auto record = decode_record(as_bytes(answer.record()));
  const auto* found = record ? std::get_if<RegisterRecord>(&*record) : nullptr;
  if (found == nullptr) return false;
  next_ = EntryNumber{found->issued};
  if (acknowledged_ == 0) first_ = found->issued;
  return true;
}

void StatementCaller::make_statement() {
  std::string& listed = *request_.mutable_listed_commitments();
  listed.clear();
  merkle::CompactRange tree;
  for (std::uint32_t i = 0; i < wish_.entries; ++i) {
    const Hash commitment = random_hash(random_);
    tree.append(merkle::leaf_hash(commitment));
    if (wish_.listed) listed += as_text(commitment);
  }
  const IssueBody body{in_.name.name, *next_, wish_.entries, tree.root(), wish_.listed};
  const Statement statement{target_.policy.ledger, in_.name.institution, now(), body};
  request_.set_signed_statement(std::string(as_text(encode(sign_statement(statement, std::span(&in_.key, 1))))));
  request_.set_wait(wish_.wait);
  in_hand_ = true;
}

void StatementCaller::call(grpc::CompletionQueue& queue, void* tag) {
  // Without a number the call goes out all the same, as what it is by then: refused, and counted.
  if (!next_ && !learn_number()) next_ = EntryNumber{0};
  if (!in_hand_) make_statement();
  reader_.reset();  // lives in what the context holds
  context_.emplace();
  context_->set_wait_for_ready(true);
  context_->set_deadline(std::chrono::system_clock::now() + kDeadline);
  reader_ = stub_->AsyncSubmit(&*context_, request_, &queue);
  reader_->Finish(&outcome_, &status_, tag);
}

Step StatementCaller::on_event(grpc::CompletionQueue&, void*, bool) {
  return status_.ok() ? answered() : step_of(status_);
}

Step StatementCaller::answered() {
  const bool reached = outcome_.stage() == v1::STAGE_CERTIFIED ||
                       (outcome_.stage() == v1::STAGE_COMMITTED && wish_.wait == v1::WAIT_COMMITTED);
  if (reached && outcome_.code() == "ok") {
    in_hand_ = false;
    next_ = EntryNumber{next_->value + wish_.entries};
    acknowledged_ += wish_.entries;
    return {Step::Kind::done, 0, {}};
  }
  if (reached || outcome_.stage() == v1::STAGE_NOT_TAKEN) {
    in_hand_ = false;
    next_.reset();
    return {Step::Kind::failed, kRetryMs, outcome_.code()};
  }
  if (outcome_.stage() == v1::STAGE_BUSY) {
    return {Step::Kind::again, wish_.impatient ? 1 : std::max<std::uint32_t>(outcome_.retry_after_ms(), 1), {}};
  }
  return {Step::Kind::failed, kRetryMs, v1::Stage_Name(outcome_.stage())};
}

ProofCaller::ProofCaller(const std::string& address, const Target& target, const std::vector<Issued>& issued,
                         std::uint64_t seed)
    : stub_(v1::Ledger::NewStub(open_channel(address))), target_(target), issued_(issued), random_(seed) {}

void ProofCaller::call(grpc::CompletionQueue& queue, void* tag) {
  const Issued& from = issued_[random_() % issued_.size()];
  entry_ = {from.in->name, EntryNumber{random_() % from.count}};
  v1::GetProofsRequest request;
  request.set_institution(entry_.in.institution);
  request.set_register_(entry_.in.name);
  request.set_first(entry_.number.value);
  reader_.reset();  // lives in what the context holds
  context_.emplace();
  context_->set_wait_for_ready(true);
  context_->set_deadline(std::chrono::system_clock::now() + kDeadline);
  at_ = At::started;
  proof_.clear();
  reader_ = stub_->AsyncGetProofs(&*context_, request, &queue, tag);
}

Step ProofCaller::on_event(grpc::CompletionQueue&, void* tag, bool ok) {
  if (at_ == At::finished) return finished();
  if (at_ == At::read && ok) proof_ = std::move(*answer_.mutable_proof());
  if (ok) {
    at_ = At::read;
    reader_->Read(&answer_, tag);
  } else {
    at_ = At::finished;
    reader_->Finish(&status_, tag);
  }
  return {};
}

Step ProofCaller::finished() {
  if (!status_.ok()) return step_of(status_);
  tool::Asked asked;
  asked.entry = entry_;
  asked.now = now();
  const tool::Answer answer = tool::check(as_bytes(proof_), target_.policy, asked);
  if (answer.exit == tool::kGood) return {Step::Kind::done, 0, {}};
  return {Step::Kind::failed, kRetryMs, "a proof that shows: " + tool::headline(answer)};
}

Result<std::vector<ProofCaller::Issued>> issued_in(const Target& target) {
  tool::NodeClient node(target.nodes);
  std::vector<ProofCaller::Issued> out;
  for (const LoadRegister& in : target.registers) {
    const auto now = tool::ask_register(node, in.name);
    if (!now) return Error{ErrorCode::storage, now.failure.message};
    if (now->record.issued > 0) out.push_back({&in, now->record.issued});
  }
  if (out.empty()) return Error{ErrorCode::not_found, "no register has an entry to look up; --preload issues some"};
  return out;
}

}  // namespace testamur::bench
