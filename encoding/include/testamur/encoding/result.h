// Errors as values. An Error names what was expected and where, for a person, and carries a stable code, for a program.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace testamur {

enum class ErrorCode {
  malformed,    ///< bytes or text that do not decode
  invalid,      ///< decodes, but breaks a rule of the format
  unsupported,  ///< a version or kind this program does not know
  not_found,    ///< the thing asked for is not there
  conflict,     ///< asked of a state that does not allow it
  storage,      ///< reading or writing the disk failed
  corrupt,      ///< what is on disk is not what was written
  not_here,     ///< it may well be, but this node does not hold it yet: could not check
};

/// The stable name of a code, as shown to programs.
std::string_view name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;
};

/// Either a value or the reason there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return held_.index() == 0; }
  T& operator*() & { return std::get<0>(held_); }
  const T& operator*() const& { return std::get<0>(held_); }
  T&& operator*() && { return std::get<0>(std::move(held_)); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  const Error& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace testamur
