#include "scrape.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace testamur::test {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

[[noreturn]] void wrong(const std::string& line) { throw std::runtime_error("a line of the metrics: " + line); }

/// The family that a sample is of: for the parts of histograms and summaries, what they are parts of.
std::string family_of(const std::string& name, const std::map<std::string, MetricFamily>& families) {
  if (families.contains(name)) return name;
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string whole = name.substr(0, name.size() - suffix.size());
    const auto found = families.find(whole);
    if (found != families.end() && (found->second.type == "histogram" || found->second.type == "summary")) return whole;
  }
  wrong(name + ": without HELP and TYPE before it");
}

void read_comment(const std::string& line, std::map<std::string, MetricFamily>& families) {
  static const std::regex pattern("# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)");
  std::smatch match;
  if (!std::regex_match(line, match, pattern)) wrong(line);
  MetricFamily& family = families[match[2]];
  std::string& part = match[1] == "HELP" ? family.help : family.type;
  if (!part.empty() || !family.samples.empty()) wrong(line + ": told twice, or too late");
  part = match[3];
}

void read_sample(const std::string& line, std::map<std::string, MetricFamily>& families) {
  static const std::regex pattern(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? ([^ ]+))");
  static const std::regex label(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)",?)re");
  std::smatch match;
  if (!std::regex_match(line, match, pattern)) wrong(line);
  MetricFamily& family = families.at(family_of(match[1], families));
  const std::string labels = match[3];
  for (std::sregex_iterator at(labels.begin(), labels.end(), label), end; at != end; ++at) {
    const std::string name = (*at)[1];
    if (name != "le" && name != "quantile") family.labels.insert(name);
  }
  const std::string key = match[1].str() + match[2].str();
  if (!family.samples.emplace(key, std::stod(match[4])).second) wrong(line + ": told twice");
}

}  // namespace

Scrape::Scrape(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    if (line.starts_with('#')) {
      read_comment(line, families_);
    } else {
      read_sample(line, families_);
    }
  }
}

bool Scrape::has(const std::string& sample) const {
  for (const auto& [name, family] : families_) {
    if (family.samples.contains(sample)) return true;
  }
  return false;
}

double Scrape::at(const std::string& sample) const {
  for (const auto& [name, family] : families_) {
    if (const auto found = family.samples.find(sample); found != family.samples.end()) return found->second;
  }
  throw std::runtime_error("no metric " + sample);
}

std::optional<HttpAnswer> http_get(int port, const std::string& path) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)}, error);
  if (error) return std::nullopt;
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, "127.0.0.1");
  request.set(http::field::connection, "close");
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  const auto type = response[http::field::content_type];
  return HttpAnswer{response.result_int(), std::string(type.data(), type.size()), response.body()};
}

Scrape scrape(int port) {
  const auto answer = http_get(port, "/metrics");
  if (!answer) throw std::runtime_error("no metrics on port " + std::to_string(port));
  if (answer->status != 200) throw std::runtime_error("metrics: HTTP status " + std::to_string(answer->status));
  return Scrape(answer->body);
}

}  // namespace testamur::test
