#include "testamur/node/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace testamur::node {
namespace {

bool as_json = false;

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::value(text)); }

/// A field's value as logfmt has it: in quotes where a space or a quote would end it.
std::string plain(std::string_view text) {
  const bool simple = !text.empty() && text.find_first_of(" \"=\n\t\\") == std::string_view::npos;
  return simple ? std::string(text) : quoted(text);
}

void write(spdlog::level::level_enum level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!spdlog::should_log(level)) return;
  std::string line = as_json ? ",\"event\":" + quoted(event) : std::string(event);
  for (const LogField& field : fields) {
    line += as_json ? "," + quoted(field.key) + ":" + quoted(field.value)
                    : " " + std::string(field.key) + "=" + plain(field.value);
  }
  if (as_json) line += "}";
  spdlog::log(level, line);
}

}  // namespace

void start_log(std::string_view level, bool json) {
  as_json = json;
  auto logger = spdlog::stderr_logger_mt("testamurd");
  // UTC, as every time in Testamur.
  const auto* pattern = json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l"%v)" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void log_debug(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::info, event, fields);
}
void log_warn(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, std::initializer_list<LogField> fields) {
  write(spdlog::level::err, event, fields);
}

}  // namespace testamur::node
