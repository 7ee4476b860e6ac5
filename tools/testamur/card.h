// The card of an institution: what it brings to the founding of a consortium, in a file that may be mailed about.
//
// A card holds public things only. Each Ed25519 key in it has signed it, so that nobody can bring another's key as his own, and
// the TLS key is named under those signatures. That a card is really its institution's is for people to find out: they read its
// fingerprint to one another.
#pragma once

#include "testamur/ledger/record.h"

namespace testamur::tool {

struct Card {
  struct StatementKey {
    std::string name;  ///< for people: "registrar"; it does not enter the ledger
    PublicKey key{};
    std::uint8_t uses = 0;
  };
  struct Register {
    std::string name;
    std::uint8_t approvals = 1;
  };
  struct SiteNode {
    std::string name;
    PublicKey note_key{};
    PublicKey cosigner_key{};
    Hash tls_spki{};
    std::string address;         ///< that peers call
    std::string public_address;  ///< for programs; may be empty
  };

  std::string institution;
  std::string display_name;
  std::vector<Register> registers;
  std::vector<StatementKey> keys;
  std::optional<SiteNode> node;  ///< nothing: an institution that keeps registers and runs no node
};

inline constexpr std::size_t kMaxCardBytes = 1u << 20;

/// The card file's text, signed by these keys, which must be all the Ed25519 keys it names.
Result<std::string> write_card(const Card& card, std::span<const SecretKey> keys);
/// Strict: version 1, every member known and there, each once, and a good signature by every key. Errors: malformed, invalid,
/// unsupported.
Result<Card> read_card(std::string_view text);
/// H of the card's signed bytes, which sites compare.
Result<Hash> card_hash(std::string_view text);
/// The rules of a card that its form alone does not show: alphabets, keys that differ, approvals that can be reached.
Result<void> check_card(const Card& card);

}  // namespace testamur::tool
