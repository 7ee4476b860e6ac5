// Small words that the services and the letters share.
#pragma once

#include <cstring>

#include "grpcpp/support/status.h"
#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"
#include "testamur/node/intake.h"
#include "testamur/v1/ledger.pb.h"

namespace testamur::node {

inline std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

inline std::optional<Hash> hash_of(const std::string& bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

inline grpc::Status expected_hash(std::string_view field, std::size_t found) {
  return {grpc::StatusCode::INVALID_ARGUMENT,
          std::string(field) + ": expected 32 bytes, found " + std::to_string(found)};
}

inline grpc::Status too_many() {
  return {grpc::StatusCode::UNAVAILABLE,
          "too many calls that wait are under way; come back later, or ask another node"};
}

testamur::v1::Outcome outcome_of(const SubmissionOutcome& outcome);

/// The service's word for an error of ours.
inline grpc::Status status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found: return {grpc::StatusCode::NOT_FOUND, error.message};
    case ErrorCode::malformed:
    case ErrorCode::invalid: return {grpc::StatusCode::INVALID_ARGUMENT, error.message};
    case ErrorCode::unsupported: return {grpc::StatusCode::OUT_OF_RANGE, error.message};
    case ErrorCode::conflict: return {grpc::StatusCode::FAILED_PRECONDITION, error.message};
    case ErrorCode::not_here: return {grpc::StatusCode::UNAVAILABLE, error.message};
    case ErrorCode::storage:
    case ErrorCode::corrupt: break;
  }
  return {grpc::StatusCode::DATA_LOSS, error.message};
}

/// The certified ledger cannot be opened: UNAVAILABLE before its first certified checkpoint.
inline grpc::Status not_open(const Error& error) {
  if (error.code != ErrorCode::not_found) return status_of(error);
  return {grpc::StatusCode::UNAVAILABLE, "nothing is certified on this node yet; try again in a moment"};
}

inline grpc::Status stops() { return {grpc::StatusCode::UNAVAILABLE, "this node is stopping; ask another"}; }

}  // namespace testamur::node
