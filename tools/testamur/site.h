// A site: the directory in which an institution keeps its keys, its card, and the settings of its node.
#pragma once

#include "card.h"
#include "testamur/identity/secret.h"
#include "testamur/ledger/genesis.h"

namespace testamur::tool {

/// Names within a site's directory.
inline constexpr std::string_view kCardFile = "card.json";
inline constexpr std::string_view kNodeFile = "node.toml";
inline constexpr std::string_view kGenesisFile = "genesis";
inline constexpr std::string_view kPolicyFile = "policy";
/// The node's keys, which lie on the node's machine.
inline constexpr std::string_view kNodeKeys = "keys";
/// The operator's key and certificate, which lie where the operator works.
inline constexpr std::string_view kOperatorKey = "operator.pem";
inline constexpr std::string_view kOperatorCertificate = "operator.crt";
/// The keys of people, each of which moves to its owner's machine.
inline constexpr std::string_view kStatementKeys = "statement-keys";

struct KeyWish {
  std::string name;
  std::uint8_t uses = 0;
  identity::Passphrase passphrase{};  ///< that protects its file; empty: none
};
/// "registrar:issue,amend".
Result<KeyWish> parse_key_wish(std::string_view text);
/// "diplomas" or "diplomas:2".
Result<Card::Register> parse_register_wish(std::string_view text);

struct SiteWish {
  std::string institution;
  std::string display_name;
  std::vector<Card::Register> registers;
  std::vector<KeyWish> keys;
  std::string node;  ///< empty: no node
  std::string peer_address;
  std::string public_address;
};

/// What make_site checks before it makes anything.
Result<void> check_site(const SiteWish& wish, const std::string& directory);
/// Where a person's key is made.
std::string key_path(const std::string& directory, const KeyWish& key);
/// Makes all keys and the card in a new site. Errors: conflict when the directory holds a site, invalid, storage.
Result<Card> make_site(const SiteWish& wish, const std::string& directory);

struct NodeWish {
  std::string data = "data";
  std::string peer_listen;        ///< empty: the address peers call
  std::string public_listen;      ///< empty: the card's public address
  std::string operator_listen{};  ///< empty: the node answers no operators
  std::string metrics_listen{};   ///< empty: no metrics
};

/// The place of this site's keys in a genesis. Errors: not_found, and says which key is not there.
Result<Node> find_site(const Genesis& genesis, const std::string& directory);
/// Checks the site against the genesis, copies it, and writes the policy and node.toml. Again with the same wishes is harmless.
Result<Node> make_node(const NodeWish& wish, const std::string& directory, const std::string& genesis_path);

/// A key from its file, which no passphrase protects.
Result<SecretKey> read_key(const std::string& path);

}  // namespace testamur::tool
