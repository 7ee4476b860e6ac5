#include "testamur/verify.h"

#include <algorithm>
#include <cstring>

#include "testamur/ledger/commitment.h"
#include "testamur/ledger/verify.h"

namespace testamur {
namespace {

template <std::size_t N>
void copy_text(std::string_view text, char (&out)[N]) {
  const std::size_t length = std::min(text.size(), N - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

/// A verdict that a caller kept; what no verdict has becomes one that is none.
Verdict verdict_from(std::int32_t code) {
  return static_cast<Verdict>(code >= 0 && code <= TESTAMUR_OUT_OF_MEMORY ? code : 255);
}

Question question_from(const testamur_question& in) {
  Question out;
  if (in.document_hash != nullptr) std::copy_n(in.document_hash, 32, out.document.emplace().begin());
  if (in.institution != nullptr && in.register_name != nullptr) {
    out.entry = Question::Entry{in.institution, in.register_name, EntryNumber{in.number}};
  }
  if (in.has_at != 0) out.at = Time{in.at_ms};
  if (in.has_now != 0) out.now = Time{in.now_ms};
  if (in.has_max_age != 0) out.max_age_ms = in.max_age_ms;
  return out;
}

void copy_event(const Event& event, testamur_finding& out) {
  out.has_event = 1;
  out.reason = event.change.reason;
  out.recorded_at_ms = event.recorded_at.value;
  out.effective_at_ms = event.change.effective_at.value;
  if (!event.change.replacement) return;
  out.has_replacement = 1;
  copy_text(event.change.replacement->institution, out.replacement_institution);
  copy_text(event.change.replacement->register_name, out.replacement_register);
  out.replacement_number = event.change.replacement->number.value;
}

void copy_finding(const Finding& in, testamur_finding& out) {
  out.verdict = static_cast<std::int32_t>(in.verdict);
  copy_text(in.institution, out.institution);
  copy_text(in.register_name, out.register_name);
  out.number = in.number.value;
  out.head_time_ms = in.head_time.value;
  out.status_since_ms = in.status_since.value;
  out.status_until_ms = in.status_until.value;
  out.current = in.current;
  out.older_epoch = in.older_epoch;
  out.document_checked = in.document_checked;
  out.signatures_checked = in.signatures_checked;
  out.listed = in.listed;
  out.issued_at_ms = in.issued_at.value;
  if (in.event) copy_event(*in.event, out);
  copy_text(in.detail, out.detail);
}

}  // namespace
}  // namespace testamur

extern "C" {

int32_t testamur_verify(const uint8_t* proof, size_t proof_size, const char* policy, size_t policy_size,
                        const testamur_question* question, testamur_finding* finding) {
  std::memset(finding, 0, sizeof *finding);
  try {
    if (question != nullptr && (question->institution == nullptr) != (question->register_name == nullptr)) {
      // Half a name would be checked against half of it: an entry is named whole or not at all.
      return finding->verdict = TESTAMUR_NO_ENTRY_NAMED;
    }
    const auto asked = question == nullptr ? testamur::Question{} : testamur::question_from(*question);
    testamur::copy_finding(testamur::verify({proof, proof_size}, std::string_view(policy, policy_size), asked),
                           *finding);
  } catch (...) {
    // Only std::bad_alloc can come here: sizes are bounded, but memory may still be short.
    std::memset(finding, 0, sizeof *finding);
    finding->verdict = TESTAMUR_OUT_OF_MEMORY;
  }
  return finding->verdict;
}

const char* testamur_verdict_name(int32_t verdict) {
  // The names are string literals, NUL-terminated.
  return testamur::name(testamur::verdict_from(verdict)).data();
}

const char* testamur_verdict_sentence(int32_t verdict) {
  return testamur::sentence(testamur::verdict_from(verdict)).data();
}

void testamur_sealed_commitment(const uint8_t* salt, const uint8_t* document_hash, uint8_t* commitment) {
  testamur::Salt salt_bytes;
  testamur::Hash hash;
  std::copy_n(salt, salt_bytes.size(), salt_bytes.begin());
  std::copy_n(document_hash, hash.size(), hash.begin());
  const testamur::Hash out = testamur::sealed_commitment(salt_bytes, hash);
  std::copy(out.begin(), out.end(), commitment);
}

}  // extern "C"
