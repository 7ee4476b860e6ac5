#include "test_ledger.h"

namespace testamur::test {

using store::Ledger;

TestLedger::TestLedger(World world, storage::RocksOptions options)
    : world_(std::move(world)), options_(options), scratch_(std::in_place), directory_(scratch_->path() + "/ledger") {
  store_ = value_of(storage::open_rocks(directory_, true, options_));
  ledger_ = value_of(Ledger::create(store_, world_.genesis_bytes()));
}

TestLedger::TestLedger(World world, std::string directory, storage::RocksOptions options)
    : world_(std::move(world)), options_(options), directory_(std::move(directory)) {
  store_ = value_of(storage::open_rocks(directory_, true, options_));
  auto opened = Ledger::open(store_);
  const bool fresh = !opened && opened.error().code == ErrorCode::not_found;
  ledger_ = value_of(fresh ? Ledger::create(store_, world_.genesis_bytes()) : std::move(opened));
}

void TestLedger::close() {
  ledger_.reset();
  store_.reset();
}

void TestLedger::reopen() {
  close();
  store_ = value_of(storage::open_rocks(directory_, false, options_));
  ledger_ = value_of(Ledger::open(store_));
}

store::Applied TestLedger::apply(const std::vector<Handed>& handed, std::uint64_t step_ms) {
  now_.value = ledger_->head().time.value + step_ms;
  Payload payload{now_, {}};
  for (const Handed& h : handed) payload.submissions.push_back(h.view());
  return value_of(ledger_->apply(store::LogIndex{ledger_->head().applied.value + 1}, payload));
}

LeafIndex TestLedger::accept(const Handed& handed) {
  const auto applied = apply({handed});
  if (applied.outcomes[0].code != Acceptance::ok) {
    throw std::runtime_error("expected acceptance, found " + std::string(name(applied.outcomes[0].code)));
  }
  return applied.outcomes[0].leaf;
}

LeafIndex TestLedger::issue(unsigned institution, std::string_view name, const Class& entries) {
  const Statement statement =
      world_.issue(institution, name, record(institution, name).issued,
                   static_cast<std::uint32_t>(entries.commitments.size()), entries.root, entries.listed, now_);
  return accept({world_.sign(institution, statement), entries.listed ? entries.commitments : std::vector<Hash>{}});
}

LeafIndex TestLedger::amend(unsigned institution, std::string_view name, std::vector<Change> changes) {
  const Statement statement =
      world_.amend(institution, name, record(institution, name).events, std::move(changes), now_);
  return accept({world_.sign(institution, statement), {}});
}

RegisterRecord TestLedger::record(unsigned institution, std::string_view name) {
  for (std::uint32_t i = 0; i < ledger_->head().registry_size; ++i) {
    const Record record = value_of(decode_record(value_of(ledger_->record(i))));
    const auto* found = std::get_if<RegisterRecord>(&record);
    if (found != nullptr && found->institution == World::institution_id(institution) && found->name == name) {
      return *found;
    }
  }
  throw std::runtime_error("no such register: " + std::string(name));
}

CertifiedCheckpoint TestLedger::certify(std::uint64_t after_ms) {
  const auto certified = world_.certify(ledger_->checkpoint(), (ledger_->head().time.value + after_ms) / 1000);
  value_of(ledger_->certify(certified));
  return certified;
}

std::unique_ptr<store::History> TestLedger::history() const { return value_of(store::History::open(store_)); }

}  // namespace testamur::test
