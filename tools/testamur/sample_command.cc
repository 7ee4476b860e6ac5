// `testamur sample class`: credentials of nobody, to try things with.
#include <ostream>

#include <CLI/CLI.hpp>

#include "app.h"
#include "files.h"
#include "sample.h"
#include "testamur/encoding/bytes.h"

namespace testamur::tool {
namespace {

struct Options {
  std::uint64_t count = 0;
  std::uint64_t seed = 1;
  std::string out;
};

constexpr std::uint64_t kMaxCount = 10'000'000;

constexpr const char* kExample =
    R"(  testamur sample class --count 1000 --out class

  Makes class/credential-0000000.json and so on: Open Badges 3.0 credentials, no two the same, unsigned, of people who do not
  exist. The same --seed makes the same class.)";

int run_sample(const Options& options, Context& context) {
  if (auto made = make_directory(options.out); !made) return context.fail(made.error());
  Progress progress(context, "credentials", options.count);
  for (std::uint64_t i = 0; i < options.count; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 7 - number.size(), '0');
    const std::string text = sample_credential(options.seed, i);
    const auto written = write_file_unsynced(options.out + "/credential-" + number + ".json", as_bytes(text));
    if (!written) return context.fail(written.error());
    progress.advance();
  }
  if (context.json) {
    context.print({{"exit", kGood}, {"count", options.count}, {"directory", options.out}});
  } else {
    context.out << "Made " << options.count << " credentials in " << options.out << ".\n";
  }
  return kGood;
}

}  // namespace

void add_sample(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("sample", "Make things to try the ledger with");
  group.require_subcommand(1);
  CLI::App& command = add_command(group, context, "class", "Make a class of credentials of nobody", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("--count", options->count, "How many")->required()->check(CLI::Range(std::uint64_t{1}, kMaxCount));
  command.add_option("--out", options->out, "The directory to write to")->required();
  command.add_option("--seed", options->seed, "Which class")->capture_default_str();
  command.callback([options, &context] { context.exit = run_sample(*options, context); });
}

}  // namespace testamur::tool
