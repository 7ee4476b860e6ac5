// The node's log: one line an event, a name and fields, for people (logfmt) or programs (JSON). Secrets are never among them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace testamur::node {

struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, std::uint64_t v) : key(k), value(std::to_string(v)) {}
};

/// Lines go to standard error. `level`: "debug", "info", "warn", "error".
void start_log(std::string_view level, bool json);

void log_debug(std::string_view event, std::initializer_list<LogField> fields = {});
void log_info(std::string_view event, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view event, std::initializer_list<LogField> fields = {});
void log_error(std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace testamur::node
