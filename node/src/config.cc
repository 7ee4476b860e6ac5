#include "testamur/node/config.h"

#include <toml++/toml.h>

#include <set>

#include "testamur/consensus/address.h"

namespace testamur::node {
namespace {

/// Reads keys of one file; the first thing that is wrong is kept.
class Keys {
 public:
  Keys(const toml::table& root, std::filesystem::path file) : root_(root), file_(std::move(file)) {}

  void text(std::string_view key, std::string& out, bool required = true) {
    if (const auto node = find(key, required)) {
      const auto value = node.value_exact<std::string>();
      if (!value || value->empty()) return fail(key, "a text");
      out = *value;
    }
  }
  /// host:port, the port a number above 0.
  void address(std::string_view key, std::string& out, bool required) {
    text(key, out, required);
    if (out.empty()) return;
    const auto parsed = consensus::parse_address(out);
    if (!parsed || parsed->port == 0) fail(key, "host:port such as 127.0.0.1:9464, found \"" + out + "\"");
  }
  void path(std::string_view key, std::filesystem::path& out, bool required = true) {
    std::string value;
    text(key, value, required);
    if (!value.empty()) out = file_.parent_path() / value;
  }
  void paths(std::string_view key, std::vector<std::filesystem::path>& out) {
    const auto node = find(key, false);
    if (!node) return;
    const auto* array = node.as_array();
    if (array == nullptr || array->empty()) return fail(key, "a list of files");
    for (const auto& element : *array) {
      const auto value = element.value_exact<std::string>();
      if (!value || value->empty()) return fail(key, "a list of files");
      out.push_back(file_.parent_path() / *value);
    }
  }
  void flag(std::string_view key, bool& out) {
    if (const auto node = find(key, false)) {
      const auto value = node.value_exact<bool>();
      if (!value) return fail(key, "true or false");
      out = *value;
    }
  }
  template <class T>
  void number(std::string_view key, std::int64_t low, std::int64_t high, T& out) {
    if (const auto node = find(key, false)) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value || *value < low || *value > high) {
        return fail(key, "a number from " + std::to_string(low) + " to " + std::to_string(high));
      }
      out = T(*value);
    }
  }

  void fail(std::string_view key, const std::string& expected) {
    if (!error_)
      error_ = Error{ErrorCode::invalid, file_.string() + ": " + std::string(key) + ": expected " + expected};
  }

  std::optional<Error> finish() {
    for (const auto& [section, node] : root_) {
      const auto* table = node.as_table();
      if (table == nullptr) {
        fail(section.str(), "a section, [" + std::string(section.str()) + "]");
        continue;
      }
      for (const auto& [key, value] : *table) {
        const std::string full = std::string(section.str()) + "." + std::string(key.str());
        if (!known_.contains(full)) fail(full, "no such key: it is not known");
      }
    }
    return error_;
  }

 private:
  toml::node_view<const toml::node> find(std::string_view key, bool required) {
    known_.emplace(key);
    const auto node = root_.at_path(key);
    if (!node && required) fail(key, "to find it; it is missing");
    return node;
  }

  const toml::table& root_;
  const std::filesystem::path file_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> error_;
};

}  // namespace

Result<Config> read_config(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    return Error{ErrorCode::not_found, file.string() + ": expected a configuration file, found none"};
  }
  toml::table root;
  try {
    root = toml::parse_file(file.string());
  } catch (const toml::parse_error& wrong) {
    return Error{ErrorCode::malformed, file.string() + " line " + std::to_string(wrong.source().begin.line) + ": " +
                                           std::string(wrong.description())};
  }
  Config config;
  Keys keys(root, std::filesystem::absolute(file));
  keys.text("node.name", config.name);
  keys.path("node.genesis", config.genesis);
  keys.path("node.data", config.data);
  keys.path("keys.note", config.note_key);
  keys.path("keys.cosigner", config.cosigner_key);
  keys.path("keys.tls_key", config.tls_key);
  keys.path("keys.tls_certificate", config.tls_certificate);
  keys.text("peer.listen", config.peer_listen);
  keys.text("public.listen", config.public_listen);
  keys.text("operator.listen", config.operator_listen, /*required=*/false);
  keys.paths("operator.certificates", config.operator_certificates);
  if (!config.operator_listen.empty() && config.operator_certificates.empty())
    keys.fail("operator.certificates", "the operators who are answered on operator.listen");
  keys.number("public.max_calls", 16, 4096, config.max_public_calls);
  keys.address("metrics.listen", config.metrics_listen, /*required=*/false);
  keys.number("consensus.tick_ms", 10, 1000, config.tick);
  keys.number("consensus.cosign_every_s", 1, 86400, config.cosign_every);
  keys.number("consensus.keep_entries", 16, 1 << 20, config.keep_entries);
  keys.number("limits.max_pending", 1, 1 << 20, config.max_pending);
  keys.number("limits.max_pending_bytes", 4 << 20, std::int64_t{1} << 34, config.max_pending_bytes);
  keys.text("log.level", config.log_level, /*required=*/false);
  keys.flag("log.json", config.log_json);
  keys.number("testing.clock_offset_ms", -86400'000, 86400'000, config.clock_offset_for_tests);
  keys.path("testing.slow_disk", config.slow_disk_for_tests, /*required=*/false);
  const std::set<std::string_view> levels = {"debug", "info", "warn", "error"};
  if (!levels.contains(config.log_level)) keys.fail("log.level", "debug, info, warn or error");
  if (auto wrong = keys.finish()) return *wrong;
  return config;
}

}  // namespace testamur::node
