#include "target.h"

#include "client.h"

namespace testamur::bench {

std::shared_ptr<grpc::Channel> open_channel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(32 << 20);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::vector<std::string> leader_first(const Target& target) {
  std::vector<std::string> nodes = target.nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto status = tool::NodeClient({nodes[i]}).get_node();
    if (status && status->role() == "leader") {
      std::swap(nodes[0], nodes[i]);
      break;
    }
  }
  return nodes;
}

}  // namespace testamur::bench
