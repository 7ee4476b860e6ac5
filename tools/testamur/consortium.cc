#include "consortium.h"

#include <algorithm>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/merkle.h"
#include "testamur/ledger/policy.h"

namespace testamur::tool {
namespace {

const ConsortiumRecord& consortium_of(const Genesis& genesis) {
  return std::get<ConsortiumRecord>(genesis.records.front());
}

InstitutionRecord institution_of(const Card& card, Time created) {
  InstitutionRecord record;
  record.id = card.institution;
  record.display_name = card.display_name;
  for (const auto& key : card.keys) record.keys.push_back({key.key, key.uses, created, {}});
  // The order in a card is the person's who made it; on the ledger it says nothing.
  std::sort(record.keys.begin(), record.keys.end(),
            [](const Key& a, const Key& b) { return a.public_key < b.public_key; });
  return record;
}

RegisterRecord register_of(const Card& card, const Card::Register& reg) {
  RegisterRecord record;
  record.institution = card.institution;
  record.name = reg.name;
  record.approvals = reg.approvals;
  record.status_root = record.batches_root = record.events_root = merkle::empty_root();
  return record;
}

}  // namespace

Result<Genesis> found(const Founding& founding, std::vector<Card> cards) {
  if (!is_network_name(founding.origin)) {
    return Error{
        ErrorCode::invalid,
        "origin: expected 1 to 255 of a-z 0-9 . : / -, such as testamur.example/pt, found \"" + founding.origin + "\""};
  }
  std::sort(cards.begin(), cards.end(), [](const Card& a, const Card& b) { return a.institution < b.institution; });
  ConsortiumRecord consortium;
  consortium.origin = founding.origin;
  for (const Card& card : cards) {
    if (!card.node) continue;
    const auto& node = *card.node;
    consortium.nodes.push_back(
        {node.name, card.institution, NodeRole::voter, node.note_key, node.cosigner_key, node.tls_spki, node.address});
  }
  const auto count = static_cast<unsigned>(consortium.nodes.size());
  if (count == 0) return Error{ErrorCode::invalid, "cards: expected one at least that brings a node"};
  consortium.threshold = founding.threshold.value_or(static_cast<std::uint8_t>(byzantine_quorum(count)));
  Genesis genesis{founding.created, {}};
  genesis.records.emplace_back(std::move(consortium));
  for (const Card& card : cards) genesis.records.emplace_back(institution_of(card, founding.created));
  for (const Card& card : cards) {
    auto registers = card.registers;
    std::sort(registers.begin(), registers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& reg : registers) genesis.records.emplace_back(register_of(card, reg));
  }
  // The node's own decoder has the last word on what a genesis may hold.
  return decode_genesis(encode(genesis));
}

std::string policy_file(const Genesis& genesis) {
  return encode(policy_of(consortium_of(genesis), ledger_id(encode(genesis))));
}

std::string tlog_policy_file(const Genesis& genesis) {
  return tlog_policy(consortium_of(genesis), ledger_id(encode(genesis)));
}

}  // namespace testamur::tool
