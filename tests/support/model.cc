#include "model.h"

#include <algorithm>

#include "testamur/ledger/leaf.h"

namespace testamur::test {
namespace {

/// RFC 6962 2.1 as it stands there.
Hash mth(std::span<const Hash> leaves) {
  if (leaves.empty()) return merkle::empty_root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return merkle::node_hash(mth(leaves.first(k)), mth(leaves.subspan(k)));
}

Hash status_root(const std::vector<Status>& statuses) {
  std::vector<Hash> leaves;
  for (std::size_t first = 0; first < statuses.size(); first += kChunkEntries) {
    Chunk chunk{};
    for (std::size_t n = first; n < std::min(first + kChunkEntries, statuses.size()); ++n) {
      chunk[(n - first) / 4] =
          static_cast<std::uint8_t>(chunk[(n - first) / 4] | static_cast<unsigned>(statuses[n]) << (6 - 2 * (n % 4)));
    }
    leaves.push_back(merkle::leaf_hash(chunk));
  }
  return mth(leaves);
}

std::string key_of(const Statement& statement) {
  const auto* issue = std::get_if<IssueBody>(&statement.body);
  return statement.institution + "/" +
         (issue != nullptr ? issue->register_name : std::get<AmendBody>(statement.body).register_name);
}

}  // namespace

Model::Model(const World& world) : ledger_(world.ledger()) {
  for (std::uint32_t i = 0; i < world.genesis.records.size(); ++i) {
    const Record& record = world.genesis.records[i];
    registry_.push_back(merkle::leaf_hash(encode(record)));
    if (const auto* found = std::get_if<RegisterRecord>(&record)) {
      Register reg;
      reg.index = i;
      reg.record = *found;
      reg.versions[Height{0}] = *found;
      registers_[found->institution + "/" + found->name] = reg;
    }
  }
  BlockRecord genesis;
  genesis.time = world.genesis.created;
  genesis.previous = ledger_;
  genesis.registry_size = static_cast<std::uint32_t>(registry_.size());
  genesis.registry_root = mth(registry_);
  genesis.consortium = registry_[0];
  blocks_.push_back(genesis);
  leaves_.push_back(merkle::leaf_hash(encode(genesis)));
  block_start_ = 1;
}

Model::Register& Model::find(const Statement& statement) { return registers_.at(key_of(statement)); }

Acceptance Model::judge(const Statement& statement) const {
  const Register& reg = registers_.at(key_of(statement));
  if (const auto* issue = std::get_if<IssueBody>(&statement.body)) {
    return issue->first.value == reg.record.issued ? Acceptance::ok : Acceptance::wrong_first_number;
  }
  const auto& amend = std::get<AmendBody>(statement.body);
  if (amend.next_event != reg.record.events) return Acceptance::wrong_next_event;
  std::vector<Status> statuses = reg.statuses;
  for (const Change& change : amend.changes) {
    if (change.first.value + change.count > statuses.size()) return Acceptance::no_such_entry;
    for (std::uint64_t n = change.first.value; n < change.first.value + change.count; ++n) {
      const Status from = statuses[n];
      const bool may = (change.status == Status::good && from == Status::suspended) ||
                       (change.status == Status::suspended && from == Status::good) ||
                       (change.status > Status::suspended && from < Status::revoked);
      if (!may) return Acceptance::forbidden_transition;
      statuses[n] = change.status;
    }
  }
  return Acceptance::ok;
}

void Model::accept(const Statement& statement, const Bytes& signed_statement, Time block_time) {
  Register& reg = find(statement);
  const LeafIndex leaf{leaves_.size()};
  leaves_.push_back(merkle::leaf_hash(testamur::statement_leaf(block_time, signed_statement)));
  if (const auto* issue = std::get_if<IssueBody>(&statement.body)) {
    reg.batches.push_back(merkle::leaf_hash(encode(BatchEntry{leaf, issue->first, issue->count, issue->batch_root})));
    reg.statuses.resize(reg.statuses.size() + issue->count, Status::good);
  } else {
    for (const Change& change : std::get<AmendBody>(statement.body).changes) {
      const Event event{EventSequence{reg.events.size()}, leaf, block_time, change};
      reg.events.push_back(merkle::leaf_hash(encode(event)));
      reg.changes.push_back({Height{blocks_.size()}, change});
      for (std::uint64_t n = 0; n < change.count; ++n) reg.statuses[change.first.value + n] = change.status;
    }
  }
  reg.record.issued = reg.statuses.size();
  reg.record.batches = reg.batches.size();
  reg.record.events = reg.events.size();
  refresh(reg);
}

void Model::refresh(Register& reg) {
  reg.record.status_root = status_root(reg.statuses);
  reg.record.batches_root = mth(reg.batches);
  reg.record.events_root = mth(reg.events);
  registry_[reg.index] = merkle::leaf_hash(encode(reg.record));
  reg.versions[Height{blocks_.size()}] = reg.record;
}

BlockRecord Model::end_block(Time time) {
  BlockRecord record;
  record.height = Height{blocks_.size()};
  record.time = time;
  record.first_leaf = LeafIndex{block_start_};
  record.previous = merkle::leaf_hash(encode(blocks_.back()));
  record.registry_size = static_cast<std::uint32_t>(registry_.size());
  record.registry_root = mth(registry_);
  record.consortium = registry_[0];
  blocks_.push_back(record);
  leaves_.push_back(merkle::leaf_hash(encode(record)));
  block_start_ = leaves_.size();
  return record;
}

std::vector<std::string> Model::register_keys() const {
  std::vector<std::string> out;
  for (const auto& [key, reg] : registers_) out.push_back(key);
  return out;
}

const RegisterRecord& Model::record_at(const std::string& key, Height height) const {
  return std::prev(registers_.at(key).versions.upper_bound(height))->second;
}

Status Model::status_at(const std::string& key, std::uint64_t number, Height height) const {
  Status status = Status::good;
  for (const DatedChange& dated : registers_.at(key).changes) {
    if (dated.height <= height && dated.change.covers(EntryNumber{number})) status = dated.change.status;
  }
  return status;
}

Hash Model::root() const { return mth(leaves_); }
Hash Model::root_at(std::uint64_t size) const { return mth(std::span(leaves_).first(size)); }

void Model::rollback(Height height) {
  blocks_.resize(height.value + 1);
  for (auto& [key, reg] : registers_) {
    reg.versions.erase(reg.versions.upper_bound(height), reg.versions.end());
    reg.record = reg.versions.rbegin()->second;
    reg.batches.resize(reg.record.batches);
    reg.events.resize(reg.record.events);
    reg.changes.resize(reg.record.events);
    reg.statuses.assign(reg.record.issued, Status::good);
    for (const DatedChange& dated : reg.changes) {
      for (std::uint64_t n = 0; n < dated.change.count; ++n) {
        reg.statuses[dated.change.first.value + n] = dated.change.status;
      }
    }
    registry_[reg.index] = merkle::leaf_hash(encode(reg.record));
  }
  std::uint64_t size = leaves_.size();
  const Hash last = merkle::leaf_hash(encode(blocks_.back()));
  while (leaves_[size - 1] != last) --size;
  leaves_.resize(size);
  block_start_ = size;
}

}  // namespace testamur::test
