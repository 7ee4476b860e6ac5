// Readings as families of metrics, made anew at each fetch.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "testamur/node/readings.h"

namespace testamur::node {

class ReadingsFamilies final : public prometheus::Collectable {
 public:
  explicit ReadingsFamilies(std::function<Readings()> read) : read_(std::move(read)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<Readings()> read_;
};

/// What any process tells of itself, under the names that Prometheus has for it.
class ProcessFamilies final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace testamur::node
