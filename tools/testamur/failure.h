// Why a command stops: what it says, and the exit code it says it with.
#pragma once

#include <optional>

#include "client.h"
#include "context.h"

namespace testamur::tool {

struct Failure {
  int exit = kFailed;
  std::string code;
  std::string message;
};

inline Failure failure_of(const Error& error, int exit = kFailed) {
  return {exit, std::string(name(error.code)), error.message};
}
inline Failure failure_of(const CallFailure& failure, int exit = kFailed) {
  return {exit, failure.code, failure.message};
}
inline int fail(Context& context, const Failure& failure) {
  return context.fail(failure.exit, failure.code, failure.message);
}

}  // namespace testamur::tool
