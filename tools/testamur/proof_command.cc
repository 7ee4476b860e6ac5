// `testamur proof`: what can be done with proofs beyond checking them. `proof show`: what one says.
#include "proof_command.h"

#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "check_bundle.h"
#include "failure.h"
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

constexpr std::string_view kNotVerified = "Not verified: nothing of this was checked. Give a --policy.";

/// Leaves none where none is given.
std::optional<Failure> read_policy_for(const Options& options, const Hash& ledger, std::optional<Policy>& policy) {
  if (options.policy.empty()) return std::nullopt;
  auto read = read_policy(options.policy);
  if (!read) return failure_of(read.error());
  if (read->ledger != ledger) {
    return Failure{kFailed, "wrong_ledger", options.policy + ": expected a policy of the proof's ledger"};
  }
  policy = std::move(*read);
  return std::nullopt;
}

boost::json::object to_json(const Bundle& bundle, std::uintmax_t size, const std::optional<BundleAnswer>& answer) {
  const BundleHeader& header = bundle.header;
  boost::json::object out = {{"exit", answer ? answer->exit : kGood},
                             {"ledger", to_hex(header.ledger)},
                             {"register", format(header.in)},
                             {"listed", header.listed},
                             {"first", header.first.value},
                             {"count", header.count},
                             {"erased", erased_in(bundle)},
                             {"proofs", bundle.proofs.size()},
                             {"bytes", size}};
  if (!answer) return out;
  boost::json::object verdicts;
  for (const auto& [verdict, count] : answer->verdicts) verdicts[name(verdict)] = count;
  out["verdicts"] = std::move(verdicts);
  return out;
}

void say(Context& context, const Bundle& bundle, std::uintmax_t size, const std::optional<BundleAnswer>& answer) {
  const BundleHeader& header = bundle.header;
  std::ostream& out = context.out;
  out << "This is a bundle:\n";
  out << "  register   " << format(header.in) << "\n";
  out << "  numbers    " << format(NumberRange{header.first, header.count}) << ", " << header.count << " entries, "
      << (header.listed ? "listed" : "sealed: the salts of all are in this file") << "\n";
  if (const std::size_t erased = erased_in(bundle); erased > 0) {
    out << "  erased     " << erased << " entries, which no proof can be taken out for any more\n";
  }
  out << "  proofs     " << bundle.proofs.size() << ", from which those of all entries follow\n";
  out << "  size       " << size << " bytes, " << size / header.count << " an entry\n";
  out << "  ledger     " << to_hex(header.ledger) << "\n";
  if (!answer) {
    out << context.paint(Colour::yellow, kNotVerified) << "\n";
    return;
  }
  out << "Checked under the policy, each with its document's hash:\n";
  for (const auto& [verdict, count] : answer->verdicts) {
    out << "  " << count << (count == 1 ? " entry [" : " entries [") << name(verdict) << "]\n";
  }
}

int show_bundle(const Options& options, Context& context) {
  const auto bundle = read_bundle(options.proof);
  if (!bundle) return context.fail(bundle.error());
  std::optional<Policy> policy;
  if (auto failure = read_policy_for(options, bundle->header.ledger, policy)) return fail(context, *failure);
  std::optional<BundleAnswer> answer;
  if (policy) {
    auto checked = check_bundle(*bundle, *policy, context.clock());
    if (!checked) return context.fail(Error{checked.error().code, options.proof + ": " + checked.error().message});
    answer = std::move(*checked);
  }
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(options.proof, ignored);
  if (context.json) {
    context.print(to_json(*bundle, size, answer));
  } else {
    say(context, *bundle, size, answer);
  }
  return answer ? answer->exit : kGood;
}

int show_proof(const Options& options, Context& context) {
  const auto bytes = read_file(options.proof, kMaxProofBytes);
  if (!bytes) return context.fail(bytes.error());
  const auto proof = decode_proof(*bytes);
  if (!proof) {
    return context.fail(
        Error{proof.error().code, options.proof + ": expected a proof or a bundle; " + proof.error().message});
  }
  std::optional<Policy> policy;
  if (auto failure = read_policy_for(options, proof->ledger, policy)) return fail(context, *failure);
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
    context.out << context.paint(Colour::yellow, kNotVerified) << "\n";
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
    context.exit = is_bundle(options->proof) ? show_bundle(*options, context) : show_proof(*options, context);
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
