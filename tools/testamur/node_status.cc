#include "node_status.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include <boost/json.hpp>

#include "client.h"

namespace testamur::tool {
namespace {

using Row = std::vector<std::string>;

/// Words of a node, which may say anything: short, and without control characters.
std::string shown(std::string_view words) {
  std::string out(words.substr(0, 64));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return out.empty() ? "-" : out;
}

std::size_t connected(const v1::NodeStatus& status) {
  return static_cast<std::size_t>(
      std::count_if(status.peers().begin(), status.peers().end(), [](const auto& peer) { return peer.connected(); }));
}

Row row_of(const std::string& address, const v1::NodeStatus& status) {
  return {address,
          shown(status.name()),
          shown(status.role()),
          std::to_string(status.term()),
          shown(status.leader()),
          std::to_string(status.height()),
          std::to_string(status.certified_height()),
          std::to_string(status.size()),
          to_hex(as_bytes(status.root())).substr(0, 16),
          std::to_string(connected(status)) + "/" + std::to_string(status.peers().size()),
          std::to_string(status.pending())};
}

boost::json::object json_of(const std::string& address, const v1::NodeStatus& status) {
  boost::json::array peers;
  for (const auto& peer : status.peers()) {
    peers.push_back(boost::json::object{{"name", shown(peer.name())}, {"connected", peer.connected()}});
  }
  return {{"address", address},
          {"name", shown(status.name())},
          {"institution", shown(status.institution())},
          {"version", shown(status.version())},
          {"role", shown(status.role())},
          {"term", status.term()},
          {"leader", shown(status.leader())},
          {"last_index", status.last_index()},
          {"committed_index", status.committed_index()},
          {"applied_index", status.applied_index()},
          {"height", status.height()},
          {"certified_height", status.certified_height()},
          {"size", status.size()},
          {"root", to_hex(as_bytes(status.root()))},
          {"peers", std::move(peers)},
          {"pending", status.pending()},
          {"log_syncs", status.log_syncs()},
          {"log_entries", status.log_entries()}};
}

void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out << (i == 0 ? "" : "  ");
      out << row[i]
          << std::string(i + 1 < row.size() && widths[i] > row[i].size() ? widths[i] - row[i].size() : 0, ' ');
    }
    out << "\n";
  }
}

using Asked = std::vector<Called<v1::NodeStatus>>;

Asked ask_all(const std::vector<std::string>& addresses) {
  Asked out;
  for (const std::string& address : addresses) out.push_back(NodeClient({address}).get_node());
  return out;
}

bool all_answer(const Asked& asked) {
  return std::all_of(asked.begin(), asked.end(), [](const auto& status) { return bool{status}; });
}

bool agree(const Asked& asked) {
  if (!all_answer(asked)) return false;
  const v1::NodeStatus& first = *asked.front();
  return !first.leader().empty() && std::all_of(asked.begin(), asked.end(), [&](const auto& status) {
    return status->leader() == first.leader() && status->height() == first.height() && status->size() == first.size() &&
           status->root() == first.root() && status->certified_height() == status->height();
  });
}

void print_rows(std::ostream& out, const std::vector<std::string>& addresses, const Asked& asked) {
  std::vector<Row> rows = {
      {"address", "node", "role", "term", "leader", "height", "certified", "leaves", "root", "peers", "pending"}};
  for (std::size_t i = 0; i < asked.size(); ++i) {
    rows.push_back(asked[i] ? row_of(addresses[i], *asked[i]) : Row{addresses[i], asked[i].failure.code});
  }
  print_table(out, rows);
}

boost::json::array json_of(const std::vector<std::string>& addresses, const Asked& asked) {
  boost::json::array nodes;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i]) {
      nodes.push_back(json_of(addresses[i], *asked[i]));
      continue;
    }
    const CallFailure& failure = asked[i].failure;
    nodes.push_back(
        boost::json::object{{"address", addresses[i]},
                            {"error", boost::json::object{{"code", failure.code}, {"message", failure.message}}}});
  }
  return nodes;
}

}  // namespace

int node_status(const std::vector<std::string>& addresses, std::optional<std::uint64_t> wait_ms, Context& context) {
  Asked asked = ask_all(addresses);
  if (wait_ms) {
    Patience patience(*wait_ms);
    for (; !agree(asked) && !patience.is_over(); asked = ask_all(addresses)) {
      patience.pause();
      patience.reset();
    }
  }
  const int exit = all_answer(asked) && (!wait_ms || agree(asked)) ? kGood : kFailed;
  if (context.json) {
    context.print({{"exit", exit}, {"agree", agree(asked)}, {"nodes", json_of(addresses, asked)}});
    return exit;
  }
  print_rows(context.out, addresses, asked);
  if (wait_ms && exit != kGood) {
    return context.fail(exit, "timeout", "the nodes have not agreed on one head within the time that --wait gives");
  }
  return exit;
}

}  // namespace testamur::tool
