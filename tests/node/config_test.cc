// Goal: a wrong node.toml is refused with the file, the key and what was expected; a right one gives what it says.
#include "testamur/node/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "scratch.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kUsual = R"([node]
name = "node.ulisboa.pt"
genesis = "genesis"
data = "/var/lib/testamur"
[keys]
note = "keys/note.pem"
cosigner = "keys/cosigner.pem"
tls_key = "keys/tls.pem"
tls_certificate = "keys/tls.crt"
[peer]
listen = "127.0.0.1:7101"
[public]
listen = "127.0.0.1:7201"
)";

class Config : public ::testing::Test {
 protected:
  Result<node::Config> read(const std::string& text) {
    const std::string path = scratch_.path() + "/node.toml";
    std::ofstream(path) << text;
    return node::read_config(path);
  }
  std::string error_of(const std::string& text) {
    const auto config = read(text);
    return config ? "no error" : config.error().message;
  }
  const std::string& directory() const { return scratch_.path(); }

 private:
  ScratchDirectory scratch_;
};

TEST_F(Config, PathsAreRelativeToTheFile) {
  const auto config = read(std::string(kUsual) + "[consensus]\ntick_ms = 50\n[log]\njson = true\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->name, "node.ulisboa.pt");
  EXPECT_EQ(config->genesis, directory() + "/genesis");
  EXPECT_EQ(config->data, "/var/lib/testamur");
  EXPECT_EQ(config->tls_key, directory() + "/keys/tls.pem");
  EXPECT_EQ(config->tick, std::chrono::milliseconds(50));
  EXPECT_EQ(config->cosign_every, std::chrono::seconds(60));
  EXPECT_TRUE(config->log_json);
}

TEST_F(Config, WhatIsWrongIsNamed) {
  EXPECT_THAT(node::read_config(directory() + "/none").error().message, HasSubstr("expected a configuration file"));
  EXPECT_THAT(error_of("[node\n"), HasSubstr("node.toml line 1"));
  EXPECT_THAT(error_of(""), HasSubstr("node.name: expected to find it"));
  const std::string usual = kUsual;
  EXPECT_THAT(error_of(usual + "[consensus]\ntick_ms = 5\n"),
              HasSubstr("consensus.tick_ms: expected a number from 10 to 1000"));
  EXPECT_THAT(error_of(usual + "[consensus]\ntick_ms = \"50\"\n"), HasSubstr("consensus.tick_ms: expected a number"));
  EXPECT_THAT(error_of(usual + "[consensus]\nticks_ms = 50\n"), HasSubstr("consensus.ticks_ms: expected no such key"));
  EXPECT_THAT(error_of("colour = 1\n" + usual), HasSubstr("colour: expected a section"));
  EXPECT_THAT(error_of(usual + "[log]\nlevel = \"loud\"\n"),
              HasSubstr("log.level: expected debug, info, warn or error"));
}

TEST_F(Config, MetricsListenOnlyWhereTheyAreWanted) {
  const std::string usual = kUsual;
  EXPECT_EQ(read(usual)->metrics_listen, "");
  for (const std::string address : {"127.0.0.1:9464", "[::1]:9464", "localhost:1"}) {
    const auto config = read(usual + "[metrics]\nlisten = \"" + address + "\"\n");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->metrics_listen, address);
  }
  // The last three mean something to the library that listens: every address of the machine, TLS, several ports.
  for (const std::string wrong : {"127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", ":9464", "127.0.0.1:http", "9464",
                                  "127.0.0.1:9464s", "127.0.0.1:9464,0.0.0.0:9465"}) {
    EXPECT_THAT(
        error_of(usual + "[metrics]\nlisten = \"" + wrong + "\"\n"),
        HasSubstr("node.toml: metrics.listen: expected host:port such as 127.0.0.1:9464, found \"" + wrong + "\""))
        << wrong;
  }
  EXPECT_THAT(error_of(usual + "[metrics]\nlisten = 9464\n"), HasSubstr("metrics.listen: expected a text"));
  EXPECT_THAT(error_of(usual + "[metrics]\nport = 9464\n"), HasSubstr("metrics.port: expected no such key"));
}

}  // namespace
}  // namespace testamur::test
