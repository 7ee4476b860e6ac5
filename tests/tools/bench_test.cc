// Goal: what the bench prints was measured; and nodes that are asked for many times what they can carry refuse politely, lose nothing
// and come back. Method: the command as a process, with the nodes that it starts; each run is short, and no speed is expected.
// TESTAMUR_OVERLOAD_SECONDS sets how long the nodes are overloaded (default 4).
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "scratch.h"
#include "traced_process.h"

namespace testamur::test {
namespace {

using boost::json::object;

class Bench : public ::testing::Test {
 protected:
  object run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {TESTAMUR_PROGRAM, "bench"});
    arguments.insert(arguments.end(), {"--json", "--warm-up", "0", "--dir", scratch_.path() + "/bench"});
    const std::string said = scratch_.path() + "/said";
    const auto exit = run_process(arguments, said).exit;
    std::ifstream stream(said);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    EXPECT_EQ(exit, 0) << text;
    boost::system::error_code wrong;
    const auto parsed = boost::json::parse(text, wrong);
    if (wrong) throw std::runtime_error("no JSON: " + text);
    return parsed.as_object();
  }

  ScratchDirectory scratch_;
};

std::uint64_t number(const object& in, std::string_view name) { return in.at(name).to_number<std::uint64_t>(); }

TEST_F(Bench, TellsWhatItMeasuredOfEachProcess) {
  const object said = run({"one", "--clients", "2,4", "--seconds", "2", "--wait", "certified"});
  ASSERT_EQ(said.at("runs").as_array().size(), 2u);
  for (const auto& value : said.at("runs").as_array()) {
    const object& is = value.as_object();
    EXPECT_GT(number(is, "calls"), 0u);
    EXPECT_NEAR(is.at("per_second").to_number<double>() * is.at("seconds").to_number<double>(),
                is.at("calls").to_number<double>(), 1e-6);
    EXPECT_TRUE(is.at("failed").as_object().empty());
    EXPECT_LE(number(is, "p50_us"), number(is, "p99_us"));
    EXPECT_LE(number(is, "p99_us"), number(is, "p999_us"));
    std::size_t nodes = 0;
    for (const auto& process : is.at("processes").as_array()) {
      EXPECT_GT(number(process.as_object(), "rss_bytes"), 0u);
      if (process.at("name") == "bench") continue;
      ++nodes;
      EXPECT_GT(process.at("log_syncs_per_second").to_number<double>(), 0);
      EXPECT_GT(process.at("log_entries_per_sync").to_number<double>(), 0);
    }
    EXPECT_EQ(nodes, 3u);
  }
}

TEST_F(Bench, GoesOnWithTheLedgerOfAnEarlierRunAndVerifiesWhatItLooksUp) {
  run({"listed", "--clients", "1", "--batch", "50", "--seconds", "1", "--wait", "committed"});
  const object said = run({"lookup", "--clients", "2", "--seconds", "1", "--preload", "1"});
  const object& is = said.at("runs").as_array().at(0).as_object();
  EXPECT_GT(number(is, "calls"), 0u);
  EXPECT_TRUE(is.at("failed").as_object().empty());
}

TEST_F(Bench, MoreThanTheNodesHaveRoomForIsRefusedAndNothingIsLost) {
  const char* seconds = std::getenv("TESTAMUR_OVERLOAD_SECONDS");
  const object said =
      run({"overload", "--clients", "200", "--max-pending", "20", "--seconds", seconds != nullptr ? seconds : "4"});
  const object& during = said.at("during").as_object();
  EXPECT_GT(number(during, "busy"), 0u) << "or it was no overload";
  EXPECT_TRUE(during.at("failed").as_object().empty()) << "a refusal is an answer";
  EXPECT_GT(number(during, "calls"), 0u) << "what there is room for is taken";
  EXPECT_GT(number(said.at("after").as_object(), "calls"), 0u);
  EXPECT_EQ(number(said, "lost"), 0u);
  EXPECT_EQ(number(said, "doubled"), 0u);
  // Room for 20 statements; a sanitizer multiplies what a process weighs.
  for (const auto& process : during.at("processes").as_array()) {
    const object& is = process.as_object();
    EXPECT_LT(number(is, "rss_bytes"), number(is, "rss_before_bytes") + (256u << 20)) << is.at("name");
  }
}

}  // namespace
}  // namespace testamur::test
