// What every command shares: where words go, what the time is, and what the exit code means.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "testamur/encoding/ordinal.h"
#include "testamur/encoding/result.h"
#include "testamur/identity/secret.h"

namespace testamur::tool {

/// The program's exit codes. Scripts rely on them; a check never ends with `good` unless it was made and came out so.
enum Exit : int {
  kGood = 0,  ///< in good standing; of a command that does something: done
  kFailed = 1,
  kUsage = 2,
  kRefused = 3,  ///< forged, damaged, or of something else
  kSuspended = 4,
  kRevoked = 5,
  kSuperseded = 6,
  kNotIssued = 7,  ///< proved: the register has not issued this number
  kUnknown = 8,    ///< could not check, or not listed; of a command that does something: the outcome is not known
};

enum class Colour { none, green, yellow, red, bold };

/// Where a command speaks, and its clock. Tests give it string streams and a clock of their own.
struct Context {
  std::ostream& out;
  std::ostream& err;
  std::function<Time()> clock;
  std::function<bool(const std::string& question)> confirm;  ///< asks a person; empty: nobody is there to ask
  /// Asks a person for a secret that is not shown as it is typed; empty: nobody is there to ask. Nothing: none was given.
  std::function<std::optional<identity::Passphrase>(const std::string& prompt)> ask_secret{};
  bool colours = false;   ///< standard output is a terminal that wants colours
  bool progress = false;  ///< standard error is a terminal
  bool json = false;
  int exit = kGood;

  std::string paint(Colour colour, std::string_view text) const;
  /// Says what went wrong, for people on standard error or for programs as JSON on standard output, and returns `exit_code`.
  int fail(int exit_code, std::string_view code, std::string_view message);
  int fail(const Error& error, int exit_code = kFailed) { return fail(exit_code, name(error.code), error.message); }
  /// One JSON document on standard output.
  void print(const boost::json::object& value);
};

/// How far something is on standard error, how fast it goes and how long it will take; drawn only for people, at most ten times a
/// second, and gone when it ends.
class Progress {
 public:
  /// A total of 0 is one that is not known.
  Progress(Context& context, std::string label, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Where the total becomes known on the way, it is given.
  void advance(std::uint64_t by = 1, std::uint64_t total = 0);

 private:
  void draw(std::uint64_t now_ms) const;

  Context& context_;
  std::string label_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t begun_at_ms_ = 0;
  std::uint64_t drawn_at_ms_ = 0;
};

}  // namespace testamur::tool
