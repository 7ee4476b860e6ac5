#include "site.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "consortium.h"
#include "files.h"
#include "testamur/identity/key_file.h"
#include "testamur/identity/tls.h"
#include "values.h"

namespace testamur::tool {
namespace {

std::string within(const std::string& directory, std::string_view name) { return directory + "/" + std::string(name); }

Result<SecretKey> make_key(const std::string& path, const identity::Passphrase& passphrase = {}) {
  identity::Seed seed{};
  if (RAND_priv_bytes(seed.data(), static_cast<int>(seed.size())) != 1) {
    return Error{ErrorCode::storage, "the system's random source failed"};
  }
  const auto written = identity::write_ed25519_key(path, seed, passphrase);
  const SecretKey key = SecretKey::from_seed(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  if (!written) return written.error();
  return key;
}

Result<Hash> make_tls(const std::string& key_path, const std::string& certificate_path, const std::string& name) {
  auto tls = identity::make_tls_identity(name);
  if (!tls) return tls.error();
  const auto written = identity::write_secret_file(key_path, tls->key_pem);
  OPENSSL_cleanse(tls->key_pem.data(), tls->key_pem.size());
  if (!written) return written.error();
  if (auto certificate = write_file(certificate_path, as_bytes(tls->certificate_pem), Existing::refuse); !certificate)
    return certificate.error();
  return tls->spki;
}

/// The operator's key, unless it is there: then its certificate must be, too.
Result<void> make_operator(const std::string& directory, const Node& node) {
  const std::string key = within(directory, kOperatorKey);
  const std::string certificate = within(directory, kOperatorCertificate);
  if (exists(key)) {
    const auto there = identity::read_tls_identity(key, certificate);
    return there ? Result<void>{} : there.error();
  }
  const auto made = make_tls(key, certificate, "operator@" + node.institution);
  return made ? Result<void>{} : made.error();
}

/// The node's keys; every Ed25519 key goes to `keys`, to sign the card.
Result<Card::SiteNode> make_node_keys(const SiteWish& wish, const std::string& directory,
                                      std::vector<SecretKey>& keys) {
  Card::SiteNode node{wish.node, {}, {}, {}, wish.peer_address, wish.public_address};
  const std::string folder = within(directory, kNodeKeys);
  if (auto made = make_directory(folder, 0700); !made) return made.error();
  const auto note = make_key(folder + "/note.pem");
  if (!note) return note.error();
  const auto cosigner = make_key(folder + "/cosigner.pem");
  if (!cosigner) return cosigner.error();
  const auto spki = make_tls(folder + "/tls.pem", folder + "/tls.crt", wish.node);
  if (!spki) return spki.error();
  node.note_key = note->public_key();
  node.cosigner_key = cosigner->public_key();
  node.tls_spki = *spki;
  keys.push_back(*note);
  keys.push_back(*cosigner);
  return node;
}

/// The card without its keys, to check the wishes before anything is written.
Result<void> check_wish(const SiteWish& wish) {
  Card card{wish.institution, wish.display_name, wish.registers, {}, {}};
  std::uint8_t differing = 0;
  for (const KeyWish& key : wish.keys) card.keys.push_back({key.name, PublicKey{++differing}, key.uses});
  if (!wish.node.empty()) {
    card.node = Card::SiteNode{wish.node, PublicKey{1, 1}, PublicKey{1, 2}, {}, wish.peer_address, wish.public_address};
  }
  if (wish.keys.size() > 64) return Error{ErrorCode::invalid, "card.keys: expected 64 at most"};
  return check_card(card);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Everything in it comes from alphabets that need no escapes, except the data directory, which was checked.
std::string node_toml(const Node& node, const NodeWish& wish) {
  return "[node]\nname = " + quoted(node.name) + "\ngenesis = " + quoted(kGenesisFile) +
         "\ndata = " + quoted(wish.data) +
         "\n\n[keys]\nnote = \"keys/note.pem\"\ncosigner = \"keys/cosigner.pem\"\ntls_key = \"keys/tls.pem\"\n"
         "tls_certificate = \"keys/tls.crt\"\n\n[peer]\nlisten = " +
         quoted(wish.peer_listen) + "\n\n[public]\nlisten = " + quoted(wish.public_listen) + "\n" +
         (wish.operator_listen.empty() ? ""
                                       : "\n[operator]\nlisten = " + quoted(wish.operator_listen) +
                                             "\ncertificates = [" + quoted(kOperatorCertificate) + "]\n") +
         (wish.metrics_listen.empty() ? "" : "\n[metrics]\nlisten = " + quoted(wish.metrics_listen) + "\n");
}

/// Fills in what the wish leaves open, from the genesis and the card.
Result<NodeWish> complete(NodeWish wish, const Node& node, const std::string& directory) {
  const auto plain = [](char c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7f; };
  if (wish.data.empty() || wish.data.size() > 4096 || !std::all_of(wish.data.begin(), wish.data.end(), plain)) {
    return Error{ErrorCode::invalid, "--data: expected a path without quotes, backslashes and control characters"};
  }
  if (wish.peer_listen.empty()) wish.peer_listen = node.address;
  if (wish.public_listen.empty()) {
    const auto text = read_text_file(within(directory, kCardFile), kMaxCardBytes);
    if (!text) return text.error();
    const auto card = read_card(*text);
    if (!card) return card.error();
    if (card->node) wish.public_listen = card->node->public_address;
  }
  if (!parse_address(wish.peer_listen)) return Error{ErrorCode::invalid, "--listen: expected HOST:PORT"};
  if (!parse_address(wish.public_listen)) {
    return Error{ErrorCode::invalid, "--public-listen: expected HOST:PORT; the site's card names no public address"};
  }
  if (!wish.operator_listen.empty() && !parse_address(wish.operator_listen))
    return Error{ErrorCode::invalid, "--operator-listen: expected HOST:PORT"};
  if (!wish.metrics_listen.empty() && !parse_address(wish.metrics_listen)) {
    return Error{ErrorCode::invalid, "--metrics-listen: expected HOST:PORT"};
  }
  return wish;
}

/// Writes what is not there yet; the same bytes again are fine, others are not.
Result<void> write_or_same(const std::string& path, ByteView bytes) {
  if (exists(path)) {
    const auto there = read_file(path, kMaxGenesisBytes);
    if (there && std::equal(there->begin(), there->end(), bytes.begin(), bytes.end())) return {};
    return Error{
        ErrorCode::conflict,
        path + ": expected no such file or the same one, found another; move it away if this node starts anew"};
  }
  return write_file(path, bytes, Existing::refuse);
}

}  // namespace

Result<KeyWish> parse_key_wish(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto uses = colon == text.npos ? Result<std::uint8_t>(Error{}) : parse_uses(text.substr(colon + 1));
  if (!uses) {
    return Error{ErrorCode::malformed,
                 "--key: expected NAME:USES such as registrar:issue,amend, found \"" + std::string(text) + "\""};
  }
  return KeyWish{std::string(text.substr(0, colon)), *uses};
}

Result<Card::Register> parse_register_wish(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto approvals = colon == text.npos ? std::optional<std::uint64_t>(1) : from_decimal(text.substr(colon + 1));
  if (!approvals || *approvals < 1 || *approvals > 16) {
    return Error{ErrorCode::malformed,
                 "--register: expected NAME or NAME:APPROVALS, 1 to 16, such as diplomas:2, found \"" +
                     std::string(text) + "\""};
  }
  return Card::Register{std::string(text.substr(0, colon)), static_cast<std::uint8_t>(*approvals)};
}

Result<void> check_site(const SiteWish& wish, const std::string& directory) {
  if (auto checked = check_wish(wish); !checked) return checked;
  const std::string card_path = within(directory, kCardFile);
  if (!exists(card_path)) return {};
  return Error{ErrorCode::conflict, card_path + ": expected no site here, found one; keys are never overwritten"};
}

std::string key_path(const std::string& directory, const KeyWish& key) {
  return within(directory, kStatementKeys) + "/" + key.name + ".pem";
}

Result<Card> make_site(const SiteWish& wish, const std::string& directory) {
  if (auto checked = check_site(wish, directory); !checked) return checked.error();
  Card card{wish.institution, wish.display_name, wish.registers, {}, {}};
  std::vector<SecretKey> keys;
  if (auto made = make_directory(directory, 0700); !made) return made.error();
  if (!wish.node.empty()) {
    auto node = make_node_keys(wish, directory, keys);
    if (!node) return node.error();
    card.node = *node;
  }
  if (auto made = make_directory(within(directory, kStatementKeys), 0700); !made) return made.error();
  for (const KeyWish& wanted : wish.keys) {
    const auto key = make_key(key_path(directory, wanted), wanted.passphrase);
    if (!key) return key.error();
    card.keys.push_back({wanted.name, key->public_key(), wanted.uses});
    keys.push_back(*key);
  }
  const auto text = write_card(card, keys);
  if (!text) return text.error();
  // The card comes last: where it is, the site is whole.
  if (auto written = write_file(within(directory, kCardFile), as_bytes(*text), Existing::refuse); !written)
    return written.error();
  return card;
}

Result<SecretKey> read_key(const std::string& path) {
  auto seed = identity::read_ed25519_key(path);
  if (!seed) return seed.error();
  const SecretKey key = SecretKey::from_seed(*seed);
  OPENSSL_cleanse(seed->data(), seed->size());
  return key;
}

Result<Node> find_site(const Genesis& genesis, const std::string& directory) {
  const std::string keys = within(directory, kNodeKeys);
  const auto note = read_key(keys + "/note.pem");
  if (!note) return note.error();
  const auto cosigner = read_key(keys + "/cosigner.pem");
  if (!cosigner) return cosigner.error();
  const auto tls = identity::read_tls_identity(keys + "/tls.pem", keys + "/tls.crt");
  if (!tls) return tls.error();
  for (const Node& node : std::get<ConsortiumRecord>(genesis.records.front()).nodes) {
    if (node.note_key != note->public_key()) continue;
    if (node.cosigner_key != cosigner->public_key()) {
      return Error{ErrorCode::not_found, keys + "/cosigner.pem: expected the key that genesis names for " + node.name};
    }
    if (node.tls_spki != tls->spki) {
      return Error{ErrorCode::not_found, keys + "/tls.crt: expected the key that genesis names for " + node.name};
    }
    return node;
  }
  return Error{
      ErrorCode::not_found,
      keys + "/note.pem: expected a key of this genesis, found none of its nodes' keys. Was another card used?"};
}

Result<Node> make_node(const NodeWish& wish, const std::string& directory, const std::string& genesis_path) {
  const auto bytes = read_file(genesis_path, kMaxGenesisBytes);
  if (!bytes) return bytes.error();
  const auto genesis = decode_genesis(*bytes);
  if (!genesis) return genesis.error();
  const auto node = find_site(*genesis, directory);
  if (!node) return node.error();
  const auto completed = complete(wish, *node, directory);
  if (!completed) return completed.error();
  if (!completed->operator_listen.empty()) {
    if (auto made = make_operator(directory, *node); !made) return made.error();
  }
  const std::string policy = policy_file(*genesis);
  const std::string toml = node_toml(*node, *completed);
  const std::pair<std::string_view, ByteView> files[] = {
      {kGenesisFile, *bytes}, {kPolicyFile, as_bytes(policy)}, {kNodeFile, as_bytes(toml)}};
  for (const auto& [name, contents] : files) {
    if (auto written = write_or_same(within(directory, name), contents); !written) return written.error();
  }
  return node;
}

}  // namespace testamur::tool
