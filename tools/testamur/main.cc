// The command `testamur`.
#include <openssl/evp.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "app.h"
#include "bench_command.h"

namespace {

testamur::Time now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return testamur::Time{
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count())};
}

bool ask(const std::string& question) {
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// Without echo, from the terminal itself.
std::optional<testamur::identity::Passphrase> ask_secret(const std::string& prompt) {
  constexpr int most = testamur::identity::kMaxPassphrase;
  testamur::identity::Passphrase text(most + 1);
  if (EVP_read_pw_string(text.data(), most, prompt.c_str(), /*verify=*/0) != 0) return std::nullopt;
  text.resize(::strnlen(text.data(), most));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const char* no_colour = std::getenv("NO_COLOR");
  testamur::tool::Context context{std::cout, std::cerr, now, {}};
  context.colours = ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
  context.progress = ::isatty(STDERR_FILENO) == 1;
  if (::isatty(STDIN_FILENO) == 1 && context.progress) {
    context.confirm = ask;
    context.ask_secret = ask_secret;
  }
  try {
    const int exit = testamur::tool::run({argv + 1, argv + argc}, context, testamur::bench::add_bench);
    std::cout.flush();
    // An answer that did not arrive was not given.
    return std::cout ? exit : std::max<int>(exit, testamur::tool::kFailed);
  } catch (const std::exception& error) {
    return context.fail(testamur::tool::kFailed, "internal", error.what());
  }
}
