#include "context.h"

#include <algorithm>
#include <chrono>
#include <ostream>

#include <boost/json.hpp>

#include "values.h"

namespace testamur::tool {

std::string Context::paint(Colour colour, std::string_view text) const {
  if (!colours || colour == Colour::none) return std::string(text);
  const char* code = colour == Colour::green    ? "32"
                     : colour == Colour::yellow ? "33"
                     : colour == Colour::red    ? "31"
                                                : "1";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

int Context::fail(int exit_code, std::string_view code, std::string_view message) {
  if (json) {
    print({{"exit", exit_code}, {"error", boost::json::object{{"code", code}, {"message", message}}}});
  } else {
    err << "testamur: " << message << " [" << code << "]\n";
  }
  return exit_code;
}

void Context::print(const boost::json::object& value) { out << boost::json::serialize(value) << "\n"; }

namespace {

std::uint64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Progress::Progress(Context& context, std::string label, std::uint64_t total)
    : context_(context), label_(std::move(label)), total_(total), begun_at_ms_(steady_ms()) {}

Progress::~Progress() {
  if (context_.progress && drawn_at_ms_ != 0) context_.err << "\r\x1b[K" << std::flush;
}

void Progress::advance(std::uint64_t by, std::uint64_t total) {
  if (total > 0) total_ = total;
  done_ += by;
  if (!context_.progress) return;
  const std::uint64_t now = steady_ms();
  if (now - drawn_at_ms_ < 100) return;
  drawn_at_ms_ = now;
  draw(now);
}

void Progress::draw(std::uint64_t now_ms) const {
  constexpr std::uint64_t width = 30;
  std::ostream& err = context_.err;
  err << "\r\x1b[K" << label_;
  if (total_ > 0) {
    const std::uint64_t filled = std::min(width, done_ * width / total_);
    err << " [" << std::string(filled, '#') << std::string(width - filled, '.') << "]";
  }
  err << " " << done_;
  if (total_ > 0) err << "/" << total_;
  // In the first second a rate says little.
  if (const std::uint64_t passed_ms = now_ms - begun_at_ms_; passed_ms >= 1000 && done_ > 0) {
    err << ", " << done_ * 1000 / passed_ms << " a second";
    const std::uint64_t left = total_ > done_ ? total_ - done_ : 0;
    if (left > 0) err << ", " << format_duration(left * passed_ms / done_) << " left";
  }
  err << std::flush;
}

}  // namespace testamur::tool
