#include "ledger_state.h"

#include "invariants.h"
#include "power_loss_env.h"
#include "test_ledger.h"

namespace testamur::consensus::scenarios {
namespace {

using simulation::Violation;

const test::World& world() {
  static const test::World made({.institutions = 1, .registers = 1});
  return made;
}

}  // namespace

struct LedgerState::Disk {
  test::ScratchDirectory scratch;
  test::PowerLossEnv power;
  std::optional<test::TestLedger> open;
};

LedgerState::LedgerState() : disk_(std::make_unique<Disk>()) {}
LedgerState::~LedgerState() = default;

void LedgerState::open() {
  storage::RocksOptions options;
  options.env = disk_->power.env();
  try {
    disk_->open.emplace(world(), disk_->scratch.path() + "/ledger", options);
  } catch (const std::runtime_error& error) {
    throw Violation("the ledger does not open: " + std::string(error.what()));
  }
}

bool LedgerState::apply(const Entry& entry) {
  if (failed_) return false;
  // The time rises with the index, as it does with an honest leader's clock. What is not the owner's makes no block.
  testamur::Payload payload;
  if (entry.is_owners()) payload.time = Time{test::kCreated.value + 1000 * entry.id.index.value};
  const auto applied = disk_->open->ledger().apply(store::LogIndex{entry.id.index.value}, payload);
  if (!applied && applied.error().code != ErrorCode::storage) throw Violation(applied.error().message);
  failed_ = !applied;
  return !failed_;
}

Index LedgerState::applied() const { return Index{disk_->open->ledger().head().applied.value}; }
Digest LedgerState::head() const { return disk_->open->ledger().head().root; }

void LedgerState::fail_after(std::uint64_t operations) { disk_->power.cut_power_after_own(operations); }

void LedgerState::lose_power() {
  disk_->power.cut_power();
  disk_->open.reset();
  disk_->power.drop_unsynced(failed_ ? test::PowerLossEnv::kKeepAll : test::PowerLossEnv::kLoseAll);
  failed_ = false;
}

}  // namespace testamur::consensus::scenarios
