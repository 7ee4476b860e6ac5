#include "disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "describe.h"
#include "invariants.h"
#include "power_loss_env.h"
#include "scratch.h"
#include "testamur/storage/rocks.h"

namespace testamur::consensus::scenarios {
namespace {

namespace fs = std::filesystem;
using simulation::Violation;

bool same(const Stored& a, const Stored& b) {
  // The hashes hold the payloads; a store checks them as it loads.
  const auto same_entry = [](const Entry& x, const Entry& y) { return x.id == y.id && x.previous == y.previous; };
  return a.state == b.state && a.base == b.base && a.claim == b.claim && a.floor == b.floor &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(), same_entry);
}

}  // namespace

struct Disk::Real {
  test::ScratchDirectory scratch;
  test::PowerLossEnv power;
  std::unique_ptr<LogStore> store;

  std::string directory() const { return scratch.path() + "/log"; }
  storage::RocksOptions options() const {
    storage::RocksOptions rocks;
    rocks.synced = true;
    rocks.env = power.env();
    return rocks;
  }
};

Disk::Disk(NodeId owner, Kind kind) : owner_{static_cast<std::uint8_t>(owner.value)} {
  if (kind == Kind::real) real_ = std::make_unique<Real>();
}
Disk::~Disk() = default;

std::unique_ptr<LogStore> Disk::open_promised() {
  auto opened = open_simulated_log_store(promised_, owner_);
  if (!opened) throw Violation(opened.error().message);
  return std::move(*opened);
}

Result<Stored> Disk::load(const EntryHash& hash) {
  if (!real_) {
    auto salvaged = promised_store_->salvage(hash);
    if (!salvaged) return salvaged.error();
    return std::move(salvaged->stored);
  }
  LogStoreOptions options;
  options.env = real_->power.env();
  auto opened = open_log_store(real_->directory(), owner_, options);
  if (!opened) return opened.error();
  real_->store = std::move(*opened);
  auto salvaged = real_->store->salvage(hash);
  if (!salvaged) return salvaged.error();
  return std::move(salvaged->stored);
}

/// What followed a damage comes back with what fills the hole, as it does in the real store.
void Disk::put_together(const EntryHash& hash) {
  if (!real_) return;  // it has been loaded
  if (const auto salvaged = promised_store_->salvage(hash); !salvaged) throw Violation(salvaged.error().message);
}

/// A log of which a part was damaged must begin as what was promised; the others mend it.
void Disk::take_salvaged(const Stored& loaded, const EntryHash& hash) {
  const Stored& promised = promised_.stored();
  const bool begins_alike = loaded.entries.size() <= promised.entries.size() &&
                            std::equal(loaded.entries.begin(), loaded.entries.end(), promised.entries.begin(),
                                       [](const Entry& a, const Entry& b) { return a.id == b.id; });
  if (loaded.state != promised.state || !begins_alike) {
    throw Violation("the damaged log store of node " + std::to_string(owner_[0]) + " made up something: it had " +
                    summary(promised) + ", and holds " + summary(loaded));
  }
  promised_store_.reset();
  promised_.replace(loaded);
  promised_store_ = open_promised();
  put_together(hash);
  damaged_ = false;
}

Result<Stored> Disk::start(const EntryHash& hash) {
  promised_store_ = open_promised();
  const Result<Stored> loaded = load(hash);
  if (!loaded) {
    close();
    return loaded.error();
  }
  if (damaged_) {
    take_salvaged(*loaded, hash);
    return loaded;
  }
  put_together(hash);
  const Stored before = promised_.stored();
  if (!perhaps_.empty() && !same(*loaded, before)) {
    if (const auto written = promised_store_->write(perhaps_, std::nullopt); !written)
      throw Violation(written.error().message);
    put_together(hash);
  }
  if (!same(*loaded, promised_.stored())) {
    throw Violation("the log store of node " + std::to_string(owner_[0]) + " has lost or made up something: it had " +
                    summary(before) + ", and holds " + summary(*loaded));
  }
  perhaps_.clear();
  return loaded;
}

Result<void> Disk::write(std::span<const Write> writes) {
  if (!real_) return promised_store_->write(writes, std::nullopt);
  const auto written = real_->store->write(writes, std::nullopt);
  if (!written) {
    perhaps_ = {writes.begin(), writes.end()};
    return written;
  }
  if (const auto promised = promised_store_->write(writes, std::nullopt); !promised)
    throw Violation("the log store took what it must refuse: " + promised.error().message);
  return {};
}

void Disk::close() {
  promised_store_.reset();
  if (real_) real_->store.reset();
}

void Disk::lose_power() {
  if (real_) {
    real_->power.cut_power();
    real_->store.reset();
    real_->power.drop_unsynced(test::PowerLossEnv::kLoseAll);
  }
  promised_.lose_power();
  promised_store_.reset();
}

void Disk::fail_next_write(bool kept) {
  if (real_) return real_->power.fail_next_sync();
  promised_.fail_next_write(kept ? simulation::SimulatedDisk::Afterwards::there
                                 : simulation::SimulatedDisk::Afterwards::not_there);
}

void Disk::fail_after(std::uint64_t operations) { real_->power.cut_power_after_own(operations); }

void Disk::damage_entry(Index index) {
  auto store = storage::open_rocks(real_->directory(), /*create=*/false, real_->options());
  if (!store) throw Violation(store.error().message);
  Bytes key = {'e'};
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(index.value >> shift));
  std::optional<Bytes> value = (*store)->view()->get(key);
  if (!value || value->empty()) throw Violation("no entry is stored at index " + std::to_string(index.value));
  value->back() ^= 1;
  storage::WriteSet writes;
  writes.put(key, *value);
  (*store)->write(writes);
  damaged_ = true;
}

void Disk::tear(std::uint64_t bytes) {
  fs::path newest;
  for (const auto& file : fs::directory_iterator(real_->directory())) {
    if (file.path().extension() == ".log" && file.file_size() >= bytes && file.path() > newest) newest = file.path();
  }
  if (newest.empty()) throw Violation("no write-ahead log is so long");
  fs::resize_file(newest, fs::file_size(newest) - bytes);
  damaged_ = true;
}

std::string summary(const Stored& stored) {
  std::string out = "term " + std::to_string(stored.state.term.value) + ", vote " +
                    (stored.state.vote ? std::to_string(stored.state.vote->value) : "none") + ", log";
  for (const Entry& entry : stored.entries) out += " " + std::to_string(entry.id.term.value) + ":" + text_of(entry);
  if (stored.floor) out += ", which ended at " + std::to_string(stored.floor->index.value);
  if (stored.claim) out += ", height " + std::to_string(stored.claim->height) + " claimed";
  return out;
}

}  // namespace testamur::consensus::scenarios
