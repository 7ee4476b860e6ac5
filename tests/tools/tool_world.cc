#include "tool_world.h"

#include <algorithm>
#include <fstream>

#include "testamur/identity/key_file.h"

namespace testamur::test {

Ran run_tool(const std::vector<std::string>& arguments, Time now) {
  std::ostringstream out;
  std::ostringstream err;
  tool::Context context{out, err, [now] { return now; }, {}};
  const int exit = tool::run(arguments, context);
  return {exit, out.str(), err.str()};
}

ToolWorld::ToolWorld(World world) : ledger_(std::move(world)), service_(ledger_) {
  ledger_.certify();
  write("policy", encode(ledger_.world().policy()));
}

Time ToolWorld::now() { return Time{ledger_.ledger().head().time.value + 2000}; }

std::string ToolWorld::make_documents(const std::string& name, unsigned count) {
  std::filesystem::create_directories(path(name));
  for (unsigned i = 0; i < count; ++i) {
    write(name + "/document-" + std::to_string(i), name + " document " + std::to_string(i));
  }
  return path(name);
}

std::string ToolWorld::write(const std::string& name, std::string_view contents) {
  std::ofstream(path(name), std::ios::binary) << contents;
  return path(name);
}

std::string ToolWorld::key_file(const std::string& role) {
  const std::string file = path(role + ".pem");
  if (!std::filesystem::exists(file)) {
    value_of(identity::write_ed25519_key(file, bytes_named(World::institution_id(0) + " " + role)));
  }
  return file;
}

Ran ToolWorld::run(std::vector<std::string> arguments) { return run_tool(arguments, now()); }

Ran ToolWorld::issue(const std::string& register_name, const std::string& proofs, std::vector<std::string> more) {
  std::vector<std::string> arguments = {
      "issue",       "--node",       service_.address(), "--register", World::institution_id(0) + "/" + register_name,
      "--policy",    path("policy"), "--proofs",         path(proofs), "--key",
      key_file("a"), "--key",        key_file("b"),      "--timeout",  "1s"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

std::vector<std::string> ToolWorld::files_in(const std::string& name) const {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(path(name))) out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace testamur::test
