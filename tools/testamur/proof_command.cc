// `testamur proof`: what can be done with proofs beyond checking them. `proof show`: what one says.
#include "proof_command.h"

#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "bundle.h"
#include "files.h"
#include "proof_words.h"
#include "testamur/ledger/genesis.h"
#include "testamur/tools/proof_json.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string proof;
  std::string policy;
};

constexpr const char* kExample =
    R"(  testamur proof show maria-silva.json.proof --policy policy

  Shows what stands in a proof, or what a bundle holds. Only with a policy is it checked, and the exit code is then that of a check;
  whether it is the proof of a certain document is for testamur verify to say.)";

int show_bundle(const std::string& path, Context& context) {
  const auto bundle = read_bundle(path);
  if (!bundle) return context.fail(bundle.error());
  const BundleHeader& header = bundle->header;
  const auto erased = std::count_if(bundle->documents.begin(), bundle->documents.end(),
                                    [](const BatchDocument& document) { return document.is_erased(); });
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  if (context.json) {
    context.print({{"exit", kGood},
                   {"ledger", to_hex(header.ledger)},
                   {"register", format(header.in)},
                   {"listed", header.listed},
                   {"first", header.first.value},
                   {"count", header.count},
                   {"erased", erased},
                   {"proofs", bundle->proofs.size()},
                   {"bytes", size}});
    return kGood;
  }
  std::ostream& out = context.out;
  out << "This is a bundle, and nothing of it was checked:\n";
  out << "  register   " << format(header.in) << "\n";
  out << "  numbers    " << format(NumberRange{header.first, header.count}) << ", " << header.count << " entries, "
      << (header.listed ? "listed" : "sealed: the salts of all are in this file") << "\n";
  if (erased > 0) out << "  erased     " << erased << " entries, which no proof can be taken out for any more\n";
  out << "  proofs     " << bundle->proofs.size() << ", from which those of all entries follow\n";
  out << "  size       " << size << " bytes, " << size / header.count << " an entry\n";
  out << "  ledger     " << to_hex(header.ledger) << "\n";
  return kGood;
}

/// The document is not at hand, so what ties it to the entry is left aside.
Answer check_entry(Proof proof, const Policy& policy, Time now) {
  Asked asked;
  asked.entry = EntryName{{proof.record.institution, proof.record.name}, proof.number};
  asked.now = now;
  if (proof.entry) proof.entry->document.reset();
  return check(encode(proof), policy, asked);
}

int show_proof(const Options& options, Context& context) {
  const auto bytes = read_file(options.proof, kMaxProofBytes);
  if (!bytes) return context.fail(bytes.error());
  const auto proof = decode_proof(*bytes);
  if (!proof) return context.fail(Error{proof.error().code, options.proof + ": " + proof.error().message});
  std::optional<Policy> policy;
  if (!options.policy.empty()) {
    const auto read = read_policy(options.policy);
    if (!read) return context.fail(read.error());
    if (read->ledger != proof->ledger) {
      return context.fail(kFailed, "wrong_ledger", options.policy + ": expected a policy of the proof's ledger");
    }
    policy = *read;
  }
  std::optional<Answer> answer;
  if (policy) answer = check_entry(*proof, *policy, context.clock());
  if (context.json) {
    // A proof does not hold the ledger's name, only its id.
    context.out << tools::proof_to_json(*proof, policy ? policy->origin : origin_line("unnamed", proof->ledger))
                << "\n";
    return answer ? answer->exit : kGood;
  }
  say_proof(context, *proof, policy);
  if (!answer) {
    context.out << context.paint(Colour::yellow, "Not verified: nothing of this was checked. Give a --policy.") << "\n";
    return kGood;
  }
  context.out << "Checked under the policy, without a document: " << headline(*answer) << " [" << name(answer->verdict)
              << "]\n";
  return answer->exit;
}

}  // namespace

void add_proof_show(CLI::App& group, Context& context) {
  CLI::App& command = add_command(group, context, "show", "Show what stands in a proof or a bundle", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("PROOF", options->proof, "The proof, or a bundle")->required();
  command.add_option("--policy", options->policy, "A policy to check it with, and to name the cosigners");
  command.callback([options, &context] {
    context.exit = is_bundle(options->proof) ? show_bundle(options->proof, context) : show_proof(*options, context);
  });
}

void add_proof(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("proof", "Look at proofs, renew them, and make lost ones again");
  group.require_subcommand(1);
  add_proof_show(group, context);
  add_proof_extract(group, context);
  add_proof_refresh(group, context);
  add_proof_make(group, context);
}

}  // namespace testamur::tool
