// Records: what holds now (FORMATS 3). Each keeps its index in the registry for ever; index 0 is the consortium record.
#pragma once

#include <variant>

#include "testamur/encoding/encoding.h"
#include "testamur/ledger/ed25519.h"

namespace testamur {

enum class NodeRole : std::uint8_t { voter = 1, learner = 2 };

struct Node {
  std::string name;
  std::string institution;
  NodeRole role = NodeRole::voter;
  PublicKey note_key{};      ///< type 1: signs plain notes under the ledger's origin line
  PublicKey cosigner_key{};  ///< type 4: cosigns checkpoints under the node's name
  Hash tls_spki{};           ///< H(SubjectPublicKeyInfo) of the node's TLS key
  std::string address;       ///< host:port that peers call
  bool operator==(const Node&) const = default;
};

struct ConsortiumRecord {
  std::string origin;
  std::uint32_t revision = 0;  ///< also called the epoch
  std::uint8_t threshold = 0;
  std::vector<Node> nodes;
  bool operator==(const ConsortiumRecord&) const = default;
};

enum KeyUse : std::uint8_t { kUseIssue = 1, kUseAmend = 2, kUseGovern = 4 };

struct Key {
  PublicKey public_key{};
  std::uint8_t uses = 0;  ///< KeyUse, or'ed
  Time added_at;
  Time invalid_from;  ///< 0: still valid
  bool operator==(const Key&) const = default;

  bool valid_for(KeyUse use, Time at) const {
    return (uses & use) != 0 && added_at <= at && (invalid_from.value == 0 || invalid_from > at);
  }
};

enum class InstitutionState : std::uint8_t { active = 1, suspended = 2, closed = 3 };

struct InstitutionRecord {
  std::string id;
  std::uint32_t revision = 0;
  std::string display_name;
  InstitutionState state = InstitutionState::active;
  std::string successor;  ///< empty: none
  std::vector<Key> keys;
  bool operator==(const InstitutionRecord&) const = default;
};

struct RegisterRecord {
  std::string institution;
  std::string name;
  std::uint32_t revision = 0;
  std::uint8_t approvals = 1;
  std::uint64_t issued = 0;
  Hash status_root{};
  std::uint64_t batches = 0;
  Hash batches_root{};
  std::uint64_t events = 0;
  Hash events_root{};
  bool operator==(const RegisterRecord&) const = default;
};

using Record = std::variant<ConsortiumRecord, InstitutionRecord, RegisterRecord>;

Bytes encode(const ConsortiumRecord& record);
Bytes encode(const InstitutionRecord& record);
Bytes encode(const RegisterRecord& record);
Bytes encode(const Record& record);
Result<Record> decode_record(ByteView bytes);

/// H(algorithm || public_key), by which a signature names its key.
Hash key_id(const PublicKey& key);
/// The key of this institution with this id, or null.
const Key* find_key(const InstitutionRecord& institution, const Hash& id);

/// The voters, in the order of `nodes`.
std::vector<const Node*> voters(const ConsortiumRecord& record);
/// floor((n + f) / 2) + 1 with f = floor((n - 1) / 3): the least threshold for n voters, n > 0.
unsigned byzantine_quorum(unsigned voters);
/// The rules of a consortium record that its encoding alone does not show: voters, threshold, one voter an institution.
Result<void> check_consortium(const ConsortiumRecord& record);

}  // namespace testamur
