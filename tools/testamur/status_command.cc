// `testamur status`: asks a node, and believes nothing that it cannot prove.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "answer.h"
#include "app.h"
#include "failure.h"
#include "files.h"
#include "testamur/credentials/document.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string subject;
  std::vector<std::string> nodes;
  std::string policy;
  std::string proof;
  std::string in_register;
  std::string at;
  std::string save;
  std::string max_age = "24h";
  std::string timeout = "10s";
};

constexpr const char* kExample =
    R"(  testamur status maria-silva.json --proof maria-silva.json.proof --node node.ulisboa.pt:7201 --policy policy
  testamur status ulisboa.pt/diplomas/42 --at 2026-07-01 --node node.ulisboa.pt:7201 --policy policy

  Any node will do: its answer is a proof, which is verified here. An entry with a salted commitment cannot be found from its
  document alone, so give the proof that came with it; listed documents are found by their hash. --save keeps the proof, so that
  testamur verify can check it again without a node.)";

/// What is asked about, and what has been found on the way.
class Enquiry {
 public:
  Enquiry(const Policy& policy, Asked asked, NodeClient& node, std::uint64_t timeout_ms)
      : policy_(policy), asked_(std::move(asked)), node_(node), patience_(timeout_ms) {}

  /// An entry by its name.
  std::optional<Failure> ask_entry(const EntryName& entry) {
    asked_.entry = entry;
    return ask(entry, false, {});
  }

  /// A document whose proof is at hand: the proof says which entry it is, and the node how that stands now.
  std::optional<Failure> ask_with_proof(const Proof& held) {
    const EntryName entry{{held.record.institution, held.record.name}, held.number};
    if (!held.entry || !held.entry->document) {
      return Failure{kUnknown, "no_document_part", "--proof: expected a proof that ties a document to its entry"};
    }
    return ask(entry, false, held.entry->document);
  }

  /// A listed document, wherever it stands.
  std::optional<Failure> ask_listed() {
    v1::FindListedRequest request;
    request.set_commitment(std::string(as_text(*asked_.document)));
    const auto found = retry(patience_, [&] { return node_.find_listed(request); });
    if (!found) return failure_of(found.failure, kUnknown);
    std::string others;
    std::optional<Failure> not_then;
    for (const auto& place : found->entries()) {
      const auto in = parse_register(place.institution() + "/" + place.register_());
      if (!in) return Failure{kUnknown, "malformed", "node " + node_.address() + ": expected the names of registers"};
      const EntryName entry{*in, EntryNumber{place.number()}};
      if (asked_.expected && *in != *asked_.expected) {
        others += (others.empty() ? "" : ", ") + format(entry);
        continue;
      }
      asked_.entry = entry;
      auto failure = ask(entry, true, {});
      if (failure && failure->code == kNotIssuedThen) {
        not_then = std::move(failure);  // another may have been
      } else if (failure) {
        return failure;
      }
    }
    if (!found->next().empty()) more_ = true;
    if (!answers_.empty()) return std::nullopt;
    return not_then ? not_then : not_listed(others);
  }

  const std::vector<Answer>& answers() const { return answers_; }
  /// Of the last answer.
  const Bytes& proof() const { return proof_; }
  bool more() const { return more_; }

 private:
  static constexpr std::string_view kNotIssuedThen = "not_issued_then";

  /// No document can be tied to a number that is not issued, so there is nothing to say of this one.
  Failure no_entry(const EntryName& entry) const {
    if (asked_.at) {
      return {kUnknown, std::string(kNotIssuedThen),
              "The number was not issued at " + format_time(*asked_.at) +
                  ", and no document can be tied to it. To have that proved: testamur status " + format(entry) +
                  " --at " + format_time(*asked_.at)};
    }
    return {kUnknown, "behind",
            "node " + node_.address() + " has not come as far as this document's entry, " + format(entry) +
                ". Ask again, or ask another node"};
  }

  Failure not_listed(const std::string& others) const {
    const std::string hash = to_hex(*asked_.document);
    if (!others.empty()) {
      return {kUnknown, "not_listed",
              "Not listed in " + format(*asked_.expected) + ": others list this document, " + others +
                  ". Anybody on the ledger can list any document"};
    }
    return {kUnknown, "not_listed",
            "Not listed: this node lists no entry for " + hash +
                ". That says nothing yet: most entries are sealed, and a sealed entry is found only with the proof "
                "file that "
                "its holder was given. Give it with --proof"};
  }

  std::optional<Failure> ask(const EntryName& entry, bool with_document, const std::optional<DocumentProof>& document) {
    Bytes& bytes = proof_;
    const auto take = [&](EntryNumber, ByteView proof) {
      bytes.assign(proof.begin(), proof.end());
      return true;
    };
    const auto got = retry(patience_, [&] { return node_.get_proofs(entry, 1, with_document, take, asked_.at); });
    if (!got) return failure_of(got.failure, kUnknown);
    auto proof = decode_proof(bytes);
    if (proof && !proof->entry && asked_.document) return no_entry(entry);
    if (proof && proof->entry && document) {
      proof->entry->document = document;
      bytes = encode(*proof);
    }
    answers_.push_back(check(bytes, policy_, asked_));
    return std::nullopt;
  }

  const Policy& policy_;
  Asked asked_;
  NodeClient& node_;
  Patience patience_;
  std::vector<Answer> answers_;
  Bytes proof_;
  bool more_ = false;
};

/// A file, an entry's name, or a document's hash.
struct Subject {
  std::optional<Hash> document;
  std::optional<EntryName> entry;
};
Result<Subject> read_subject(const std::string& text) {
  if (!exists(text)) {
    if (const auto entry = parse_entry(text)) return Subject{{}, *entry};
    if (const auto hash = hash_from_hex(text)) return Subject{*hash, {}};
  }
  const auto file = read_file(text, credentials::kMaxDocumentBytes);
  if (!file) return file.error();
  const auto document = credentials::read_document(*file);
  if (!document) return Error{document.error().code, text + ": " + document.error().message};
  return Subject{document->hash, {}};
}

std::optional<Failure> read_asked(const Options& options, Asked& asked, std::uint64_t& timeout_ms) {
  const auto max_age = parse_duration(options.max_age);
  const auto timeout = parse_duration(options.timeout);
  if (!max_age) return Failure{kUsage, "usage", "--max-age: " + max_age.error().message};
  if (!timeout) return Failure{kUsage, "usage", "--timeout: " + timeout.error().message};
  asked.max_age_ms = *max_age;
  timeout_ms = *timeout;
  if (!options.at.empty()) {
    const auto at = parse_time(options.at);
    if (!at) return Failure{kUsage, "usage", "--at: " + at.error().message};
    asked.at = *at;
  }
  if (const auto nodes = parse_nodes(options.nodes); !nodes) return failure_of(nodes.error(), kUsage);
  if (options.in_register.empty()) return std::nullopt;
  const auto expected = parse_register(options.in_register);
  if (!expected) return Failure{kUsage, "usage", "--register: " + expected.error().message};
  asked.expected = *expected;
  return std::nullopt;
}

std::optional<Failure> enquire(const Options& options, const Subject& subject, Enquiry& enquiry) {
  if (subject.entry) return enquiry.ask_entry(*subject.entry);
  if (options.proof.empty()) return enquiry.ask_listed();
  const auto bytes = read_file(options.proof, kMaxProofBytes);
  if (!bytes) return failure_of(bytes.error(), kUnknown);
  const auto held = decode_proof(*bytes);
  if (!held) return Failure{kRefused, "malformed_proof", options.proof + ": " + held.error().message};
  return enquiry.ask_with_proof(*held);
}

/// Only a proof that shows something is worth keeping.
std::optional<Failure> save(const std::string& path, const Enquiry& enquiry) {
  if (enquiry.answers().size() > 1 || enquiry.more()) {
    return Failure{kUsage, "usage",
                   "--save: expected one entry, found several that hold this document; name one, or its --register"};
  }
  if (!enquiry.answers().front().shown) return std::nullopt;
  const auto written = write_file(path, enquiry.proof(), Existing::replace);
  return written ? std::nullopt : std::optional(failure_of(written.error()));
}

int show(Context& context, const Enquiry& enquiry) {
  int exit = kGood;
  for (const Answer& answer : enquiry.answers()) exit = most_careful(exit, answer.exit);
  if (enquiry.more()) exit = most_careful(exit, kUnknown);
  if (context.json) {
    boost::json::array answers;
    for (const Answer& answer : enquiry.answers()) answers.push_back(to_json(answer));
    context.print({{"exit", exit}, {"answers", std::move(answers)}, {"more", enquiry.more()}});
    return exit;
  }
  const std::size_t count = enquiry.answers().size();
  if (count > 1) context.out << count << " entries hold this document. Whose word do you want?\n";
  for (const Answer& answer : enquiry.answers()) say(context, answer);
  if (enquiry.more())
    context.out << "There are more entries than a node tells at once: name the register with --register.\n";
  return exit;
}

int run_status(const Options& options, Context& context) {
  Asked asked;
  std::uint64_t timeout_ms = 0;
  if (auto failure = read_asked(options, asked, timeout_ms)) return fail(context, *failure);
  const auto subject = read_subject(options.subject);
  if (!subject) return context.fail(subject.error(), kUnknown);
  asked.document = subject->document;
  if (subject->entry && asked.expected && subject->entry->in != *asked.expected) {
    return context.fail(kUsage, "usage", "--register: expected the register of the entry that is asked about");
  }
  const auto policy = read_policy(options.policy);
  if (!policy) return context.fail(policy.error(), kUnknown);
  asked.now = context.clock();
  NodeClient node(options.nodes);
  Enquiry enquiry(*policy, asked, node, timeout_ms);
  if (auto failure = enquire(options, *subject, enquiry)) return fail(context, *failure);
  if (!options.save.empty()) {
    if (auto failure = save(options.save, enquiry)) return fail(context, *failure);
  }
  return show(context, enquiry);
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "status", "Ask a node how an entry stands, and verify its answer", kExample);
  const auto options = std::make_shared<Options>();
  command
      .add_option("SUBJECT", options->subject, "A document, an entry INSTITUTION/REGISTER/NUMBER, or a document's hash")
      ->required();
  add_node_option(command, options->nodes);
  command.add_option("--policy", options->policy, "The policy you trust")->required()->envname("TESTAMUR_POLICY");
  command.add_option("--proof", options->proof, "The proof that came with the document, of any age");
  command.add_option("--register", options->in_register, "The register it must be of, INSTITUTION/NAME");
  command.add_option("--at", options->at,
                     "The status at this time, 2026-07-01 or 2026-07-01T12:30:00Z; now unless given");
  command.add_option("--save", options->save, "A file to keep the node's proof in, for testamur verify");
  command.add_option("--max-age", options->max_age, "How old the ledger's head may be")->capture_default_str();
  command.add_option("--timeout", options->timeout, "How long to keep trying")->capture_default_str();
  command.callback([options, &context] { context.exit = run_status(*options, context); });
}

}  // namespace testamur::tool
