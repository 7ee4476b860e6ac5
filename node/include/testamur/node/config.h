// What an operator writes: node.toml. Every key is checked, and one that is not known is an error: a misspelt setting must not be
// taken for a default.
#pragma once

#include <chrono>
#include <filesystem>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::node {

struct Config {
  std::string name;               ///< of this node in the consortium record
  std::filesystem::path genesis;  ///< the file that the consortium was created with
  std::filesystem::path data;     ///< a directory of this node's own

  std::filesystem::path note_key;
  std::filesystem::path cosigner_key;
  std::filesystem::path tls_key;
  std::filesystem::path tls_certificate;

  std::string peer_listen;    ///< host:port
  std::string public_listen;  ///< host:port

  std::string operator_listen;  ///< host:port; empty: operators are not answered
  std::vector<std::filesystem::path> operator_certificates;
  std::string metrics_listen;  ///< host:port; empty: nothing listens

  std::chrono::milliseconds tick{100};  ///< a heartbeat; an election takes ten to twenty of them
  std::chrono::seconds cosign_every{60};
  std::size_t keep_entries = 8192;  ///< of the consensus log that are certified; who lacks more gets a snapshot
  std::size_t max_pending = 16384;  ///< statements that wait for a block
  std::size_t max_pending_bytes = 256u << 20;
  /// Under way at once, three quarters of them such that wait or stream; and as many again that ask for proofs.
  std::size_t max_public_calls = 512;

  std::string log_level = "info";
  bool log_json = false;

  /// Only to see how the others take it.
  std::chrono::milliseconds clock_offset_for_tests{0};
  std::filesystem::path slow_disk_for_tests;  ///< slow_log_store.h; empty: the disk is as it is
};

/// Reads the file; relative paths in it are relative to its directory. Errors: not_found, malformed, invalid, each naming the file,
/// and the line or the key.
Result<Config> read_config(const std::filesystem::path& file);

}  // namespace testamur::node
