// `testamur consortium create`: the institutions' cards become a ledger.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "consortium.h"
#include "files.h"
#include "values.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string origin;
  std::optional<std::uint8_t> threshold;
  std::string created;
  std::string out;
  std::vector<std::string> cards;
};

struct ReadCard {
  Card card;
  Hash hash{};
};

constexpr const char* kExample =
    R"(  testamur consortium create --origin testamur.example/pt --created 2026-09-01T12:00:00Z --out founding \
    ulisboa.json uporto.json uminho.json uevora.json

  Makes founding/genesis and founding/policy. Everybody who runs this with the same cards, origin and time comes to the same
  bytes: compare the ledger's id, and let nobody copy it from a mail.)";

constexpr std::size_t kMaxCards = 255;

Result<std::vector<ReadCard>> read_cards(const std::vector<std::string>& paths) {
  if (paths.size() > kMaxCards) return Error{ErrorCode::invalid, "cards: expected 255 at most"};
  std::vector<ReadCard> out;
  for (const std::string& path : paths) {
    const auto text = read_text_file(path, kMaxCardBytes);
    if (!text) return text.error();
    const auto card = read_card(*text);
    if (!card) return Error{card.error().code, path + ": " + card.error().message};
    out.push_back({*card, *card_hash(*text)});
  }
  std::sort(out.begin(), out.end(),
            [](const ReadCard& a, const ReadCard& b) { return a.card.institution < b.card.institution; });
  return out;
}

void say(Context& context, const Genesis& genesis, const std::vector<ReadCard>& cards, const std::string& out) {
  const auto& consortium = std::get<ConsortiumRecord>(genesis.records.front());
  context.out << "The ledger " << consortium.origin << " is founded, created " << format_time(genesis.created)
              << ".\n\n";
  for (const auto& [card, hash] : cards) {
    context.out << "  " << card.institution << " (" << card.display_name << ")\n";
    context.out << "    card       " << fingerprint(hash) << "\n";
    if (card.node) context.out << "    node       " << card.node->name << " at " << card.node->address << "\n";
    for (const auto& reg : card.registers) {
      context.out << "    register   " << reg.name << ", " << int{reg.approvals}
                  << (reg.approvals == 1 ? " signature" : " signatures") << " a statement\n";
    }
    for (const auto& key : card.keys) {
      context.out << "    key        " << key.name << ", may " << format_uses(key.uses) << ", "
                  << fingerprint(key_id(key.key)).substr(0, 19) << "\n";
    }
  }
  context.out << "\nA head needs " << int{consortium.threshold} << " of " << voters(consortium).size()
              << " cosignatures. The ledger's id, for every site to compare:\n\n  "
              << context.paint(Colour::bold, to_hex(ledger_id(encode(genesis)))) << "\n\nWritten: " << out
              << "/genesis, " << out << "/policy, " << out << "/tlog-policy\n";
}

void print(Context& context, const Genesis& genesis, const std::vector<ReadCard>& cards) {
  const auto& consortium = std::get<ConsortiumRecord>(genesis.records.front());
  boost::json::array institutions;
  for (const auto& [card, hash] : cards) {
    boost::json::object shown = {
        {"id", card.institution}, {"display_name", card.display_name}, {"card_hash", to_hex(hash)}};
    if (card.node) shown["node"] = card.node->name;
    institutions.push_back(std::move(shown));
  }
  context.print({{"exit", kGood},
                 {"ledger", to_hex(ledger_id(encode(genesis)))},
                 {"origin", consortium.origin},
                 {"created", format_time(genesis.created)},
                 {"threshold", consortium.threshold},
                 {"institutions", std::move(institutions)}});
}

int create(const Options& options, Context& context) {
  Founding founding{options.origin, options.threshold, context.clock()};
  if (!options.created.empty()) {
    const auto created = parse_time(options.created);
    if (!created) return context.fail(Error{created.error().code, "--created: " + created.error().message}, kUsage);
    founding.created = *created;
  }
  const auto cards = read_cards(options.cards);
  if (!cards) return context.fail(cards.error());
  std::vector<Card> bare;
  for (const ReadCard& read : *cards) bare.push_back(read.card);
  const auto genesis = found(founding, std::move(bare));
  if (!genesis) return context.fail(genesis.error());
  if (auto made = make_directory(options.out); !made) return context.fail(made.error());
  const Bytes bytes = encode(*genesis);
  const std::string policy = policy_file(*genesis);
  const std::string tlog = tlog_policy_file(*genesis);
  // Genesis comes last: where it is, the rest is there.
  const std::pair<std::string, ByteView> files[] = {
      {"/policy", as_bytes(policy)}, {"/tlog-policy", as_bytes(tlog)}, {"/genesis", bytes}};
  if (exists(options.out + "/genesis")) {
    return context.fail(kFailed, "conflict",
                        options.out + "/genesis: expected no such file, found one; a genesis is never overwritten");
  }
  for (const auto& [name, contents] : files) {
    if (auto written = write_file(options.out + name, contents, Existing::replace); !written) {
      return context.fail(written.error());
    }
  }
  context.json ? print(context, *genesis, *cards) : say(context, *genesis, *cards, options.out);
  return kGood;
}

}  // namespace

void add_consortium(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("consortium", "Found a consortium");
  group.require_subcommand(1);
  CLI::App& command =
      add_command(group, context, "create", "Make a ledger's genesis and policy from the cards", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("--origin", options->origin, "The ledger's name, such as testamur.example/pt")->required();
  command
      .add_option("--threshold", options->threshold,
                  "How many nodes must cosign a head; a Byzantine quorum of them unless given, and never less")
      ->check(CLI::Range(1, 255));
  command.add_option("--created", options->created,
                     "The ledger's first moment, 2026-09-01T12:00:00Z; now unless given");
  command.add_option("--out", options->out, "The directory to write to")->required();
  command.add_option("CARD", options->cards, "The institutions' card files")->required();
  command.callback([options, &context] { context.exit = create(*options, context); });
}

}  // namespace testamur::tool
