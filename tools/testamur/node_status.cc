#include "node_status.h"

#include <algorithm>
#include <ostream>

#include <boost/json.hpp>

#include "client.h"
#include "table.h"

namespace testamur::tool {
namespace {

std::size_t connected(const v1::NodeStatus& status) {
  return static_cast<std::size_t>(
      std::count_if(status.peers().begin(), status.peers().end(), [](const auto& peer) { return peer.connected(); }));
}

Row row_of(const std::string& address, const v1::NodeStatus& status) {
  return {address,
          cell(status.name()),
          cell(status.role()),
          std::to_string(status.term()),
          cell(status.leader()),
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
    peers.push_back(boost::json::object{{"name", cell(peer.name())}, {"connected", peer.connected()}});
  }
  return {{"address", address},
          {"name", cell(status.name())},
          {"institution", cell(status.institution())},
          {"version", cell(status.version())},
          {"role", cell(status.role())},
          {"term", status.term()},
          {"leader", cell(status.leader())},
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
