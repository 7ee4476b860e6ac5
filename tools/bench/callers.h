// The calls that are measured.
#pragma once

#include <grpcpp/grpcpp.h>

#include <optional>
#include <random>

#include "closed_loop.h"
#include "target.h"
#include "testamur/ledger/statement.h"

namespace testamur::bench {

/// Issues one batch after another in a register of its own; each statement is made and signed within its call.
class StatementCaller final : public Caller {
 public:
  struct Wish {
    std::uint32_t entries = 1;  ///< of each statement
    bool listed = false;
    v1::Wait wait = v1::WAIT_COMMITTED;
    bool impatient = false;  ///< comes back at once when it is told to come later
  };
  StatementCaller(const std::string& address, const Target& target, const LoadRegister& in, Wish wish,
                  std::uint64_t seed);

  void call(grpc::CompletionQueue& queue, void* tag) override;
  Step on_event(grpc::CompletionQueue& queue, void* tag, bool ok) override;
  void cancel() override { context_->TryCancel(); }

  const LoadRegister& in() const { return in_; }
  /// How many entries the register had, and how many it has at least by the answers. One more statement may be under way.
  std::uint64_t first() const { return first_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  bool learn_number();
  void make_statement();
  Step answered();

  const std::unique_ptr<v1::Ledger::Stub> stub_;
  const Target& target_;
  const LoadRegister& in_;
  const Wish wish_;
  std::mt19937_64 random_;
  std::optional<EntryNumber> next_;
  std::uint64_t first_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool in_hand_ = false;  ///< a statement whose fate is open: the same bytes again
  v1::SubmitRequest request_;
  v1::Outcome outcome_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::Outcome>> reader_;
};

/// Asks for the full proof of an entry drawn at random, and verifies it.
class ProofCaller final : public Caller {
 public:
  /// Registers with entries, and how many each has.
  struct Issued {
    const LoadRegister* in = nullptr;
    std::uint64_t count = 0;
  };
  ProofCaller(const std::string& address, const Target& target, const std::vector<Issued>& issued, std::uint64_t seed);

  void call(grpc::CompletionQueue& queue, void* tag) override;
  Step on_event(grpc::CompletionQueue& queue, void* tag, bool ok) override;
  void cancel() override { context_->TryCancel(); }

 private:
  Step finished();

  enum class At : std::uint8_t { started, read, finished };
  const std::unique_ptr<v1::Ledger::Stub> stub_;
  const Target& target_;
  const std::vector<Issued>& issued_;
  std::mt19937_64 random_;
  At at_ = At::started;
  tool::EntryName entry_;
  v1::EntryProof answer_;
  std::string proof_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::EntryProof>> reader_;
};

/// The entries that each register has now. Errors: what the node said.
Result<std::vector<ProofCaller::Issued>> issued_in(const Target& target);

}  // namespace testamur::bench
