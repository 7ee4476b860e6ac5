// `testamur institution init`: one site's keys and card.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "files.h"
#include "passphrase.h"
#include "site.h"
#include "values.h"

namespace testamur::tool {
namespace {

struct Options {
  SiteWish wish;
  std::vector<std::string> registers;
  std::vector<std::string> keys = {"registrar:issue,amend", "dean:issue,amend"};
  std::string directory;
  bool passphrase = false;
  std::vector<std::string> passphrase_files;
};

constexpr const char* kExample =
    R"(  testamur institution init --id ulisboa.pt --name "Universidade de Lisboa" --register diplomas:2 \
    --key registrar:issue,amend --key dean:issue,amend \
    --node node.ulisboa.pt --peer-address node.ulisboa.pt:7101 --public-address node.ulisboa.pt:7201 --directory ulisboa

  Makes ulisboa/card.json, which you send to whoever founds the consortium, ulisboa/keys for the node's machine, and
  ulisboa/statement-keys, from which each person takes his own key. "diplomas:2" asks for two signatures on every statement.

  With --passphrase, the keys of people are encrypted, each with a passphrase that you are asked for; with --passphrase-file, scripts
  give one. Whoever takes a key changes it with "testamur key protect". The node's keys in ulisboa/keys are never encrypted: a node
  starts when nobody is there to ask. They sign no statement, and are to be protected by the rights on the node's machine.)";

void say(Context& context, const Card& card, const std::string& card_path, const Hash& hash) {
  context.out << "The site of " << card.institution << " (" << card.display_name << ") is made.\n\n";
  for (const auto& reg : card.registers) {
    context.out << "  register     " << card.institution << "/" << reg.name << ", " << int{reg.approvals}
                << (reg.approvals == 1 ? " signature" : " signatures") << " a statement\n";
  }
  for (const auto& key : card.keys) {
    context.out << "  key          " << key.name << ", may " << format_uses(key.uses) << "\n";
  }
  if (card.node) context.out << "  node         " << card.node->name << " at " << card.node->address << "\n";
  context.out << "  fingerprint  " << fingerprint(hash) << "\n\nSend " << card_path
              << " to whoever founds the consortium, and read them the fingerprint over the telephone.\n"
              << "The keys in " << kStatementKeys
              << " belong to people: give each to its owner, and keep no copy here.\n";
}

/// A passphrase for each person's key, where that is wanted.
std::optional<Failure> take_passphrases(const Options& options, Context& context, std::vector<KeyWish>& keys) {
  const auto& files = options.passphrase_files;
  if (!options.passphrase && files.empty()) return std::nullopt;
  if (files.size() > 1 && files.size() != keys.size()) {
    return Failure{kUsage, "usage",
                   "--passphrase-file: expected one for all keys, or one for each in their order, " +
                       std::to_string(keys.size()) + "; found " + std::to_string(files.size())};
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string file = files.empty() ? "" : files[files.size() == 1 ? 0 : i];
    if (auto failure = new_passphrase(key_path(options.directory, keys[i]), file, "--passphrase-file", context,
                                      keys[i].passphrase)) {
      return failure;
    }
  }
  return std::nullopt;
}

int init(Options options, Context& context) {
  for (const std::string& text : options.registers) {
    const auto reg = parse_register_wish(text);
    if (!reg) return context.fail(reg.error(), kUsage);
    options.wish.registers.push_back(*reg);
  }
  for (const std::string& text : options.keys) {
    const auto key = parse_key_wish(text);
    if (!key) return context.fail(key.error(), kUsage);
    options.wish.keys.push_back(*key);
  }
  if (auto checked = check_site(options.wish, options.directory); !checked) return context.fail(checked.error());
  if (auto failure = take_passphrases(options, context, options.wish.keys)) return fail(context, *failure);
  const auto card = make_site(options.wish, options.directory);
  if (!card) return context.fail(card.error());
  const std::string path = options.directory + "/" + std::string(kCardFile);
  const auto text = read_text_file(path, kMaxCardBytes);
  const auto hash = text ? card_hash(*text) : Result<Hash>(text.error());
  if (!hash) return context.fail(hash.error());
  if (context.json) {
    context.print({{"exit", kGood}, {"institution", card->institution}, {"card", path}, {"card_hash", to_hex(*hash)}});
  } else {
    say(context, *card, path, *hash);
  }
  return kGood;
}

}  // namespace

void add_institution(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("institution", "Set up an institution");
  group.require_subcommand(1);
  CLI::App& command = add_command(group, context, "init",
                                  "Make an institution's keys, and the card by which others know them", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("--id", options->wish.institution, "The institution's DNS name, its id for ever")->required();
  command.add_option("--name", options->wish.display_name, "Its name for people")->required();
  command
      .add_option("--register", options->registers,
                  "A register, NAME[:APPROVALS]: how many of the keys must sign a statement, 1 unless given; repeat it")
      ->required()
      ->allow_extra_args(false);
  command.add_option("--key", options->keys, "A person's key, NAME:USES, uses among issue,amend,govern; repeat it")
      ->allow_extra_args(false)
      ->default_str("registrar:issue,amend dean:issue,amend");
  auto* node = command.add_option("--node", options->wish.node, "The name of the node that the institution will run");
  auto* peer = command.add_option("--peer-address", options->wish.peer_address, "HOST:PORT where other nodes call it");
  auto* open = command.add_option("--public-address", options->wish.public_address, "HOST:PORT where programs call it");
  node->needs(peer);
  peer->needs(node);
  open->needs(node);
  auto* asked = command.add_flag("--passphrase", options->passphrase,
                                 "Encrypt the keys of people; you are asked for a passphrase for each");
  command
      .add_option("--passphrase-file", options->passphrase_files,
                  "Encrypt them with the first line of this file, mode 0600; once for all, or once for each --key")
      ->allow_extra_args(false)
      ->excludes(asked);
  command.add_option("--directory", options->directory, "The site's directory, which is made")->required();
  command.callback([options, &context] { context.exit = init(*options, context); });
}

}  // namespace testamur::tool
