#include "card.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "json_reading.h"
#include "testamur/credentials/document.h"
#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/sha256.h"
#include "values.h"

namespace testamur::tool {
namespace {

namespace json = boost::json;

constexpr std::string_view kContext{"testamur/card/v1\0", 17};
constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxRegisters = 256;

Error invalid(std::string_view field, std::string_view expected) {
  return {ErrorCode::invalid, "card." + std::string(field) + ": expected " + std::string(expected)};
}

std::vector<PublicKey> all_keys(const Card& card) {
  std::vector<PublicKey> out;
  for (const auto& key : card.keys) out.push_back(key.key);
  if (card.node) {
    out.push_back(card.node->note_key);
    out.push_back(card.node->cosigner_key);
  }
  return out;
}

json::object to_json(const Card& card) {
  json::array keys;
  for (const auto& key : card.keys) {
    keys.push_back(json::object{{"name", key.name}, {"public_key", to_hex(key.key)}, {"uses", format_uses(key.uses)}});
  }
  json::array registers;
  for (const auto& reg : card.registers) {
    registers.push_back(json::object{{"name", reg.name}, {"approvals", reg.approvals}});
  }
  json::object out = {{"testamur_card", 1},
                      {"institution", card.institution},
                      {"display_name", card.display_name},
                      {"registers", std::move(registers)},
                      {"keys", std::move(keys)}};
  if (card.node) {
    out["node"] = json::object{{"name", card.node->name},
                               {"note_key", to_hex(card.node->note_key)},
                               {"cosigner_key", to_hex(card.node->cosigner_key)},
                               {"tls_spki", to_hex(card.node->tls_spki)},
                               {"address", card.node->address},
                               {"public_address", card.node->public_address}};
  }
  return out;
}

/// What the keys sign: the card without its signatures, as RFC 8785 has it.
Result<Bytes> message_of(const json::object& card) {
  json::object bare = card;
  bare.erase("signatures");
  const auto canonical = credentials::canonical_json(json::serialize(bare));
  if (!canonical) return canonical.error();
  Bytes out(kContext.begin(), kContext.end());
  out.insert(out.end(), canonical->begin(), canonical->end());
  return out;
}

Card::StatementKey read_key(JsonReader reader) {
  Card::StatementKey key;
  key.name = reader.text("name");
  key.key = reader.hash("public_key");
  const auto uses = parse_uses(reader.text("uses"));
  reader.expect(static_cast<bool>(uses), "uses", "uses among issue,amend,govern");
  key.uses = uses ? *uses : std::uint8_t{0};
  reader.finish();
  return key;
}

Card::Register read_register(JsonReader reader) {
  Card::Register reg;
  reg.name = reader.text("name");
  reg.approvals = static_cast<std::uint8_t>(reader.integer("approvals", 16));
  reader.finish();
  return reg;
}

Card::SiteNode read_node(JsonReader reader) {
  Card::SiteNode node;
  node.name = reader.text("name");
  node.note_key = reader.hash("note_key");
  node.cosigner_key = reader.hash("cosigner_key");
  node.tls_spki = reader.hash("tls_spki");
  node.address = reader.text("address");
  node.public_address = reader.text("public_address");
  reader.finish();
  return node;
}

struct CardSignature {
  PublicKey key{};
  SignatureBytes signature{};
};

CardSignature read_signature(JsonReader reader) {
  CardSignature out;
  out.key = reader.hash("public_key");
  const auto bytes = from_base64(reader.text("signature"));
  reader.expect(bytes && bytes->size() == out.signature.size(), "signature", "64 bytes in base64");
  if (bytes && bytes->size() == out.signature.size()) std::copy(bytes->begin(), bytes->end(), out.signature.begin());
  reader.finish();
  return out;
}

/// Every key has signed, and nobody else has.
Result<void> check_signatures(const Card& card, const std::vector<CardSignature>& signatures, ByteView message) {
  for (const PublicKey& key : all_keys(card)) {
    const auto found = std::find_if(signatures.begin(), signatures.end(), [&](const auto& s) { return s.key == key; });
    if (found == signatures.end() || !ed25519_verify(key, message, found->signature)) {
      return invalid("signatures", "a good signature by each key of the card; none by " + to_hex(key) +
                                       ". Was the card changed after it was made?");
    }
  }
  if (signatures.size() != all_keys(card).size()) return invalid("signatures", "one signature a key");
  return {};
}

Result<json::object> parse_object(std::string_view text) {
  if (text.size() > kMaxCardBytes) return Error{ErrorCode::malformed, "card: expected 1 MiB at most"};
  // Boost.JSON merges doubled names; the canonical form refuses them.
  if (const auto canonical = credentials::canonical_json(text); !canonical) {
    return Error{canonical.error().code, "card: " + canonical.error().message};
  }
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Error{ErrorCode::malformed, "card: expected a JSON object"};
  return std::move(value.as_object());
}

/// A name from a stranger's card is shown on terminals, which obey control characters.
bool is_shown_text(std::string_view text) {
  if (!is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1) return false;
  }
  return true;
}

}  // namespace

Result<void> check_card(const Card& card) {
  if (!is_institution_id(card.institution)) {
    return invalid("institution", "a lower-case DNS name such as ulisboa.pt, found \"" + card.institution + "\"");
  }
  if (card.display_name.empty() || card.display_name.size() > 255 || !is_shown_text(card.display_name)) {
    return invalid("display_name", "1 to 255 bytes of UTF-8 without control characters");
  }
  const auto all = all_keys(card);
  if (std::set(all.begin(), all.end()).size() != all.size()) return invalid("keys", "keys that are never the same");
  std::set<std::string> names;
  for (const auto& key : card.keys) {
    if (!is_register_name(key.name) || !names.insert(key.name).second) {
      return invalid("keys", "names of 1 to 64 of a-z 0-9 -, each once, found \"" + key.name + "\"");
    }
  }
  names.clear();
  for (const auto& reg : card.registers) {
    if (!is_register_name(reg.name) || !names.insert(reg.name).second) {
      return invalid("registers", "names of 1 to 64 of a-z 0-9 -, each once, found \"" + reg.name + "\"");
    }
    for (const KeyUse use : {kUseIssue, kUseAmend}) {
      const auto able = std::count_if(card.keys.begin(), card.keys.end(),
                                      [&](const Card::StatementKey& key) { return (key.uses & use) != 0; });
      // A register that asks for more approvals than there are keys could never say anything.
      if (reg.approvals < 1 || reg.approvals > 16 || reg.approvals > able) {
        return invalid("registers", "for \"" + reg.name + "\" 1 to 16 approvals, and as many keys that may " +
                                        format_uses(use) + "; found " + std::to_string(reg.approvals) +
                                        " approvals and " + std::to_string(able) + " keys");
      }
    }
  }
  if (!card.node) return {};
  if (!is_network_name(card.node->name)) return invalid("node.name", "1 to 255 of a-z 0-9 . : / -");
  if (!parse_address(card.node->address)) return invalid("node.address", "HOST:PORT");
  if (!card.node->public_address.empty() && !parse_address(card.node->public_address)) {
    return invalid("node.public_address", "HOST:PORT, or nothing");
  }
  return {};
}

Result<std::string> write_card(const Card& card, std::span<const SecretKey> keys) {
  if (auto checked = check_card(card); !checked) return checked.error();
  json::object out = to_json(card);
  const auto message = message_of(out);
  if (!message) return message.error();
  json::array signatures;
  for (const SecretKey& key : keys) {
    signatures.push_back(
        json::object{{"public_key", to_hex(key.public_key())}, {"signature", to_base64(key.sign(*message))}});
  }
  out["signatures"] = std::move(signatures);
  const std::string text = json::serialize(out) + "\n";
  // What is written can be read: a key that has not signed is found here and not at the ceremony.
  if (const auto read = read_card(text); !read) return read.error();
  return text;
}

Result<Card> read_card(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return object.error();
  JsonErrors errors;
  JsonReader reader(*object, "card", errors);
  if (reader.integer("testamur_card", 1) != 1 || errors.first()) {
    return Error{ErrorCode::unsupported, "card.testamur_card: expected 1, the version this program knows"};
  }
  Card card;
  card.institution = reader.text("institution");
  card.display_name = reader.text("display_name");
  for (const auto& item : reader.list("registers", kMaxRegisters)) card.registers.push_back(read_register(item));
  for (const auto& item : reader.list("keys", kMaxKeys)) card.keys.push_back(read_key(item));
  if (reader.has("node")) card.node = read_node(reader.child("node"));
  std::vector<CardSignature> signatures;
  for (const auto& item : reader.list("signatures", kMaxKeys + 2)) signatures.push_back(read_signature(item));
  reader.finish();
  if (errors.first()) return *errors.first();
  if (auto checked = check_card(card); !checked) return checked.error();
  const auto message = message_of(*object);
  if (!message) return message.error();
  if (auto checked = check_signatures(card, signatures, *message); !checked) return checked.error();
  return card;
}

Result<Hash> card_hash(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return object.error();
  const auto message = message_of(*object);
  if (!message) return message.error();
  return sha256(*message);
}

}  // namespace testamur::tool
