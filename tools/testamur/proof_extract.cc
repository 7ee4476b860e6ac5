// `testamur proof extract`: proofs out of a bundle. `testamur proof make`: a lost proof made again from what the office keeps.
#include <algorithm>
#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "batch_tree.h"
#include "bundle.h"
#include "files.h"
#include "fresh.h"
#include "kept.h"
#include "proof_command.h"
#include "reach.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

struct ExtractOptions {
  std::string bundle;
  std::vector<std::string> entries;
  WantedWords words;
  bool all = false;
  std::string out;
};

constexpr const char* kExtractExample =
    R"(  testamur proof extract proofs/class.bundle credential-0000042.json -o credential-0000042.json.proof
  testamur proof extract proofs/class.bundle --all --out proofs-to-hand-out

  The bundle stays with the institution, since it holds the salts of the whole class. A holder gets the proof of his document.
  A proof is as old as its bundle: testamur proof refresh renews either.)";

struct MakeOptions {
  std::string proofs;
  WantedWords words;
  std::vector<std::string> nodes;
  std::string policy;
  std::string in_register;
  std::string out;
  std::string timeout = "10s";
};

constexpr const char* kMakeExample =
    R"(  testamur proof make --proofs proofs maria-silva.json --node node.ulisboa.pt:7201 --policy policy
  testamur proof make --proofs proofs --number 42 --out . --node node.ulisboa.pt:7201 --policy policy

  For a proof that was lost. Hashes, salts and order come from what issue left in the directory (issued-ID.batch, or a bundle), and
  how the entry stands now from a node. It is checked before it is written, and never written over a file.)";

/// A written proof, as it is told.
struct Written {
  EntryName entry;
  std::string name;
  Hash document{};
  std::string path;
};

Result<void> write_proof(const std::string& path, const Proof& proof) {
  if (auto made = make_directory(fs::path(path).parent_path().string()); !made) return made;
  return write_file(path, encode(proof), Existing::refuse);
}

void say_written(Context& context, const std::vector<Written>& written) {
  if (context.json) {
    boost::json::array proofs;
    for (const Written& one : written) {
      proofs.push_back(boost::json::object{
          {"entry", format(one.entry)}, {"name", one.name}, {"document", to_hex(one.document)}, {"proof", one.path}});
    }
    context.print({{"exit", kGood}, {"proofs", std::move(proofs)}});
    return;
  }
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(written.size(), most); ++i) {
    context.out << "Written: " << written[i].path << ", the proof of " << written[i].name << " as "
                << format(written[i].entry) << ".\n";
  }
  if (written.size() > most) context.out << "Written: " << written.size() - most << " more.\n";
}

/// One proof may go to a file; several go to a directory, each under its document's name.
std::string path_for(const std::string& out, const std::string& document, bool only) {
  const std::string file = fs::path(document).filename().string() + ".proof";
  if (only && !out.empty() && !fs::is_directory(out)) return out;
  return out.empty() ? file : out + "/" + (only ? file : document + ".proof");
}

std::optional<Failure> choose(ExtractOptions& options, const Bundle& bundle, std::vector<std::size_t>& chosen) {
  if (options.all) {
    if (options.out.empty()) return Failure{kUsage, "usage", "--all: expected a directory with --out"};
    for (std::size_t i = 0; i < bundle.documents.size(); ++i) {
      if (!bundle.documents[i].is_erased()) chosen.push_back(i);
    }
    return std::nullopt;
  }
  for (const std::string& text : options.entries) {
    // A name in the class goes before a file that happens to be called so here.
    const bool is_name = std::any_of(bundle.documents.begin(), bundle.documents.end(),
                                     [&](const BatchDocument& document) { return document.name == text; });
    const bool other = !is_name && (hash_from_hex(text) || exists(text));
    (other ? options.words.documents : options.words.names).push_back(text);
  }
  auto wanted = Wanted::read(options.words);
  if (!wanted) return failure_of(wanted.error());
  chosen = wanted->among(bundle.documents, bundle.header.first);
  if (const auto missing = wanted->missing(); !missing.empty()) {
    return Failure{kFailed, "not_found",
                   options.bundle + ": expected an entry for " + missing.front() + ", found none"};
  }
  for (const std::size_t index : chosen) {
    if (bundle.documents[index].is_erased()) {
      return Failure{kFailed, "erased",
                     options.bundle + ": the entry of number " + std::to_string(bundle.number(index).value) +
                         " is erased, and no document can be tied to it any more"};
    }
  }
  return std::nullopt;
}

int run_extract(ExtractOptions options, Context& context) {
  const auto bundle = read_bundle(options.bundle);
  if (!bundle) return context.fail(bundle.error());
  std::vector<std::size_t> chosen;
  if (auto failure = choose(options, *bundle, chosen)) return fail(context, *failure);
  const BundleHeader& header = bundle->header;
  std::vector<Hash> commitments;
  commitments.reserve(bundle->documents.size());
  for (const BatchDocument& document : bundle->documents) {
    commitments.push_back(commitment_of(document, header.listed));
  }
  const BatchTree tree(commitments);
  std::vector<Written> written;
  Progress progress(context, "proofs", chosen.size());
  for (const std::size_t index : chosen) {
    const BatchDocument& document = bundle->documents[index];
    auto proof = proof_in(*bundle, index);
    if (!proof) return context.fail(Error{proof.error().code, options.bundle + ": " + proof.error().message});
    proof->entry->document = document_proof(document, header.listed, tree.path(index));
    const std::string path = path_for(options.out, document.name, chosen.size() == 1 && !options.all);
    if (auto done = write_proof(path, *proof); !done) return context.fail(done.error());
    written.push_back({{header.in, bundle->number(index)}, document.name, document.document, path});
    progress.advance();
  }
  say_written(context, written);
  return kGood;
}

std::optional<Failure> make_one(const KeptEntry& entry, FreshProofs& node, const std::string& path, Context& context) {
  if (entry.document.is_erased()) {
    return Failure{kFailed, "erased",
                   format(EntryName{entry.in, entry.number}) + " is erased: no document can be tied to it any more"};
  }
  FreshWish wish{{entry.in, entry.number}, entry.document.document, {}, {}, 0};
  wish.tie = document_proof(entry.document, entry.listed, entry.path);
  FreshProof fresh;
  if (auto failure = node.fetch(wish, context.clock(), fresh)) return failure;
  if (auto written = write_proof(path, fresh.proof); !written) return failure_of(written.error());
  return std::nullopt;
}

int run_make(const MakeOptions& options, Context& context) {
  std::optional<RegisterName> in;
  if (!options.in_register.empty()) {
    const auto parsed = parse_register(options.in_register);
    if (!parsed) return context.fail(Error{parsed.error().code, "--register: " + parsed.error().message}, kUsage);
    in = *parsed;
  }
  Reach reach;
  if (auto failure = read_reach(options.nodes, options.timeout, options.policy, reach)) return fail(context, *failure);
  auto wanted = Wanted::read(options.words);
  if (!wanted) return context.fail(wanted.error(), kUsage);
  // What is erased meanwhile must not come back.
  const auto lock = DirectoryLock::take(options.proofs);
  if (!lock) return context.fail(lock.error());
  std::vector<KeptEntry> entries;
  if (auto failure = find_kept(options.proofs, in, *wanted, entries)) return fail(context, *failure);
  FreshProofs node(reach.nodes, reach.policy, reach.timeout_ms);
  std::vector<Written> written;
  Progress progress(context, "proofs", entries.size());
  for (const KeptEntry& entry : entries) {
    const std::string path = options.out.empty() ? options.proofs + "/" + entry.document.name + ".proof"
                                                 : path_for(options.out, entry.document.name, entries.size() == 1);
    if (auto failure = make_one(entry, node, path, context)) return fail(context, *failure);
    written.push_back({{entry.in, entry.number}, entry.document.name, entry.document.document, path});
    progress.advance();
  }
  say_written(context, written);
  return kGood;
}

}  // namespace

void add_proof_extract(CLI::App& group, Context& context) {
  CLI::App& command = add_command(group, context, "extract", "Take proofs out of a bundle", kExtractExample);
  const auto options = std::make_shared<ExtractOptions>();
  command.add_option("BUNDLE", options->bundle, "The bundle that issue wrote")->required();
  command.add_option("ENTRY", options->entries, "Documents by their names in the class, by their hashes, or as files");
  command.add_option("--number", options->words.numbers, "An entry by its number, or a range 42-57; repeat it")
      ->allow_extra_args(false);
  command.add_flag("--all", options->all, "Every entry of the bundle");
  command.add_option("-o,--out", options->out,
                     "The file to write, or for several the directory; NAME.proof here unless given");
  command.callback([options, &context] { context.exit = run_extract(*options, context); });
}

void add_proof_make(CLI::App& group, Context& context) {
  CLI::App& command = add_command(group, context, "make", "Make a lost proof again", kMakeExample);
  const auto options = std::make_shared<MakeOptions>();
  command.add_option("--proofs", options->proofs, "The directory that issue wrote to")->required();
  add_wanted_options(command, options->words);
  command.add_option("--register", options->in_register, "The register it is of, INSTITUTION/NAME");
  add_node_option(command, options->nodes);
  command.add_option("--policy", options->policy, "The policy you trust")->required()->envname("TESTAMUR_POLICY");
  command.add_option("-o,--out", options->out,
                     "The file to write, or for several the directory; where it was in --proofs unless given");
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.callback([options, &context] { context.exit = run_make(*options, context); });
}

}  // namespace testamur::tool
