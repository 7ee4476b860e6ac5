// The C++ face of the verifier: the C interface of testamur/verify.h in values. Header-only; throws nothing of its own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "testamur/verify.h"

namespace testamur::verifier {

struct Entry {
  std::string institution;
  std::string register_name;
  std::uint64_t number = 0;
};

struct Query {
  std::optional<std::array<std::uint8_t, 32>> document_hash;
  std::optional<Entry> entry;
  std::optional<std::uint64_t> at_ms;
  std::optional<std::uint64_t> now_ms;
  std::optional<std::uint64_t> max_age_ms;
};

using Answer = testamur_finding;

inline Answer verify(std::span<const std::uint8_t> proof, std::string_view policy, const Query& query) noexcept {
  testamur_question question{};
  if (query.document_hash) question.document_hash = query.document_hash->data();
  if (query.entry) {
    question.institution = query.entry->institution.c_str();
    question.register_name = query.entry->register_name.c_str();
    question.number = query.entry->number;
  }
  question.has_at = query.at_ms.has_value();
  question.at_ms = query.at_ms.value_or(0);
  question.has_now = query.now_ms.has_value();
  question.now_ms = query.now_ms.value_or(0);
  question.has_max_age = query.max_age_ms.has_value();
  question.max_age_ms = query.max_age_ms.value_or(0);
  Answer answer{};
  testamur_verify(proof.data(), proof.size(), policy.data(), policy.size(), &question, &answer);
  return answer;
}

/// The status was proved, one way or the other.
inline bool is_answer(const Answer& answer) noexcept { return answer.verdict < 16; }
/// The proof is forged, damaged, or of something else.
inline bool is_refusal(const Answer& answer) noexcept { return answer.verdict >= 64; }

}  // namespace testamur::verifier
