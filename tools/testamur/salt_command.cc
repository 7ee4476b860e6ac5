// `testamur salt erase`: for somebody who has a right to be forgotten.
#include <algorithm>
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "erase.h"
#include "files.h"
#include "pending.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string proofs;
  WantedWords words;
  std::string in_register;
  bool yes = false;
};

constexpr const char* kExample =
    R"(  testamur salt erase --proofs proofs --name maria-silva.json

  Removes the salt, hash and name of one entry from everything in the directory. The entry stays on the ledger as a number with its
  status; from this directory nobody can link it to the document any more, and its proof can never be made again. All others stay
  provable. It does not reach copies of the proof that were handed out: whoever has one and the document can still link them. Nor what
  --result wrote, which ties a reference to the number; nor backups, and what a file system or a disk keeps of old blocks. Other
  directories with proofs of this class need the same.)";

std::string plural(std::size_t count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

std::string_view doing(Holder::Kind kind) {
  switch (kind) {
    case Holder::Kind::proof: return "removed";
    case Holder::Kind::bundle:
    case Holder::Kind::batch:
    case Holder::Kind::index: return "rewritten without it";
    default: return "left: it is no proof, bundle or batch with this salt";
  }
}

/// Whether a class was begun in the directory that is not done.
bool has_unfinished(const std::string& proofs) { return !Pending(proofs, {}).others().empty(); }

std::optional<Failure> find_entry(const Options& options, KeptEntry& entry) {
  std::optional<RegisterName> in;
  if (!options.in_register.empty()) {
    const auto parsed = parse_register(options.in_register);
    if (!parsed) return Failure{kUsage, "usage", "--register: " + parsed.error().message};
    in = *parsed;
  }
  auto wanted = Wanted::read(options.words);
  if (!wanted) return failure_of(wanted.error(), kUsage);
  std::vector<KeptEntry> entries;
  if (auto failure = find_kept(options.proofs, in, *wanted, entries)) {
    if (failure->code == "not_found" && has_unfinished(options.proofs)) {
      failure->message +=
          ". A class is under way here, and what it holds was not looked at: finish it first, then run this again";
    }
    return failure;
  }
  if (entries.size() != 1) {
    return Failure{kUsage, "usage", "expected one entry, found " + std::to_string(entries.size()) + ": one at a time"};
  }
  entry = std::move(entries.front());
  const std::string shown = format(EntryName{entry.in, entry.number});
  if (entry.document.is_erased()) return Failure{kFailed, "erased", shown + " is erased already"};
  if (entry.listed) {
    return Failure{kFailed, "listed",
                   shown +
                       " is listed: it has no salt. Its document's hash itself is on the ledger, where whoever has "
                       "the document finds it, and nothing takes it off"};
  }
  return std::nullopt;
}

void say_plan(Context& context, const KeptEntry& entry, const std::vector<Holder>& holders) {
  if (context.json) return;
  context.err << "To erase the salt of " << format(EntryName{entry.in, entry.number}) << ", " << entry.document.name
              << ", for ever:\n";
  for (const Holder& holder : holders) context.err << "  " << holder.path << " will be " << doing(holder.kind) << "\n";
}

bool is_left(const Holder& holder) {
  return holder.kind == Holder::Kind::pending || holder.kind == Holder::Kind::other;
}

/// Nothing of the entry may be left when it is said to be gone, so the directory is read once more.
std::optional<Failure> check_gone(const Options& options, const KeptEntry& entry) {
  const auto left = find_holders(options.proofs, entry);
  if (!left) return failure_of(left.error());
  if (left->empty()) return std::nullopt;
  std::string paths;
  for (const Holder& holder : *left) paths += (paths.empty() ? "" : ", ") + holder.path;
  return Failure{kFailed, "not_erased",
                 "The salt or the document's hash still stands in " + paths +
                     ": another entry of the same document, or "
                     "a file that this command cannot rewrite, to be removed by hand"};
}

void say(Context& context, const KeptEntry& entry, const std::vector<Holder>& holders) {
  const std::string shown = format(EntryName{entry.in, entry.number});
  if (context.json) {
    boost::json::array files;
    for (const Holder& holder : holders) {
      files.push_back(boost::json::object{{"path", holder.path}, {"done", doing(holder.kind)}});
    }
    context.print({{"exit", kGood}, {"entry", shown}, {"files", std::move(files)}});
    return;
  }
  context.out << "Erased: the salt, hash and name of " << shown << ", from " << plural(holders.size(), "file", "files")
              << ".\n";
  context.out << "  done       nobody can link this number to a document from this directory any more\n";
  context.out
      << "  stays      the number and its status, on the ledger; the proofs of all other entries hold as before\n";
  context.out << "  not done   copies of the proof that were handed out still link the document to the number\n";
  context.out << "             what --result wrote (issue, reissue, amend) still ties the reference to the number: "
                 "take it out there\n";
  context.out << "             backups and copies of this directory hold the salt: erase it there, too\n";
  context.out
      << "             the old files were overwritten; file systems and disks may keep old blocks all the same\n";
}

int run_erase(const Options& options, Context& context) {
  // Nothing may be issued into a directory while its files are written anew.
  const auto lock = DirectoryLock::take(options.proofs);
  if (!lock) return context.fail(lock.error());
  KeptEntry entry;
  if (auto failure = find_entry(options, entry)) return fail(context, *failure);
  const auto holders = find_holders(options.proofs, entry);
  if (!holders) return context.fail(holders.error());
  for (const Holder& holder : *holders) {
    if (holder.kind != Holder::Kind::pending) continue;
    return context.fail(kFailed, "conflict",
                        holder.path + ": expected no class with this document under way; finish it first");
  }
  say_plan(context, entry, *holders);
  if (!options.yes && !(context.confirm && context.confirm("It cannot be taken back. Go on?"))) {
    return context.fail(
        kFailed, "not_confirmed",
        "Nothing was done" + std::string(context.confirm ? "" : ": nobody is there to ask; give --yes"));
  }
  for (const Holder& holder : *holders) {
    if (is_left(holder)) continue;
    if (auto erased = erase_from(holder, entry); !erased) return context.fail(erased.error());
  }
  if (auto failure = check_gone(options, entry)) return fail(context, *failure);
  say(context, entry, *holders);
  return kGood;
}

}  // namespace

void add_salt(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("salt", "Erase the salt of an entry");
  group.require_subcommand(1);
  CLI::App& command =
      add_command(group, context, "erase", "Make an entry unlinkable to its document, from here", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("--proofs", options->proofs, "The directory that issue wrote to")->required();
  add_wanted_options(command, options->words);
  command.add_option("--register", options->in_register, "The register it is of, INSTITUTION/NAME");
  command.add_flag("--yes", options->yes, "Do not ask before it is done");
  command.callback([options, &context] { context.exit = run_erase(*options, context); });
}

}  // namespace testamur::tool
