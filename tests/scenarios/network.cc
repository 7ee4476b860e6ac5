#include "network.h"

#include <algorithm>

#include "describe.h"

namespace testamur::consensus::scenarios {

bool Selection::matches(const Message& message) const {
  if (!kind.empty() && kind != kind_of(message)) return false;
  return links.empty() || std::find(links.begin(), links.end(), Link{message.from, message.to}) != links.end();
}

bool Selection::covers(const Selection& other) const {
  if (!kind.empty() && kind != other.kind) return false;
  if (links.empty()) return true;
  return !other.links.empty() && std::all_of(other.links.begin(), other.links.end(), [&](const Link& link) {
    return std::find(links.begin(), links.end(), link) != links.end();
  });
}

std::vector<std::size_t> Network::find(const Selection& selection, Of of) const {
  std::vector<std::size_t> found;
  for (std::size_t at = 0; at < packets_.size(); ++at) {
    const bool wanted = of == Of::both || packets_[at].held == (of == Of::held);
    if (wanted && selection.matches(packets_[at].message)) found.push_back(at);
  }
  if (!found.empty() && selection.which == Selection::Which::first) found.resize(1);
  if (!found.empty() && selection.which == Selection::Which::last) found = {found.back()};
  if (selection.which == Selection::Which::numbered) {
    if (found.size() < selection.number) return {};
    found = {found[selection.number - 1]};
  }
  return found;
}

void Network::send(Message message) {
  if (cut_.contains({message.from, message.to})) return;
  const bool held = std::any_of(holds_.begin(), holds_.end(), [&](const Selection& s) { return s.matches(message); });
  packets_.push_back({std::move(message), held});
}

void Network::cut(const std::vector<Link>& links) {
  cut_.insert(links.begin(), links.end());
  std::erase_if(packets_, [&](const Packet& packet) {
    return !packet.held && cut_.contains({packet.message.from, packet.message.to});
  });
}

void Network::heal(const std::vector<Link>& links) {
  for (const Link& link : links) cut_.erase(link);
}

void Network::heal_all() {
  cut_.clear();
  release({});
}

void Network::hold(const Selection& selection) {
  for (const std::size_t at : find(selection, Of::moving)) packets_[at].held = true;
  if (selection.which == Selection::Which::all) holds_.push_back(selection);
}

std::size_t Network::release(const Selection& selection) {
  const auto found = find(selection, Of::held);
  for (const std::size_t at : found) packets_[at].held = false;
  if (selection.which == Selection::Which::all)
    std::erase_if(holds_, [&](const Selection& held) { return selection.covers(held); });
  return found.size();
}

std::size_t Network::lose(const Selection& selection) {
  const auto found = find(selection, Of::both);
  for (auto at = found.rbegin(); at != found.rend(); ++at)
    packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(*at));
  return found.size();
}

std::size_t Network::duplicate(const Selection& selection) {
  const auto found = find(selection, Of::both);
  for (const std::size_t at : found) packets_.push_back(Packet(packets_[at]));
  return found.size();
}

std::size_t Network::count(const Selection& selection) const { return find(selection, Of::both).size(); }

std::optional<Message> Network::take(const Selection& selection) {
  const auto found = find(selection, Of::moving);
  if (found.empty()) return std::nullopt;
  const auto at = packets_.begin() + static_cast<std::ptrdiff_t>(found.front());
  Message message = std::move(at->message);
  packets_.erase(at);
  return message;
}

}  // namespace testamur::consensus::scenarios
