#include "answer.h"

#include <algorithm>
#include <array>
#include <ostream>

#include <boost/json.hpp>

#include "files.h"

namespace testamur::tool {
namespace {

namespace json = boost::json;

int exit_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return kGood;
    case Verdict::suspended: return kSuspended;
    case Verdict::revoked: return kRevoked;
    case Verdict::superseded: return kSuperseded;
    case Verdict::not_yet_issued: return kNotIssued;
    default: return is_refusal(verdict) ? kRefused : kUnknown;
  }
}

/// Revoked and superseded are for ever (FORMATS 4, forbidden_transition): a proof of them does not age.
bool is_final(Verdict verdict) { return verdict == Verdict::revoked || verdict == Verdict::superseded; }

/// The status of the verdict in words that stand after "is".
std::string_view standing(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return "in good standing";
    case Verdict::suspended: return "suspended";
    case Verdict::revoked: return "revoked";
    case Verdict::superseded: return "superseded";
    default: return "not issued";
  }
}

/// The same after "as of": an aged proof says "good as of", never that something is in good standing.
std::string_view short_standing(Verdict verdict) {
  return verdict == Verdict::good ? std::string_view("good") : standing(verdict);
}

/// The last moment that the proof speaks of.
Time as_of(const Answer& answer) {
  if (answer.at) return *answer.at;
  const Finding& finding = answer.finding;
  return finding.current && !finding.older_epoch ? std::max(finding.head_time, finding.status_since)
                                                 : finding.status_since;
}

EntryName entry_of(const Finding& finding) { return {{finding.institution, finding.register_name}, finding.number}; }

Colour colour_of(int exit) {
  if (exit == kGood) return Colour::green;
  return exit == kRefused || exit == kRevoked ? Colour::red : Colour::yellow;
}

std::string aged_headline(const Answer& answer) {
  const Finding& finding = answer.finding;
  const std::string status = std::string(short_standing(*answer.shown)) + " as of " + format_time(as_of(answer));
  if (*answer.shown == Verdict::not_yet_issued) {
    return "Could not check: " + status + "; too old to say anything of today.";
  }
  const std::string issued = "issued " + format_time(finding.issued_at) + "; ";
  if (is_final(*answer.shown))
    return std::string(sentence(*answer.shown)) + " (" + issued + status + ", which is final)";
  return "Could not check: " + issued + status + "; too old to say anything of today.";
}

json::object event_json(const Event& event) {
  const Change& change = event.change;
  json::object out = {{"reason", reason_name(change.reason)},
                      {"recorded_at", format_time(event.recorded_at)},
                      {"effective_at", format_time(change.effective_at)}};
  if (change.replacement) {
    out["replacement"] = format(
        EntryName{{change.replacement->institution, change.replacement->register_name}, change.replacement->number});
  }
  return out;
}

void say_event(std::ostream& out, const Event& event, std::string_view status) {
  const Change& change = event.change;
  out << "  " << status << std::string(status.size() < 11 ? 11 - status.size() : 1, ' ') << "effective "
      << format_time(change.effective_at) << ", recorded " << format_time(event.recorded_at) << ", reason "
      << reason_name(change.reason) << "\n";
  if (change.replacement) {
    out << "  replaced   by "
        << format(EntryName{{change.replacement->institution, change.replacement->register_name},
                            change.replacement->number})
        << "\n";
  }
}

}  // namespace

Answer check(ByteView proof, const Policy& policy, const Asked& asked, const SignatureCheck& check_signature) {
  Question question;
  question.document = asked.document;
  question.at = asked.at;
  question.now = asked.now;
  question.max_age_ms = asked.max_age_ms;
  if (asked.entry) {
    question.entry = Question::Entry{asked.entry->in.institution, asked.entry->in.name, asked.entry->number};
  } else if (asked.expected) {
    // The number is the proof's own; what is asked is whether the register is the one expected.
    if (const auto decoded = decode_proof(proof)) {
      question.entry = Question::Entry{asked.expected->institution, asked.expected->name, decoded->number};
    }
  }
  Answer answer;
  answer.at = asked.at;
  answer.now = asked.now;
  answer.ledger = policy.origin;
  answer.finding = verify(proof, policy, question, check_signature);
  answer.verdict = answer.finding.verdict;
  answer.exit = exit_of(answer.verdict);
  if (is_answer(answer.verdict)) answer.shown = answer.verdict;
  if (!asked.at && (answer.verdict == Verdict::too_old || answer.verdict == Verdict::not_current)) {
    // It does not speak of now. What it does speak of is its own time.
    question.max_age_ms.reset();
    if (answer.verdict == Verdict::not_current) question.at = answer.finding.status_since;
    Finding then = verify(proof, policy, question, check_signature);
    if (is_answer(then.verdict)) {
      answer.shown = then.verdict;
      answer.finding = std::move(then);
      if (is_final(*answer.shown)) answer.exit = exit_of(*answer.shown);
    } else if (is_refusal(then.verdict)) {
      // A forged proof is refused however old it is.
      answer.verdict = then.verdict;
      answer.exit = kRefused;
      answer.finding = std::move(then);
    }
  }
  if (const auto decoded = decode_proof(proof)) answer.threshold = static_cast<unsigned>(decoded->cosignatures.size());
  return answer;
}

int most_careful(int a, int b) {
  constexpr std::array order = {kRefused, kRevoked, kSuperseded, kSuspended, kUnknown, kNotIssued, kGood};
  const auto rank = [&](int exit) { return std::find(order.begin(), order.end(), exit); };
  return rank(a) < rank(b) ? a : b;
}

std::string headline(const Answer& answer) {
  if (!answer.shown) {
    const std::string detail = answer.finding.detail.empty() ? "" : " (" + answer.finding.detail + ")";
    return std::string(sentence(answer.verdict)) + detail;
  }
  if (!is_answer(answer.verdict)) return aged_headline(answer);
  const std::string entry = format(entry_of(answer.finding));
  const std::string when = (answer.at ? " at " : " as of ") + format_time(as_of(answer)) + ".";
  if (answer.verdict == Verdict::not_yet_issued) return "Not issued: " + entry + " did not exist" + when;
  const std::string word = answer.verdict == Verdict::good ? "Good" : std::string(standing(answer.verdict));
  std::string head = word + ": " + entry + " is " + std::string(standing(answer.verdict)) + when;
  head[0] = static_cast<char>(head[0] >= 'a' ? head[0] - 'a' + 'A' : head[0]);
  return head;
}

void say(Context& context, const Answer& answer) {
  context.out << context.paint(colour_of(answer.exit), headline(answer)) << " [" << name(answer.verdict) << "]\n";
  if (!answer.shown) return;
  const Finding& finding = answer.finding;
  context.out << "  entry      number " << finding.number.value << " of the register " << finding.register_name
              << " of " << finding.institution << "\n";
  if (*answer.shown == Verdict::not_yet_issued) return;
  context.out << "  issued     " << format_time(finding.issued_at) << ", by the ledger's clock\n";
  context.out << "  status     " << short_standing(*answer.shown) << " as of " << format_time(as_of(answer));
  if (answer.now > finding.head_time) {
    context.out << "; the proof is from " << format_duration(answer.now.value - finding.head_time.value) << " ago";
  }
  context.out << "\n";
  if (finding.event) say_event(context.out, *finding.event, standing(*answer.shown));
  context.out << "  document   "
              << (finding.document_checked ? "this document is that entry\n"
                                           : "none was checked: this speaks of the entry only\n");
  context.out << "  attested   " << answer.threshold << " cosignatures under the policy; "
              << (finding.signatures_checked
                      ? "the institution's own signatures hold\n"
                      : "the consortium vouches for the institution's signatures (a light proof)\n");
  context.out << "  ledger     " << answer.ledger << "\n";
}

json::object to_json(const Answer& answer) {
  json::object out = {{"exit", answer.exit},
                      {"verdict", name(answer.verdict)},
                      {"sentence", headline(answer)},
                      {"ledger", answer.ledger},
                      {"asked_at", format_time(answer.now)}};
  if (answer.at) out["at"] = format_time(*answer.at);
  if (!answer.shown) return out;
  const Finding& finding = answer.finding;
  out["status"] = name(*answer.shown);
  out["as_of"] = format_time(as_of(answer));
  out["institution"] = finding.institution;
  out["register"] = finding.register_name;
  out["number"] = finding.number.value;
  out["head_time"] = format_time(finding.head_time);
  out["status_since"] = format_time(finding.status_since);
  out["status_until"] = format_time(finding.status_until);
  out["current"] = finding.current && !finding.older_epoch;
  if (*answer.shown == Verdict::not_yet_issued) return out;
  out["issued_at"] = format_time(finding.issued_at);
  out["document_checked"] = finding.document_checked;
  out["signatures_checked"] = finding.signatures_checked;
  out["listed"] = finding.listed;
  if (finding.event) out["event"] = event_json(*finding.event);
  return out;
}

Result<Policy> read_policy(const std::string& path) {
  const auto text = read_text_file(path, kMaxPolicyBytes);
  if (!text) return text.error();
  auto policy = decode_policy(*text);
  if (!policy) return Error{policy.error().code, path + ": " + policy.error().message};
  return policy;
}

}  // namespace testamur::tool
