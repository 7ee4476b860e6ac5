// A fetch of a node's metrics, as Prometheus makes it, and the text read strictly.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

namespace testamur::test {

struct MetricFamily {
  std::string help;
  std::string type;
  std::set<std::string> labels;           ///< names, without those that the type itself has
  std::map<std::string, double> samples;  ///< by what stands before the value: name{label="value"}
};

class Scrape {
 public:
  /// Throws what is wrong with the text.
  explicit Scrape(const std::string& text);

  const std::map<std::string, MetricFamily>& families() const { return families_; }
  bool has(const std::string& sample) const;
  /// Throws when there is none.
  double at(const std::string& sample) const;

 private:
  std::map<std::string, MetricFamily> families_;
};

struct HttpAnswer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};
/// Nothing when nobody listens there.
std::optional<HttpAnswer> http_get(int port, const std::string& path);

/// Throws when there is no good answer.
Scrape scrape(int port);

}  // namespace testamur::test
