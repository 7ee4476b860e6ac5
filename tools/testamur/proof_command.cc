// `testamur proof extract`: one proof out of a bundle. `testamur proof show`: what a proof says, unchecked.
#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "app.h"
#include "bundle.h"
#include "files.h"
#include "testamur/ledger/genesis.h"
#include "testamur/tools/proof_json.h"

namespace testamur::tool {
namespace {

struct ExtractOptions {
  std::string bundle;
  std::string entry;
  std::string out;
};

constexpr const char* kExtractExample =
    R"(  testamur proof extract proofs/class.bundle credential-0000042.json -o credential-0000042.json.proof

  The bundle stays with the institution, since it holds the salts of the whole class. A holder gets the proof of his document.)";

struct ShowOptions {
  std::string proof;
  std::string policy;
};

constexpr const char* kShowExample =
    R"(  testamur proof show maria-silva.json.proof --json

  Shows what stands in a proof, and checks nothing: testamur verify does.)";

int run_extract(const ExtractOptions& options, Context& context) {
  const auto found = extract(options.bundle, hash_from_hex(options.entry), options.entry);
  if (!found) return context.fail(found.error());
  const std::string path =
      options.out.empty() ? std::filesystem::path(found->document.name).filename().string() + ".proof" : options.out;
  if (auto written = write_file(path, encode(found->proof), Existing::refuse); !written) {
    return context.fail(written.error());
  }
  const EntryName entry{found->header.in, found->number};
  if (context.json) {
    context.print({{"exit", kGood},
                   {"entry", format(entry)},
                   {"name", found->document.name},
                   {"document", to_hex(found->document.document)},
                   {"proof", path}});
  } else {
    context.out << "Written: " << path << ", the proof of " << found->document.name << " as " << format(entry) << ".\n";
  }
  return kGood;
}

void say_proof(Context& context, const Proof& proof) {
  std::ostream& out = context.out;
  const EntryName entry{{proof.record.institution, proof.record.name}, proof.number};
  out << "This proof says, and nothing of it is checked here:\n";
  out << "  entry      " << format(entry) << "\n";
  out << "  ledger     " << to_hex(proof.ledger) << "\n";
  out << "  head       " << proof.size << " leaves, " << proof.cosignatures.size() << " cosignatures, epoch "
      << proof.epoch << "\n";
  out << "  block      " << proof.block.height.value << ", " << format_time(proof.block.time)
      << (proof.later ? ", and the one after it" : "") << "\n";
  if (!proof.entry) {
    out << "  status     not issued: the register ends before number " << proof.record.issued << "\n";
    return;
  }
  out << "  status     " << name(chunk_status(proof.entry->chunk, proof.number)) << "\n";
  out << "  issued     " << format_time(proof.entry->statement.recorded_at) << ", "
      << proof.entry->statement.statement.signatures.size() << " signatures"
      << (proof.entry->institution ? "" : ", and no keys to check them with (a light proof)") << "\n";
  if (!proof.entry->document) {
    out << "  document   none is tied to it\n";
  } else {
    out << "  document   tied to it, " << (proof.entry->document->salt ? "sealed" : "listed") << "\n";
  }
}

int run_show(const ShowOptions& options, Context& context) {
  const auto bytes = read_file(options.proof, kMaxProofBytes);
  if (!bytes) return context.fail(bytes.error());
  const auto proof = decode_proof(*bytes);
  if (!proof) return context.fail(Error{proof.error().code, options.proof + ": " + proof.error().message});
  // A proof does not hold the ledger's name, only its id.
  std::string origin = origin_line("unnamed", proof->ledger);
  if (!options.policy.empty()) {
    const auto policy = read_policy(options.policy);
    if (!policy) return context.fail(policy.error());
    if (policy->ledger != proof->ledger) {
      return context.fail(kFailed, "wrong_ledger", options.policy + ": expected a policy of the proof's ledger");
    }
    origin = policy->origin;
  }
  if (context.json) {
    context.out << tools::proof_to_json(*proof, origin) << "\n";
  } else {
    say_proof(context, *proof);
  }
  return kGood;
}

}  // namespace

void add_proof(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("proof", "Take proofs out of bundles, and look at them");
  group.require_subcommand(1);
  CLI::App& extracting = add_command(group, context, "extract", "Take one proof out of a bundle", kExtractExample);
  const auto extract_options = std::make_shared<ExtractOptions>();
  extracting.add_option("BUNDLE", extract_options->bundle, "The bundle that issue wrote")->required();
  extracting.add_option("ENTRY", extract_options->entry, "The document's name in the class, or its hash")->required();
  extracting.add_option("-o,--out", extract_options->out, "The file to write; NAME.proof here unless given");
  extracting.callback([extract_options, &context] { context.exit = run_extract(*extract_options, context); });

  CLI::App& showing = add_command(group, context, "show", "Show what stands in a proof", kShowExample);
  const auto show_options = std::make_shared<ShowOptions>();
  showing.add_option("PROOF", show_options->proof, "The proof")->required();
  showing.add_option("--policy", show_options->policy, "A policy, for the ledger's name");
  showing.callback([show_options, &context] { context.exit = run_show(*show_options, context); });
}

}  // namespace testamur::tool
